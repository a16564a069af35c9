//! `man`: a man page in roff, made from the command itself and from what `pages` says of it. Pure but for printing.

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use super::super::args::ManArgs;
use super::super::command::verb_of;
use super::super::desk::Desk;
use super::super::failure::{BLOCKED, DONE, Failure};
use super::super::pages::{ENVIRONMENT, FILES_NAMED, Page, page_of};

/// Prints the page of a verb.
pub fn run(desk: &mut Desk<'_>, args: &ManArgs) -> Result<u8, Failure> {
    let Some(page) = render_man(&args.verb)? else {
        let text = format!("no verb \"{}\"", args.verb.join(" "));
        return Err(Failure::new(BLOCKED, "not_found", text, "see hostkeeper --help"));
    };
    desk.out().page(&page)?;
    Ok(DONE)
}

/// The man page of the verb that `words` name (none: the whole command) in roff; `None` when there is no such verb.
pub fn render_man(words: &[String]) -> Result<Option<Vec<u8>>, std::io::Error> {
    let Some(found) = verb_of(words) else { return Ok(None) };
    let said = page_of(&words.join(" "));
    let name = if words.is_empty() { "hostkeeper".to_owned() } else { format!("hostkeeper-{}", words.join("-")) };
    let command = found.display_name(name.clone()).after_help("").version(env!("CARGO_PKG_VERSION"));
    let subcommands: Vec<(String, String)> = listed(&command);
    let man = Man::new(command)
        .title(name.to_uppercase())
        .section("8")
        .date("")
        .source(concat!("hostkeeper ", env!("CARGO_PKG_VERSION")))
        .manual("System administration");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    page.extend_from_slice(&render_rest(said, &subcommands).into_bytes());
    Ok(Some(page))
}

/// The verbs below, without clap's own `help`.
fn listed(command: &Command) -> Vec<(String, String)> {
    let verbs = command.get_subcommands().filter(|verb| verb.get_name() != "help");
    let about = |verb: &Command| verb.get_about().map(ToString::to_string).unwrap_or_default();
    verbs.map(|verb| (verb.get_name().to_owned(), about(verb))).collect()
}

fn render_rest(said: Option<&Page>, subcommands: &[(String, String)]) -> String {
    let mut roff = Roff::new();
    if !subcommands.is_empty() {
        roff.control("SH", ["VERBS"]);
        tagged(&mut roff, subcommands.iter().map(|(name, about)| (name.as_str(), about.as_str())));
    }
    if let Some(page) = said {
        render_page(&mut roff, page);
    }
    roff.control("SH", ["FILES"]);
    tagged(&mut roff, FILES_NAMED.iter().copied());
    roff.control("SH", ["ENVIRONMENT"]);
    tagged(&mut roff, ENVIRONMENT.iter().copied());
    roff.control("SH", ["SEE ALSO"]);
    roff.text([
        bold("hostkeeper"),
        roman("(8), "),
        bold("hostkeeper-status"),
        roman("(8), "),
        bold("hostkeeper-plan"),
        roman("(8)"),
    ]);
    roff.render()
}

fn render_page(roff: &mut Roff, page: &Page) {
    if !page.notes.is_empty() {
        roff.control("SH", ["NOTES"]);
    }
    for note in page.notes {
        roff.text([roman(*note)]);
        roff.control("PP", []);
    }
    roff.control("SH", ["EXAMPLES"]);
    tagged(roff, page.examples.iter().copied());
    roff.control("SH", ["EXIT STATUS"]);
    let exits: Vec<(String, &str)> = page.exits.iter().map(|(code, when)| (code.to_string(), *when)).collect();
    tagged(roff, exits.iter().map(|(code, when)| (code.as_str(), *when)));
}

fn tagged<'a>(roff: &mut Roff, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    for (tag, text) in pairs {
        roff.control("TP", []);
        roff.text([bold(tag)]);
        roff.text([roman(text)]);
    }
}
