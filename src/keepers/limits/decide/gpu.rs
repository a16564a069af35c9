//! What is said of GPUs: who holds more of their memory than it should, who holds any that may not, and what cannot be told.
//! Pure.

use super::concern;
use crate::keepers::limits::config::Config;
use crate::keepers::limits::gpu::config::{Access, owner_of};
use crate::keepers::limits::gpu::observe::{GpuHeld, GpuSeen};
use crate::keepers::limits::observe::Seen;
use crate::round::{Concern, Evidence, Severity, Subject};
use crate::values::{Bytes, Every, ProjectName};

pub fn list_concerns(config: &Config, seen: &Seen) -> Vec<Concern> {
    let Some(known) = &seen.gpus else { return Vec::new() };
    let Some(gpus) = known.value() else {
        let text = format!("GPUs are declared and cannot be asked: {}", known.why_unknown().unwrap_or_default());
        let cure = "nvidia-smi; the driver's library may be named by [vitals] nvml";
        return vec![concern(("limits-gpu-blind", Severity::Warning), Subject::thing("gpu"), text, Vec::new(), cure)];
    };
    let mut all = foreign(config, gpus);
    for (name, project) in &config.projects {
        let Some(gpu) = project.gpu else { continue };
        let (Some(budget), Some(held)) = (gpu.vram, gpus.held_by(name.as_str())) else { continue };
        let over = gpus.over.get(name).filter(|over| **over >= gpu.over_hold.0);
        if let Some(over) = over {
            let seconds = Every(std::time::Duration::from_secs(over.as_secs()));
            let text = format!("{name} holds {} of GPU memory for {seconds}, and {budget} is its budget", Bytes(held));
            all.push(budgeted("limits-vram-over", Severity::Critical, name, text, gpus));
        } else if held as f64 >= budget.0 as f64 * gpu.vram_warn {
            let text = format!("{name} holds {} of the {budget} of GPU memory that are its budget", Bytes(held));
            all.push(budgeted("limits-vram-near", Severity::Warning, name, text, gpus));
        }
    }
    all.extend(beyond_the_cards(config, gpus));
    all
}

fn budgeted(id: &str, severity: Severity, name: &ProjectName, text: String, gpus: &GpuSeen) -> Concern {
    let mut facts: Vec<Evidence> = gpus.gpus.iter().map(|gpu| held_of(gpu, name.as_str())).collect();
    facts.push(Evidence::new("the driver can limit memory", gpus.can_limit, "NVML: nvmlDeviceSetMemoryLimits"));
    let cure = "hostkeeper tells of it and holds nobody to it: lower its batch or model, or raise gpu.vram";
    concern((id, severity), Subject::of(name.clone(), "gpu"), text, facts, cure)
}

fn held_of(gpu: &GpuHeld, project: &str) -> Evidence {
    let held = gpu.projects.as_ref().and_then(|projects| projects.get(project)).copied().unwrap_or_default();
    let mode = gpu.mode.as_deref().unwrap_or("not told");
    Evidence::new(
        format!("GPU {} ({}), compute mode {mode}", gpu.index, gpu.name),
        Bytes(held),
        "NVML, /proc/PID/cgroup",
    )
}

/// Projects that hold memory of a GPU and are declared not to, or beside the one that has the GPUs for itself.
fn foreign(config: &Config, gpus: &GpuSeen) -> Vec<Concern> {
    let owner = owner_of(&config.projects);
    let barred = |project: &str| {
        let access = config.projects.iter().find(|(name, _)| name.as_str() == project);
        let access = access.and_then(|(_, project)| project.gpu).map(|gpu| gpu.access);
        match (access, owner) {
            (Some(Access::None), _) => Some("is declared to have no GPU".to_owned()),
            (_, Some(owner)) if owner.as_str() != project => Some(format!("{owner} has the GPUs for itself")),
            _ => None,
        }
    };
    let mut all = Vec::new();
    for gpu in &gpus.gpus {
        for (project, held) in gpu.projects.iter().flatten().filter(|(_, held)| **held > 0) {
            let Some(why) = barred(project) else { continue };
            let text = format!("{project} holds {} of GPU {} and {why}", Bytes(*held), gpu.index);
            let subject = project.parse().map_or_else(|_| Subject::thing("gpu"), |name| Subject::of(name, "gpu"));
            let cure = format!("hostkeeper audit {project} shows by which grant; take it out of its Compose file");
            all.push(concern(
                ("limits-gpu-foreign", Severity::Critical),
                subject,
                text,
                vec![held_of(gpu, project)],
                &cure,
            ));
        }
    }
    all
}

/// Budgets that are more than there is.
fn beyond_the_cards(config: &Config, gpus: &GpuSeen) -> Option<Concern> {
    let total = gpus.gpus.iter().try_fold(0_u64, |sum, gpu| Some(sum.saturating_add(gpu.total?)))?;
    let budgets = config.projects.values().filter_map(|project| project.gpu?.vram);
    let sum = budgets.fold(0_u64, |sum, vram| sum.saturating_add(vram.0));
    if gpus.gpus.is_empty() || sum <= total {
        return None;
    }
    let text = format!("budgets of {} are more than the {} of memory of all GPUs", Bytes(sum), Bytes(total));
    let cure = "lower gpu.vram of some project until their sum fits";
    Some(concern(("limits-vram-beyond", Severity::Warning), Subject::thing("gpu"), text, Vec::new(), cure))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::keepers::limits::config::Project;
    use crate::keepers::limits::gpu::config::Gpu;
    use crate::values::Known;

    const GIB: u64 = 1 << 30;

    fn config(gpus: &[(&str, Gpu)]) -> Config {
        let project = |gpu: &Gpu| Project { gpu: Some(*gpu), ..Project::default() };
        let projects = gpus.iter().map(|(name, gpu)| (name.parse().unwrap(), project(gpu))).collect();
        Config { projects, ..Config::default() }
    }

    fn said(config: &Config, held: &[(&str, u64)], over: Option<u64>) -> Vec<(String, String)> {
        let projects = held.iter().map(|(name, bytes)| ((*name).to_owned(), *bytes)).collect();
        let gpu = GpuHeld { total: Some(12 * GIB), projects: Some(projects), ..GpuHeld::default() };
        let over = over.map(|over| ("a".parse().unwrap(), Duration::from_secs(over))).into_iter().collect();
        let gpus = GpuSeen { gpus: vec![gpu], over, ..GpuSeen::default() };
        let seen = Seen { gpus: Some(Known::Known(gpus)), ..Seen::default() };
        list_concerns(config, &seen).into_iter().map(|concern| (concern.id, concern.text)).collect()
    }

    fn ids(said: Vec<(String, String)>) -> Vec<String> {
        said.into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn a_budget_is_told_near_it_and_beyond_it_when_that_lasts() {
        let config = config(&[("a", Gpu { vram: Some(Bytes(10 * GIB)), ..Gpu::default() })]);
        assert!(said(&config, &[("a", 8 * GIB)], None).is_empty());
        assert_eq!(ids(said(&config, &[("a", 9 * GIB)], None)), ["limits-vram-near"]);
        assert_eq!(ids(said(&config, &[("a", 11 * GIB)], Some(59))), ["limits-vram-near"], "not for long enough");
        assert_eq!(ids(said(&config, &[("a", 11 * GIB)], Some(60))), ["limits-vram-over"]);
    }

    #[test]
    fn who_may_not_and_does_is_named() {
        let access = |access: Access| Gpu { access, ..Gpu::default() };
        let owned = config(&[("a", access(Access::Exclusive))]);
        assert!(said(&owned, &[("a", GIB)], None).is_empty());
        let found = said(&owned, &[("a", GIB), ("stranger", GIB), ("idle", 0)], None);
        assert_eq!(found.len(), 1);
        assert!(found[0].1.starts_with("stranger holds 1GiB") && found[0].1.contains("a has the GPUs"), "{found:?}");
        let barred = config(&[("a", access(Access::None)), ("b", access(Access::Shared))]);
        assert_eq!(ids(said(&barred, &[("a", GIB), ("b", GIB), ("other", GIB)], None)), ["limits-gpu-foreign"]);
    }

    #[test]
    fn more_than_the_cards_have_and_cards_that_cannot_be_asked() {
        let half = Gpu { vram: Some(Bytes(7 * GIB)), ..Gpu::default() };
        assert_eq!(ids(said(&config(&[("a", half), ("b", half)]), &[], None)), ["limits-vram-beyond"]);
        let seen = Seen { gpus: Some(Known::Unknown("no library".into())), ..Seen::default() };
        let found = list_concerns(&config(&[("a", half)]), &seen);
        assert_eq!(found[0].id, "limits-gpu-blind");
        assert!(list_concerns(&Config::default(), &Seen::default()).is_empty());
    }
}
