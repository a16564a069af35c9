//! What the journal's entries are called: `journalctl MESSAGE_ID=…`, and `-x` explains them from the packaged catalog. Once
//! given, an id keeps its meaning.

pub const STARTED: &str = "136368139ba645d2b26c72c82ca18a82";
pub const STOPPING: &str = "ca47af8c2d4d45aca38bbf5dc4ae55a1";
pub const STEP_DONE: &str = "f5ee513030b14878969284db15ac24f7";
pub const STEP_FAILED: &str = "f4c0fb05e78a4f98a1b5fe5b74950539";
pub const CONCERN_RAISED: &str = "ebdb1b7ae84d424790dfb41e2af93de2";
pub const CONCERN_ENDED: &str = "a4c141bebf884fb7a25a2c99da9e002e";
pub const RELOADED: &str = "1b1d9e37a7224799ac4c0c87bc35648a";
pub const RELOAD_REFUSED: &str = "b09b5ddf5cf448f4b1514e667ed4c89e";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packaged_catalog_explains_each_and_no_other() {
        let catalog = include_str!("../../packaging/hostkeeper.catalog");
        let mut explained: Vec<&str> = catalog.lines().filter_map(|line| line.strip_prefix("-- ")).collect();
        let mut known =
            vec![STARTED, STOPPING, STEP_DONE, STEP_FAILED, CONCERN_RAISED, CONCERN_ENDED, RELOADED, RELOAD_REFUSED];
        explained.sort_unstable();
        known.sort_unstable();
        assert_eq!(explained, known);
    }
}
