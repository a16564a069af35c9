//! Pools tried: properties of balancing, tables of decisions, and whole rounds on a scratch tree.

mod balancing;
mod scenes;

#[test]
fn every_concern_has_a_heading_in_the_runbook() {
    let runbook = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/runbook.md")).unwrap();
    let mut found = std::collections::BTreeSet::new();
    for word in include_str!("../decide.rs").split('"').filter(|word| word.starts_with("pool-")) {
        assert!(runbook.contains(&format!("\n## {word}\n")), "{word} is not in the runbook");
        found.insert(word);
    }
    assert!(found.len() >= 6, "only {found:?}");
}
