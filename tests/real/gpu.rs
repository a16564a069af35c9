//! GPUs through a management library that does as it is told: two cards, a failing query, a driver that hangs.

// Clippy knows tests by their attribute; the helpers of a test crate have none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr
)]

#[path = "support/driver.rs"]
#[allow(dead_code)]
mod driver;
#[path = "../support/exposition.rs"]
mod exposition;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use driver::Driver;
use exposition::{Exposition, find, only};
use futures_util::FutureExt;
use hostkeeper::host::{Host, Roots};
use hostkeeper::keepers::vitals::config::Config;
use hostkeeper::keepers::vitals::metrics::gpu;
use hostkeeper::keepers::vitals::observe::containers::{ContainerSeen, ContainersSeen, Identity};
use hostkeeper::keepers::vitals::observe::gpu::{GpuSeen, look};
use hostkeeper::metrics::{Filter, Page};
use hostkeeper::values::Every;

const ID: &str = "b1d985e9556e833ab6452d8b14b33b5aeb08e7e2b9caac54acce2844173ee5e0";
const FIRST: &str = "gpu=\"GPU-00000000-AAAA-bbbb-cccc-dddddddddddd\"";
const SECOND: &str = "gpu=\"GPU-00000001-AAAA-bbbb-cccc-dddddddddddd\"";

fn config(driver: &Driver) -> Config {
    Config { nvml: driver.library(), gpu_interval: Every(Duration::from_secs(1)), ..Config::default() }
}

fn host() -> Host {
    let top: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captured/cgroup/v2");
    Host::new(Roots { procfs: top.join("proc"), sysfs: top.join("sys"), rootfs: "/".into() })
}

/// One container, of project shop, that process 4242 belongs to; and one of project lab without a GPU.
fn containers() -> ContainersSeen {
    let container = |id: &str, project: &str| {
        let project = Some(project.parse().unwrap());
        ContainerSeen {
            identity: Arc::new(Identity { id: id.into(), project, ..Identity::default() }),
            ..ContainerSeen::default()
        }
    };
    ContainersSeen {
        containers: vec![container(ID, "shop"), container(&"0".repeat(64), "lab")],
        ..ContainersSeen::default()
    }
}

async fn look_until(config: &Config, host: &Host, wanted: impl Fn(&GpuSeen) -> bool) -> GpuSeen {
    for _ in 0..100 {
        let seen = look(config, host, &containers()).await;
        if wanted(&seen) {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("never seen");
}

fn read_page(seen: &GpuSeen) -> Exposition {
    let mut page = Page::new(Filter::default(), 1000);
    gpu::measure(seen, &mut page);
    exposition::parse(&page.finish()).expect("a good page")
}

fn error_of(seen: &GpuSeen) -> Option<&str> {
    seen.run.as_ref()?.outcome.as_ref().err().map(String::as_str)
}

#[tokio::test]
async fn two_cards_are_told_in_base_units_and_their_memory_by_project() {
    let Some(driver) = Driver::build("two_cards") else { return };
    let seen = look(&config(&driver), &host(), &containers()).await;
    assert_eq!(error_of(&seen), None);
    let page = read_page(&seen);
    assert_eq!(only(&page, "hostkeeper_gpu_memory_used_bytes", &[FIRST]), f64::from(2 << 10) * 1048576.0);
    assert_eq!(only(&page, "hostkeeper_gpu_utilization_ratio", &[SECOND]), 0.38);
    assert_eq!(only(&page, "hostkeeper_gpu_power_watts", &[FIRST]), 123.456);
    assert_eq!(only(&page, "hostkeeper_gpu_sm_clock_hertz", &[FIRST]), 1.001e9);
    assert!(find(&page, "hostkeeper_gpu_fan_speed_ratio", &[]).is_empty(), "no fan, no series");
    assert_eq!(only(&page, "nvidia_smi_temperature_gpu", &["uuid=\"00000001-aaaa-bbbb-cccc-dddddddddddd\""]), 51.0);
    assert_eq!(only(&page, "nvidia_gpu_utilization_percent", &[FIRST]), 37.0);
    assert_eq!(only(&page, "nvidia_gpu_memory_usage_bytes", &[SECOND]), 3.0 * 1073741824.0);
    assert_eq!(find(&page, "nvidia_smi_gpu_info", &["driver_version=\"550.00\""]).len(), 2);
    // Process 77 is of no container; 4242 computes and draws, and is counted once.
    assert_eq!(only(&page, "hostkeeper_project_gpu_memory_bytes", &[FIRST, "project=\"shop\""]), 1073741824.0);
    assert_eq!(only(&page, "hostkeeper_project_gpu_memory_bytes", &[FIRST, "project=\"lab\""]), 0.0);
    assert_eq!(only(&page, "hostkeeper_project_gpu_memory_bytes", &[SECOND, "project=\"shop\""]), 0.0);
}

#[tokio::test]
async fn a_failed_query_has_no_series_and_is_named() {
    let Some(driver) = Driver::build("a_failed_query") else { return };
    driver.set_mode("f");
    let seen = look(&config(&driver), &host(), &containers()).await;
    let error = error_of(&seen).expect("an error");
    assert!(error.contains("gpu 1: utilization") && error.contains("gpu 1: compute processes"), "{error}");
    let page = read_page(&seen);
    assert_eq!(find(&page, "hostkeeper_gpu_utilization_ratio", &[]).len(), 1, "the other card is still told");
    assert!(find(&page, "nvidia_gpu_utilization_percent", &[SECOND]).is_empty(), "not 0");
    assert!(find(&page, "hostkeeper_project_gpu_memory_bytes", &[SECOND]).is_empty(), "not 0");
    assert_eq!(find(&page, "hostkeeper_gpu_memory_used_bytes", &[]).len(), 2);
}

#[tokio::test]
async fn a_driver_that_hangs_holds_up_no_look_and_loses_its_sample() {
    let Some(driver) = Driver::build("a_driver_that_hangs") else { return };
    let (config, host) = (config(&driver), host());
    assert_eq!(look(&config, &host, &containers()).await.gpus.len(), 2);
    driver.set_mode("h");
    let seen = look_until(&config, &host, |seen| seen.gpus.is_empty()).await;
    assert!(error_of(&seen).unwrap().contains("does not answer any more"));
    let containers = containers();
    let at_once = look(&config, &host, &containers).now_or_never();
    assert!(at_once.expect("a look that waits for nothing").gpus.is_empty());
    driver.set_mode("n");
    let seen = look_until(&config, &host, |seen| !seen.gpus.is_empty()).await;
    assert_eq!(error_of(&seen), None);
}

#[tokio::test]
async fn without_a_library_there_are_no_gpus_and_no_error() {
    let seen = look(&Config::default(), &host(), &containers()).await;
    if seen.run.is_none() {
        assert!(seen.gpus.is_empty());
        assert!(read_page(&seen).is_empty());
    }
    let named = Config { nvml: "/nonexistent/libnvidia-ml.so".into(), ..Config::default() };
    let seen = look(&named, &host(), &containers()).await;
    assert!(error_of(&seen).unwrap().starts_with("nvml"), "a library that is named must be there");
}
