//! Who may use GPUs, and how much of their memory. No card of today holds a project to that: it is looked at and told.

pub mod config;
pub mod observe;
