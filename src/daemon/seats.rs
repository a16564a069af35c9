//! The table of keepers. To add one: its folder, its line in `keepers/mod.rs`, and its line here.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::config::Settings;
use crate::keepers::isolation::Isolation;
use crate::keepers::limits::Limits;
use crate::keepers::reclaim::Reclaim;
use crate::keepers::storage::Storage;
use crate::keepers::vitals::Vitals;
use crate::round::{Keeper, Promise, Seated, SharedSeat};

/// Gives a seat its part of a new configuration.
pub type Configure = Box<dyn for<'a> Fn(&'a Settings) -> Promise<'a, ()> + Send + Sync>;

/// A seat, and how it takes a new configuration.
pub struct Chair {
    pub seat: SharedSeat,
    pub configure: Configure,
}

/// All keepers, in the order in which they look and act.
pub fn set_table(settings: &Settings) -> Vec<Chair> {
    vec![
        chair(Vitals::default(), |settings| settings.vitals.clone(), settings),
        chair(Storage::default(), |settings| settings.storage.clone(), settings),
        chair(Limits::default(), |settings| settings.limits.clone(), settings),
        chair(Isolation::default(), |settings| settings.isolation.clone(), settings),
        chair(Reclaim::default(), |settings| settings.reclaim.clone(), settings),
    ]
}

fn chair<K: Keeper>(keeper: K, select: fn(&Settings) -> K::Config, settings: &Settings) -> Chair {
    let seat = Arc::new(Mutex::new(Seated::new(keeper, select(settings))));
    let same = seat.clone();
    Chair {
        seat,
        configure: Box::new(move |settings| {
            let (seat, config) = (same.clone(), select(settings));
            Box::pin(async move { seat.lock().await.configure(config) })
        }),
    }
}
