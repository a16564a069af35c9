//! The clap command with what the pages add, and parsing by it.

use std::ffi::OsString;

use clap::{Command, CommandFactory, FromArgMatches};

use super::args::Line;
use super::pages::{PAGES, Page};

/// The whole command line as clap knows it, with examples and exit codes in each verb's help.
pub fn command() -> Command {
    let mut command = Line::command();
    for page in PAGES {
        let words: Vec<&str> = page.verb.split(' ').collect();
        command = with_help(command, &words, page);
    }
    command
}

fn with_help(command: Command, words: &[&str], page: &Page) -> Command {
    match words.split_first() {
        None => command.after_help(render_after_help(page)),
        Some((first, rest)) => command.mut_subcommand(first, |verb| with_help(verb, rest, page)),
    }
}

fn render_after_help(page: &Page) -> String {
    let mut text = String::from("Examples:\n");
    for (line, what) in page.examples {
        text.push_str(&format!("  {line}\n      {what}\n"));
    }
    text.push_str("\nExit codes:\n");
    for (code, when) in page.exits {
        text.push_str(&format!("  {code:<3} {when}\n"));
    }
    for note in page.notes {
        text.push_str(&format!("\n{note}\n"));
    }
    text
}

/// The arguments as types.
pub fn parse(args: &[OsString]) -> Result<Line, clap::Error> {
    let matches = command().try_get_matches_from(args)?;
    Line::from_arg_matches(&matches)
}

/// The verb that `words` name, with its subcommands; `None` when there is none.
pub fn verb_of(words: &[String]) -> Option<Command> {
    let mut found = command();
    found.build();
    for word in words {
        found = found.find_subcommand(word)?.clone();
    }
    Some(found)
}
