//! The directories of a member, opened below its root and held for the length of one order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::host::Error;
use crate::host::files::{Directory, Found};

/// Most directories held open.
const MOST: usize = 64;

/// A member and the directories in it that were needed so far.
pub struct Rooms<'d> {
    root: &'d Directory,
    /// Held while a directory is made: who finds it afterwards finds it on the disk.
    making: Option<&'d Mutex<()>>,
    open: BTreeMap<String, Directory>,
}

impl<'d> Rooms<'d> {
    pub fn of(root: &'d Directory) -> Rooms<'d> {
        Rooms { root, making: None, open: BTreeMap::new() }
    }

    /// As `of`, beside others who make directories in the same member.
    pub fn beside(root: &'d Directory, making: &'d Mutex<()>) -> Rooms<'d> {
        Rooms { making: Some(making), ..Rooms::of(root) }
    }

    /// The directory `below`; `None`: it is not there, or is no directory any more.
    pub fn get(&mut self, below: &str) -> Result<Option<&Directory>, Error> {
        if !self.open.contains_key(below) {
            let Found::There(directory) = self.root.open_below(Path::new(below))? else { return Ok(None) };
            self.hold(below, directory);
        }
        Ok(self.open.get(below))
    }

    /// The directory `below`, made with its parents where it is missing, each with owner and mode of the one of that
    /// name in `like`.
    pub fn get_or_make(&mut self, below: &str, like: &Directory) -> Result<Option<&Directory>, Error> {
        if !self.open.contains_key(below) {
            let _alone = self.making.map(|making| making.lock().unwrap_or_else(PoisonError::into_inner));
            if self.get(below)?.is_none() && !self.make(below, like)? {
                return Ok(None);
            }
        }
        self.get(below)
    }

    fn make(&mut self, below: &str, like: &Directory) -> Result<bool, Error> {
        let mut path = String::new();
        for part in below.split('/') {
            let above = path.clone();
            path = if above.is_empty() { part.to_owned() } else { format!("{above}/{part}") };
            let Found::There(model) = like.open_below(Path::new(&path))? else { return Ok(false) };
            let Found::There(parent) = self.root.open_below(Path::new(&above))? else { return Ok(false) };
            if parent.create_child(Path::new(part), 0o700)? {
                let Found::There(made) = self.root.open_below(Path::new(&path))? else { return Ok(false) };
                let facts = model.read_facts()?;
                made.write_owner(facts.user, facts.group)?;
                made.write_mode(facts.mode)?;
                made.sync()?;
                parent.sync()?;
            }
        }
        Ok(true)
    }

    fn hold(&mut self, below: &str, directory: Directory) {
        if self.open.len() >= MOST {
            self.open.clear();
        }
        self.open.insert(below.to_owned(), directory);
    }

    /// Waits until what was done in these directories is on the disk: each by itself, or the file system as a whole
    /// where there are many.
    pub fn sync<'s>(&mut self, touched: impl Iterator<Item = &'s str>) -> Result<(), Error> {
        let touched: std::collections::BTreeSet<&str> = touched.collect();
        if touched.len() > MOST / 4 {
            return self.root.sync_file_system();
        }
        for below in touched {
            if let Some(directory) = self.get(below)? {
                directory.sync()?;
            }
        }
        Ok(())
    }
}
