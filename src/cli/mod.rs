//! The command line: arguments in, words or JSON out, an exit code. Decides nothing about the host: it asks the agent,
//! over its socket or by a direct look, and prints what is answered.

mod answers;
mod args;
mod ask;
mod command;
mod consent;
mod desk;
mod discover;
mod failure;
mod house;
mod limits_args;
mod out;
mod pages;
mod reference;
mod rows;
mod storage_args;
mod table;
mod text;
mod verbs;
mod wired;
mod words;

use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal};

use jiff::{Timestamp, tz::TimeZone};

pub use answers::{InProcess, OverSocket, new_runtime};
use args::{Line, Verb};
pub use ask::{Ask, Unreached};
pub use command::command;
use desk::Desk;
pub use desk::Seat;
use failure::BLOCKED;
pub use failure::Failure;
pub use house::{ConfigAnswer, ConfigQuestion, House, WebOrder};
pub use out::{Out, Screen};
pub use reference::render_reference;
pub use verbs::man::render_man;
pub use verbs::support_bundle::redact;
pub use wired::{Wired, bad_config};

/// The whole command: `args` with the program's name first, on this process's streams.
pub fn run(args: impl IntoIterator<Item = OsString>, house: &dyn House) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let no_colour = args.iter().any(|arg| arg == "--no-color");
    let mut input: Box<dyn BufRead> = Box::new(io::stdin().lock());
    let seat = Seat {
        out: Out::stdout(no_colour),
        err: Out::stderr(no_colour),
        input: &mut *input,
        input_terminal: io::stdin().is_terminal(),
        now: Timestamp::now(),
        zone: TimeZone::system(),
    };
    serve(&args, house, seat)
}

/// As `run`, on given streams.
pub fn serve<'a>(args: &[OsString], house: &'a dyn House, mut seat: Seat<'a>) -> u8 {
    let json = args.iter().any(|arg| arg == "--json");
    let line: Line = match command::parse(args) {
        Ok(line) => line,
        Err(error) => return refuse(&error, &mut seat, json),
    };
    let mut desk = Desk::new(seat, house, line.common.places(), line.common.json);
    let ended = dispatch(&mut desk, &line.verb);
    let flushed = desk.out().flush();
    let ended = ended.and_then(|exit| flushed.map(|()| exit).map_err(Failure::from));
    match ended {
        Ok(exit) => exit,
        Err(failure) => complain(&failure, &mut desk.seat.err, line.common.json),
    }
}

fn dispatch(desk: &mut Desk<'_>, verb: &Verb) -> Result<u8, Failure> {
    match verb {
        Verb::Daemon => verbs::daemon::run(desk),
        Verb::Web(args) => verbs::web::run(desk, args),
        Verb::Status(args) => verbs::status::run(desk, args),
        Verb::Doctor => verbs::doctor::run(desk),
        Verb::Plan(args) => verbs::plan::run(desk, args),
        Verb::Apply(args) => verbs::apply::run(desk, args),
        Verb::Confirm(args) => verbs::confirm::run(desk, args),
        Verb::Rollback(args) => verbs::rollback::run(desk, args),
        Verb::Explain(args) => verbs::explain::run(desk, args),
        Verb::History(args) => verbs::history::run(desk, args),
        Verb::Events(args) => verbs::events::run(desk, args),
        Verb::Top(args) => verbs::top::run(desk, args),
        Verb::Limits(args) => verbs::limits::run(desk, args),
        Verb::Park(args) => verbs::park::park(desk, args),
        Verb::Unpark(args) => verbs::park::unpark(desk, args),
        Verb::Audit(args) => verbs::audit::run(desk, args),
        Verb::Storage(args) => verbs::storage::run(desk, args),
        Verb::Config(what) => verbs::config::run(desk, what),
        Verb::Reload => verbs::reload::run(desk),
        Verb::Metrics(args) => verbs::metrics::run(desk, args),
        Verb::SupportBundle(args) => verbs::support_bundle::run(desk, args),
        Verb::Completion(args) => verbs::completion::run(desk, args),
        Verb::Man(args) => verbs::man::run(desk, args),
    }
}

/// Help and version go out; wrong usage is an error like any other.
fn refuse(error: &clap::Error, seat: &mut Seat<'_>, json: bool) -> u8 {
    let text = error.render().to_string();
    if !error.use_stderr() {
        let written = seat.out.page(text.as_bytes()).and_then(|()| seat.out.flush());
        return written.map(|()| 0).unwrap_or_else(|error| complain(&Failure::from(error), &mut seat.err, json));
    }
    if json {
        let first = text.lines().next().unwrap_or_default();
        let first = first.strip_prefix("error: ").unwrap_or(first);
        let failure = Failure::new(BLOCKED, "usage", first, "see hostkeeper --help, or hostkeeper VERB --help");
        return complain(&failure, &mut seat.err, true);
    }
    // Nobody is left to be told when standard error is gone too.
    let _ = seat.err.page(text.as_bytes()).and_then(|()| seat.err.flush());
    BLOCKED
}

/// The error as people or programs read it, and its exit code.
fn complain(failure: &Failure, err: &mut Out, json: bool) -> u8 {
    if !failure.is_silent() {
        // Nobody is left to be told when standard error is gone too.
        let _ = failure.print(err, json).and_then(|()| err.flush());
    }
    failure.exit
}
