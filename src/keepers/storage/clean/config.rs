//! `[project.*.clean.*]`: which files may go, and everything that can be wrong with it. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::step::CleanOrder;
use crate::keepers::storage::config::{Config, check_name, check_path};
use crate::keepers::storage::step::Place;
use crate::keepers::storage::verdict::Wanted;
use crate::values::{Bytes, Every, Problem, ProjectName, one_line};

/// A rule: `[project.NAME.clean.NAME]`. A file goes when everything that is given allows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The name of a declared directory of the project and what is below it, or the whole path; the last part may be a
    /// pattern.
    pub path: String,
    /// Only files that were last changed longer ago.
    #[serde(default)]
    pub older_than: Option<Every>,
    /// Never the newest so many.
    #[serde(default)]
    pub keep_last: Option<u64>,
    /// Only until the files together take no more than this.
    #[serde(default)]
    pub max_bytes: Option<Bytes>,
}

/// What is said of a rule without a bound.
pub const SAYS_NOTHING: &str = "does not say what may go";

/// Where a rule looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The declared directory.
    pub dir: String,
    pub place: Place,
    /// Where the walk begins, relative to the tier's root.
    pub below: String,
    /// Of the names directly there; without it everything below counts.
    pub pattern: Option<String>,
}

impl Target {
    /// Where the walk begins, for people.
    pub fn shown(&self) -> String {
        format!("{}/{}", self.place.root, self.below)
    }
}

const CURE: &str =
    "write the name of a declared directory and a path in it, such as \"nginx_logs/old\" or \"dumps/*.gz\"";

/// Where the rule looks; `Err(None)`: the directory itself is wrong, which its own check tells.
pub fn parse_target(config: &Config, project: &ProjectName, path: &str) -> Result<Target, Option<(String, String)>> {
    let wrong = |what: String| Some((what, CURE.to_owned()));
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    check_path(&whole).map_err(|what| wrong(what.replace("is no absolute path", "is no path")))?;
    let parts: Vec<&str> = whole.trim_matches('/').split('/').collect();
    let (last, above) = parts.split_last().ok_or_else(|| wrong("is empty".into()))?;
    if above.iter().any(|part| is_pattern(part)) {
        return Err(wrong("has a * or ? before its last part".into()));
    }
    let pattern = is_pattern(last).then(|| (*last).to_owned());
    let (dir, place, rest) = if path.starts_with('/') {
        find_by_place(config, project, &whole)?
    } else {
        find_by_name(config, project, &parts)?
    };
    let rest = match &pattern {
        Some(_) if rest.is_empty() => return Err(wrong("is a pattern for the directory itself".into())),
        Some(pattern) => rest.strip_suffix(pattern.as_str()).unwrap_or(&rest).trim_end_matches('/'),
        None => rest.as_str(),
    };
    let below = if rest.is_empty() { place.below.clone() } else { format!("{}/{rest}", place.below) };
    Ok(Target { dir, place, below, pattern })
}

type Resolved = Result<(String, Place, String), Option<(String, String)>>;

fn find_by_name(config: &Config, project: &ProjectName, parts: &[&str]) -> Resolved {
    let name = parts.first().copied().unwrap_or_default();
    let Some(dir) = config.dirs.get(&(project.clone(), name.to_owned())) else {
        let known: Vec<&str> =
            config.dirs.keys().filter(|(owner, _)| owner == project).map(|(_, dir)| dir.as_str()).take(20).collect();
        let cure = match known.as_slice() {
            [] => "declare the directory first: [project.NAME.dir.NAME]".to_owned(),
            known => format!("begin with a declared directory of the project: {}", known.join(", ")),
        };
        return Err(Some((format!("begins with \"{}\", which is no declared directory", one_line(name, 40)), cure)));
    };
    let wanted = Wanted::of(config, dir).ok_or(None)?;
    Ok((name.to_owned(), wanted.place, parts.get(1..).unwrap_or_default().join("/")))
}

fn find_by_place(config: &Config, project: &ProjectName, path: &str) -> Resolved {
    let mine = config.dirs.iter().filter(|((owner, _), _)| owner == project);
    for ((_, name), dir) in mine {
        let Some(wanted) = Wanted::of(config, dir) else { continue };
        let inside = path.trim_end_matches('/').strip_prefix(&wanted.place.to_string());
        if let Some(rest) = inside.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Ok((name.clone(), wanted.place, rest.trim_matches('/').to_owned()));
        }
    }
    Err(Some(("is not below a declared directory of the project".into(), CURE.into())))
}

/// The rule of an order, if it still says where the order is about.
pub fn find_rule<'c>(config: &'c Config, order: &CleanOrder) -> Option<&'c Rule> {
    let rule = config.cleans.get(&(order.project.clone(), order.rule.clone()))?;
    let target = parse_target(config, &order.project, &rule.path).ok()?;
    let same = (&target.place, &target.below, &target.pattern) == (&order.place, &order.below, &order.pattern);
    same.then_some(rule)
}

fn is_pattern(part: &str) -> bool {
    part.contains(['*', '?'])
}

/// Everything that is wrong with the rules.
pub fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let members: BTreeMap<(&ProjectName, &String), &String> = config
        .pools
        .iter()
        .flat_map(|((project, pool), one)| one.members.iter().map(move |member| ((project, member), pool)))
        .collect();
    for ((project, name), rule) in &config.cleans {
        let key = format!("project.{project}.clean.{name}");
        check_name(&key, name, &mut problems);
        match parse_target(config, project, &rule.path) {
            Ok(target) => {
                if let Some(pool) = members.get(&(project, &target.dir)) {
                    let what = format!("is in a member of pool {pool}, whose files are the pool's");
                    let cure = "clean directories that are in no pool";
                    problems.push(Problem::new(format!("{key}.path"), what, cure));
                }
            }
            Err(Some((what, cure))) => problems.push(Problem::new(format!("{key}.path"), what, cure)),
            Err(None) => {}
        }
        check_bounds(&key, rule, &mut problems);
    }
    problems
}

fn check_bounds(key: &str, rule: &Rule, problems: &mut Vec<Problem>) {
    let mut add = |field: &str, what: &str, cure: &str| {
        problems.push(Problem::new(format!("{key}{field}"), what, cure));
    };
    if rule.older_than.is_none() && rule.keep_last.is_none() && rule.max_bytes.is_none() {
        add("", SAYS_NOTHING, "add older_than = \"30d\", keep_last = 10 or max_bytes = \"10GB\"");
    }
    let (least, most) = (Duration::from_secs(60), Duration::from_secs(36_500 * 86_400));
    if rule.older_than.is_some_and(|age| !(least..=most).contains(&age.0)) {
        add(".older_than", "must be 1m to 36500d", "use \"30d\"");
    }
    if rule.keep_last == Some(0) {
        add(".keep_last", "keeps nothing", "use 1 or more, or leave it away");
    }
    if rule.max_bytes == Some(Bytes(0)) {
        add(".max_bytes", "leaves room for no file", "use a size such as \"10GB\", or leave it away");
    }
}
