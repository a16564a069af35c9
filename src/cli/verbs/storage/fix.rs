//! `storage fix`: counts in this very process what is not as declared, shows it, asks, and orders part after part from
//! the agent until all is mended.

use serde_json::json;

use super::super::super::consent::Question;
use super::super::super::desk::Desk;
use super::super::super::failure::{DONE, FAILED, Failure, UNCHECKED};
use super::super::super::out::{Tint, plain, tinted};
use super::super::super::storage_args::FixArgs;
use super::super::super::words;
use super::super::apply::{exit_of, print_done};
use super::read_storage;
use crate::api::shapes::DoneShown;
use crate::daemon::{CountOrder, Unfit};
use crate::round::FixView;

const QUESTION: Question = Question {
    asks: "fix asks before it acts",
    otherwise: "look with --dry-run, then add --yes",
    undone: "nothing was changed",
};

pub fn run(desk: &mut Desk<'_>, args: &FixArgs) -> Result<u8, Failure> {
    if !args.yes && !args.dry_run {
        QUESTION.check(desk)?;
    }
    let unfit = count(desk, args)?;
    if desk.json && args.dry_run {
        desk.out().json(&counted_json(&unfit, args))?;
        return Ok(DONE);
    }
    if !desk.json {
        print_count(desk, &unfit, args)?;
    }
    if args.dry_run || unfit.entries == 0 && !desk.json {
        return Ok(if unfit.refused > 0 { FAILED } else { DONE });
    }
    if !args.yes {
        let entries = if unfit.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", unfit.entries) };
        QUESTION.ask(desk, &format!("Change {entries} now? What was before is not kept."))?;
    }
    mend(desk, &unfit, args)
}

fn count(desk: &mut Desk<'_>, args: &FixArgs) -> Result<Unfit, Failure> {
    let order = CountOrder { dir: args.dir.clone(), recursive: args.recursive, file_mode: args.file_mode.clone() };
    let live = !desk.json && desk.seat.err.screen().terminal;
    let (house, places) = (desk.house, desk.places.clone());
    house.count_unfit(&places, &order, &mut |met| {
        let line = tinted(Tint::Dim, format!("counting: {met} so far"));
        !live || desk.seat.err.line(&[line]).and_then(|()| desk.seat.err.flush()).is_ok()
    })
}

fn counted_json(unfit: &Unfit, args: &FixArgs) -> serde_json::Value {
    json!({
        "schema": "hostkeeper.fix/1",
        "dir": unfit.dir,
        "path": unfit.path,
        "owner": unfit.owner,
        "mode": unfit.mode,
        "file_mode": args.file_mode,
        "recursive": args.recursive,
        "directories": unfit.directories,
        "files": unfit.files,
        "others": unfit.others,
        "unfit": unfit.entries,
        "wrong_owner": unfit.owners,
        "wrong_mode": unfit.modes,
        "several_names": unfit.several_names,
        "refused": unfit.refused,
        "examples": unfit.examples,
        "left": unfit.left,
    })
}

fn number(count: u64, word: &str) -> String {
    words::count(usize::try_from(count).unwrap_or(usize::MAX), word)
}

fn print_count(desk: &mut Desk<'_>, unfit: &Unfit, args: &FixArgs) -> Result<(), Failure> {
    let left_alone = || "left alone".to_owned();
    let (owner, mode) = (unfit.owner.clone().unwrap_or_else(left_alone), unfit.mode.clone().unwrap_or_else(left_alone));
    let files = args.file_mode.clone().unwrap_or_else(left_alone);
    let out = desk.out();
    out.line(&[tinted(Tint::Bold, unfit.dir.as_str()), plain(format!(": {}", unfit.path))])?;
    out.hang(&[], &plain(format!("owner {owner}, mode of directories {mode}, mode of files {files}")))?;
    let directories =
        if unfit.directories == 1 { "1 directory".into() } else { format!("{} directories", unfit.directories) };
    let met = format!("looked at {directories}, {}, {} of other kinds", number(unfit.files, "file"), unfit.others);
    out.hang(&[], &plain(met))?;
    if unfit.entries == 0 {
        out.line(&[tinted(Tint::Good, "everything is as declared")])?;
    } else {
        let text = format!(
            "{} would be changed: {} with another owner or group, {} with another mode",
            unfit.entries, unfit.owners, unfit.modes
        );
        out.hang(&[], &tinted(Tint::Warn, text))?;
    }
    for example in &unfit.examples {
        out.hang(&[plain("  ")], &plain(example.as_str()))?;
    }
    print_left(desk, (unfit.several_names, unfit.refused), &unfit.left)
}

fn print_left(desk: &mut Desk<'_>, (several, refused): (u64, u64), left: &[String]) -> Result<(), Failure> {
    let out = desk.out();
    if several > 0 {
        let text = format!("{} of several names, left alone: another name may lie outside", number(several, "file"));
        out.hang(&[], &tinted(Tint::Warn, text))?;
    }
    if refused > 0 {
        out.hang(&[], &tinted(Tint::Bad, format!("{refused} could not be looked at or changed")))?;
    }
    for one in left {
        out.hang(&[plain("  ")], &plain(one.as_str()))?;
    }
    Ok(())
}

/// Part after part, until the agent says that it came to the end.
fn mend(desk: &mut Desk<'_>, unfit: &Unfit, args: &FixArgs) -> Result<u8, Failure> {
    let live = !desk.json && desk.seat.err.screen().terminal;
    let mut begin = true;
    loop {
        let body = json!({
            "dir": unfit.dir, "owner": unfit.owner, "mode": unfit.mode, "file_mode": args.file_mode,
            "recursive": args.recursive, "begin": begin,
        });
        let done = desk.order("/v1/storage/fix", &body)?;
        if exit_of(&done) != DONE {
            print_done(desk, &done)?;
            return Ok(exit_of(&done));
        }
        begin = false;
        let Some(fix) = read_fix(desk, &unfit.dir)? else {
            let cure = "hostkeeper history; give the order again";
            return Err(Failure::new(UNCHECKED, "lost", "the agent no longer knows of this order", cure));
        };
        if fix.ended {
            return report(desk, &fix, &done);
        }
        if live {
            desk.seat.err.line(&[tinted(Tint::Dim, format!("{} looked at, {} changed", fix.entries, fix.changed))])?;
            desk.seat.err.flush()?;
        }
    }
}

fn read_fix(desk: &mut Desk<'_>, name: &str) -> Result<Option<FixView>, Failure> {
    let (storage, _) = read_storage(desk)?;
    let dir = storage.dirs.into_iter().find(|dir| format!("{}/{}", dir.project, dir.dir) == name);
    Ok(dir.and_then(|dir| dir.fix))
}

fn report(desk: &mut Desk<'_>, fix: &FixView, done: &DoneShown) -> Result<u8, Failure> {
    let text = format!("{} of {} changed", fix.changed, fix.entries);
    print_done(desk, &DoneShown { text, steps: Vec::new(), ..done.clone() })?;
    if !desk.json {
        print_left(desk, (fix.several_names, fix.refused), &fix.left)?;
    }
    Ok(if fix.refused > 0 { FAILED } else { DONE })
}
