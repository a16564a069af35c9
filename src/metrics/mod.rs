//! The Prometheus text format: families, samples, and the page they are written to. Pure; knows no keeper.
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/> (text, version 0.0.4, no timestamps).

mod check;
mod family;
mod lint;
mod page;

#[cfg(test)]
mod tests;

pub use check::{Checked, Fault, check_page};
pub use family::{Family, Group, Heading, Kind};
pub use page::{CONTENT_TYPE, Filter, Number, Page};
