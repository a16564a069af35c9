//! The first half of a move: the file is renamed within its file system, or copied under a name of ours.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Instant;

use super::{Batch, Copied, End, Partial};
use crate::host::Error;
use crate::host::alone::is_leased;
use crate::host::entries::FileFacts;
use crate::host::files::Directory;
use crate::host::transfer::{
    Opened, Progress, Renamed, Sum, Use, copy_attributes, copy_on, read_facts, read_on, sync_file,
};
use crate::keepers::storage::pools::step::Item;

/// What a copy came to.
enum Made {
    /// With its fingerprint where it was not read back yet.
    Whole {
        copy: FileFacts,
        sum: Option<Sum>,
    },
    Part(Box<Partial>),
    Not(End),
}

impl Batch<'_, '_> {
    /// Renames or copies one file. Its end when that is known already.
    pub(super) fn stage(&mut self, index: usize, partial: &mut Option<Partial>) -> Result<End, Error> {
        let item = self.item(index)?.clone();
        let (below, name) = item.parts();
        let (name, road) = (Path::new(name), self.road);
        let Some(room) = self.from.get(below)? else { return Ok(End::Vanished) };
        let mut source = match room.open_file(name) {
            Ok(Some(source)) => source,
            Ok(None) => return Ok(End::Vanished),
            Err(error) if is_leased(&error) => return Ok(End::Open),
            Err(error) => return Err(error),
        };
        let facts = source.facts;
        if (facts.size, facts.modified) != (item.size, item.modified) || facts.links != 1 {
            return Ok(End::Changed);
        }
        match source.take_lease() {
            Use::Open => return Ok(End::Open),
            Use::Untold if (road.is_open)(&facts) => return Ok(End::Open),
            Use::Alone | Use::Untold => {}
        }
        let Some(target) = self.to.get_or_make(below, road.from)? else { return Ok(End::Vanished) };
        if target.read_child(name)?.is_some() {
            return Ok(End::Clash);
        }
        (road.point)("before");
        let renamed = if self.apart { Ok(Renamed::Elsewhere) } else { room.rename_child(name, target, name) };
        match renamed {
            Ok(Renamed::Done) => {
                (road.point)("renamed");
                self.renamed.push(index);
                return Ok(End::Moved);
            }
            Ok(Renamed::Taken) => return Ok(End::Clash),
            Ok(Renamed::Missing) => return Ok(End::Vanished),
            Ok(Renamed::Elsewhere) => {}
            Err(error) => return refused_or(error),
        }
        let fits = partial.as_ref().is_some_and(|kept| kept.item == item && kept.source == facts);
        let kept = if fits { partial.take() } else { None };
        match make_copy(target, &item, &source, kept, road) {
            Ok(Made::Not(end)) => {
                target.remove_file(Path::new(&item.copy_name()))?;
                Ok(end)
            }
            Ok(Made::Part(part)) => {
                *partial = Some(*part);
                Ok(End::Later)
            }
            Ok(Made::Whole { copy, sum }) => {
                self.copied.push(Copied { index, source: facts, copy, sum });
                Ok(End::Later)
            }
            Err(error) => {
                target.remove_file(Path::new(&item.copy_name()))?;
                Err(error)
            }
        }
    }
}

/// Some files cannot be renamed or removed by anybody (`chattr +i`, `+a`): they stay, and the others go on.
fn refused_or(error: Error) -> Result<End, Error> {
    match &error {
        Error::File { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            Ok(End::Refused(error.chain()))
        }
        _ => Err(error),
    }
}

fn make_copy(
    target: &Directory,
    item: &Item,
    source: &Opened,
    kept: Option<Partial>,
    road: &super::Road<'_>,
) -> Result<Made, Error> {
    let broken = |error| Error::file("copy", &item.name, error);
    let (mut file, mut written, mut read_back) = begin(target, item, kept)?;
    (road.point)("begun");
    // One piece is always copied: else a file could never come to its end.
    let in_time = || Instant::now() < road.until && !source.is_wanted();
    let whole = copy_on(source, &mut file, &mut written, &in_time).map_err(broken)?;
    (road.point)("written");
    let now = source.read_facts().map_err(broken)?;
    if source.is_wanted() {
        return Ok(Made::Not(End::Open));
    }
    if now != source.facts || (whole && written.done != source.facts.size) {
        return Ok(Made::Not(End::Changed));
    }
    if whole && read_back.done == 0 {
        return Ok(match finish(source, &file) {
            Ok(copy) => Made::Whole { copy, sum: Some(written.sum()) },
            Err(error) if is_full(&error) => return Err(broken(error)),
            Err(error) => Made::Not(End::Refused(format!("its attributes cannot be kept: {error}"))),
        });
    }
    sync_file(&file).map_err(broken)?;
    read_on(&file, &mut read_back).map_err(broken)?;
    if read_back.clone().sum() != written.clone().sum() {
        return Err(Error::reply(&item.name, "its copy differs from it when read back from the disk"));
    }
    if !whole {
        let copy = read_facts(&file).map_err(broken)?;
        let partial = Partial { item: item.clone(), source: source.facts, copy, written, read_back };
        return Ok(Made::Part(Box::new(partial)));
    }
    let copy = finish(source, &file).map_err(broken)?;
    Ok(Made::Whole { copy, sum: None })
}

/// Goes on with an earlier part of the copy where that is still as it was left, else begins.
fn begin(target: &Directory, item: &Item, kept: Option<Partial>) -> Result<(File, Progress, Progress), Error> {
    let name = item.copy_name();
    let name = Path::new(&name);
    if let Some(kept) = kept
        && let Some(file) = target.open_to_write(name)?
        && read_facts(&file).is_ok_and(|facts| facts.is_same_content(&kept.copy))
    {
        return Ok((file, kept.written, kept.read_back));
    }
    let mut made = target.create_file(name)?;
    if made.is_none() {
        // Left over by a killed life; nobody else gives such names.
        target.remove_file(name)?;
        made = target.create_file(name)?;
    }
    let taken = || Error::reply(&item.name, format!("somebody keeps making {}", name.display()));
    Ok((made.ok_or_else(taken)?, Progress::default(), Progress::default()))
}

fn finish(source: &Opened, file: &File) -> io::Result<FileFacts> {
    copy_attributes(source, file)?;
    read_facts(file)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
