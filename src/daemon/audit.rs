//! The audit on a person's word: a look of the keeper now; and a Compose file before it is deployed, looked at in the process
//! of who asks, without a daemon.

use std::path::Path;

use jiff::Timestamp;

use super::places::Places;
use super::rounds::Rounds;
use super::start::{Failure, host_of};
use crate::api::Refusal;
use crate::api::audit::AuditShown;
use crate::api::types::Done;
use crate::config;
use crate::host::Error;
use crate::host::compose::{Trouble, read_compose};
use crate::host::environment::new_mark_key;
use crate::keepers::isolation::decide::find_all;
use crate::keepers::isolation::observe::{add_composed, gather};
use crate::keepers::isolation::{Isolation, Step};
use crate::round::{AuditView, Keeper};

/// Why a file was not audited.
#[derive(Debug)]
pub enum Unaudited {
    Failure(Failure),
    /// Docker has no Compose.
    NoCompose,
    /// Compose does not take the file; what it says is not repeated, because it quotes the file.
    Refused(String),
}

impl Rounds {
    pub(super) async fn look_between_projects(&self) -> Result<Done, Refusal> {
        self.ask_to_look(Isolation::NAME, &Step::Look, "looked at where projects touch").await
    }
}

/// Audits what `file` would deploy against what is there now. Blocks.
pub fn audit_compose(places: &Places, file: &Path, now: Timestamp) -> Result<AuditShown, Unaudited> {
    let host = |error: Error| Unaudited::Failure(Failure::Host(error));
    let loaded = config::load(&places.config).map_err(|problems| Unaudited::Failure(Failure::Config(problems)))?;
    let file = file.canonicalize().map_err(|error| host(Error::file("read", file, error)))?;
    let roots = host_of(&loaded).roots;
    let key = new_mark_key().map_err(host)?;
    let composed = read_compose(&key, &file).map_err(|trouble| match trouble {
        Trouble::Missing => Unaudited::NoCompose,
        Trouble::Refused(text) => Unaudited::Refused(text),
        Trouble::Host(error) => host(error),
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| host(Error::reply("runtime", error)))?;
    let isolation = &loaded.settings.isolation;
    let gathered = runtime.block_on(gather(isolation, &roots, &key)).map_err(host)?;
    let mut surroundings =
        gathered.ok_or_else(|| host(Error::reply("docker", "there is no Docker to compare with")))?;
    let place = file.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    add_composed(&mut surroundings, &composed, &roots, &place);
    let mut findings = find_all(&surroundings.facts, &isolation.policy(&surroundings.ephemeral, now));
    findings.retain(|finding| finding.is_about(&composed.project));
    Ok(AuditShown {
        schema: "hostkeeper.audit/1".into(),
        at: now,
        round: 0,
        project: composed.project.parse().ok(),
        view: AuditView { looked_at: Some(now), unseen: surroundings.unseen, findings, ..AuditView::default() },
    })
}
