//! Carries one order about a pool out, below tiers that are proved at this very moment. Runs on a thread of its own;
//! gives back what became of each file.

use std::path::Path;
use std::time::{Duration, Instant};

use super::examples;
use super::moving::{End, LOT, Partial, Report, Road, move_files, settle};
use super::step::{Item, Member, Name, Order, is_copy};
use crate::host::files::{Directory, open_root};
use crate::host::open_files::open_anywhere;
use crate::host::{Error, Roots, program};
use crate::keepers::storage::act::{Site, found, prove};
use crate::keepers::storage::step::Place;
use crate::round::Change;
use crate::values::Bytes;

/// No further file is begun after so long: what is left over is the next order's.
const SLICE: Duration = Duration::from_secs(4);
/// How long `path_changed` may take.
const HOOK: Duration = Duration::from_secs(20);

/// What an order is carried out with.
pub struct Job {
    pub order: Order,
    pub roots: Roots,
    /// The tiers that the places of the order lie on, as declared now.
    pub sites: Vec<Site>,
    pub hook: Option<Vec<String>>,
    pub partial: Option<Partial>,
    /// Tests end the process at these points.
    pub point: fn(&'static str),
}

/// What came of it.
#[derive(Default)]
pub struct Answer {
    pub ends: Vec<(Item, End)>,
    pub trouble: Option<Error>,
    pub partial: Option<Partial>,
    /// Whether a large file was copied on.
    pub went_on: bool,
    /// What `path_changed` came to, when it was started.
    pub hook: Option<Result<(), String>>,
    /// Other changes than moves.
    pub changed: bool,
}

impl Answer {
    fn of(result: Result<Answer, Error>) -> Answer {
        result.unwrap_or_else(|error| Answer { trouble: Some(error), ..Answer::default() })
    }

    /// As the round wants it.
    pub fn change(&mut self) -> Result<Change, Error> {
        let moved = self.ends.iter().any(|(_, end)| *end == End::Moved);
        match self.trouble.take() {
            Some(error) => Err(error),
            None if moved || self.went_on || self.changed => Ok(Change::Made),
            None => Ok(Change::AlreadySo),
        }
    }
}

/// Carries it out.
pub fn carry_out(job: Job) -> Answer {
    Answer::of(match &job.order {
        Order::MoveFiles { .. } => move_batch(job),
        Order::SettleMoves { .. } => settle_batch(&job),
        Order::SweepCopies { at, names, .. } => sweep(&job, at, names),
        Order::MakeExamples { at, label, first, files, size, .. } => {
            open_member(&job, &at.place).and_then(|(member, room)| {
                let most = room.unwrap_or(u64::MAX);
                examples::make(&member, label, (*first, *files), *size, most).map(changed)
            })
        }
        Order::RemoveExamples { at, .. } => {
            open_member(&job, &at.place).and_then(|(member, _)| examples::remove(&member).map(changed))
        }
    })
}

fn changed(count: u64) -> Answer {
    Answer { changed: count > 0, ..Answer::default() }
}

/// Brings a broken-off order to its end. `None`: not everything could be told.
pub fn examine(job: &Job) -> (Option<bool>, Answer) {
    match &job.order {
        Order::MoveFiles { .. } | Order::SettleMoves { .. } => {
            let answer = Answer::of(settle_batch(job));
            let moved = answer.ends.iter().any(|(_, end)| *end == End::Moved);
            (answer.trouble.is_none().then_some(moved), answer)
        }
        _ => (None, Answer::default()),
    }
}

/// The member's directory on its proved tier, and how many bytes may still be written there.
fn open_member(job: &Job, place: &Place) -> Result<(Directory, Option<u64>), Error> {
    let site = job.sites.iter().find(|site| site.tier.path.trim_end_matches('/') == place.root);
    let site = site.ok_or_else(|| {
        Error::reply(format!("tier {}", place.tier), "is not declared any more, so nothing proves its disk")
    })?;
    let (ground, root) = prove(site, (&place.tier, &place.root))?;
    let member = found(root.open_below(Path::new(&place.below))?)?;
    let room = site.tier.min_free.map(|least| ground.available.saturating_sub(least.0));
    Ok((member, Some(room.unwrap_or(ground.available))))
}

/// The two members, which must be two.
fn open_both(job: &Job, from: &Member, to: &Member) -> Result<(Directory, Directory, u64, bool), Error> {
    let (source, _) = open_member(job, &from.place)?;
    let (target, room) = open_member(job, &to.place)?;
    let (one, other) = (source.read_facts()?.identity, target.read_facts()?.identity);
    if (one.device, one.inode) == (other.device, other.inode) {
        return Err(Error::reply(to.place.to_string(), format!("is the very directory of {}", from.place)));
    }
    Ok((source, target, room.unwrap_or(0), one.device == other.device))
}

fn move_batch(mut job: Job) -> Result<Answer, Error> {
    let mut partial = job.partial.take();
    let Order::MoveFiles { pool, from, to, files } = &job.order else { return Ok(Answer::default()) };
    let (source, target, room, one_file_system) = open_both(&job, from, to)?;
    let mut files = files.clone();
    if let Some(kept) = &partial {
        files.sort_by_key(|item| *item != kept.item);
    }
    let fitting = if one_file_system { files.len() } else { count_fitting(&files, room) };
    if fitting == 0 {
        let least = files.first().map_or(0, |item| item.size);
        let what = format!("has no room: {} may still be written there, the file has {}", Bytes(room), Bytes(least));
        return Err(Error::reply(to.place.to_string(), what));
    }
    files.truncate(fitting);
    let is_open = open_anywhere(&job.roots.procfs);
    let until = Instant::now() + SLICE;
    let road = Road { from: &source, to: &target, until, lot: LOT, is_open: &is_open, point: &job.point };
    let report = move_files(&road, &files, &mut partial);
    let hook = tell(&job, pool, (from, to), &files, &report);
    Ok(answer(files, report, Answer { went_on: partial.is_some(), partial, hook, ..Answer::default() }))
}

fn answer(files: Vec<Item>, report: Report, rest: Answer) -> Answer {
    Answer { ends: files.into_iter().zip(report.ends).collect(), trouble: report.trouble, ..rest }
}

/// How many of the files, in their order, fit into `room` bytes. Each takes whole blocks.
fn count_fitting(files: &[Item], room: u64) -> usize {
    let mut left = room;
    let mut count = 0;
    for item in files {
        let needed = item.size.div_ceil(4096).saturating_add(1).saturating_mul(4096);
        let Some(rest) = left.checked_sub(needed) else { break };
        left = rest;
        count += 1;
    }
    count
}

fn settle_batch(job: &Job) -> Result<Answer, Error> {
    let (Order::MoveFiles { pool, from, to, files } | Order::SettleMoves { pool, from, to, files, .. }) = &job.order
    else {
        return Ok(Answer::default());
    };
    let declared = |place: &Place| job.sites.iter().any(|site| site.tier.path.trim_end_matches('/') == place.root);
    let proved = declared(&from.place) && declared(&to.place);
    let (source, target) = if proved {
        open_both(job, from, to).map(|(source, target, ..)| (source, target))?
    } else {
        // Nothing is made here, only what is proved to be there twice is removed.
        (open_bare(&job.roots, &from.place)?, open_bare(&job.roots, &to.place)?)
    };
    let is_open = open_anywhere(&job.roots.procfs);
    let until = Instant::now();
    let road = Road { from: &source, to: &target, until, lot: LOT, is_open: &is_open, point: &job.point };
    let mut report = settle(&road, files);
    if !proved && report.ends.contains(&End::Vanished) && report.trouble.is_none() {
        let what = "is on no declared tier any more, and not every file of the move was found: is its disk mounted?";
        report.trouble = Some(Error::reply(from.place.to_string(), what));
    }
    let hook = tell(job, pool, (from, to), files, &report);
    let files = files.clone();
    Ok(answer(files, report, Answer { hook, ..Answer::default() }))
}

fn open_bare(roots: &Roots, place: &Place) -> Result<Directory, Error> {
    let root = found(open_root(&roots.rootfs, Path::new(&place.root))?)?;
    found(root.open_below(Path::new(&place.below))?)
}

fn sweep(job: &Job, at: &Member, names: &[String]) -> Result<Answer, Error> {
    let (member, _) = open_member(job, &at.place)?;
    let mut count = 0;
    for name in names {
        let (below, file) = name.rsplit_once('/').unwrap_or(("", name));
        if !is_copy(file) {
            continue;
        }
        if let crate::host::files::Found::There(room) = member.open_below(Path::new(below))? {
            count += u64::from(room.remove_file(Path::new(file))?);
            room.sync()?;
        }
    }
    Ok(changed(count))
}

/// Tells the program of the pool which files are elsewhere now: a line for each, `pool`, `file`, `from`, `to`, with tabs
/// between them.
fn tell(
    job: &Job,
    pool: &Name,
    (from, to): (&Member, &Member),
    files: &[Item],
    report: &Report,
) -> Option<Result<(), String>> {
    let argv = job.hook.as_ref()?;
    let moved = files.iter().zip(&report.ends).filter(|(_, end)| **end == End::Moved);
    let line = |(item, _): (&Item, &End)| format!("{pool}\t{}\t{}\t{}\n", item.name, from.place, to.place);
    let lines: String = moved.map(line).collect();
    if lines.is_empty() {
        return None;
    }
    let (program, arguments) = argv.split_first()?;
    let order = program::Order {
        program: program.into(),
        arguments: arguments.iter().map(Into::into).collect(),
        input: lines.into_bytes(),
        limit: HOOK,
        most: 0,
        environment: Vec::new(),
    };
    let ended = program::run(&order).map_err(|error| error.chain());
    Some(ended.and_then(|ended| match ended {
        Some(ended) => ended.success(program).map(drop).map_err(|error| error.chain()),
        None => Err(format!("{program} does not exist")),
    }))
}
