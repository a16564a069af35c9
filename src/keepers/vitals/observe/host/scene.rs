//! One look in progress: what all collectors share, and how each of them fared.

use std::path::PathBuf;
use std::time::Instant;

use super::super::CollectorRun;
use crate::host::Error;
use crate::host::kept::{Kept, Reader};
use crate::metrics::Group;
use crate::values::Now;

/// What collectors share during one look.
pub struct Scene<'l> {
    pub reader: &'l mut Reader,
    pub now: &'l Now,
    /// Whether directories of devices are to be listed again.
    pub list: bool,
    runs: Vec<CollectorRun>,
    absent: Vec<&'static str>,
}

impl<'l> Scene<'l> {
    pub fn new(reader: &'l mut Reader, now: &'l Now, list: bool) -> Scene<'l> {
        Scene { reader, now, list, runs: Vec::with_capacity(48), absent: Vec::new() }
    }

    /// Runs one collector, times it, and notes how it fared. `Ok(None)`: nothing to collect on this machine.
    pub fn run<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce(&mut Reader) -> Result<Option<T>, Error>,
    ) -> Option<T> {
        let began = Instant::now();
        let result = work(self.reader);
        let took = began.elapsed();
        let (value, outcome) = match result {
            Ok(value) => (value, Ok(())),
            Err(error) => (None, Err(error.chain())),
        };
        if value.is_none() && outcome.is_ok() {
            self.absent.push(name);
        }
        self.runs.push(CollectorRun { name, group: Group::Node, took, outcome });
        value
    }

    pub fn finish(self) -> (Vec<CollectorRun>, Vec<&'static str>) {
        (self.runs, self.absent)
    }
}

/// One file and its parser.
pub struct Source<T> {
    file: Kept,
    parse: fn(&[u8]) -> Option<T>,
}

impl<T> Source<T> {
    pub fn new(path: PathBuf, parse: fn(&[u8]) -> Option<T>) -> Source<T> {
        Source { file: Kept::new(path), parse }
    }

    /// As `new`, for a file that the kernel gives in one piece.
    pub fn piece(path: PathBuf, parse: fn(&[u8]) -> Option<T>) -> Source<T> {
        Source { file: Kept::piece(path), parse }
    }

    /// As `new`, for a file of many short lines.
    pub fn rows(path: PathBuf, parse: fn(&[u8]) -> Option<T>) -> Source<T> {
        Source { file: Kept::rows(path), parse }
    }

    /// What the file says now; `None` when there is no such file, an error when it says something else.
    pub fn look(&mut self, reader: &mut Reader) -> Result<Option<T>, Error> {
        let Some(bytes) = reader.read(&mut self.file)? else { return Ok(None) };
        match (self.parse)(bytes) {
            Some(value) => Ok(Some(value)),
            None => Err(Error::reply(self.file.path().to_string_lossy(), "not in the form it should have")),
        }
    }
}
