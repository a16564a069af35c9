//! One scrape replaces node_exporter, cAdvisor and a GPU exporter: host, containers, projects and GPUs in numbers.
//! Only looks: there is no `decide` and no `act` here.

pub mod config;
pub mod metrics;
pub mod observe;
