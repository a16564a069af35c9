//! Who gets a GPU, and whether anybody wrote that down. Pure.

use super::super::facts::{ContainerFacts, Facts, GpuGrant};
use super::super::policy::Policy;
use crate::round::{Evidence, Finding, Severity};

/// Everything about GPUs.
pub fn find(facts: &Facts, policy: &Policy) -> Vec<Finding> {
    let each = |container: &ContainerFacts| -> Vec<Finding> {
        let foreign = policy.gpu_owner.as_deref().and_then(|owner| against(container, owner));
        // What the owner forbids is not told twice.
        let quiet = if foreign.is_none() { silent(container) } else { None };
        foreign.into_iter().chain(quiet).collect()
    };
    facts.containers.iter().flat_map(each).collect()
}

/// A container of somebody else that gets the GPU of its owner.
fn against(container: &ContainerFacts, owner: &str) -> Option<Finding> {
    if container.project.as_deref() == Some(owner) {
        return None;
    }
    let all = GpuGrant { how: "privileged".into(), what: "all".into(), silent: false, works: true };
    let privileged = container.privileges.privileged.then_some(&all);
    let grant = container.gpus.iter().find(|grant| grant.works).or(privileged)?;
    let text = format!("{} gets the GPU that {owner} has for itself ({}: {})", container.name, grant.how, grant.what);
    let mut finding = finding("gpu-not-owner", Severity::Critical, container, grant, text);
    finding.other = Some(owner.to_owned());
    finding.cure = match grant.silent {
        true => {
            format!("environment: {{NVIDIA_VISIBLE_DEVICES: void}} in Compose; only {owner} is declared to have it")
        }
        false => format!("take the GPU out of its Compose file; only {owner} is declared to have it"),
    };
    Some(finding)
}

/// A grant that nobody wrote for this container.
fn silent(container: &ContainerFacts) -> Option<Finding> {
    // Who asks aloud, too, has it written down.
    if container.gpus.iter().any(|grant| !grant.silent) {
        return None;
    }
    let grant = container.gpus.iter().find(|grant| grant.silent)?;
    let (text, severity) = match grant.works {
        true => (format!("{} gets GPUs by a variable alone ({})", container.name, grant.what), Severity::Warning),
        false => {
            let text = format!(
                "{} would get GPUs by a variable alone ({}), were NVIDIA's runtime the default",
                container.name, grant.what
            );
            (text, Severity::Info)
        }
    };
    let mut finding = finding("gpu-silent", severity, container, grant, text);
    finding.cure =
        "environment: {NVIDIA_VISIBLE_DEVICES: void}, or a device reservation in Compose if it needs one".into();
    Some(finding)
}

fn finding(id: &str, severity: Severity, container: &ContainerFacts, grant: &GpuGrant, text: String) -> Finding {
    let source = if grant.silent { "environment of" } else { "docker inspect" };
    Finding {
        id: id.into(),
        severity,
        project: container.project.clone(),
        other: None,
        subject: container.name.clone(),
        text,
        evidence: vec![Evidence::new(grant.how.as_str(), &grant.what, format!("{source} {}", container.name))],
        cure: String::new(),
        allowed: None,
    }
}
