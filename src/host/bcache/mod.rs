//! bcache: what the kernel says of cache sets and bcache devices, and the few attributes that may be set. Never attaches,
//! detaches, registers or formats.

mod class;
mod device;

pub use class::{
    Bcache, BcacheBacking, BcacheCache, BcacheDevice, devices, parse_bcache, parse_chosen, parse_device, sets,
};
pub use device::{Attribute, CacheDevice, CachedDevice, HitWindow, is_bcache, read_cached_device, write_attribute};
