//! The ledger's write-ahead journal: any bytes are judged, and a whole journal cut anywhere has lost at most its end.
#![no_main]

use hostkeeper::ledger::{Tear, parse_journal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let judged = parse_journal(data);
    if let Tear::Lost(writes) = judged {
        assert!(writes >= 1 && writes <= data.len() / 24 + 1);
    }
    if judged == Tear::Whole {
        for end in (0..data.len()).step_by(data.len() / 50 + 1) {
            assert!(!matches!(parse_journal(&data[..end]), Tear::Lost(_)), "cut at {end}");
        }
    }
});
