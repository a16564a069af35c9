//! The changing orders: a body read strictly, handed to the agent in the name of who asked.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::request::{Peer, Response};
use super::routes::Place;
use super::shapes::DoneShown;
use super::types::{Order, ReclaimOrder, ThingName};
use super::{Agent, Refusal};
use crate::values::ProjectName;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoBody {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplyBody {
    plan: String,
    #[serde(default)]
    steps: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmBody {
    #[serde(default)]
    intent: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RollbackBody {
    intent: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseBody {
    #[serde(default)]
    project: Option<ProjectName>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReclaimBody {
    things: Vec<ThingName>,
}

const PARK: &str = r#"{"project": "nova", "standard": false, "dry_run": true}"#;

/// Gives the order of `place`. The rights of the peer have been checked.
pub async fn give(agent: &dyn Agent, place: Place, body: &[u8], peer: &Peer) -> Result<Response, Refusal> {
    let order = parse_order(place, body)?;
    let done = agent.order(order, peer.caller.clone()).await?;
    let shown = DoneShown { schema: "hostkeeper.done/1".into(), text: done.text, steps: done.steps };
    Ok(Response::of(200, &shown))
}

/// The order that a body means. An empty body is `{}`.
pub fn parse_order(place: Place, body: &[u8]) -> Result<Order, Refusal> {
    match place {
        Place::Reload => read_body(body, "{}").map(|NoBody {}| Order::Reload),
        Place::Wake => read_body(body, "{}").map(|NoBody {}| Order::Wake),
        Place::Apply => read_body(body, r#"{"plan": "…", "steps": ["…"]}"#)
            .map(|ApplyBody { plan, steps }| Order::Apply { plan, steps }),
        Place::Confirm => {
            read_body(body, r#"{"intent": 12}, or {} for all"#).map(|ConfirmBody { intent }| Order::Confirm { intent })
        }
        Place::Rollback => {
            read_body(body, r#"{"intent": 12}"#).map(|RollbackBody { intent }| Order::Rollback { intent })
        }
        Place::KeepSpeed => {
            let form = r#"{"tier": "ssd", "size_bytes": 1073741824, "sequential_write_bytes_per_second": 932e6, "random_reads_per_second": 11200}"#;
            read_body(body, form).map(Order::KeepSpeed)
        }
        Place::LookAtDocker => read_body(body, "{}").map(|NoBody {}| Order::Reclaim(ReclaimOrder::Look)),
        Place::LookBetweenProjects => read_body(body, "{}").map(|NoBody {}| Order::Audit),
        Place::Reclaim => read_body(body, r#"{"things": [{"class": "images", "id": "sha256:…"}]}"#)
            .map(|ReclaimBody { things }| Order::Reclaim(ReclaimOrder::Remove { things })),
        Place::Park => read_body(body, PARK).map(Order::Park),
        Place::Unpark => read_body(body, PARK).map(Order::Unpark),
        Place::ReleaseLimits => read_body(body, r#"{"project": "athena"}, or {} for all"#)
            .map(|ReleaseBody { project }| Order::ReleaseLimits { project }),
        Place::Fix => {
            let form =
                r#"{"dir": "project/directory", "owner": "999:999", "mode": "0700", "recursive": true, "begin": true}"#;
            read_body(body, form).map(Order::Fix)
        }
        _ => Err(Refusal { code: "method".into(), text: "this path takes no orders".into(), cure: "use GET".into() }),
    }
}

pub(super) fn read_body<T: DeserializeOwned>(body: &[u8], form: &str) -> Result<T, Refusal> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refusal {
        code: "bad_request".into(),
        text: format!("the body is not what this path takes: {}", crate::values::one_line(&error.to_string(), 200)),
        cure: format!("send {form}"),
    })
}
