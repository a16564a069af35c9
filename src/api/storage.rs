//! Tiers, directories and pools as the API shows them, and the orders about pools. Pure but for handing an order on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cleans::{CleanShown, render_clean};
use super::orders::read_body;
use super::request::{Peer, Response};
use super::routes::Place;
use super::shapes::DoneShown;
use super::types::{Order, PoolOrder};
use super::{Agent, Refusal};
use crate::round::{DirView, Gate, PoolView, ReclaimView, Snapshot, TierView};
use crate::values::Mode;

/// `GET /v1/storage`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StorageShown {
    pub schema: String,
    pub at: Timestamp,
    pub round: u64,
    pub mode: Mode,
    pub tiers: Vec<TierView>,
    pub dirs: Vec<DirView>,
    pub pools: Vec<PoolShown>,
    /// What Docker holds that nothing uses.
    #[serde(default)]
    pub reclaim: Option<ReclaimView>,
    /// Declared `clean` rules.
    #[serde(default)]
    pub cleans: Vec<CleanShown>,
}

/// A pool, what is planned in it, and what holds that back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolShown {
    #[serde(flatten)]
    pub view: PoolView,
    /// Steps of the present plan, in words.
    pub planned: Vec<String>,
    /// Why they are not carried out, when so: `mode is observe`.
    pub blocked: Option<String>,
}

/// The answer to `GET /v1/storage`.
pub fn show(snapshot: &Snapshot) -> Response {
    Response::of(200, &render_storage(snapshot))
}

pub fn render_storage(snapshot: &Snapshot) -> StorageShown {
    StorageShown {
        schema: "hostkeeper.storage/1".into(),
        at: snapshot.at,
        round: snapshot.round,
        mode: snapshot.mode,
        tiers: snapshot.tiers.clone(),
        dirs: snapshot.dirs.clone(),
        pools: snapshot.pools.iter().map(|view| render_pool(view, snapshot)).collect(),
        reclaim: snapshot.reclaim.clone(),
        cleans: snapshot.cleans.iter().map(|view| render_clean(view, snapshot)).collect(),
    }
}

fn render_pool(view: &PoolView, snapshot: &Snapshot) -> PoolShown {
    let steps = || {
        snapshot.plan.iter().filter(|step| {
            let subject = (step.subject.project.as_ref(), step.subject.thing.as_deref());
            step.keeper == "storage" && subject == (Some(&view.project), Some(view.pool.as_str()))
        })
    };
    let blocked = steps().find_map(|step| match &step.gate {
        Gate::Blocked(block) => Some(block.text.clone()),
        Gate::Open => None,
    });
    PoolShown { view: view.clone(), planned: steps().map(|step| step.text.clone()).collect(), blocked }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberBody {
    pool: String,
    member: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BalanceBody {
    pool: String,
    #[serde(default)]
    now: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExamplesBody {
    pool: String,
    member: String,
    label: String,
    #[serde(default)]
    first: u32,
    files: u32,
    size: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolBody {
    pool: String,
}

/// Gives an order about a pool. The rights of the peer have been checked.
pub async fn give(agent: &dyn Agent, place: Place, body: &[u8], peer: &Peer) -> Result<Response, Refusal> {
    let order = parse_order(place, body)?;
    let done = agent.order(Order::Pool(order), peer.caller.clone()).await?;
    let shown = DoneShown { schema: "hostkeeper.done/1".into(), text: done.text, steps: done.steps };
    Ok(Response::of(200, &shown))
}

/// The order that a body means.
pub fn parse_order(place: Place, body: &[u8]) -> Result<PoolOrder, Refusal> {
    const MEMBER: &str = r#"{"pool": "project/pool", "member": "directory"}"#;
    match place {
        Place::Drain => read_body(body, MEMBER).map(|MemberBody { pool, member }| PoolOrder::Drain { pool, member }),
        Place::Undrain => {
            read_body(body, MEMBER).map(|MemberBody { pool, member }| PoolOrder::Undrain { pool, member })
        }
        Place::Balance => read_body(body, r#"{"pool": "project/pool", "now": true}"#)
            .map(|BalanceBody { pool, now }| PoolOrder::Balance { pool, now }),
        Place::MakeExamples => {
            let form =
                r#"{"pool": "project/pool", "member": "directory", "label": "demo", "files": 100, "size": 4096}"#;
            read_body(body, form).map(|ExamplesBody { pool, member, label, first, files, size }| {
                PoolOrder::MakeExamples { pool, member, label, first, files, size }
            })
        }
        Place::RemoveExamples => {
            read_body(body, r#"{"pool": "project/pool"}"#).map(|PoolBody { pool }| PoolOrder::RemoveExamples { pool })
        }
        _ => Err(Refusal { code: "method".into(), text: "this path takes no orders".into(), cure: "use GET".into() }),
    }
}
