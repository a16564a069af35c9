//! The page's web configuration and the header with a password: never a panic; what is wrong is told on clean lines.
#![no_main]

use std::path::Path;

use hostkeeper::web::{Faults, parse_basic, parse_web_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(header) = hyper::header::HeaderValue::from_bytes(data) {
        let _ = parse_basic(&header);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(faults) = parse_web_file(text) {
        assert!(!faults.is_empty());
        let told = Faults::of(Path::new("web.yml"), text, faults);
        for said in [told.to_string(), told.brief()] {
            assert!(said.contains("web.yml") && said.len() < 100_000, "{said}");
            assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{said:?}");
        }
    }
});
