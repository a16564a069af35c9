//! `/proc/mdstat`: software RAID.

use super::text::{lines, number, text, words};

/// What an array is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MdState {
    Active,
    Inactive,
    Recovering,
    Checking,
    Resyncing,
}

/// One array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MdArray {
    pub name: String,
    pub state: MdState,
    pub disks_active: u64,
    /// Disks it should have.
    pub disks_required: u64,
    pub disks_failed: u64,
    pub disks_spare: u64,
    /// Of 1 KiB.
    pub blocks: u64,
    pub blocks_synced: u64,
    /// Of how many blocks `blocks_synced` counts while something is under way: those of one member.
    pub sync_blocks: Option<u64>,
}

/// Parses `/proc/mdstat`. An array whose lines are not whole is left out.
pub fn parse_mdstat(bytes: &[u8]) -> Option<Vec<MdArray>> {
    let all: Vec<&[u8]> = lines(bytes).collect();
    all.first().filter(|head| head.starts_with(b"Personalities"))?;
    let mut arrays = Vec::new();
    let mut rest = all.as_slice();
    while let Some((head, after)) = rest.split_first() {
        rest = after;
        if !head.starts_with(b"md") {
            continue;
        }
        let body = after.iter().take_while(|line| line.first().is_some_and(u8::is_ascii_whitespace));
        arrays.extend(parse_array(head, &body.copied().collect::<Vec<_>>()));
    }
    Some(arrays)
}

/// `md6 : active raid1 sdb2[2] sda2[0]`, `195310144 blocks [2/1] [U_]`, and perhaps a line of progress.
fn parse_array(head: &[u8], body: &[&[u8]]) -> Option<MdArray> {
    let fields: Vec<&[u8]> = words(head).collect();
    let name = text(fields.first()?);
    let inactive = fields.get(2) == Some(&&b"inactive"[..]);
    let size_line = body.first()?;
    let blocks = number(words(size_line).next()?)?;
    let members: Vec<&&[u8]> = fields.iter().skip(3).filter(|field| field.contains(&b'[')).collect();
    let marked = |mark: &[u8]| members.iter().filter(|member| member.ends_with(mark)).count() as u64;
    let (disks_required, disks_active) = match parse_slots(size_line) {
        _ if inactive => (0, 0),
        Some(slots) => slots,
        None => (members.len() as u64, members.len() as u64),
    };
    let progress = parse_progress(body.get(1..)?);
    let idle = if inactive { MdState::Inactive } else { MdState::Active };
    Some(MdArray {
        name,
        state: progress.map_or(idle, |progress| progress.state),
        disks_active,
        disks_required,
        disks_failed: marked(b"(F)"),
        disks_spare: marked(b"(S)"),
        blocks,
        blocks_synced: progress.map_or(blocks, |progress| progress.synced),
        sync_blocks: progress.and_then(|progress| progress.of),
    })
}

/// `[2/1]`: required and active disks.
fn parse_slots(line: &[u8]) -> Option<(u64, u64)> {
    words(line).find_map(|word| {
        let inner = word.strip_prefix(b"[")?.strip_suffix(b"]")?;
        let slash = inner.iter().position(|byte| *byte == b'/')?;
        let (required, active) = inner.split_at_checked(slash)?;
        Some((number(required)?, number(active.strip_prefix(b"/")?)?))
    })
}

#[derive(Clone, Copy)]
struct Progress {
    state: MdState,
    synced: u64,
    of: Option<u64>,
}

/// `[=>....]  recovery =  8.5% (16775552/195310144) finish=17.0min`, or `resync=DELAYED`.
fn parse_progress(body: &[&[u8]]) -> Option<Progress> {
    body.iter().find_map(|line| {
        let has = |word: &[u8]| line.windows(word.len()).any(|window| window == word);
        let state = if has(b"recovery") {
            MdState::Recovering
        } else if has(b"resync") {
            MdState::Resyncing
        } else if has(b"check") {
            MdState::Checking
        } else {
            return None;
        };
        let counts = words(line).find_map(|word| {
            let inner = word.strip_prefix(b"(")?.strip_suffix(b")")?;
            let mut parts = inner.split(|byte| *byte == b'/').map(number);
            Some((parts.next()??, parts.next()??))
        });
        let (synced, of) = counts.unzip();
        Some(Progress { state, synced: synced.unwrap_or(0), of })
    })
}
