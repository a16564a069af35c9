//! What the audit goes by, from all over the configuration. Pure.

use std::collections::BTreeMap;

use super::settings::ProjectTable;
use crate::keepers::isolation::config::{Config, Declared, Table};
use crate::keepers::{storage, vitals};
use crate::values::{Problem, ProjectName};

/// What a project declares of it.
pub fn pick(table: &ProjectTable) -> Declared {
    Declared {
        ports: table.ports.clone(),
        networks: table.networks.clone(),
        hardened: table.hardened,
        rotated: table.rotated.clone(),
    }
}

/// With the declared directories and Docker's socket.
pub fn settle(
    table: &Table,
    declared: &BTreeMap<ProjectName, Declared>,
    storage: &storage::config::Config,
    vitals: &vitals::config::Config,
) -> (Config, Vec<Problem>) {
    let dir = |((project, _), dir): (&(ProjectName, String), &storage::config::Dir)| {
        let tier = storage.tiers.get(&dir.tier)?;
        let root = tier.path.trim_end_matches('/');
        let path = if dir.path.starts_with('/') { dir.path.clone() } else { format!("{root}/{}", dir.path) };
        Some((project.to_string(), tier.path.clone(), path))
    };
    let dirs = storage.dirs.iter().filter_map(dir).collect();
    Config::settle(table, declared, dirs, vitals.docker_socket.clone())
}
