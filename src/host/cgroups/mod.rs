//! cgroup v1, hybrid and v2: which of them this host has, where a container's group is, and what its files say.
//! Only reads. Paths come from `/proc/PID/cgroup`, once per container, or from a walk of the tree.

mod bounds;
mod counters;
mod find;
mod group;
mod legacy;
mod memory;
mod oom;
mod parse;
#[cfg(test)]
mod tests;
mod unified;

pub use bounds::{Bounds, IoBound, parse_bound, parse_io_max};
pub use counters::{Counters, Cpu, DeviceIo, Limits, Memory, Pressure, Throttle};
pub use find::{Cgroups, Layout, Place, read_began, read_container_of};
pub use group::{Gone, Group};
pub use oom::OomCounts;
pub use parse::{
    BlkioOperation, Membership, merge_blkio, parse_blkio, parse_container_id, parse_container_path, parse_cpu_max,
    parse_io_stat, parse_keyed, parse_limit, parse_memberships, parse_number, parse_pressure, parse_word,
};
