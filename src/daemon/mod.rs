//! The life of the process: start, rounds, signals, reload, systemd, stop.

mod places;

pub use places::Places;
