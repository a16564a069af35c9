//! Carries a clean step out: proves the tier, walks again, and deletes of the ordered files those that the rule lets go
//! at this very moment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::config::Rule;
use super::decide::{MOST, count_doomed, find_disorder};
use super::delete::{End, delete};
use super::observe::{Cleans, Deleted, RuleKey};
use super::step::CleanOrder;
use crate::host::Error;
use crate::host::entries::FileFacts;
use crate::host::files::{Directory, Found};
use crate::host::open_files::open_anywhere;
use crate::host::patience::Patience;
use crate::host::walk::oldest::{OldFile, Oldest};
use crate::keepers::storage::act::{Site, prove};
use crate::ledger::Operation;
use crate::round::Change;

/// How long a step may take before nobody waits for it any more: well within the patience of the watchdog.
const LIMIT: Duration = Duration::from_secs(60);
/// How long the walk right before may take. A rule whose files cannot be looked at within it deletes nothing.
const AGAIN: Duration = Duration::from_secs(25);
/// No file is begun after this.
const WORK: Duration = Duration::from_secs(15);

impl Cleans {
    /// Deletes. What became of each file is noted, also when it failed.
    pub async fn act(
        &mut self,
        site: Site,
        (order, rule): (&CleanOrder, Option<&Rule>),
        patience: &mut Patience,
    ) -> Result<Change, Error> {
        let key = (order.project.clone(), order.rule.clone());
        let name = format!("deleting on tier {}", order.place.tier);
        let Some(rule) = rule.cloned() else {
            return Err(Error::reply(order.to_string(), "the rule is not declared any more, or says something else"));
        };
        self.forget(&key);
        let order = Arc::new(order.clone());
        let Answer { ends, trouble } = {
            let order = Arc::clone(&order);
            patience.wait(&name, LIMIT, move || carry_out(&site, &order, &rule)).await??
        };
        self.note(key, &order, &ends);
        self.operations = ends.iter().map(|(index, end)| operation(&order, *index, end)).collect();
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        let removed = ends.iter().filter(|(_, end)| *end == End::Removed).count();
        let gone = ends.iter().filter(|(_, end)| *end == End::Vanished).count();
        match (removed, ends.iter().find(|(_, end)| !matches!(end, End::Removed | End::Vanished))) {
            (0, Some((_, end))) => Err(Error::reply(order.to_string(), format!("nothing was deleted: {}", end.why()))),
            (0, None) if gone < order.files.len() => {
                Err(Error::reply(order.to_string(), "nothing was deleted: the rule does not let them go any more"))
            }
            (0, None) => Ok(Change::AlreadySo),
            (_, _) => Ok(Change::Made),
        }
    }

    fn note(&mut self, key: RuleKey, order: &CleanOrder, ends: &[(usize, End)]) {
        let removed = ends.iter().filter(|(_, end)| *end == End::Removed).filter_map(|(at, _)| order.files.get(*at));
        let (files, bytes) =
            removed.fold((0, 0_u64), |(files, bytes), file| (files + 1, bytes.saturating_add(file.size)));
        if files > 0 {
            self.deleted.insert(key, Deleted { at: Timestamp::now(), files, bytes });
        }
    }
}

fn operation(order: &CleanOrder, index: usize, end: &End) -> Operation {
    let file = order.files.get(index);
    let why = end.why();
    Operation {
        file: file.map(|file| file.name.clone()).unwrap_or_default(),
        source: order.shown(),
        target: String::new(),
        bytes: file.map_or(0, |file| file.size),
        outcome: end.word().to_owned(),
        why: Some(why).filter(|why| !why.is_empty()),
    }
}

/// What became of the files that were begun, by their number, and what ended the work early.
struct Answer {
    ends: Vec<(usize, End)>,
    trouble: Option<Error>,
}

fn carry_out(site: &Site, order: &CleanOrder, rule: &Rule) -> Result<Answer, Error> {
    let (_, root) = prove(site, (&order.place.tier, &order.place.root))?;
    let allowed = look_again(&root, order, rule)?;
    let is_open = open_anywhere(&site.roots.procfs);
    let until = Instant::now() + WORK;
    let mut answer = Answer { ends: Vec::new(), trouble: None };
    let mut room: Option<(PathBuf, Option<Directory>)> = None;
    for (index, file) in order.files.iter().enumerate() {
        if Instant::now() >= until {
            break;
        }
        let seen = file.as_seen();
        match let_go(&root, &order.below, (&seen, allowed.get(&seen.name)), &mut room, &is_open) {
            Ok(end) => answer.ends.extend(end.map(|end| (index, end))),
            // What is gone by now is told all the same.
            Err(error) => {
                answer.ends.push((index, End::Refused(error.chain())));
                answer.trouble = Some(error);
                break;
            }
        }
    }
    let synced = root.sync_file_system();
    answer.trouble = answer.trouble.or(synced.err());
    Ok(answer)
}

/// What became of one file; `None` where the rule does not let it go any more. `room` is the directory it is in, kept for
/// the next one.
fn let_go(
    root: &Directory,
    below: &str,
    (seen, allowed): (&OldFile, Option<&OldFile>),
    room: &mut Option<(PathBuf, Option<Directory>)>,
    is_open: &dyn Fn(&FileFacts) -> bool,
) -> Result<Option<End>, Error> {
    let (above, name) = seen.name.rsplit_once('/').unwrap_or(("", &seen.name));
    let path = Path::new(below).join(above);
    if room.as_ref().is_none_or(|(open, _)| *open != path) {
        let found = if let Found::There(found) = root.open_below(&path)? { Some(found) } else { None };
        *room = Some((path, found));
    }
    let Some((_, Some(directory))) = room else { return Ok(Some(End::Vanished)) };
    match allowed {
        Some(now) if now == seen => delete(directory, name, seen, is_open).map(Some),
        Some(_) => Ok(Some(End::Changed)),
        None => Ok(directory.read_child(Path::new(name))?.is_none().then_some(End::Vanished)),
    }
}

/// The files that the rule lets go at this moment, by name.
fn look_again(root: &Directory, order: &CleanOrder, rule: &Rule) -> Result<BTreeMap<String, OldFile>, Error> {
    let below = Path::new(&order.below);
    if let Found::Missing(_) = root.open_below(below)? {
        return Ok(BTreeMap::new());
    }
    let mut walk = Oldest::new(order.pattern.as_deref(), MOST);
    if !walk.advance((root, below), Instant::now() + AGAIN)? {
        let what = format!("its files could not be looked at again within {AGAIN:?}: nothing was deleted");
        return Err(Error::reply(order.shown(), what));
    }
    let met = walk.finish();
    let now = Timestamp::now();
    if let Some(why) = find_disorder(rule, &met, now) {
        return Err(Error::reply(order.shown(), why));
    }
    let count = count_doomed(rule, &met, now);
    Ok(met.oldest.into_iter().take(count).map(|file| (file.name.clone(), file)).collect())
}

/// Whether a step is done: `None` where some files are gone and some are not.
pub fn examine(root: &Directory, order: &CleanOrder) -> Option<bool> {
    let mut left = 0;
    for file in &order.files {
        let path = Path::new(&order.below).join(&file.name);
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { return None };
        if let Found::There(room) = root.open_below(above).ok()?
            && room.read_child(Path::new(name)).ok()?.is_some_and(|facts| file.as_seen().is_same(&facts))
        {
            left += 1;
        }
    }
    if left == 0 { Some(true) } else { (left == order.files.len()).then_some(false) }
}
