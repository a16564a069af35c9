//! `storage bench`: measures in the caller's own process, so that no round waits for it, and keeps what came out as an entry
//! of the ledger when an agent runs.

use std::time::Duration;

use super::Places;
use super::orders::refusal;
use super::rounds::Rounds;
use super::start::{Failure, host_of};
use crate::api::Refusal;
use crate::api::types::{Caller, Done, SpeedNote};
use crate::config;
use crate::host::Error;
use crate::keepers::storage::bench::{Bounds, Part, measure};
use crate::ledger::Event;
use crate::values::Bytes;

/// What is to be measured, and within which bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchOrder {
    pub tier: String,
    pub size: Bytes,
    pub limit: Duration,
}

/// What came out, and what part of the expected that is.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    pub note: SpeedNote,
    pub path: String,
    /// Found in parts of the expected, where something is expected: sequential write, random read.
    pub of_expected: [Option<f64>; 2],
}

/// Measures. `progress` is told what is done ("writing", "reading") and how many bytes; `false` stops.
pub fn bench(
    places: &Places,
    order: &BenchOrder,
    progress: &mut dyn FnMut(&'static str, u64) -> bool,
) -> Result<Measured, Failure> {
    let loaded = config::load(&places.config).map_err(Failure::Config)?;
    let tiers = &loaded.settings.storage.tiers;
    let Some(tier) = tiers.get(&order.tier) else {
        let known: Vec<&str> = tiers.keys().map(String::as_str).collect();
        let declared = if known.is_empty() { "none is".to_owned() } else { format!("there are {}", known.join(", ")) };
        let name = crate::values::one_line(&order.tier, 80);
        return Err(Error::reply(format!("tier \"{name}\""), format!("is not declared; {declared}")).into());
    };
    let bounds = Bounds { size: order.size, limit: order.limit };
    let mut told = |part: Part, done: u64| {
        let word = if part == Part::SequentialWrite { "writing" } else { "reading" };
        progress(word, done)
    };
    let found = measure(&host_of(&loaded).roots, (&order.tier, tier), bounds, &mut told)?;
    let of_expected = tier.expected.as_ref().map_or([None, None], |expected| found.compare(expected));
    let note = SpeedNote {
        tier: order.tier.clone(),
        device: found.device,
        size_bytes: found.size.0,
        sequential_write_bytes_per_second: found.sequential_write.bytes_per_second().round() as u64,
        random_reads_per_second: found.random_read.operations_per_second().round() as u64,
    };
    Ok(Measured { note, path: tier.path.clone(), of_expected })
}

impl Rounds {
    /// Keeps a measurement that a person made.
    pub(super) fn keep_speed(&self, note: &SpeedNote, by: &Caller) -> Result<Done, Refusal> {
        if !self.running.loaded().settings.storage.tiers.contains_key(&note.tier) {
            let text = "this is no measurement of a declared tier";
            return Err(refusal("bad_request", text, "hostkeeper storage bench TIER"));
        }
        let text = format!("tier {}: {}", note.tier, note.in_words());
        let because = format!("storage bench by uid {}, pid {}", by.uid, by.pid);
        tracing::info!("{text}");
        self.note(Event { keeper: Some("storage".into()), because: Some(because), ..Event::new("bench", text) });
        Ok(Done { text: "kept in the ledger: hostkeeper history --kind bench".to_owned(), steps: Vec::new() })
    }
}
