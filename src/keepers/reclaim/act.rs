//! One removal. Looks again right before it: what came into use, got a new name, or turned out to have a name is left.

use std::path::Path;
use std::time::Duration;

use crate::host::Error;
use crate::host::docker::{Removal, Remover};
use crate::round::{Change, Leftover, LeftoverClass};

/// For each question to Docker.
const PATIENCE: Duration = Duration::from_secs(50);
/// For the whole removal; less than any step may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Removes it, or says why not.
pub async fn remove(socket: &str, leftover: &Leftover) -> Result<Change, Error> {
    let work = async {
        let remover = connect(socket).await?;
        match leftover.class {
            LeftoverClass::Dangling | LeftoverClass::Images => remove_image(&remover, leftover).await,
            LeftoverClass::Cache => remover.prune_cache().await.map(|_| Change::Made),
            LeftoverClass::Containers => change_of(remover.remove_container(&leftover.id).await?, leftover),
            LeftoverClass::Volumes => remove_volume(&remover, leftover).await,
        }
    };
    match tokio::time::timeout(LIMIT, work).await {
        Ok(done) => done,
        Err(_) => Err(Error::Timeout { what: format!("docker, removal of {}", words(leftover)), limit: LIMIT }),
    }
}

/// Whether it is not there any more; `None`: cannot be told.
pub async fn is_gone(socket: &str, leftover: &Leftover) -> Option<bool> {
    let work = async {
        let remover = connect(socket).await.ok()?;
        match leftover.class {
            LeftoverClass::Dangling | LeftoverClass::Images => {
                Some(remover.read_image(&leftover.id).await.ok()?.is_none())
            }
            LeftoverClass::Cache => None,
            LeftoverClass::Containers => Some(remover.list_users("id", &leftover.id).await.ok()?.is_empty()),
            LeftoverClass::Volumes => Some(remover.is_anonymous(&leftover.id).await.ok()?.is_none()),
        }
    };
    tokio::time::timeout(LIMIT, work).await.ok()?
}

async fn connect(socket: &str) -> Result<Remover, Error> {
    let remover = Remover::connect(Path::new(socket), PATIENCE).await?;
    remover.ok_or_else(|| Error::reply("docker", format!("there is no socket {socket}")))
}

async fn remove_image(remover: &Remover, leftover: &Leftover) -> Result<Change, Error> {
    let Some((_, names)) = remover.read_image(&leftover.id).await? else { return Ok(Change::AlreadySo) };
    if let Some(new) = names.iter().find(|name| !leftover.names.contains(name)) {
        return Err(refused(leftover, format!("it is named {new} since it was shown")));
    }
    if let Some(user) = remover.list_image_users(&leftover.id, &names).await?.first() {
        return Err(refused(leftover, format!("container {user} uses it")));
    }
    for name in &names {
        // With one name others may go, too; and it may name another image by now.
        if remover.read_image(name).await?.is_some_and(|(id, _)| id == leftover.id) {
            change_of(remover.remove_image(name).await?, leftover)?;
        }
    }
    match remover.read_image(&leftover.id).await? {
        None => Ok(Change::Made),
        Some(_) => change_of(remover.remove_image(&leftover.id).await?, leftover),
    }
}

async fn remove_volume(remover: &Remover, leftover: &Leftover) -> Result<Change, Error> {
    match remover.is_anonymous(&leftover.id).await? {
        None => return Ok(Change::AlreadySo),
        Some(true) => {}
        Some(false) => return Err(refused(leftover, "it has a name: somebody made it on purpose".into())),
    }
    if let Some(user) = remover.list_users("volume", &leftover.id).await?.first() {
        return Err(refused(leftover, format!("container {user} uses it")));
    }
    change_of(remover.remove_volume(&leftover.id).await?, leftover)
}

fn change_of(removal: Removal, leftover: &Leftover) -> Result<Change, Error> {
    match removal {
        Removal::Removed => Ok(Change::Made),
        Removal::Gone => Ok(Change::AlreadySo),
        Removal::InUse(why) => Err(refused(leftover, format!("Docker does not let it go: {why}"))),
    }
}

fn refused(leftover: &Leftover, why: String) -> Error {
    Error::reply(words(leftover), format!("{why}; it is left"))
}

fn words(leftover: &Leftover) -> String {
    match leftover.class {
        LeftoverClass::Dangling | LeftoverClass::Images => format!("image {}", leftover.short_id()),
        LeftoverClass::Cache => "the build cache".to_owned(),
        LeftoverClass::Containers => format!("container {}", leftover.short_id()),
        LeftoverClass::Volumes => format!("volume {}", leftover.short_id()),
    }
}
