//! Looks at the cache of a tier: the bcache device in the chain of devices that the tier was proved to stand on.

pub use crate::host::bcache::CachedDevice;

use crate::host::Roots;
use crate::host::bcache::{is_bcache, read_cached_device};
use crate::keepers::storage::observe::{Device, Ground};

/// What a tier has as a cache.
#[derive(Clone, Debug, PartialEq)]
pub enum CacheSeen {
    /// The tier stands on none, or on several: then none of them is its cache.
    No {
        devices: Vec<String>,
    },
    There(Box<CachedDevice>),
}

/// Looks at the cache of the tier that stands on `ground`. While its root is held open the devices below it stay.
pub fn read_cache(roots: &Roots, ground: &Ground) -> CacheSeen {
    let chain = ground.device.value().and_then(|device| device.as_ref()).map(|device: &Device| device.chain.as_slice());
    let devices: Vec<String> = chain.unwrap_or_default().iter().filter(|name| is_bcache(name)).cloned().collect();
    let found = match devices.as_slice() {
        [only] => read_cached_device(roots, only),
        _ => None,
    };
    found.map_or(CacheSeen::No { devices }, |found| CacheSeen::There(Box::new(found)))
}
