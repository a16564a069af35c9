//! Pools, looked at without a daemon.
