//! Every parser of `/proc`. Only whole lines count: a file cut short gives what its whole lines give, and more lines
//! never change what the lines before them gave.
#![no_main]

use std::fmt::Debug;

use hostkeeper::host::procfs::*;
use hostkeeper_fuzz::choose;
use libfuzzer_sys::fuzz_target;

const PARSERS: [fn(&[u8]); 27] = [
    |data| whole(data, parse_stat),
    |data| listed(data, parse_schedstat),
    |data| listed(data, parse_softnet_stat),
    |data| listed(data, parse_meminfo),
    |data| listed(data, |data| parse_vmstat(data, |name| name.starts_with(b"pg"))),
    |data| whole(data, parse_loadavg),
    |data| whole(data, parse_pressure),
    |data| whole(data, parse_arp),
    |data| listed(data, parse_net_dev),
    |data| whole(data, parse_udp_queues),
    |data| listed(data, |data| parse_netstat(data, |_, field| field != "OutSegs")),
    |data| listed(data, |data| parse_snmp6(data, |_, _| true)),
    |data| listed(data, parse_sockstat),
    |data| whole(data, parse_conntrack_stat),
    number,
    |data| whole(data, parse_numbers),
    disks,
    |data| whole(data, parse_udev_properties),
    |data| whole(data, parse_mdstat),
    |data| whole(data, parse_nfs),
    |data| whole(data, parse_nfsd),
    |data| listed(data, parse_ipvs_backends),
    |data| whole(data, parse_ipvs_totals),
    |data| whole(data, parse_xfs),
    |data| percent(parse_pressure(data).and_then(|pressure| pressure.some_percent)),
    |data| parse_loadavg(data).into_iter().flatten().for_each(|load| percent(Some(load))),
    |data| {
        if let Some(stat) = parse_stat(data) {
            assert!(stat.total.all() >= stat.total.busy());
        }
    },
];

fuzz_target!(|data: &[u8]| {
    if let Some((parser, rest)) = choose(data, PARSERS.len()) {
        PARSERS[parser](rest);
    }
});

/// Up to the last newline.
fn lines_of(data: &[u8]) -> &[u8] {
    let end = data.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    &data[..end]
}

fn whole<T: Debug>(data: &[u8], parse: impl Fn(&[u8]) -> T) {
    assert_eq!(format!("{:?}", parse(data)), format!("{:?}", parse(lines_of(data))));
}

fn listed<T: Debug + PartialEq>(data: &[u8], parse: impl Fn(&[u8]) -> Option<Vec<T>>) {
    let all = parse(data);
    assert_eq!(all, parse(lines_of(data)));
    let Some(all) = all else { return };
    let half = parse(&data[..data.len() / 2]).unwrap_or_default();
    assert!(all.starts_with(&half), "{all:?} does not begin with {half:?}");
}

fn number(data: &[u8]) {
    if let Some(number) = parse_number(data) {
        assert_eq!(parse_number(format!("{number}\n").as_bytes()), Some(number));
    }
}

fn disks(data: &[u8]) {
    let wanted = |name: &str| !name.starts_with("loop");
    listed(data, |data| parse_diskstats(data, wanted));
    for disk in parse_diskstats(data, wanted).unwrap_or_default() {
        assert!(wanted(&disk.name) && (11..=17).contains(&disk.counts.len()), "{disk:?}");
    }
}

fn percent(value: Option<f64>) {
    assert!(value.is_none_or(f64::is_finite));
}
