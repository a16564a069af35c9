//! Whether the write-ahead journal beside the ledger is whole. SQLite silently leaves out everything behind the first
//! bad frame; an order that was acknowledged must not vanish without a word. Format: <https://sqlite.org/fileformat2.html>.

use std::io::Read;
use std::path::Path;

/// At most so many generations of frames may be in one file; by more, salts differ only where bytes are no frame.
const GENERATIONS: u32 = 1 << 16;
/// A journal larger than this is not looked through; checkpoints keep it near one MiB.
const LARGEST: u64 = 64 << 20;
const HEADER: usize = 32;
const FRAME: usize = 24;

/// What the journal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// Nothing is missing; writes that were never finished do not count.
    Whole,
    /// The last write is cut short. It was either never acknowledged (a kill in the middle of it) or damaged since.
    End,
    /// Acknowledged writes cannot be read: at least so many.
    Lost(usize),
}

/// Judges a journal. Any bytes are fine.
pub fn parse_journal(bytes: &[u8]) -> Tear {
    let Some((header, frames)) = bytes.split_at_checked(HEADER) else { return Tear::Whole };
    let Some(head) = Head::parse(header) else {
        // SQLite would take it for empty.
        return if frames.len() > FRAME { Tear::Lost(1) } else { Tear::Whole };
    };
    let mut sum = head.sum;
    let mut rest = frames;
    while let Some((frame, after)) = rest.split_at_checked(FRAME + head.page) {
        match head.check(frame, sum) {
            Some(next) => sum = next,
            None => break,
        }
        rest = after;
    }
    match head.count_commits(rest) {
        0 if rest.is_empty() || head.is_earlier(rest) => Tear::Whole,
        // Also where its end cannot be known for one any more.
        0 | 1 => Tear::End,
        more => Tear::Lost(more),
    }
}

/// The journal beside the ledger, judged. A journal that cannot be read is SQLite's to complain about.
pub fn read_tear(journal: &Path) -> Tear {
    let Ok(file) = std::fs::File::open(journal) else { return Tear::Whole };
    let mut bytes = Vec::new();
    match file.take(LARGEST).read_to_end(&mut bytes) {
        Ok(_) => parse_journal(&bytes),
        Err(_) => Tear::Whole,
    }
}

/// The journal's head: byte order of checksums, page size, and the salts that mark its frames.
struct Head {
    big_endian: bool,
    page: usize,
    salts: [u8; 8],
    sum: (u32, u32),
}

impl Head {
    fn parse(bytes: &[u8]) -> Option<Head> {
        let magic = word(bytes, 0)?;
        if magic & !1 != 0x377f_0682 {
            return None;
        }
        let big_endian = magic & 1 == 1;
        let page = word(bytes, 8)? as usize;
        if !page.is_power_of_two() || !(512..=65536).contains(&page) {
            return None;
        }
        let salts = bytes.get(16..24)?.try_into().ok()?;
        let sum = checksum(bytes.get(..24)?, (0, 0), big_endian)?;
        let stored = (word(bytes, 24)?, word(bytes, 28)?);
        (sum == stored).then_some(Head { big_endian, page, salts, sum })
    }

    /// The running checksum behind a good frame; `None` for a bad one or one of an earlier generation.
    fn check(&self, frame: &[u8], sum: (u32, u32)) -> Option<(u32, u32)> {
        if frame.get(8..16)? != self.salts {
            return None;
        }
        let sum = checksum(frame.get(..8)?, sum, self.big_endian)?;
        let sum = checksum(frame.get(FRAME..)?, sum, self.big_endian)?;
        (sum == (word(frame, 16)?, word(frame, 20)?)).then_some(sum)
    }

    /// The frame is left from before the journal was begun anew. SQLite then counts the first salt up by one.
    fn is_earlier(&self, frame: &[u8]) -> bool {
        let (Some(ours), Some(its)) = (word(&self.salts, 0), word(frame, 8)) else { return false };
        (1..=GENERATIONS).contains(&ours.wrapping_sub(its))
    }

    /// Frames of this generation that end a write.
    fn count_commits(&self, frames: &[u8]) -> usize {
        let ends = |frame: &&[u8]| {
            let same = frame.get(8..16).is_some_and(|salts| salts == self.salts);
            same && word(frame, 4).is_some_and(|size| size != 0)
        };
        frames.chunks(FRAME + self.page).filter(ends).count()
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// SQLite's running checksum over pairs of 32-bit words.
fn checksum(bytes: &[u8], from: (u32, u32), big_endian: bool) -> Option<(u32, u32)> {
    let read = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let (mut first, mut second) = from;
    for pair in bytes.chunks_exact(8) {
        let left = read(pair.get(..4)?.try_into().ok()?);
        let right = read(pair.get(4..)?.try_into().ok()?);
        first = first.wrapping_add(left).wrapping_add(second);
        second = second.wrapping_add(right).wrapping_add(first);
    }
    Some((first, second))
}
