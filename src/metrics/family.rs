//! What a metric is called, what it means, and whose dialect it speaks.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The type line of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Counter,
    Gauge,
    Untyped,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Untyped => "untyped",
        }
    }
}

/// A metric family: one HELP line, one TYPE line, its samples. Most are constants; a few node_exporter families are
/// named after a key of a kernel file and are made at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    pub name: Cow<'static, str>,
    pub help: Cow<'static, str>,
    pub kind: Kind,
}

impl Family {
    pub const fn counter(name: &'static str, help: &'static str) -> Family {
        Family { name: Cow::Borrowed(name), help: Cow::Borrowed(help), kind: Kind::Counter }
    }

    pub const fn gauge(name: &'static str, help: &'static str) -> Family {
        Family { name: Cow::Borrowed(name), help: Cow::Borrowed(help), kind: Kind::Gauge }
    }

    pub const fn untyped(name: &'static str, help: &'static str) -> Family {
        Family { name: Cow::Borrowed(name), help: Cow::Borrowed(help), kind: Kind::Untyped }
    }
}

/// The two lines above a family's samples. A name or help in parts needs no string made of them first.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    pub name: [&'a str; 3],
    pub help: [&'a str; 4],
    pub kind: Kind,
}

impl<'a> From<&'a Family> for Heading<'a> {
    fn from(family: &'a Family) -> Heading<'a> {
        Heading { name: [&family.name, "", ""], help: [&family.help, "", "", ""], kind: family.kind }
    }
}

/// The dialect a family belongs to. `[metrics] compat` switches all but `hostkeeper` off; `collect[]` selects.
/// The order is the order on the page and the order in which the series cap keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Our own names, `hostkeeper_*`.
    Hostkeeper,
    /// node_exporter's names.
    Node,
    /// The operations manual's own names.
    Manual,
    /// GPU names of nvidia_gpu_exporter.
    Gpu,
    /// cAdvisor's names.
    Container,
}

impl Group {
    pub const ALL: [Group; 5] = [Group::Hostkeeper, Group::Node, Group::Manual, Group::Gpu, Group::Container];

    pub fn as_str(self) -> &'static str {
        match self {
            Group::Hostkeeper => "hostkeeper",
            Group::Node => "node",
            Group::Manual => "manual",
            Group::Gpu => "gpu",
            Group::Container => "container",
        }
    }
}
