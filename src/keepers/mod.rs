//! The keepers: one folder, one duty each. They never import each other nor the configuration room.

pub mod isolation;
pub mod limits;
pub mod reclaim;
pub mod storage;
pub mod vitals;
