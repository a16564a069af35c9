//! `explain`: what a name stands for, how it stands now, and the chain of causes behind it, each with its source.
//! Pure: snapshot, history, configuration and metrics page are arguments.

mod draft;
mod orders;
mod things;
mod words;

pub use draft::Sources;

use super::Refusal;
use super::shapes::Explained;

/// Things that one name may stand for in one answer.
const FOUND: usize = 20;

/// Everything that `what` names: host, project, `project/thing`, container, tier, keeper, concern, step, metric,
/// configuration key. Unknown names are refused with the nearest known ones.
pub fn explain(what: &str, sources: Sources<'_>) -> Result<Explained, Refusal> {
    let what = what.trim();
    if what.is_empty() {
        return Err(Refusal {
            code: "bad_request".into(),
            text: "explain needs a name".into(),
            cure: "name a project, project/thing, container, tier, concern, step, metric or configuration key".into(),
        });
    }
    let mut found = Vec::new();
    found.extend(things::find_host(what, sources));
    found.extend(things::find_projects(what, sources));
    found.extend(things::find_things(what, sources));
    found.extend(things::find_containers(what, sources));
    found.extend(things::find_tiers(what, sources));
    found.extend(words::find_keepers(what, sources));
    found.extend(orders::find_concerns(what, sources));
    found.extend(orders::find_steps(what, sources));
    found.extend(words::find_metrics(what, sources));
    found.extend(words::find_keys(what, sources));
    if found.is_empty() {
        found.extend(words::find_past(what, sources));
    }
    if found.is_empty() {
        return Err(unknown(what, sources));
    }
    found.truncate(FOUND);
    Ok(Explained { schema: "hostkeeper.explain/1".into(), what: what.to_owned(), found })
}

fn unknown(what: &str, sources: Sources<'_>) -> Refusal {
    let mut near: Vec<(f64, String)> = words::list_names(sources)
        .into_iter()
        .filter(|name| name.len() <= 100)
        .map(|name| (strsim::jaro_winkler(what, &name), name))
        .filter(|(alike, _)| *alike > 0.8)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    near.dedup_by(|a, b| a.1 == b.1);
    let names: Vec<String> = near.into_iter().take(3).map(|(_, name)| name).collect();
    let cure = if names.is_empty() {
        "name a project, project/thing, container, tier, concern, step, metric or configuration key; see hostkeeper status"
            .to_owned()
    } else {
        format!("did you mean {}?", names.join(" or "))
    };
    let text = format!("nothing here is called \"{}\"", crate::values::one_line(what, 80));
    Refusal { code: "not_found".into(), text, cure }
}
