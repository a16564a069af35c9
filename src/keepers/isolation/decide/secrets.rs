//! Secrets that lie open, are used twice, or are old. Names of variables only: no value ever comes here. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::facts::{ContainerFacts, Facts, SecretFacts, SecretFileFacts};
use super::super::policy::Policy;
use crate::round::{Evidence, Finding, Severity};
use crate::values::SecretMark;

/// How long a secret may be used.
const ROTATION: Duration = Duration::from_secs(90 * 24 * 3600);
/// Names told in one finding.
const MOST_NAMES: usize = 8;

/// Everything about secrets.
pub fn find(facts: &Facts, policy: &Policy) -> Vec<Finding> {
    let mut all = in_environments(facts);
    all.extend(in_images(facts));
    all.extend(reused(facts));
    all.extend(facts.files.iter().filter_map(readable));
    all.extend(old_files(facts, policy));
    all.extend(policy.projects.iter().filter_map(|(project, declared)| {
        let rotated = declared.rotated?.to_zoned(TimeZone::UTC).ok()?.timestamp();
        old_project(project, rotated, policy.now)
    }));
    all
}

fn in_environments(facts: &Facts) -> Vec<Finding> {
    let each = |container: &ContainerFacts| {
        let own: Vec<&SecretFacts> = container.secrets.iter().filter(|secret| !secret.from_image).collect();
        let names = list(own.iter().map(|secret| secret.name.as_str()))?;
        let text =
            format!("{} has secrets in its environment, where docker inspect shows them: {names}", container.name);
        let fact = ("variables", names.as_str(), format!("docker inspect {}", container.name));
        let mut found = finding("secret-in-environment", Severity::Warning, &container.name, fact, text);
        found.project.clone_from(&container.project);
        found.cure = "secrets: in Compose, and NAME_FILE=/run/secrets/NAME where the image knows it".into();
        Some(found)
    };
    facts.containers.iter().filter_map(each).collect()
}

/// One finding for each image, for whoever uses it first.
fn in_images(facts: &Facts) -> Vec<Finding> {
    let mut images: BTreeMap<&str, &ContainerFacts> = BTreeMap::new();
    for container in facts.containers.iter().filter(|one| one.secrets.iter().any(|secret| secret.from_image)) {
        images.entry(&container.image).or_insert(container);
    }
    let each = |(image, container): (&str, &ContainerFacts)| {
        let built = container.secrets.iter().filter(|secret| secret.from_image);
        let names = list(built.map(|secret| secret.name.as_str()))?;
        let named = if image.is_empty() { container.name.as_str() } else { image };
        let text = format!("image {named} has secrets built into its environment: {names}");
        let fact = ("variables", names.as_str(), format!("docker image inspect {named}"));
        let mut found = finding("secret-in-image", Severity::Warning, named, fact, text);
        found.project.clone_from(&container.project);
        found.cure =
            "take ENV out of the Dockerfile, build again, and change the secret: who has the image has it".into();
        Some(found)
    };
    images.into_iter().filter_map(each).collect()
}

/// One finding for each pair of projects.
fn reused(facts: &Facts) -> Vec<Finding> {
    let mut users: BTreeMap<&SecretMark, Vec<(&ContainerFacts, &str)>> = BTreeMap::new();
    for container in &facts.containers {
        for secret in container.secrets.iter().filter(|secret| !secret.from_image) {
            users.entry(&secret.mark).or_default().push((container, &secret.name));
        }
    }
    let mut pairs: BTreeMap<(&Option<String>, &Option<String>), Finding> = BTreeMap::new();
    for same in users.values_mut() {
        same.sort_by_key(|(container, name)| (&container.project, &container.name, *name));
        let Some(((first, first_name), rest)) = same.split_first() else { continue };
        for (other, name) in rest.iter().filter(|(other, _)| other.project != first.project) {
            let text = format!("{} ({name}) and {} ({first_name}) have the same secret", other.name, first.name);
            let fact = ("variable", *name, format!("docker inspect {}", other.name));
            let mut found = finding("secret-reused", Severity::Warning, &other.name, fact, text);
            found.evidence.push(Evidence::new("variable", first_name, format!("docker inspect {}", first.name)));
            found.project.clone_from(&other.project);
            found.other.clone_from(&first.project);
            found.cure = "give each project a secret of its own".into();
            pairs.entry((&first.project, &other.project)).or_insert(found);
        }
    }
    pairs.into_values().collect()
}

fn readable(file: &SecretFileFacts) -> Option<Finding> {
    let names = list(file.names.iter().map(String::as_str)).filter(|_| file.readable)?;
    let text = format!("every user of the host can read {}, which holds secrets: {names}", file.path);
    let fact = ("mode", &*format!("{:04o}", file.mode), file.path.clone());
    let mut found = finding("secret-readable", Severity::Warning, &file.path, fact, text);
    found.project = Some(file.project.clone());
    found.cure = format!("chmod 600 {}", file.path);
    Some(found)
}

/// The age of a file says something only where nobody declared when the secrets were changed.
fn old_files(facts: &Facts, policy: &Policy) -> Vec<Finding> {
    let undeclared =
        |file: &&SecretFileFacts| policy.projects.get(&file.project).is_none_or(|one| one.rotated.is_none());
    let each = |file: &SecretFileFacts| {
        let days = age(file.changed?, policy.now)?;
        let text = format!("the secrets in {} were last changed {days} days ago", file.path);
        let fact = ("file changed", &*file.changed?.to_string(), file.path.clone());
        let mut found = finding("secret-old", Severity::Info, &file.path, fact, text);
        found.project = Some(file.project.clone());
        found.cure = format!("change them, or say when that was: [project.{}] rotated", file.project);
        Some(found)
    };
    facts.files.iter().filter(undeclared).filter_map(each).collect()
}

fn old_project(project: &str, rotated: Timestamp, now: Timestamp) -> Option<Finding> {
    let days = age(rotated, now)?;
    let text = format!("the secrets of {project} were last changed {days} days ago");
    let key = format!("config:project.{project}.rotated");
    let mut found = finding("secret-old", Severity::Warning, project, ("rotated", &rotated.to_string(), key), text);
    found.project = Some(project.to_owned());
    found.cure = "change them, then write the new date".into();
    Some(found)
}

/// Days, when they are too many.
fn age(then: Timestamp, now: Timestamp) -> Option<u64> {
    let age = Duration::try_from(now.duration_since(then)).ok()?;
    (age > ROTATION).then_some(age.as_secs() / 86_400)
}

fn list<'n>(names: impl Iterator<Item = &'n str>) -> Option<String> {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => None,
        many if many > MOST_NAMES => Some(format!("{shown} and {} more", many - MOST_NAMES)),
        _ => Some(shown),
    }
}

fn finding(
    id: &str,
    severity: Severity,
    subject: &str,
    (what, value, source): (&str, &str, String),
    text: String,
) -> Finding {
    Finding {
        id: id.into(),
        severity,
        project: None,
        other: None,
        subject: subject.to_owned(),
        text,
        evidence: vec![Evidence::new(what, value, source)],
        cure: String::new(),
        allowed: None,
    }
}
