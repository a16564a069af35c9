//! Explanations of what exists on the host: the host, projects, their services and directories, containers, tiers. Pure.

use super::draft::{Draft, Sources, fact, key_fact};
use crate::api::rows::Fact;
use crate::api::shapes::Found;
use crate::api::views;
use crate::round::{ContainerView, DirView, ProjectView, Subject, TierView};
use crate::values::Bytes;

pub(super) fn find_host(what: &str, sources: Sources<'_>) -> Option<Found> {
    let host = &sources.snapshot.host;
    if what != "host" && (host.hostname.is_empty() || what != host.hostname) {
        return None;
    }
    let mut chain = vec![fact("kernel", &host.kernel, "uname"), fact("cores", host.cpu_cores, "/proc/stat")];
    push_some(&mut chain, "cores in use", host.cpu_used_cores.map(|cores| format!("{cores:.2}")), "/proc/stat");
    push_some(&mut chain, "memory", host.memory_total_bytes.map(Bytes), "/proc/meminfo");
    push_some(&mut chain, "memory available", host.memory_available_bytes.map(Bytes), "/proc/meminfo");
    for (name, percent) in &host.pressure_percent {
        chain.push(fact(format!("pressure {name}, last 10 s"), format!("{percent:.1}%"), "/proc/pressure"));
    }
    push_some(&mut chain, "docker", host.docker.as_ref(), "docker");
    chain.extend(key_fact("host.mode", sources));
    let text = views::render_verdict(sources.snapshot).text;
    let draft = Draft { kind: "host", name: "host".into(), text, chain, next: Some("hostkeeper doctor".into()) };
    Some(draft.about(|subject| *subject == Subject::host(), sources))
}

pub(super) fn find_projects(what: &str, sources: Sources<'_>) -> Option<Found> {
    let view = sources.snapshot.projects.iter().find(|view| view.project.as_str() == what)?;
    let row = views::render_project(view, sources.snapshot);
    let mut chain = project_chain(view);
    let keys = ["host.mode".to_owned(), format!("project.{what}.mode"), format!("project.{what}")];
    chain.extend(keys.iter().filter_map(|key| key_fact(key, sources)));
    let declared = if view.declared { "declared" } else { "not in the configuration, seen at Docker" };
    let text = format!(
        "project {what} is {}: {} of {} running, {declared}",
        row.state,
        view.containers_running,
        views::count(view.containers_total as usize, "container"),
    );
    let next = Some(format!("hostkeeper status {what}"));
    let draft = Draft { kind: "project", name: what.to_owned(), text, chain, next };
    Some(draft.about(|subject| subject.project.as_ref() == Some(&view.project), sources))
}

fn project_chain(view: &ProjectView) -> Vec<Fact> {
    let mut chain =
        vec![fact("containers running", format!("{} of {}", view.containers_running, view.containers_total), "docker")];
    push_some(&mut chain, "cores in use", view.cpu_used_cores.map(|cores| format!("{cores:.2}")), "cgroup cpu.stat");
    push_some(&mut chain, "cores allowed", view.cpu_limit_cores, "cgroup cpu.max");
    push_some(&mut chain, "memory in use", view.memory_working_set_bytes.map(Bytes), "cgroup memory.stat");
    push_some(&mut chain, "memory allowed", view.memory_limit_bytes.map(Bytes), "cgroup memory.max");
    push_some(&mut chain, "GPU memory", view.gpu_memory_bytes.map(Bytes), "NVML");
    chain
}

/// `project/thing`: a declared directory, a service, or both.
pub(super) fn find_things(what: &str, sources: Sources<'_>) -> Option<Found> {
    let (project, thing) = what.split_once('/')?;
    let snapshot = sources.snapshot;
    let dirs: Vec<&DirView> =
        snapshot.dirs.iter().filter(|dir| dir.project.as_str() == project && dir.dir == thing).collect();
    let containers: Vec<&ContainerView> = snapshot
        .containers
        .iter()
        .filter(|container| {
            container.project.as_deref() == Some(project) && container.service.as_deref() == Some(thing)
        })
        .collect();
    let mine = |subject: &Subject| subject.to_string() == what;
    let named = snapshot.concerns.iter().any(|concern| mine(&concern.subject))
        || snapshot.plan.iter().any(|step| mine(&step.subject));
    if dirs.is_empty() && containers.is_empty() && !named {
        return None;
    }
    let mut chain = Vec::new();
    let mut words = Vec::new();
    for dir in dirs {
        words.push(format!("directory {} is {}", dir.path, dir.state));
        chain.extend(dir_chain(dir, sources));
    }
    for container in containers {
        words.push(container_words(container));
        chain.extend(container_chain(container));
    }
    let text = if words.is_empty() { format!("{what} is known by the plan or a concern") } else { words.join("; ") };
    let draft =
        Draft { kind: "thing", name: what.to_owned(), text, chain, next: Some(format!("hostkeeper status {project}")) };
    Some(draft.about(mine, sources))
}

fn dir_chain(dir: &DirView, sources: Sources<'_>) -> Vec<Fact> {
    let mut chain = vec![fact("state", &dir.state, &dir.path)];
    push_some(&mut chain, "holds", dir.size_bytes.map(Bytes), &dir.path);
    push_some(&mut chain, "quota enforced", dir.quota_enforced, &dir.path);
    let own =
        ["path", "tier", "owner", "mode", "quota"].map(|key| format!("project.{}.dir.{}.{key}", dir.project, dir.dir));
    let tier = ["path", "device", "require_mount"].map(|key| format!("storage.tier.{}.{key}", dir.tier));
    chain.extend(own.iter().chain(tier.iter()).filter_map(|key| key_fact(key, sources)));
    if let Some(tier) = sources.snapshot.tiers.iter().find(|tier| tier.tier == dir.tier) {
        chain.push(fact(format!("tier {}", tier.tier), &tier.state, &tier.path));
    }
    chain
}

/// By name, or by at least four digits of the id.
pub(super) fn find_containers(what: &str, sources: Sources<'_>) -> Vec<Found> {
    let named = |container: &&ContainerView| {
        container.name == what || (what.len() >= 4 && !container.id.is_empty() && container.id.starts_with(what))
    };
    let found = sources.snapshot.containers.iter().filter(named);
    found.map(|container| explain_container(container, sources)).collect()
}

fn explain_container(container: &ContainerView, sources: Sources<'_>) -> Found {
    let next = match container.state.as_str() {
        "running" => format!("docker logs --tail 50 {}", container.name),
        _ => format!("docker inspect {}", container.name),
    };
    let draft = Draft {
        kind: "container",
        name: container.name.clone(),
        text: container_words(container),
        chain: container_chain(container),
        next: Some(next),
    };
    let service = match (&container.project, &container.service) {
        (Some(project), Some(service)) => format!("{project}/{service}"),
        _ => container.name.clone(),
    };
    let name = container.name.clone();
    draft.about(
        move |subject| {
            let shown = subject.to_string();
            shown == service || shown == name || subject.thing.as_deref() == Some(name.as_str())
        },
        sources,
    )
}

fn container_words(container: &ContainerView) -> String {
    let mut words = format!("container {} is {}", container.name, container.state);
    if let Some(health) = &container.health {
        words.push_str(&format!(", {health}"));
    }
    if let Some(code) = container.exit_code.filter(|_| container.state != "running") {
        words.push_str(&format!(", exit code {code}"));
    }
    words
}

fn container_chain(container: &ContainerView) -> Vec<Fact> {
    let mut chain = vec![fact("image", &container.image, "docker"), fact("state", &container.state, "docker")];
    push_some(&mut chain, "health", container.health.as_ref(), "docker");
    push_some(&mut chain, "exit code", container.exit_code, "docker");
    push_some(&mut chain, "project", container.project.as_ref(), "label com.docker.compose.project");
    push_some(&mut chain, "service", container.service.as_ref(), "label com.docker.compose.service");
    push_some(
        &mut chain,
        "cores in use",
        container.cpu_used_cores.map(|cores| format!("{cores:.2}")),
        "cgroup cpu.stat",
    );
    push_some(&mut chain, "cores allowed", container.cpu_limit_cores, "cgroup cpu.max");
    let throttled = container.cpu_throttled_percent.map(|percent| format!("{percent:.1}% of periods"));
    push_some(&mut chain, "throttled", throttled, "cgroup cpu.stat");
    push_some(&mut chain, "memory in use", container.memory_working_set_bytes.map(Bytes), "cgroup memory.stat");
    push_some(&mut chain, "memory allowed", container.memory_limit_bytes.map(Bytes), "cgroup memory.max");
    chain
}

/// `ssd` or `tier:ssd`.
pub(super) fn find_tiers(what: &str, sources: Sources<'_>) -> Option<Found> {
    let name = what.strip_prefix("tier:").unwrap_or(what);
    let tier = sources.snapshot.tiers.iter().find(|tier| tier.tier == name)?;
    let draft = Draft {
        kind: "tier",
        name: format!("tier:{name}"),
        text: format!("tier {name} at {} is {}", tier.path, tier.state),
        chain: tier_chain(tier, sources),
        next: Some("hostkeeper doctor".into()).filter(|_| tier.state != "ok"),
    };
    let subject = Subject::thing(format!("tier:{name}"));
    Some(draft.about(|other| *other == subject, sources))
}

fn tier_chain(tier: &TierView, sources: Sources<'_>) -> Vec<Fact> {
    let mut chain = vec![fact("state", &tier.state, &tier.path)];
    push_some(&mut chain, "size", tier.size_bytes.map(Bytes), "statvfs");
    push_some(&mut chain, "available", tier.available_bytes.map(Bytes), "statvfs");
    push_some(&mut chain, "full in", tier.full_in_seconds.map(views::render_age), "trend of free space");
    if let Some(cache) = &tier.cache {
        let source = format!("/sys/block/{}/bcache", cache.device);
        push_some(&mut chain, "cache state", cache.state.as_ref(), &source);
        push_some(&mut chain, "cache mode", cache.mode.as_ref(), &source);
        push_some(&mut chain, "dirty bytes", cache.dirty_bytes, &source);
        push_some(&mut chain, "hits of all reads, percent", cache.hit_percent.get("total"), &source);
    }
    let keys = ["path", "device", "require_mount", "min_free", "media", "cache.mode", "cache.max_dirty"];
    chain.extend(keys.iter().filter_map(|key| key_fact(&format!("storage.tier.{}.{key}", tier.tier), sources)));
    chain
}

fn push_some(chain: &mut Vec<Fact>, what: &str, value: Option<impl std::fmt::Display>, source: &str) {
    chain.extend(value.map(|value| fact(what, value, source)));
}
