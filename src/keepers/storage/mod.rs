//! Every declared directory exists on the disk it belongs to, with the right owner and mode, and nothing is ever
//! written to a mount point whose disk is missing.

pub mod config;
