//! One file to a tree: every syntax error of it in plain words, and as much of the tree as can be trusted. Lines with
//! an error are blanked and the rest is parsed again, so that one mistake does not hide the next. Pure.

use toml::de::{DeTable, Error};

use super::damage::Damage;
use super::depth::{LIMIT, parse_depth};
use super::located::{Located, MOST};
use super::mistakes::{Mistake, key_at, parse_mistake};
use super::source::{Source, Text, parse_text};
use super::tree::{DEPTH, Node, parse_tree};

/// How often a file is parsed again.
const ROUNDS: usize = 40;

/// One file after parsing. `text` is kept also when nothing could be parsed, so that numbers of files hold.
pub struct Parsed {
    pub text: Text,
    pub root: Node,
    pub problems: Vec<Located>,
    pub damage: Damage,
}

/// Parses one file; `file` is its number.
pub fn parse_source(file: usize, source: &Source) -> Parsed {
    let text = match parse_text(source) {
        Ok(text) => text,
        Err(problem) => return Parsed::of(Text::new(&source.name, "")).without_tree(file, *problem),
    };
    let mut parsed = Parsed::of(text);
    let mut working = parsed.text.text.clone();
    let mut told = true;
    for _ in 0..ROUNDS {
        if let Some(at) = parse_depth(&working) {
            let problem = parsed.too_deep(&(at..at + 1), LIMIT);
            return parsed.without_tree(file, problem);
        }
        let (table, errors) = DeTable::parse_recoverable(&working);
        match parse_tree(file, table.get_ref()) {
            Ok(root) => parsed.root = root,
            Err(span) => {
                let problem = parsed.too_deep(&span, DEPTH);
                return parsed.without_tree(file, problem);
            }
        }
        let before = parsed.damage.lines.len();
        let again = parsed.take_errors(file, &errors, told);
        if parsed.damage.lines.len() == before || parsed.problems.len() > MOST {
            break;
        }
        told &= again;
        working = parsed.damage.blank(&parsed.text);
    }
    parsed
}

impl Parsed {
    fn of(text: Text) -> Parsed {
        Parsed { text, root: Node::empty_table(), problems: Vec::new(), damage: Damage::default() }
    }

    /// Whether a line about tiers could not be read.
    pub fn is_torn_at_storage(&self) -> bool {
        let about_tiers = |line: usize| key_at(&self.text, line).starts_with("storage");
        self.damage.whole || self.damage.lines.iter().any(|lines| about_tiers(lines.start))
    }

    fn without_tree(mut self, file: usize, problem: Located) -> Parsed {
        self.problems.push(Located { order: file, ..problem });
        self.root = Node::empty_table();
        self.damage.whole = true;
        self
    }

    fn too_deep(&self, span: &std::ops::Range<usize>, limit: usize) -> Located {
        let place = self.text.place(span);
        let key = key_at(&self.text, place.line);
        let what = format!("nests deeper than {limit} levels");
        Located { key, ..Located::at(&self.text, place, &what, "no key needs more: look for a missing ]") }
    }

    /// Notes the errors, the first of each line. `true`: what follows was read wrongly and must be parsed again before
    /// it can be told. Errors that only come up after blanking lines are not told.
    fn take_errors(&mut self, file: usize, errors: &[Error], told: bool) -> bool {
        for error in errors {
            let end = self.text.text.len();
            let Mistake { span, what, cure, lines, again } =
                parse_mistake(&self.text, error.span().unwrap_or(end..end), error.message());
            let place = self.text.place(&span);
            if self.damage.begins_at(place.line) {
                continue;
            }
            self.damage.add(&self.text, place.line, lines);
            if told {
                let key = key_at(&self.text, place.line);
                self.problems.push(Located { order: file, key, ..Located::at(&self.text, place, &what, &cure) });
            }
            if again || self.problems.len() > MOST {
                return again;
            }
        }
        false
    }
}
