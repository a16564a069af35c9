//! `config init`: a commented configuration from what was found on the host. Pure: whatever names are found, the text
//! is a configuration that holds, and it only observes.

use std::collections::BTreeSet;

use super::show::render_text;
use crate::keepers::storage::config::check_path;
use crate::values::{Bytes, ProjectName, one_line};

/// What was found on the host, as plain data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Discovered {
    pub host: String,
    pub projects: Vec<FoundProject>,
    pub mounts: Vec<FoundMount>,
    pub bcache: Vec<FoundBcache>,
    pub postgres: Vec<FoundPostgres>,
    /// Containers or processes that are frp clients.
    pub frpc: Vec<String>,
    /// Names of GPUs.
    pub gpus: Vec<String>,
}

/// A Compose project, by its label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundProject {
    pub name: String,
    pub working_dir: String,
    pub containers: Vec<String>,
}

/// A mounted file system on a block device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundMount {
    pub path: String,
    /// Kernel name: `sda1`.
    pub device: String,
    pub fstype: String,
    pub size: Bytes,
    pub free: Bytes,
    /// `None`: the kernel does not say.
    pub rotational: Option<bool>,
}

/// A bcache device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundBcache {
    pub name: String,
    pub mode: String,
}

/// A Postgres server in a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundPostgres {
    pub container: String,
    pub project: Option<String>,
    pub image: String,
}

/// The text of a first `hostkeeper.toml`.
pub fn init(found: &Discovered) -> String {
    let mut text = String::from(
        "# Written by hostkeeper config init from what was found on this host. It only observes.\n\
         # What each key means: hostkeeper config explain KEY\n\n\
         [host]\n\
         # observe: look and plan, change nothing. Then warn, trial, enforce.\n\
         mode = \"observe\"\n",
    );
    if !found.host.is_empty() {
        text.push_str(&format!("#name = {}\n", comment(&render_text(&found.host))));
    }
    let mut names = BTreeSet::new();
    for mount in &found.mounts {
        text.push_str(&render_tier(mount, found, &mut names));
    }
    let mut seen = BTreeSet::new();
    for project in &found.projects {
        if seen.insert(project.name.clone()) {
            text.push_str(&render_project(project, found, names.first()));
        }
    }
    let lone: Vec<&FoundPostgres> = found.postgres.iter().filter(|server| server.project.is_none()).collect();
    for server in lone {
        text.push_str(&format!("\n# Postgres outside a project: {}\n", comment(&server.container)));
    }
    for (what, list) in [("frp client", &found.frpc), ("GPU", &found.gpus)] {
        for name in list {
            text.push_str(&format!("\n# {what}: {}\n", comment(name)));
        }
    }
    text
}

/// Fit for one comment line.
fn comment(text: &str) -> String {
    one_line(text, 100)
}

fn render_tier(mount: &FoundMount, found: &Discovered, names: &mut BTreeSet<String>) -> String {
    let about =
        format!("\n# {}, {}, {} of {} free\n", comment(&mount.device), comment(&mount.fstype), mount.free, mount.size);
    let plain = check_path(&mount.path).is_ok() && mount.path.len() < 1024;
    let device =
        !mount.device.is_empty() && mount.device.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.!".contains(&b));
    let name = tier_name(&mount.path);
    if !plain || !device || !names.insert(name.clone()) {
        return format!("{about}# {} is left out: its name cannot be a tier's\n", comment(&mount.path));
    }
    let bcache = found.bcache.iter().find(|bcache| bcache.name == mount.device);
    let media = match (bcache, mount.rotational) {
        (Some(_), _) => Some("bcache"),
        (None, Some(true)) => Some("hdd"),
        (None, Some(false)) => Some("ssd"),
        (None, None) => None,
    };
    let path = if mount.path.len() > 1 { mount.path.trim_end_matches('/') } else { &mount.path };
    let mut text = about;
    if let Some(bcache) = bcache {
        text.push_str(&format!("# bcache, cache mode {}\n", comment(&bcache.mode)));
    }
    text.push_str(&format!("[storage.tier.{name}]\npath = {}\n", render_text(path)));
    text.push_str(&format!("device = {}\nrequire_mount = true\n", render_text(&mount.device)));
    text.push_str(&media.map(|media| format!("media = \"{media}\"\n")).unwrap_or_default());
    text.push_str("#min_free = \"50GB\"\n");
    text
}

/// `/data` is `data`, `/` is `root`, `/srv/big disk` is `srv_big_disk`.
fn tier_name(path: &str) -> String {
    let name: String = path
        .trim_matches('/')
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '_' })
        .take(40)
        .collect();
    let name = name.trim_matches(['_', '-']);
    if name.is_empty() { "root".into() } else { name.into() }
}

fn render_project(project: &FoundProject, found: &Discovered, tier: Option<&String>) -> String {
    let containers: Vec<String> = project.containers.iter().take(50).map(|name| one_line(name, 60)).collect();
    let mut text = format!("\n# Compose project in {}\n", comment(&project.working_dir));
    if !containers.is_empty() {
        text.push_str(&format!("# containers: {}\n", one_line(&containers.join(", "), 400)));
    }
    for server in found.postgres.iter().filter(|server| server.project.as_ref() == Some(&project.name)) {
        text.push_str(&format!("# Postgres: {} ({})\n", comment(&server.container), comment(&server.image)));
    }
    if project.name.parse::<ProjectName>().is_err() {
        text.push_str(&format!("# {} is left out: it is no name of a Compose project\n", comment(&project.name)));
        return text;
    }
    let (name, tier) = (&project.name, tier.map(String::as_str).unwrap_or("NAME"));
    text.push_str(&format!("[project.{name}]\n#mode = \"warn\"\n"));
    text.push_str(&format!(
        "#[project.{name}.dir.data]\n#tier = \"{tier}\"\n#path = \"{name}/data\"\n#owner = \"999:999\"\n#mode = \"0700\"\n"
    ));
    text
}
