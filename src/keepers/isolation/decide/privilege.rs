//! What a container may do beyond an ordinary one. Pure.

use super::super::facts::{ContainerFacts, Facts, Privileges};
use crate::round::{Evidence, Finding, Severity};

/// Who has one of these has the host, or another container.
const MIGHTY: [&str; 12] = [
    "ALL",
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_BOOT",
    "SYS_TIME",
    "DAC_READ_SEARCH",
    "NET_ADMIN",
    "BPF",
    "PERFMON",
    "MAC_ADMIN",
];

/// Everything about privileges. `hardened`: projects of which the finer rules are asked, too.
pub fn find(facts: &Facts, hardened: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let each = |container: &ContainerFacts| {
        let mut all = coarse(container);
        all.extend(container.privileges.joins.iter().filter_map(|word| joined(facts, container, word)));
        if container.project.as_deref().is_some_and(hardened) {
            all.extend(fine(container));
        }
        all
    };
    facts.containers.iter().flat_map(each).collect()
}

fn coarse(container: &ContainerFacts) -> Vec<Finding> {
    let Privileges { privileged, added_capabilities, host_processes, host_ipc, .. } = &container.privileges;
    let name = &container.name;
    let mut all = Vec::new();
    if *privileged {
        let text = format!("{name} is privileged: it has the host's devices and can mount its disks");
        all.push(finding("privileged", Severity::Critical, container, ("privileged", "true"), text));
    }
    let mighty: Vec<&str> =
        added_capabilities.iter().map(String::as_str).filter(|capability| MIGHTY.contains(capability)).collect();
    if !mighty.is_empty() && !privileged {
        let list = mighty.join(", ");
        let text = format!("{name} has capabilities that reach beyond it: {list}");
        all.push(finding("added-capabilities", Severity::Warning, container, ("cap_add", &list), text));
    }
    if *host_processes {
        let text = format!("{name} sees the processes of the host, with their environments");
        all.push(finding("host-processes", Severity::Critical, container, ("pid", "host"), text));
    }
    if *host_ipc {
        let text = format!("{name} shares memory with the host's processes");
        all.push(finding("host-ipc", Severity::Warning, container, ("ipc", "host"), text));
    }
    all
}

/// Processes or memory of another project's container.
fn joined(facts: &Facts, container: &ContainerFacts, word: &str) -> Option<Finding> {
    let owner = facts.container(word).filter(|owner| owner.project != container.project)?;
    let text = format!("{} sees the processes or the memory of {}", container.name, owner.name);
    let fact = ("pid or ipc", owner.name.as_str());
    let mut finding = finding("foreign-namespace", Severity::Critical, container, fact, text);
    finding.other = owner.project.clone();
    Some(finding)
}

/// What is asked of a project in production.
fn fine(container: &ContainerFacts) -> Vec<Finding> {
    let Privileges { root_user, writable_root, new_privileges, unbounded_log, restart, .. } = &container.privileges;
    let name = &container.name;
    let rules = [
        (*root_user, "root-user", ("user", "root"), format!("{name} runs as root")),
        (*writable_root, "writable-root", ("read_only", "false"), format!("{name} can write to its image's files")),
        (*new_privileges, "new-privileges", ("no-new-privileges", "false"), format!("{name} may gain privileges")),
        (*unbounded_log, "unbounded-log", ("max-size", "none"), format!("the log of {name} grows without a bound")),
        (
            restart == "always",
            "restart-always",
            ("restart", "always"),
            format!("{name} comes back though a person stopped it"),
        ),
    ];
    let broken = rules.into_iter().filter(|(is_broken, ..)| *is_broken);
    broken.map(|(_, id, fact, text)| finding(id, Severity::Info, container, fact, text)).collect()
}

fn finding(
    id: &str,
    severity: Severity,
    container: &ContainerFacts,
    (what, value): (&str, &str),
    text: String,
) -> Finding {
    let cure = match id {
        "privileged" => "give it the single devices and capabilities that it needs",
        "added-capabilities" => "take out of cap_add what it does not need",
        "host-processes" => "take pid: host out",
        "host-ipc" => "take ipc: host out",
        "foreign-namespace" => "take pid: and ipc: of the other container out",
        "root-user" => "user: \"1000:1000\" in Compose, or USER in the image",
        "writable-root" => "read_only: true, with tmpfs where it writes",
        "new-privileges" => "security_opt: [\"no-new-privileges:true\"]",
        "unbounded-log" => "logging: {options: {max-size: 10m, max-file: \"3\"}}",
        _ => "restart: unless-stopped",
    };
    Finding {
        id: id.into(),
        severity,
        project: container.project.clone(),
        other: None,
        subject: container.name.clone(),
        text,
        evidence: vec![Evidence::new(what, value, format!("docker inspect {}", container.name))],
        cure: cure.into(),
        allowed: None,
    }
}
