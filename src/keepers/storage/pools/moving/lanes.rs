//! An order's files in lots: what is in one becomes durable together. Small files go in two lanes, so that one lane
//! copies while the other waits for the disk; the order of events of each file is that of its lot.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Builder, scope};
use std::time::Instant;

use super::{Batch, End, Item, Partial, Report, Road};
use crate::host::Error;

/// Files of a lot, unless tests want less.
pub const LOT: usize = 500;
/// Bytes of a lot: what the disk must take after the time is over, too.
const LOT_BYTES: u64 = 64 << 20;
/// Files as large as this may be broken off, and are carried from order to order by one lane.
const LARGE: u64 = 8 << 20;
/// As the thread of the other lane.
const STACK: usize = 256 * 1024;

/// What the lanes share.
struct Shared<'s> {
    road: &'s Road<'s>,
    files: &'s [Item],
    /// The lots that any lane takes, and how many are taken.
    lots: Vec<Range<usize>>,
    taken: AtomicUsize,
    stop: AtomicBool,
    /// Held while a directory is made in the target.
    making: Mutex<()>,
    report: Mutex<Report>,
}

/// Moves `files`. `partial` carries a large file from one order to the next.
pub fn move_files(road: &Road<'_>, files: &[Item], partial: &mut Option<Partial>) -> Report {
    let begun = partial.as_ref().map(|partial| partial.item.clone());
    let is_large = |item: &Item| item.size >= LARGE || begun.as_ref() == Some(item);
    let (own, lots): (Vec<_>, Vec<_>) = split(files, road.lot)
        .into_iter()
        .partition(|lot| files.get(lot.clone()).is_some_and(|lot| lot.iter().any(is_large)));
    let report = Mutex::new(Report { ends: vec![End::Later; files.len()], trouble: None });
    let (taken, stop, making) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(()));
    let shared = Shared { road, files, lots, taken, stop, making, report };
    scope(|scope| {
        if shared.lots.len() + own.len() > 1 && !shared.lots.is_empty() {
            // Without another thread, one lane does it all.
            let _ = Builder::new().name("pool lane".into()).stack_size(STACK).spawn_scoped(scope, || shared.follow());
        }
        for lot in own {
            if shared.is_over() {
                break;
            }
            shared.move_lot(lot, partial);
        }
        while let Some(lot) = shared.take() {
            shared.move_lot(lot, partial);
        }
    });
    shared.report.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Lots of neighbours.
fn split(files: &[Item], most: usize) -> Vec<Range<usize>> {
    let (mut lots, mut first, mut bytes) = (Vec::new(), 0, 0_u64);
    for (index, item) in files.iter().enumerate() {
        if index > first && (index - first >= most || bytes.saturating_add(item.size) > LOT_BYTES) {
            lots.push(first..index);
            (first, bytes) = (index, 0);
        }
        bytes = bytes.saturating_add(item.size);
    }
    if first < files.len() {
        lots.push(first..files.len());
    }
    lots
}

impl Shared<'_> {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || Instant::now() >= self.road.until
    }

    fn take(&self) -> Option<Range<usize>> {
        if self.is_over() {
            return None;
        }
        self.lots.get(self.taken.fetch_add(1, Ordering::Relaxed)).cloned()
    }

    /// The other lane. Small files only: one that is broken off for lack of time is begun anew by a later order.
    fn follow(&self) {
        while let Some(lot) = self.take() {
            let mut partial = None;
            self.move_lot(lot, &mut partial);
            if let Some(partial) = partial
                && let Err(error) = Batch::of(self.road, &[], &self.making).drop_copy(&partial.item)
            {
                self.add_trouble(error);
            }
        }
    }

    fn move_lot(&self, lot: Range<usize>, partial: &mut Option<Partial>) {
        let Some(files) = self.files.get(lot.clone()) else { return };
        let mut batch = Batch::of(self.road, files, &self.making);
        if let Err(error) = batch.run(partial) {
            batch.drop_copies();
            self.add_trouble(error);
        }
        let mut report = self.report.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for (slot, end) in report.ends.iter_mut().skip(lot.start).zip(batch.ends) {
            *slot = end;
        }
    }

    /// The first trouble is told, and no further lot is begun.
    fn add_trouble(&self, error: Error) {
        self.stop.store(true, Ordering::Relaxed);
        self.report.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).trouble.get_or_insert(error);
    }
}
