//! The properties of a slice that are set, as systemd calls them on the bus and writes them to a drop-in. Pure.
//! Source: org.freedesktop.systemd1(5), systemd.resource-control(5).

use zbus::zvariant::{OwnedValue, Value};

use crate::values::Limit;

/// What stands for "no limit" on the bus.
const INFINITY: u64 = u64::MAX;

/// One property with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Property {
    /// Bytes.
    MemoryMax(Limit),
    /// Bytes.
    MemoryHigh(Limit),
    /// Bytes that are protected.
    MemoryLow(u64),
    /// Thousandths of a core.
    CpuQuota(Limit),
    /// 1 to 10000; `None`: the kernel's default of 100.
    CpuWeight(Option<u64>),
    TasksMax(Limit),
    /// Bytes per second by path; empty: none.
    ReadMax(Vec<(String, u64)>),
    /// Bytes per second by path; empty: none.
    WriteMax(Vec<(String, u64)>),
}

/// What a drop-in of each property is called: `50-NAME.conf`.
pub const WRITTEN: [&str; 8] = [
    "MemoryMax",
    "MemoryHigh",
    "MemoryLow",
    "CPUQuota",
    "CPUWeight",
    "TasksMax",
    "IOReadBandwidthMax",
    "IOWriteBandwidthMax",
];

impl Property {
    /// The name in a unit file, which is also that of its drop-in.
    pub fn written(&self) -> &'static str {
        match self {
            Property::MemoryMax(_) => "MemoryMax",
            Property::MemoryHigh(_) => "MemoryHigh",
            Property::MemoryLow(_) => "MemoryLow",
            Property::CpuQuota(_) => "CPUQuota",
            Property::CpuWeight(_) => "CPUWeight",
            Property::TasksMax(_) => "TasksMax",
            Property::ReadMax(_) => "IOReadBandwidthMax",
            Property::WriteMax(_) => "IOWriteBandwidthMax",
        }
    }

    /// The name on the bus.
    pub(super) fn called(&self) -> &'static str {
        match self {
            Property::CpuQuota(_) => "CPUQuotaPerSecUSec",
            other => other.written(),
        }
    }

    pub(super) fn value(&self) -> Value<'static> {
        match self {
            Property::MemoryMax(limit) | Property::MemoryHigh(limit) | Property::TasksMax(limit) => {
                Value::U64(limit.at().unwrap_or(INFINITY))
            }
            Property::MemoryLow(bytes) => Value::U64(*bytes),
            // Microseconds within a second.
            Property::CpuQuota(limit) => Value::U64(limit.at().map_or(INFINITY, |milli| milli.saturating_mul(1000))),
            Property::CpuWeight(weight) => Value::U64(weight.unwrap_or(INFINITY)),
            Property::ReadMax(bounds) | Property::WriteMax(bounds) => Value::from(bounds.clone()),
        }
    }
}

/// Name and value as the bus wants them.
pub(super) fn on_the_bus(properties: &[Property]) -> Result<Vec<(&'static str, OwnedValue)>, zbus::zvariant::Error> {
    properties.iter().map(|property| Ok((property.called(), property.value().try_to_owned()?))).collect()
}
