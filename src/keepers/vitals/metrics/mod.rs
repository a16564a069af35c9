//! Names: what was seen, written as metrics. Pure; touches nothing.

pub mod host;
pub mod manual;
pub mod node;
