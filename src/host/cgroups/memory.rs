//! The memory of a group: v1 and v2 tell the same in files and keys of other names.

use super::Memory;
use super::group::{Gone, ask};
use super::parse::{parse_key, parse_keyed, parse_number};
use crate::host::kept::Kept;

/// A key of `memory.stat`, and where its number belongs.
pub(super) type Key = (&'static [u8], fn(&mut Memory, u64));

/// The files, kept; `None` where this kernel has none.
#[derive(Debug)]
pub(super) struct MemoryFiles {
    pub usage: Option<Kept>,
    pub stat: Option<Kept>,
    pub peak: Option<Kept>,
    /// Holds `oom_kill`.
    pub events: Option<Kept>,
    /// v2 only: v1 has it in `stat`.
    pub swap: Option<Kept>,
    /// v1 only.
    pub failcnt: Option<Kept>,
    pub keys: &'static [Key],
}

impl MemoryFiles {
    pub fn read(&self, buffer: &mut Vec<u8>) -> Result<Option<Memory>, Gone> {
        let Some(usage) = ask(&self.usage, buffer, parse_number)? else { return Ok(None) };
        let mut memory = Memory { usage, ..Memory::default() };
        let stat = ask(&self.stat, buffer, |text| {
            for (key, number) in parse_keyed(text) {
                if let Some((_, put)) = self.keys.iter().find(|(name, _)| *name == key) {
                    put(&mut memory, number);
                }
            }
            Some(())
        })?;
        if stat.is_none() {
            return Ok(None);
        }
        memory.peak = ask(&self.peak, buffer, parse_number)?;
        memory.swap = ask(&self.swap, buffer, parse_number)?.or(memory.swap);
        memory.failcnt = ask(&self.failcnt, buffer, parse_number)?;
        memory.oom_kills = ask(&self.events, buffer, |text| parse_key(text, b"oom_kill"))?;
        Ok(Some(memory))
    }
}
