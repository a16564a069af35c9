//! From bytes to `Settings`: parse, merge, read each section until nothing wrong is left in it, check. Pure: no file
//! is opened here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Loaded;
use super::check;
use super::damage::Damage;
use super::located::{Located, MOST, Point, Problems, of_node};
use super::merge::merge_over;
use super::path::{key_of, node_at, node_at_mut, replace};
use super::reference::DEFAULTS;
use super::settings::{ProjectTable, Settings, WebTable};
use super::source::{Source, TOTAL_LIMIT, Text};
use super::syntax::{Parsed, parse_source};
use super::tree::{Node, Tree, Value, find, nearest};
use super::value::{Step, What, Wrong};
use super::words::{self, SECTIONS, render_words};
use crate::keepers::storage;
use crate::round::Limits;
use crate::values::ProjectName;

/// Reads a whole configuration: `sources` in the order in which they are laid over each other, the main file first.
/// Every problem of every file is returned at once.
pub fn parse_sources(sources: &[Source]) -> Result<Loaded, Problems> {
    let total: usize = sources.iter().map(|source| source.bytes.len()).sum();
    if total > TOTAL_LIMIT {
        let text = format!("all files together are larger than {} MiB", TOTAL_LIMIT >> 20);
        let problem = Located::of_file("", text, "a configuration is small: is another file in conf.d?");
        return Err(Problems::of(vec![problem], Vec::new()));
    }
    let mut reader = Reader::of(sources);
    let settings = reader.read_settings();
    let Reader { root, files, problems, .. } = reader;
    match settings {
        Some(settings) if problems.is_empty() => {
            Ok(Loaded { settings, tree: Tree { root, files }, files: Vec::new(), warnings: Vec::new() })
        }
        _ => Err(Problems::of(problems, Vec::new())),
    }
}

/// How often one table is read again; each time something is taken out of it.
const READS: usize = 20 * MOST;

/// The state of one reading: the merged tree, what was wrong, and what was therefore taken out of the tree.
struct Reader {
    root: Node,
    defaults: Node,
    /// As merged, before anything was taken out: what was declared, though wrongly.
    declared: Node,
    files: Vec<Text>,
    damage: Vec<Damage>,
    problems: Vec<Located>,
    removed: BTreeSet<Vec<Step>>,
    /// Whether tiers may stand in lines that could not be read.
    tiers_torn: bool,
    /// Of each list, the elements taken out, as numbered in the file.
    gone: BTreeMap<Vec<Step>, BTreeSet<usize>>,
}

impl Reader {
    fn of(sources: &[Source]) -> Reader {
        let defaults = Source { name: "default".into(), bytes: DEFAULTS.into() };
        let all = std::iter::once(&defaults).chain(sources);
        let parsed: Vec<Parsed> = all.enumerate().map(|(file, source)| parse_source(file, source)).collect();
        let tiers_torn = parsed.iter().any(Parsed::is_torn_at_storage);
        let (mut files, mut damage, mut roots, mut problems) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for one in parsed {
            files.push(one.text);
            damage.push(one.damage);
            roots.push(one.root);
            problems.extend(one.problems);
        }
        let mut roots = roots.into_iter();
        let defaults = roots.next().unwrap_or_else(Node::empty_table);
        let mut root = defaults.clone();
        for upper in roots {
            merge_over(&mut root, upper, "", &files, &mut problems);
        }
        Reader {
            declared: root.clone(),
            root,
            defaults,
            files,
            damage,
            problems,
            removed: BTreeSet::new(),
            tiers_torn,
            gone: BTreeMap::new(),
        }
    }

    /// `None` only when something could not be read at all; then there are problems.
    fn read_settings(&mut self) -> Option<Settings> {
        self.refuse_unknown_sections();
        let host = self.read("host");
        let guard: Option<Limits> = self.read("guard");
        let metrics = self.read("metrics");
        let vitals = self.read("vitals");
        let storage: Option<storage::config::Table> = self.read("storage");
        let limits = self.read("limits");
        let reclaim = self.read("reclaim");
        let isolation = self.read("isolation");
        let projects = self.read_projects();
        let api = self.read("api");
        let web: Option<WebTable> = self.read("web");
        let ledger = self.read("ledger");
        let draft = check::Draft {
            host: host?,
            guard: guard?,
            metrics: metrics?,
            vitals: vitals?,
            storage: storage?,
            limits: limits?,
            reclaim: reclaim?,
            isolation: isolation?,
            projects,
            api: api?,
            web: web?,
            ledger: ledger?,
        };
        let (settings, problems) = draft.settle();
        for problem in problems {
            self.add_checked(&problem);
        }
        settings
    }

    fn refuse_unknown_sections(&mut self) {
        let Value::Table(table) = &mut self.root.value else { return };
        let known = |name: &String| SECTIONS.contains(&name.as_str());
        let (kept, unknown) = std::mem::take(table).into_iter().partition(|(name, _)| known(name));
        *table = kept;
        for (name, node) in unknown {
            let is_table = matches!(node.value, Value::Table(_));
            let said =
                if is_table { words::unknown_section(&name, &node) } else { words::unknown_key(&name, &SECTIONS) };
            self.add(&node, &name, Point::Key, said);
        }
    }

    fn read_projects(&mut self) -> Vec<(ProjectName, ProjectTable)> {
        let Some(node) = self.root.child("project") else { return Vec::new() };
        let Some(table) = node.table() else {
            let (node, what) = (node.clone(), What::Type { expected: "a map".into() });
            let said = render_words(&what, "project", &node);
            self.add(&node, "project", Point::Value, said);
            return Vec::new();
        };
        let names: Vec<String> = table.keys().cloned().collect();
        names.iter().filter_map(|name| self.read_project(name)).collect()
    }

    fn read_project(&mut self, name: &str) -> Option<(ProjectName, ProjectTable)> {
        let path = vec![Step::Key("project".into()), Step::Key(name.into())];
        let project: Option<ProjectTable> = self.read_at(&path);
        match name.parse::<ProjectName>() {
            Ok(name) => project.map(|project| (name, project)),
            Err(error) => {
                let key = key_of(&path);
                let node = node_at(&self.declared, &path)?.clone();
                let said = render_words(&What::Said(error.to_string()), &key, &node);
                self.add(&node, &key, Point::Key, said);
                None
            }
        }
    }

    fn read<T: for<'de> Deserialize<'de>>(&mut self, section: &str) -> Option<T> {
        self.read_at(&[Step::Key(section.into())])
    }

    /// Reads the node at `path`. What is wrong is noted, taken out (the default comes back), and reading begins again.
    fn read_at<T: for<'de> Deserialize<'de>>(&mut self, path: &[Step]) -> Option<T> {
        for _ in 0..READS {
            if self.problems.len() > MOST {
                break;
            }
            let wrong = match T::deserialize(node_at(&self.root, path)?) {
                Ok(value) => return Some(value),
                Err(wrong) => wrong,
            };
            let full: Vec<Step> = path.iter().cloned().chain(wrong.path.iter().rev().cloned()).collect();
            self.note(&full, &wrong);
            self.take_out(&full, &wrong);
        }
        None
    }

    /// Notes what is wrong, unless it only follows from what was taken out before.
    fn note(&mut self, path: &[Step], wrong: &Wrong) {
        let follows = match wrong.what {
            What::Missing(field) => {
                let missing: Vec<Step> = path.iter().cloned().chain([Step::Key(field.into())]).collect();
                self.removed.contains(&missing) || node_at(&self.root, path).is_some_and(|node| self.is_torn(node))
            }
            _ if self.removed.contains(path) => true,
            What::Said(_) => self.removed.iter().any(|removed| removed.len() > path.len() && removed.starts_with(path)),
            _ => false,
        };
        let Some(node) = node_at(&self.root, path).filter(|_| !follows).cloned() else { return };
        let key = key_of(&self.as_written(path));
        let point = if matches!(wrong.what, What::Unknown { .. }) { Point::Key } else { Point::Value };
        let said = render_words(&wrong.what, &key, &node);
        let key = if let What::Missing(field) = wrong.what { format!("{key}.{field}") } else { key };
        self.add(&node, &key, point, said);
    }

    /// Whether a part of a table may stand in lines that could not be read.
    fn is_torn(&self, node: &Node) -> bool {
        node.at.iter().any(|origin| self.damage.get(origin.file).is_some_and(Damage::any))
    }

    /// The path with the numbers that elements of lists have in the file.
    fn as_written(&self, path: &[Step]) -> Vec<Step> {
        let mut written = path.to_vec();
        for (depth, step) in written.iter_mut().enumerate() {
            if let (Step::Index(index), Some(gone)) = (step, path.get(..depth).and_then(|list| self.gone.get(list))) {
                *index += gone.iter().fold(0, |before, gone| before + usize::from(*gone <= *index + before));
            }
        }
        written
    }

    /// Takes what is wrong out of the tree. A default comes back; a text that must be there is replaced by an empty
    /// one, so that the rest of its table is still read.
    fn take_out(&mut self, path: &[Step], wrong: &Wrong) {
        let mut path = path.to_vec();
        let mut stand_in =
            node_at(&self.defaults, &path).filter(|node| node_at(&self.root, &path) != Some(node)).cloned();
        let needs_text = matches!(&wrong.what, What::Type { expected } if expected == "a string");
        if let What::Missing(field) = wrong.what {
            path.push(Step::Key(field.into()));
            if self.removed.contains(&path) {
                // No text would do: the table goes as a whole.
                path.pop();
            }
        }
        let Some((last, above)) = path.split_last() else { return };
        let Some(parent) = node_at(&self.root, above) else { return };
        if needs_text || node_at(&self.root, &path).is_none() {
            let text = Node { value: Value::Text(String::new()), at: parent.at.clone() };
            stand_in = stand_in.or_else(|| (!self.removed.contains(&path)).then_some(text));
        }
        if let Step::Index(index) = last {
            let number = self.as_written(&path).pop();
            let number = if let Some(Step::Index(number)) = number { number } else { *index };
            self.gone.entry(above.to_vec()).or_default().insert(number);
            // The elements behind move up: what was taken out of them is forgotten.
            self.removed.retain(|removed| !removed.starts_with(above));
        }
        if let Some(parent) = node_at_mut(&mut self.root, above) {
            replace(&mut parent.value, last, stand_in);
        }
        if matches!(path.last(), Some(Step::Key(_))) {
            self.removed.insert(path);
        }
    }

    /// A problem found by a part's `check()`, unless it only follows from another one.
    fn add_checked(&mut self, problem: &crate::values::Problem) {
        let node = nearest(&self.root, &problem.key).clone();
        let replaced = self.removed.iter().any(|removed| key_of(removed) == problem.key);
        if replaced || check::follows(problem, &node, &self.declared, &self.removed, self.tiers_torn) {
            return;
        }
        let other = problem.what.split(' ').find_map(|word| find(&self.root, word).filter(|_| word.contains('.')));
        let place = other.map(|node| of_node(&self.files, node, "", Point::Key).position()).unwrap_or_default();
        let text = if place.is_empty() { problem.what.clone() } else { format!("{} ({place})", problem.what) };
        self.add(&node, &problem.key, Point::Value, (text, problem.cure.clone()));
    }

    fn add(&mut self, node: &Node, key: &str, point: Point, said: (String, String)) {
        let (text, cure) = said;
        let located = Located { text, cure, ..of_node(&self.files, node, key, point) };
        self.problems.push(located);
    }
}
