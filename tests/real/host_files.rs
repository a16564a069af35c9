//! The host's metrics from a server made of files: what one broken, missing or changing file does, and to whom.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice, clippy::print_stderr)]

#[path = "../support/exposition.rs"]
mod exposition;
#[path = "../support/tree.rs"]
mod tree;

use std::path::PathBuf;
use std::time::Duration;

use exposition::{Exposition, Family, parse};
use hostkeeper::host::Roots;
use hostkeeper::keepers::vitals::metrics::host::measure_own_host;
use hostkeeper::keepers::vitals::metrics::manual::measure_manual_host;
use hostkeeper::keepers::vitals::metrics::node::measure_host;
use hostkeeper::keepers::vitals::observe::host::{HostLook, HostSeen, host_view};
use hostkeeper::metrics::{Filter, Page};
use hostkeeper::values::Now;

/// A server in files, looked at as often as wanted, each time a little later.
struct Server {
    dir: tempfile::TempDir,
    look: HostLook,
    up: Duration,
}

impl Server {
    fn new(written: &str) -> Server {
        let dir = tempfile::tempdir().unwrap();
        tree::unpack(written, dir.path());
        let at = |path: &str| dir.path().join(path);
        let look = HostLook::new(Roots { procfs: at("proc"), sysfs: at("sys"), rootfs: at("") });
        Server { dir, look, up: Duration::from_secs(1000) }
    }

    fn whole() -> Server {
        Server::new(include_str!("../captured/server_tree.txt"))
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn write(&self, path: &str, content: &str) {
        std::fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        std::fs::write(self.path(path), content).unwrap();
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(path)).unwrap();
        assert!(text.contains(from), "{path} has no {from}");
        std::fs::write(self.path(path), text.replace(from, to)).unwrap();
    }

    fn see(&mut self, later: u64) -> HostSeen {
        self.up += Duration::from_secs(later);
        let wall = "2026-11-21T03:00:00Z".parse().unwrap();
        self.look.look(&Now { wall, up: self.up, boot: "b".into() })
    }

    fn scrape(&mut self, later: u64) -> Exposition {
        write(&self.see(later), Filter::default())
    }
}

fn write(seen: &HostSeen, filter: Filter) -> Exposition {
    let mut page = Page::new(filter, 20_000);
    measure_own_host(seen, &mut page);
    measure_host(seen, &mut page);
    measure_manual_host(seen, &mut page);
    assert_eq!((page.dropped_twice(), page.dropped_over_cap()), (0, 0));
    parse(&page.finish()).unwrap()
}

fn value(page: &Exposition, family: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    page.get(family)?.samples.get(&(family.to_owned(), labels)).copied()
}

fn collector(page: &Exposition, name: &str) -> Option<f64> {
    value(page, "node_scrape_collector_success", &[("collector", name)])
}

#[test]
fn nothing_at_all_is_no_failure() {
    let mut server = Server::new("");
    let seen = server.see(0);
    for run in &seen.runs {
        assert_eq!(run.outcome, Ok(()), "{}", run.name);
    }
    assert!(seen.absent.contains(&"meminfo") && seen.absent.contains(&"hwmon"));
    let page = write(&seen, Filter::default());
    assert_eq!((collector(&page, "meminfo"), collector(&page, "uname")), (Some(0.0), Some(1.0)));
    assert!(!page.keys().any(|name| name.starts_with("node_memory_")));
}

#[test]
fn looking_again_opens_nothing_more() {
    let mut server = Server::whole();
    server.see(0);
    let open = server.look.open_files();
    assert!(open > 100, "{open}");
    for _ in 0..100 {
        server.see(7);
    }
    assert_eq!(server.look.open_files(), open);
    // The daemon looks from threads that wait.
    let Server { look, dir, .. } = server;
    std::thread::spawn(move || drop(look)).join().unwrap();
    drop(dir);
}

#[test]
fn a_broken_file_takes_only_its_own_series() {
    let mut server = Server::whole();
    let whole = server.scrape(0);
    server.write("proc/stat", "cpu0 1 2\n");
    server.write("proc/mdstat", "Nothing of the kind\n");
    server.write("proc/loadavg", "1.0 x 3");
    let seen = server.see(1);
    let failed: Vec<&str> = seen.runs.iter().filter(|run| run.outcome.is_err()).map(|run| run.name).collect();
    assert_eq!(failed, ["cpu", "loadavg", "mdadm"]);
    let why = seen.runs.iter().find_map(|run| run.outcome.as_ref().err()).unwrap();
    assert!(why.contains("proc/stat"), "{why}");
    let page = write(&seen, Filter::default());
    let gone: Vec<&str> = whole.keys().filter(|name| !page.contains_key(*name)).map(String::as_str).collect();
    let own = ["node_cpu_seconds", "node_cpu_guest", "node_cpu_core", "node_cpu_package", "node_load", "node_md_"];
    let stat = ["node_boot", "node_context", "node_forks", "node_intr", "node_procs", "hostkeeper_md_"];
    for name in &gone {
        assert!(own.iter().chain(&stat).any(|prefix| name.starts_with(prefix)), "{name} is gone too");
    }
    assert_eq!(collector(&page, "cpu"), Some(0.0));
    server.write("proc/loadavg", "1.0 2.0 3.0 1/2 3\n");
    assert_eq!(value(&server.scrape(1), "node_load5", &[]), Some(2.0));
}

#[test]
fn one_missing_bcache_file_hides_no_other() {
    let set = "sys/fs/bcache/deaddd54-c735-46d5-868e-f331c5fd7c74";
    let whole = Server::whole().scrape(0);
    let mut server = Server::whole();
    for file in ["bdev0/stats_total/cache_readaheads", "internal/btree_nodes", "bdev0/writeback_rate_debug"] {
        std::fs::remove_file(server.path(set).join(file)).unwrap();
    }
    let page = server.scrape(0);
    let gone: Vec<&str> = whole.keys().filter(|name| !page.contains_key(*name)).map(String::as_str).collect();
    let expected = [
        "node_bcache_btree_nodes",
        "node_bcache_cache_readaheads_total",
        "node_bcache_dirty_target_bytes",
        "node_bcache_writeback_change",
        "node_bcache_writeback_rate",
        "node_bcache_writeback_rate_integral_term",
        "node_bcache_writeback_rate_proportional_term",
    ];
    assert_eq!(gone, expected);
}

#[test]
fn bcache_tells_the_truth_in_our_own_names() {
    let page = Server::whole().scrape(0);
    for (device, state, mode) in [("bcache0", "dirty", "writearound"), ("bcache1", "no cache", "writethrough")] {
        for (family, label, on) in
            [("hostkeeper_bcache_state", "state", state), ("hostkeeper_bcache_cache_mode", "mode", mode)]
        {
            let set = |family: &Family| -> Vec<(String, f64)> {
                let of = family.samples.iter().filter(|((_, labels), _)| labels["device"] == device);
                of.map(|((_, labels), value)| (labels[label].clone(), *value)).collect()
            };
            let values = set(&page[family]);
            assert_eq!(values.len(), 4, "{values:?}");
            assert!(values.iter().all(|(word, value)| (*value == 1.0) == (word == on)), "{values:?}");
        }
    }
    let uuid = [("uuid", "deaddd54-c735-46d5-868e-f331c5fd7c74")];
    assert_eq!(value(&page, "hostkeeper_bcache_btree_read_average_seconds", &uuid), Some(0.001_305));
    assert_eq!(value(&page, "hostkeeper_md_disks_missing", &[("device", "md127")]), Some(1.0));
    let synced = value(&page, "hostkeeper_md_synced_ratio", &[("device", "md7")]).unwrap();
    assert!((0.24..0.25).contains(&synced), "{synced}");
}

#[test]
fn processor_counters_do_not_fall_but_for_a_replugged_processor() {
    let mut server = Server::whole();
    let iowait = [("cpu", "0"), ("mode", "iowait")];
    let family = "node_cpu_seconds_total";
    assert_eq!(value(&server.scrape(0), family, &iowait), Some(11.0));
    server.edit("proc/stat", "cpu0 1411 70 300 411000 1100", "cpu0 1411 70 300 411010 900");
    assert_eq!(value(&server.scrape(1), family, &iowait), Some(11.0));
    server.edit("proc/stat", "cpu0 1411 70 300 411010 900", "cpu0 1 0 0 5 2");
    assert_eq!(value(&server.scrape(1), family, &iowait), Some(0.02));
}

#[test]
fn shares_and_rates_come_from_two_looks() {
    let mut server = Server::whole();
    let first = host_view(&server.see(0));
    assert_eq!((first.cpu_used_cores, first.network_receive_bytes_per_second, first.cpu_cores), (None, None, 4));
    // 50 of 200 ticks busy; `lo` does not count, a bond and what is below it count once when there is hardware.
    server.edit("proc/stat", "cpu  4705 150 1120 1644069", "cpu  4755 150 1120 1644219");
    server.edit("proc/net/dev", " bond0: 10437182923", " bond0: 10437192923");
    let seen = server.see(10);
    let view = host_view(&seen);
    assert_eq!(view.cpu_used_cores, Some(1.0));
    assert_eq!(view.network_receive_bytes_per_second, Some(1000.0));
    assert_eq!(view.pressure_percent["io.full"], 0.1);
    assert_eq!(view.memory_available_bytes, Some(41_211_344 * 1024));
    server.edit("proc/stat", "cpu  4755 150", "cpu  9999 150");
    assert_eq!(host_view(&server.see(0)).cpu_used_cores, Some(1.0), "too soon to tell");
    let page = write(&seen, Filter::default());
    assert_eq!(value(&page, "node_cpu_usage_percent", &[]), Some(25.0));
    let memory = value(&page, "node_memory_usage_percent", &[]).unwrap();
    assert!((37.0..38.0).contains(&memory), "{memory}");
    assert_eq!(value(&page, "node_network_transmit_bytes", &[("device", "eno1")]), Some(2_851_649_360.0));
    assert!((0.0..=100.0).contains(&value(&page, "node_disk_usage_percent", &[("mountpoint", "/")]).unwrap()));
}

#[test]
fn hardware_that_comes_and_goes_is_seen_within_a_minute() {
    let mut server = Server::whole();
    let nvme = |page: &Exposition| page.get("node_nvme_info").map_or(0, |family| family.samples.len());
    assert_eq!(nvme(&server.scrape(0)), 1);
    server.write("sys/class/nvme/nvme1/model", "another\n");
    assert_eq!(nvme(&server.scrape(30)), 1);
    assert_eq!(nvme(&server.scrape(30)), 2);
    std::fs::remove_dir_all(server.path("sys/class/nvme/nvme0")).unwrap();
    assert_eq!(nvme(&server.scrape(60)), 1);
    server
        .write("proc/1/mountinfo", "22 1 259:2 / / rw - ext4 /dev/a rw\n23 22 8:1 / /data ro - xfs /dev/b\\040c rw\n");
    let page = server.scrape(1);
    let data = [("device", "/dev/b\\040c"), ("fstype", "xfs"), ("mountpoint", "/data")];
    assert_eq!(value(&page, "node_filesystem_readonly", &data), Some(1.0));
    assert_eq!(value(&page, "node_filesystem_device_error", &data), Some(1.0));
    assert_eq!(value(&page, "node_filesystem_size_bytes", &data), None);
}

#[test]
fn text_files_of_others_are_passed_on_when_they_are_right() {
    let dir = "var/lib/prometheus/node-exporter";
    let mut server = Server::whole();
    let page = server.scrape(0);
    assert_eq!(value(&page, "backup_last_success", &[("repo", "a\"b")]), Some(1.5e9));
    assert_eq!(page["backup_last_success"].samples.len(), 3);
    assert_eq!((page["runs_total"].kind.as_str(), page["untold_value"].kind.as_str()), ("counter", "untyped"));
    assert_eq!(value(&page, "node_textfile_scrape_error", &[]), Some(0.0));
    for wrong in ["x{a=\"b} 1\n", "x 1 1234567890\n", "1x 1\n", "x\n", "x{a=\"1\",a=\"2\"} 1\n", "# TYPE x sometimes\n"]
    {
        server.write(&format!("{dir}/wrong.prom"), wrong);
        let page = server.scrape(1);
        assert_eq!(value(&page, "node_textfile_scrape_error", &[]), Some(1.0), "{wrong}");
        assert_eq!(page["node_textfile_mtime_seconds"].samples.len(), 2, "{wrong}");
        assert!(page.contains_key("runs_total") && !page.contains_key("x"), "{wrong}");
    }
}

#[test]
fn text_files_cannot_break_the_page() {
    let mut server = Server::whole();
    let hostile = "# HELP node_load1 mine\nnode_load1 99\nnode_load1 98\nown{a=\"\\\\\\n\\\"é\"} 1\n";
    server.write("var/lib/prometheus/node-exporter/hostile.prom", hostile);
    let seen = server.see(0);
    let mut page = Page::new(Filter::default(), 20_000);
    measure_host(&seen, &mut page);
    let page = parse(&page.finish()).unwrap();
    assert_eq!(value(&page, "node_load1", &[]), Some(1.21));
    assert_eq!(value(&page, "own", &[("a", "\\\n\"é")]), Some(1.0));
}

#[test]
fn a_scrape_gets_what_it_asks_for() {
    let seen = Server::whole().see(0);
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let only = write(&seen, Filter { collect: words(&["meminfo", "loadavg"]), ..Filter::default() });
    let load_or_memory = |name: &String| name.starts_with("node_memory_") || name.starts_with("node_load");
    assert!(only.keys().all(|name| load_or_memory(name) || name.starts_with("node_scrape_")));
    assert_eq!(only["node_scrape_collector_success"].samples.len(), 2);
    let without = write(&seen, Filter { exclude: words(&["node"]), ..Filter::default() });
    let manual = ["node_memory_usage_percent", "node_disk_usage_percent", "node_network_transmit_bytes"];
    assert!(without.keys().all(|name| name.starts_with("hostkeeper_") || manual.contains(&name.as_str())));
}

#[test]
fn names_from_outside_cannot_break_the_page() {
    let mut server = Server::whole();
    server.write("sys/class/net/bond0/ifalias", "up\"link\\ a\nb");
    server.write("sys/class/nvme/nvme0/model", "a\"b\\n{c}=\u{1F4BE}");
    server.write("sys/class/thermal/thermal_zone0/type", "x\",y=\"1");
    std::fs::write(server.path("proc/1/mountinfo"), b"22 1 259:2 / /a\\012b\xff rw - ext4 /dev/\"q\" rw\n").unwrap();
    let page = server.scrape(0);
    assert_eq!(value(&page, "node_thermal_zone_temp", &[("type", "x\",y=\"1"), ("zone", "0")]), Some(12.376));
    assert_eq!(page["node_filesystem_device_error"].samples.len(), 1);
}
