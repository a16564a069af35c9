//! What a look found on the host, in the words of `config init`.

use std::collections::BTreeMap;

use crate::config::{Discovered, FoundMount, FoundPostgres, FoundProject};
use crate::round::{ContainerView, Snapshot};
use crate::values::Bytes;

/// The last path part of an image's name, without tag: `docker.io/library/postgres:15` is `postgres`.
fn image_base(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split([':', '@']).next().unwrap_or(name)
}

pub fn discover(seen: &Snapshot) -> Discovered {
    let mut projects: BTreeMap<&str, FoundProject> = BTreeMap::new();
    for container in &seen.containers {
        if let Some(name) = &container.project {
            let found =
                projects.entry(name).or_insert_with(|| FoundProject { name: name.clone(), ..FoundProject::default() });
            found.containers.push(container.name.clone());
        }
    }
    let of_image = |names: &[&str]| -> Vec<&ContainerView> {
        seen.containers.iter().filter(|container| names.contains(&image_base(&container.image))).collect()
    };
    let postgres =
        of_image(&["postgres", "postgis", "timescaledb", "pgvector"]).into_iter().map(|container| FoundPostgres {
            container: container.name.clone(),
            project: container.project.clone(),
            image: container.image.clone(),
        });
    Discovered {
        host: seen.host.hostname.clone(),
        projects: projects.into_values().collect(),
        mounts: seen.host.filesystems.iter().map(found_mount).collect(),
        bcache: Vec::new(),
        postgres: postgres.collect(),
        frpc: of_image(&["frpc"]).into_iter().map(|container| container.name.clone()).collect(),
        gpus: seen.host.gpus.iter().map(|gpu| gpu.name.clone()).collect(),
    }
}

fn found_mount(filesystem: &crate::round::FilesystemView) -> FoundMount {
    FoundMount {
        path: filesystem.path.clone(),
        device: filesystem.device.clone(),
        fstype: filesystem.fstype.clone(),
        size: Bytes(filesystem.size_bytes),
        free: Bytes(filesystem.available_bytes),
        rotational: None,
    }
}
