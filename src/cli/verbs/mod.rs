//! One file per verb.

pub mod apply;
pub mod audit;
pub mod completion;
pub mod config;
pub mod confirm;
pub mod daemon;
pub mod doctor;
pub mod events;
pub mod explain;
pub mod history;
pub mod limits;
pub mod man;
pub mod metrics;
pub mod park;
pub mod plan;
pub mod reload;
pub mod rollback;
pub mod status;
pub mod storage;
pub mod support_bundle;
pub mod top;
pub mod web;
