//! What a cgroup's files say, as plain data. `None` where the kernel has no such file or key.

/// CPU time used, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    pub usage_ns: u64,
    pub user_ns: Option<u64>,
    pub system_ns: Option<u64>,
}

/// What the CPU quota did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttle {
    pub periods: u64,
    pub throttled_periods: u64,
    pub throttled_ns: u64,
}

/// Memory, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    pub usage: u64,
    pub inactive_file: u64,
    pub active_file: Option<u64>,
    pub cache: Option<u64>,
    pub rss: Option<u64>,
    pub mapped_file: Option<u64>,
    pub swap: Option<u64>,
    pub peak: Option<u64>,
    /// v1 only: how often the limit was hit.
    pub failcnt: Option<u64>,
    pub page_faults: Option<u64>,
    pub major_page_faults: Option<u64>,
    pub oom_kills: Option<u64>,
}

impl Memory {
    /// cAdvisor's and the kubelet's arithmetic: usage without the cache that can be dropped first.
    pub fn working_set(&self) -> u64 {
        self.usage.saturating_sub(self.inactive_file)
    }
}

/// Bytes and operations of one block device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceIo {
    pub major: u32,
    pub minor: u32,
    pub read_bytes: u64,
    pub written_bytes: u64,
    pub reads: u64,
    pub writes: u64,
}

/// Total stall time, microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressure {
    pub some_us: Option<u64>,
    pub full_us: Option<u64>,
}

/// Limits in force, as the kernel holds them. `None`: no limit, or not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub cpu_quota_us: Option<u64>,
    pub cpu_period_us: Option<u64>,
    /// In v1's unit (1024 is the default); from v2's weight by cAdvisor's formula.
    pub cpu_shares: Option<u64>,
    pub memory: Option<u64>,
    /// v1: memory and swap together; v2: swap alone.
    pub swap: Option<u64>,
    /// v1: soft limit; v2: `memory.min`.
    pub reservation: Option<u64>,
}

impl Limits {
    /// The quota as a number of cores.
    pub fn cpu_cores(&self) -> Option<f64> {
        let (quota, period) = (self.cpu_quota_us?, self.cpu_period_us?);
        (period > 0).then(|| quota as f64 / period as f64)
    }
}

/// Everything that is read of a cgroup at a look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub cpu: Option<Cpu>,
    pub throttle: Option<Throttle>,
    pub memory: Option<Memory>,
    pub io: Vec<DeviceIo>,
    /// Tasks (threads).
    pub tasks: Option<u64>,
    pub processes: Option<u64>,
    /// v2 only.
    pub cpu_pressure: Option<Pressure>,
    pub memory_pressure: Option<Pressure>,
    pub io_pressure: Option<Pressure>,
}
