//! netclass: the properties of interfaces.

use super::{named, render_one, rows};
use crate::keepers::vitals::observe::host::{NET_PROPERTIES, NetDevice, Network};
use crate::metrics::{Family, Group, Kind, Page};

const UP: Family = Family::gauge("node_network_up", "Value is 1 if operstate is 'up', 0 otherwise.");
const INFO: Family =
    Family::gauge("node_network_info", "Non-numeric data from /sys/class/net/<iface>, value is always 1.");

/// How node_exporter calls them, by [`NET_PROPERTIES`].
const NAMES: [(&str, Kind); NET_PROPERTIES.len()] = [
    ("address_assign_type", Kind::Gauge),
    ("carrier", Kind::Gauge),
    ("carrier_changes_total", Kind::Counter),
    ("carrier_up_changes_total", Kind::Counter),
    ("carrier_down_changes_total", Kind::Counter),
    ("device_id", Kind::Gauge),
    ("dormant", Kind::Gauge),
    ("flags", Kind::Gauge),
    ("iface_id", Kind::Gauge),
    ("iface_link", Kind::Gauge),
    ("iface_link_mode", Kind::Gauge),
    ("mtu_bytes", Kind::Gauge),
    ("name_assign_type", Kind::Gauge),
    ("net_dev_group", Kind::Gauge),
    ("speed_bytes", Kind::Gauge),
    ("transmit_queue_length", Kind::Gauge),
    ("protocol_type", Kind::Gauge),
];

pub fn measure(seen: &Network, page: &mut Page) {
    let Some(devices) = seen.devices.as_ref().filter(|_| page.wants(Group::Node, "netclass")) else { return };
    let rendered = render_one("device", devices.iter().map(|device| device.name.as_str()));
    rows(page, &UP, &rendered, devices.iter().map(|device| Some(device.operstate == "up")));
    page.family(&INFO);
    for device in devices {
        let labels = [
            ("address", device.address.as_str()),
            ("broadcast", &device.broadcast),
            ("device", &device.name),
            ("duplex", &device.duplex),
            ("ifalias", &device.alias),
            ("operstate", &device.operstate),
        ];
        page.sample(&labels, 1_u64);
    }
    for (index, (name, kind)) in NAMES.iter().enumerate() {
        let value = |device: &NetDevice| {
            let value = device.numbers.get(index).copied().flatten()?;
            // Megabits per second; -1 where the speed is not known, which stays visible.
            Some(if *name == "speed_bytes" { value.saturating_mul(1_000_000) / 8 } else { value })
        };
        let family = named(*kind, ["node_network_", name, ""], ["Network device property: ", name, "", ""]);
        rows(page, family, &rendered, devices.iter().map(value));
    }
}
