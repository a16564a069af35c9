//! What the API, the command line and the page show of a cache. Pure.

use super::config::{Cache, CacheMode};
use super::decide::is_draining;
use super::observe::CachedDevice;
use crate::round::CacheView;

/// A cache as last seen, beside what is declared of it.
pub fn cache_view(declared: Option<&Cache>, device: &CachedDevice) -> CacheView {
    let mode = declared.and_then(|declared| declared.mode);
    let max_dirty = declared.and_then(|declared| declared.max_dirty);
    let windows = device.hits.iter().filter_map(|hits| Some((hits.window.to_owned(), hits.hit_percent?)));
    CacheView {
        device: device.device.clone(),
        state: device.state.clone(),
        mode: device.mode.clone(),
        declared_mode: mode.map(CacheMode::as_str).map(str::to_owned),
        draining: declared.is_some_and(|declared| is_draining(declared, device)),
        dirty_bytes: device.dirty_bytes,
        max_dirty_bytes: max_dirty.and_then(|share| share.of(device.cache_size())),
        sequential_cutoff_bytes: device.sequential_cutoff_bytes,
        writeback_percent: device.writeback_percent,
        writeback_rate_bytes_per_second: device.writeback_rate,
        cache_available_percent: device.cache_available_percent,
        hit_percent: windows.collect(),
        backing_io_errors: device.io_errors,
        cache_io_errors: device.caches.iter().map(|cache| cache.io_errors).sum(),
    }
}
