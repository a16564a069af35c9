//! The life of the process: start, rounds, orders, signals, reload, systemd, stop; and the one-off look of the command
//! line when no daemon runs.

mod agent;
mod audit;
mod bench;
mod fix;
mod logging;
mod look;
mod memory;
mod messages;
mod ordered;
mod orders;
mod own;
mod own_concerns;
mod parking;
mod picture;
mod places;
mod pools;
mod reclaim;
mod recorder;
mod release;
mod rounds;
mod running;
mod scrape;
mod seats;
mod start;
mod storm;
mod systemd;

pub use audit::{Unaudited, audit_compose};
pub use bench::{BenchOrder, Measured, bench};
pub use fix::{CountOrder, Unfit, check_file_mode, count_unfit};
pub use logging::start_logging;
pub use look::look_once;
pub use places::Places;
pub use start::{Failure, run};
