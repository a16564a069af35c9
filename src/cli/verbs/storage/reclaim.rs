//! `storage reclaim`: shows what Docker holds that nothing uses; removes what a person names, after showing it and asking.

use std::time::{Duration, Instant};

use serde_json::json;

use super::super::super::consent::Question;
use super::super::super::desk::Desk;
use super::super::super::failure::{BLOCKED, DONE, Failure, UNCHECKED};
use super::super::super::out::{Span, Tint, plain, tinted};
use super::super::super::rows::print_table;
use super::super::super::storage_args::ReclaimArgs;
use super::super::super::table::{ALWAYS, Column, numbers, words as column};
use super::super::super::words;
use super::super::apply::{exit_of, print_done};
use super::read_storage;
use crate::api::shapes::DoneShown;
use crate::round::{Leftover, LeftoverClass, ReclaimView, UnboundLog};
use crate::values::Bytes;

const BREATH: Duration = Duration::from_millis(500);
/// Longer than the agent gives Docker for an answer.
const LOOK_LIMIT: Duration = Duration::from_secs(330);
/// Things listed without `--all`, of each class.
const LISTED: usize = 10;
/// Fewer digits of an id could mean anything.
const LEAST_DIGITS: usize = 4;
const UNDONE: &str = "nothing was removed";
const QUESTION: Question = Question {
    asks: "reclaim asks before it removes",
    otherwise: "look with --dry-run, then add --yes",
    undone: UNDONE,
};

pub fn run(desk: &mut Desk<'_>, args: &ReclaimArgs) -> Result<u8, Failure> {
    let removes = !args.what.is_empty() && !args.dry_run;
    if removes && !args.yes {
        QUESTION.check(desk)?;
    }
    let mut view = if args.fresh || removes { look(desk)? } else { read(desk)? };
    if let Some(project) = &args.project {
        view.leftovers.retain(|thing| thing.project.as_ref() == Some(project));
        view.unbound_logs.retain(|log| log.project.as_ref() == Some(project));
    }
    if !args.what.is_empty() {
        check_looked(&view)?;
        view.leftovers = choose(&view.leftovers, &args.what)?;
    }
    if !removes {
        return show(desk, &view, args);
    }
    if view.leftovers.is_empty() {
        let text = "nothing is left of what was named".to_owned();
        let done = DoneShown { schema: "hostkeeper.done/1".into(), text, steps: Vec::new() };
        print_done(desk, &done)?;
        return Ok(DONE);
    }
    if !desk.json {
        print_things(desk, &view.leftovers, usize::MAX)?;
    }
    if !args.yes {
        confirm(desk, &view.leftovers)?;
    }
    remove(desk, &view.leftovers)
}

fn read(desk: &mut Desk<'_>) -> Result<ReclaimView, Failure> {
    Ok(read_storage(desk)?.0.reclaim.unwrap_or_default())
}

/// Has the agent look, and waits for what it finds.
fn look(desk: &mut Desk<'_>) -> Result<ReclaimView, Failure> {
    // Answered after the round in which the look begins.
    desk.order("/v1/storage/reclaim/look", &json!({}))?;
    let (live, begun) = (!desk.json && desk.seat.err.screen().terminal, Instant::now());
    if live {
        desk.seat.err.line(&[tinted(Tint::Dim, "Docker is asked what it holds; it walks all its volumes for that")])?;
        desk.seat.err.flush()?;
    }
    loop {
        let view = read(desk)?;
        match &view.trouble {
            _ if view.looking => {}
            None => return Ok(view),
            Some(trouble) => {
                let text = format!("Docker did not say what it holds: {trouble}");
                return Err(Failure::new(UNCHECKED, "unseen", text, "hostkeeper doctor").so(UNDONE));
            }
        }
        if begun.elapsed() >= LOOK_LIMIT {
            let text = "Docker has not said what it holds";
            return Err(Failure::new(UNCHECKED, "timeout", text, "hostkeeper storage reclaim, later").so(UNDONE));
        }
        std::thread::sleep(BREATH);
    }
}

fn check_looked(view: &ReclaimView) -> Result<(), Failure> {
    if view.looked_at.is_some() {
        return Ok(());
    }
    let text = view.trouble.clone().unwrap_or_else(|| "Docker was not asked yet what it holds".into());
    Err(Failure::new(UNCHECKED, "unseen", text, "hostkeeper storage reclaim --fresh"))
}

/// The things that the words mean: classes, ids or their beginnings, names.
fn choose(things: &[Leftover], words: &[String]) -> Result<Vec<Leftover>, Failure> {
    let mut chosen: Vec<Leftover> = Vec::new();
    for word in words {
        let found = find(things, word)?;
        let new = found.into_iter().filter(|thing| !chosen.contains(thing)).cloned().collect::<Vec<_>>();
        chosen.extend(new);
    }
    Ok(chosen)
}

fn find<'t>(things: &'t [Leftover], word: &str) -> Result<Vec<&'t Leftover>, Failure> {
    if let Some(class) = LeftoverClass::ALL.into_iter().find(|class| class.as_str() == word) {
        return Ok(things.iter().filter(|thing| thing.class == class).collect());
    }
    // Many have no name, and an empty word means none of them.
    let is_name = |name: &String| !name.is_empty() && name == word;
    let named = |thing: &&Leftover| is_name(&thing.name) || thing.names.iter().any(is_name);
    let by_name: Vec<&Leftover> = things.iter().filter(named).collect();
    if !by_name.is_empty() {
        return Ok(by_name);
    }
    let digits = word.strip_prefix("sha256:").unwrap_or(word);
    let begins = |thing: &&Leftover| thing.id.strip_prefix("sha256:").unwrap_or(&thing.id).starts_with(digits);
    let by_id: Vec<&Leftover> = things.iter().filter(begins).collect();
    match by_id.as_slice() {
        [one] if digits.len() >= LEAST_DIGITS => Ok(vec![one]),
        [_, _, ..] if digits.len() >= LEAST_DIGITS => {
            let text = format!("{} things begin with \"{word}\"", by_id.len());
            Err(Failure::new(BLOCKED, "usage", text, "write more digits").so(UNDONE))
        }
        _ => {
            let classes: Vec<&str> = LeftoverClass::ALL.into_iter().map(LeftoverClass::as_str).collect();
            let text = format!("\"{word}\" is not among what nothing uses");
            let cure = format!("name a class ({}), or an id or a name of the list", classes.join(", "));
            Err(Failure::new(BLOCKED, "not_found", text, cure).so(UNDONE))
        }
    }
}

fn sum(things: &[&Leftover]) -> Bytes {
    Bytes(things.iter().map(|thing| thing.bytes).fold(0, u64::saturating_add))
}

/// One line for who looks at storage as a whole; `None`: there is nothing to tell.
pub fn in_words(view: &ReclaimView) -> Option<String> {
    let all: Vec<&Leftover> = view.leftovers.iter().collect();
    let what = words::count(all.len(), "thing");
    (!all.is_empty())
        .then(|| format!("Docker holds {what} that nothing uses, {}: hostkeeper storage reclaim", sum(&all)))
}

fn show(desk: &mut Desk<'_>, view: &ReclaimView, args: &ReclaimArgs) -> Result<u8, Failure> {
    if desk.json {
        let mut value = serde_json::to_value(view).map_err(|error| Failure::strange_answer("reclaim", error))?;
        if let Some(fields) = value.as_object_mut() {
            fields.insert("schema".into(), "hostkeeper.reclaim/1".into());
        }
        desk.out().json(&value)?;
        return Ok(DONE);
    }
    print_look(desk, view)?;
    if view.looked_at.is_none() {
        return Ok(DONE);
    }
    print_classes(desk, &view.leftovers)?;
    let listed = if args.all || !args.what.is_empty() { usize::MAX } else { LISTED };
    print_things(desk, &view.leftovers, listed)?;
    if view.beyond > 0 {
        desk.out().say(&format!("{} more things are not listed: there are too many", view.beyond))?;
    }
    print_logs(desk, view)?;
    if !view.leftovers.is_empty() && args.what.is_empty() {
        desk.out().gap()?;
        desk.out().hang(&[], &tinted(Tint::Dim, "remove: hostkeeper storage reclaim CLASS, or an id or a name"))?;
    }
    Ok(DONE)
}

fn print_look(desk: &mut Desk<'_>, view: &ReclaimView) -> Result<(), Failure> {
    let when = view.looked_at.map(|at| desk.local(at));
    let out = desk.out();
    match when {
        Some(when) => {
            let took =
                view.took_seconds.map(|took| format!(", which took {}", words::length(took))).unwrap_or_default();
            out.hang(&[], &plain(format!("Docker was asked at {when}{took}")))?;
        }
        None if view.looking => out.say("Docker is being asked what it holds")?,
        None if view.trouble.is_none() => {
            let text = "Docker was not asked yet what it holds: that is done 10 minutes after the agent's start; \
                        now: hostkeeper storage reclaim --fresh";
            out.hang(&[], &plain(text))?;
        }
        None => {}
    }
    if let Some(trouble) = &view.trouble {
        out.hang(&[plain("the last look failed: ")], &tinted(Tint::Warn, trouble.as_str()))?;
    }
    Ok(())
}

const SUMS: &[Column] =
    &[column("CLASS", ALWAYS, 0), numbers("THINGS", ALWAYS), numbers("FREES", ALWAYS), column("WHAT", 1, 20)];

fn meaning(class: LeftoverClass) -> &'static str {
    match class {
        LeftoverClass::Dangling => "images that have lost their names",
        LeftoverClass::Images => "images that no container uses",
        LeftoverClass::Cache => "the build cache",
        LeftoverClass::Containers => "stopped containers of `compose run`",
        LeftoverClass::Volumes => "volumes without a name that no container uses",
    }
}

fn print_classes(desk: &mut Desk<'_>, things: &[Leftover]) -> Result<(), Failure> {
    let row = |class: LeftoverClass| -> Vec<Span> {
        let found: Vec<&Leftover> = things.iter().filter(|thing| thing.class == class).collect();
        let (count, what) = (found.len().to_string(), tinted(Tint::Dim, meaning(class)));
        vec![plain(class.as_str()), plain(count), plain(sum(&found).to_string()), what]
    };
    desk.out().gap()?;
    print_table(desk.out(), SUMS, &LeftoverClass::ALL.into_iter().map(row).collect::<Vec<_>>())?;
    Ok(())
}

const THINGS: &[Column] = &[
    column("CLASS", ALWAYS, 0),
    column("ID", ALWAYS, 0),
    numbers("FREES", ALWAYS),
    column("PROJECT", 3, 8),
    column("MADE", 2, 0),
    column("NAME", 4, 12),
];

fn print_things(desk: &mut Desk<'_>, things: &[Leftover], most: usize) -> Result<(), Failure> {
    let (mut rows, mut left) = (Vec::new(), 0);
    for class in LeftoverClass::ALL {
        let found = || things.iter().filter(|thing| thing.class == class);
        left += found().count().saturating_sub(most);
        for thing in found().take(most) {
            let made = thing.since.map(|at| desk.local(at).chars().take(10).collect::<String>()).unwrap_or_default();
            rows.push(vec![
                plain(class.as_str()),
                plain(thing.short_id()),
                plain(Bytes(thing.bytes).to_string()),
                plain(thing.project.clone().unwrap_or_default()),
                plain(made),
                plain(thing.name.as_str()),
            ]);
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    desk.out().gap()?;
    print_table(desk.out(), THINGS, &rows)?;
    if left > 0 {
        desk.out().hang(&[], &tinted(Tint::Dim, format!("and {left} smaller ones: --all lists them")))?;
    }
    Ok(())
}

const LOGS: &[Column] = &[numbers("LOG", ALWAYS), column("CONTAINER", ALWAYS, 12), column("PROJECT", 1, 8)];

fn print_logs(desk: &mut Desk<'_>, view: &ReclaimView) -> Result<(), Failure> {
    if view.unbound_logs.is_empty() {
        return Ok(());
    }
    let bytes = Bytes(view.unbound_logs.iter().map(|log| log.bytes).fold(0, u64::saturating_add));
    let out = desk.out();
    out.gap()?;
    let count = words::count(view.unbound_logs.len(), "container");
    let head = format!("{count} with a log that has no bound, {bytes} now; not removed here. ");
    out.hang(
        &[],
        &plain(format!("{head}Give it one in Compose: logging: {{options: {{max-size: 10m, max-file: \"3\"}}}}")),
    )?;
    let row = |log: &UnboundLog| -> Vec<Span> {
        let project = log.project.clone().unwrap_or_default();
        vec![plain(Bytes(log.bytes).to_string()), plain(log.container.as_str()), plain(project)]
    };
    let rows: Vec<Vec<Span>> = view.unbound_logs.iter().take(LISTED).map(row).collect();
    print_table(out, LOGS, &rows)?;
    Ok(())
}

fn confirm(desk: &mut Desk<'_>, things: &[Leftover]) -> Result<(), Failure> {
    let volumes = things.iter().filter(|thing| thing.class == LeftoverClass::Volumes).count();
    if volumes > 0 {
        let text = format!("{} with all data in them are among it.", words::count(volumes, "volume"));
        desk.out().gap()?;
        desk.out().hang(&[], &tinted(Tint::Warn, text))?;
    }
    let all: Vec<&Leftover> = things.iter().collect();
    let what = words::count(things.len(), "thing");
    QUESTION.ask(desk, &format!("Remove {what}, about {}? There is no way back.", sum(&all)))
}

/// Order after order: the agent removes as many as it has time for.
fn remove(desk: &mut Desk<'_>, things: &[Leftover]) -> Result<u8, Failure> {
    let (mut left, mut steps) = (things, Vec::new());
    while !left.is_empty() {
        let name = |thing: &Leftover| json!({"class": thing.class, "id": thing.id});
        let part: Vec<serde_json::Value> = left.iter().take(500).map(name).collect();
        let done = desk.order("/v1/storage/reclaim", &json!({ "things": part }))?;
        if done.steps.is_empty() {
            let text = format!("{} of {} are left: the agent does not go on", left.len(), things.len());
            return Err(Failure::new(UNCHECKED, "stuck", text, "hostkeeper history; give the order again"));
        }
        left = left.get(done.steps.len()..).unwrap_or_default();
        if !desk.json {
            print_done(desk, &DoneShown { text: String::new(), ..done.clone() })?;
            desk.out().flush()?;
        }
        steps.extend(done.steps);
    }
    let removed = steps.iter().filter(|step| step.result != "failed").count();
    let shown = if desk.json { steps.clone() } else { Vec::new() };
    let text = format!("{removed} of {} removed", things.len());
    let done = DoneShown { schema: "hostkeeper.done/1".into(), text, steps };
    print_done(desk, &DoneShown { steps: shown, ..done.clone() })?;
    Ok(exit_of(&done))
}
