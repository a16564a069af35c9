//! `[project.NAME] gpu`: whether a project may use GPUs, and how much memory of them. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::keepers::limits::config::Project;
use crate::values::{Bytes, Every, Problem, ProjectName};

/// Whether a project may use GPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    None,
    /// As others may.
    #[default]
    Shared,
    /// It alone.
    Exclusive,
}

/// What happens when it uses more than its budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnBreach {
    /// It is told.
    #[default]
    Concern,
}

/// The table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gpu {
    pub access: Access,
    /// Memory of all GPUs together. `None`: no budget.
    pub vram: Option<Bytes>,
    /// From this share of the budget on it is told.
    pub vram_warn: f64,
    /// How long it has to be over its budget before that is told.
    pub over_hold: Every,
    pub on_breach: OnBreach,
}

impl Default for Gpu {
    fn default() -> Self {
        Gpu {
            access: Access::default(),
            vram: None,
            vram_warn: 0.9,
            over_hold: Every(Duration::from_secs(60)),
            on_breach: OnBreach::default(),
        }
    }
}

/// Everything that is wrong with the tables of all projects.
pub fn check(projects: &BTreeMap<ProjectName, Project>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let declared: Vec<(&ProjectName, Gpu)> =
        projects.iter().filter_map(|(name, project)| Some((name, project.gpu?))).collect();
    let owner = declared.iter().find(|(_, gpu)| gpu.access == Access::Exclusive).map(|(name, _)| *name);
    for (name, gpu) in &declared {
        let mut wrong = |key: &str, what: String, cure: &str| {
            problems.push(Problem::new(format!("project.{name}.gpu.{key}"), what, cure));
        };
        if gpu.vram.is_some_and(|vram| !(1 << 20..=1 << 50).contains(&vram.0)) {
            wrong("vram", "is no amount of memory of a GPU".into(), "use \"1MiB\" or more, such as \"10GiB\"");
        }
        if !(0.1..=1.0).contains(&gpu.vram_warn) {
            wrong("vram_warn", "must be 0.1 to 1".into(), "use 0.9");
        }
        if gpu.over_hold.0 > Duration::from_secs(3600) {
            wrong("over_hold", "must be 0s to 1h".into(), "use \"60s\"");
        }
        if gpu.access == Access::None && gpu.vram.is_some() {
            wrong("vram", "a budget without access".into(), "use access = \"shared\", or take vram out");
        }
        let other = owner.filter(|owner| owner != name);
        match (gpu.access, other) {
            (Access::Exclusive, Some(other)) => {
                wrong(
                    "access",
                    format!("{other} has the GPUs for itself already"),
                    "use \"none\", or \"shared\" in both",
                );
            }
            (Access::Shared, Some(other)) => {
                wrong("access", format!("{other} has the GPUs for itself"), "use \"none\", or \"shared\" in both");
            }
            _ => {}
        }
    }
    problems
}

/// The project that has the GPUs for itself.
pub fn owner_of(projects: &BTreeMap<ProjectName, Project>) -> Option<&ProjectName> {
    let is_owner = |project: &Project| project.gpu.is_some_and(|gpu| gpu.access == Access::Exclusive);
    projects.iter().find(|(_, project)| is_owner(project)).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(gpus: &[(&str, Gpu)]) -> BTreeMap<ProjectName, Project> {
        let project = |gpu: &Gpu| Project { gpu: Some(*gpu), ..Project::default() };
        gpus.iter().map(|(name, gpu)| (name.parse().unwrap(), project(gpu))).collect()
    }

    #[test]
    fn there_is_one_owner() {
        let of = |access: Access| Gpu { access, ..Gpu::default() };
        let keys = |gpus: &[(&str, Gpu)]| -> Vec<String> {
            check(&with(gpus)).into_iter().map(|problem| problem.key).collect()
        };
        assert!(keys(&[("a", of(Access::Exclusive)), ("b", of(Access::None))]).is_empty());
        assert!(keys(&[("a", of(Access::Shared)), ("b", of(Access::Shared))]).is_empty());
        assert_eq!(keys(&[("a", of(Access::Exclusive)), ("b", of(Access::Exclusive))]), ["project.b.gpu.access"]);
        assert_eq!(keys(&[("a", of(Access::Shared)), ("b", of(Access::Exclusive))]), ["project.a.gpu.access"]);
        let owned = with(&[("a", of(Access::None)), ("b", of(Access::Exclusive))]);
        assert_eq!(owner_of(&owned).map(|name| name.as_str()), Some("b"));
        assert_eq!(owner_of(&with(&[("a", of(Access::Shared))])), None);
    }

    #[test]
    fn wrong_budgets_are_told() {
        let wrong = Gpu {
            vram: Some(Bytes(5)),
            vram_warn: 1.5,
            over_hold: Every(Duration::from_secs(7200)),
            access: Access::None,
            ..Gpu::default()
        };
        let keys: Vec<String> = check(&with(&[("a", wrong)])).into_iter().map(|problem| problem.key).collect();
        assert_eq!(
            keys,
            ["project.a.gpu.vram", "project.a.gpu.vram_warn", "project.a.gpu.over_hold", "project.a.gpu.vram"]
        );
    }
}
