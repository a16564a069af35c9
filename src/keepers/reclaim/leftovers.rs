//! Of everything that Docker holds, what nothing uses. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::host::docker::{ContainerUse, ImageUse, Space, VolumeUse, is_same_image};
use crate::round::{Leftover, LeftoverClass};

/// A container that was made but never started is left over after so long: `compose run` makes it right before it starts.
const NEVER_STARTED_SECONDS: i64 = 3600;

/// What nothing uses, by class, the largest first.
pub fn find_leftovers(space: &Space, now: Timestamp) -> Vec<Leftover> {
    let used: BTreeSet<&str> = space.containers.iter().map(|container| container.image_id.as_str()).collect();
    let is_used = |image: &ImageUse| {
        // By name: a container that is made again takes the image that has the name by then.
        let named = |name: &String| space.containers.iter().any(|container| is_same_image(name, &container.image));
        used.contains(image.id.as_str()) || image.users.is_some_and(|users| users > 0) || image.names.iter().any(named)
    };
    let images = space.images.iter().filter(|image| !is_used(image)).map(of_image);
    let containers = space.containers.iter().filter(|container| is_left(container, now)).map(of_container);
    let volumes = space.volumes.iter().filter(|volume| volume.anonymous && volume.users == Some(0)).map(of_volume);
    let mut all: Vec<Leftover> = images.chain(containers).chain(volumes).chain(of_cache(space)).collect();
    all.sort_by(|a, b| (a.class, b.bytes, &a.id).cmp(&(b.class, a.bytes, &b.id)));
    all
}

fn of_image(image: &ImageUse) -> Leftover {
    Leftover {
        class: if image.names.is_empty() { LeftoverClass::Dangling } else { LeftoverClass::Images },
        id: image.id.clone(),
        name: image.names.first().cloned().unwrap_or_default(),
        names: image.names.clone(),
        project: image.project.clone(),
        bytes: image.size.saturating_sub(image.shared.unwrap_or_default()),
        since: Timestamp::from_second(image.created).ok().filter(|at| at.as_second() > 0),
    }
}

fn is_left(container: &ContainerUse, now: Timestamp) -> bool {
    let age = now.as_second().saturating_sub(container.created);
    let stopped = match container.state.as_str() {
        "exited" | "dead" => true,
        "created" => age >= NEVER_STARTED_SECONDS,
        _ => false,
    };
    container.oneoff && stopped
}

fn of_container(container: &ContainerUse) -> Leftover {
    Leftover {
        class: LeftoverClass::Containers,
        id: container.id.clone(),
        name: container.name.clone(),
        names: Vec::new(),
        project: container.project.clone(),
        bytes: container.size,
        since: Timestamp::from_second(container.created).ok(),
    }
}

fn of_volume(volume: &VolumeUse) -> Leftover {
    Leftover {
        class: LeftoverClass::Volumes,
        id: volume.name.clone(),
        name: String::new(),
        names: Vec::new(),
        project: volume.project.clone(),
        bytes: volume.size.unwrap_or_default(),
        since: volume.created,
    }
}

/// The build cache as one thing: Docker removes it as a whole.
fn of_cache(space: &Space) -> Option<Leftover> {
    let free = || space.cache.iter().filter(|entry| !entry.in_use);
    (free().count() > 0).then(|| Leftover {
        class: LeftoverClass::Cache,
        id: "build-cache".into(),
        name: format!("{} entries", free().count()),
        names: Vec::new(),
        project: None,
        bytes: free().filter(|entry| !entry.shared).map(|entry| entry.size).sum(),
        since: None,
    })
}
