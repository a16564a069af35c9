//! `docs/cli.md`, made from the command itself, so that it cannot drift: a test compares the two. Pure.

use clap::{Arg, Command};

use super::command::command;
use super::pages::{ENVIRONMENT, FILES_NAMED, Page, page_of};

/// The whole reference as Markdown.
pub fn render_reference() -> String {
    let mut whole = command();
    whole.build();
    let mut text = String::from(
        "# The command line\n\nGenerated from the command itself (`UPDATE=1 cargo test --release --test cli`); do not edit.\n\n",
    );
    text.push_str(&format!("{}\n\n", about(&whole)));
    text.push_str("Exit codes: 0 done, 1 failed or worst finding, 2 wrong usage or blocked, 3 could not check, 78 bad configuration; each verb lists its own.\n\n");
    text.push_str("## Common options\n\n");
    for arg in whole.get_arguments().filter(|arg| arg.is_global_set()) {
        push_arg(&mut text, arg);
    }
    push_pairs(&mut text, "Environment", ENVIRONMENT);
    push_pairs(&mut text, "Files", FILES_NAMED);
    for verb in verbs(&whole) {
        push_verb(&mut text, verb, verb.get_name());
        for below in verbs(verb) {
            push_verb(&mut text, below, &format!("{} {}", verb.get_name(), below.get_name()));
        }
    }
    text
}

fn verbs(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|verb| verb.get_name() != "help")
}

fn about(command: &Command) -> String {
    command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string).unwrap_or_default()
}

fn push_pairs(text: &mut String, title: &str, pairs: &[(&str, &str)]) {
    text.push_str(&format!("\n## {title}\n\n"));
    for (name, what) in pairs {
        text.push_str(&format!("- `{name}`: {what}\n"));
    }
}

fn push_verb(text: &mut String, verb: &Command, name: &str) {
    text.push_str(&format!("\n## hostkeeper {name}\n\n{}.\n", about(verb)));
    let own: Vec<&Arg> = verb.get_arguments().filter(|arg| !arg.is_global_set() && arg.get_id() != "help").collect();
    if !own.is_empty() {
        text.push('\n');
    }
    for arg in own {
        push_arg(text, arg);
    }
    if let Some(page) = page_of(name) {
        push_page(text, page);
    }
}

fn push_arg(text: &mut String, arg: &Arg) {
    let value = arg.get_value_names().and_then(|names| names.first()).map(|name| format!(" {name}"));
    let value = value.filter(|_| arg.get_action().takes_values()).unwrap_or_default();
    let name = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}{value}"),
        (None, Some(long)) => format!("--{long}{value}"),
        _ => value.trim_start().to_owned(),
    };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let defaults: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let shown = arg.get_action().takes_values() && !defaults.is_empty();
    let default = if shown { format!(" (default `{}`)", defaults.join(" ")) } else { String::new() };
    let choices = arg.get_possible_values();
    let choices: Vec<&str> = choices.iter().map(|choice| choice.get_name()).collect();
    let listed = arg.get_action().takes_values() && !choices.is_empty();
    let one_of = if listed { format!(" One of {}.", choices.join(", ")) } else { String::new() };
    text.push_str(&format!("- `{name}`: {help}{default}.{one_of}\n"));
}

fn push_page(text: &mut String, page: &Page) {
    for note in page.notes {
        text.push_str(&format!("\n{note}\n"));
    }
    text.push_str("\n```sh\n");
    for (line, what) in page.examples {
        text.push_str(&format!("{line}   # {what}\n"));
    }
    text.push_str("```\n\nExit codes:\n\n");
    for (code, when) in page.exits {
        text.push_str(&format!("- {code}: {when}\n"));
    }
}
