//! Files to checked `Settings`: the built-in defaults, the main file, `conf.d/*.toml`, merged with the place of every
//! value kept, read once into types, with every problem at once. Only `read.rs` touches the machine; the rest is pure.

mod answer;
mod changes;
mod check;
mod damage;
mod depth;
mod draw;
mod explain;
mod init;
mod isolated;
mod located;
mod merge;
mod mistakes;
mod path;
mod read;
mod reference;
mod settings;
mod show;
mod source;
mod syntax;
mod tree;
mod typed;
mod value;
mod words;

#[cfg(test)]
mod tests;

pub use answer::{Answer, check};
pub use changes::diff;
pub use explain::explain;
pub use init::{Discovered, FoundBcache, FoundMount, FoundPostgres, FoundProject, init};
pub use located::{Level, Located, Problems};
pub use read::{DEFAULT_PATH, load};
pub use reference::{reference, words_of};
pub use settings::{Api, HostSettings, Ledger, Metrics, Project, Settings, Web};
pub use show::show;
pub use source::{Origin, Source};
pub use tree::{Node, Tree, Value};
pub use typed::parse_sources;

use std::path::PathBuf;

/// A configuration that holds.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub settings: Settings,
    /// Every value with the place it comes from, defaults included.
    pub tree: Tree,
    /// The files read, in the order of reading.
    pub files: Vec<PathBuf>,
    /// What does not hinder, but should be put right.
    pub warnings: Vec<Located>,
}
