//! The one handler, with and without a daemon: who may ask, and whom each route is handed to.

use super::request::{JSON, Method, Peer, Request, Response, Rights};
use super::routes::{Matched, OPENAPI, Place, match_route};
use super::{Agent, Refusal, audit, limits, looks, orders, storage};

/// Why a peer may not do this, when so.
pub fn refuse_rights(method: Method, peer: &Peer) -> Option<Refusal> {
    let needed = if method == Method::Post { Rights::Order } else { Rights::Read };
    if peer.rights >= needed {
        return None;
    }
    let uid = peer.caller.uid;
    let (text, cure) = match peer.rights {
        Rights::Nothing => (
            format!("user id {uid} may not ask this agent"),
            "ask as root, or join the group of the socket (see [api] group) and log in again",
        ),
        _ => (format!("user id {uid} may read, but not give orders"), "give the order as root (sudo)"),
    };
    Some(Refusal { code: "forbidden".into(), text, cure: cure.into() })
}

/// Answers any request except the stream of `/v1/events`, which needs a daemon and its socket.
pub async fn answer(agent: &dyn Agent, request: &Request, peer: &Peer) -> Response {
    if let Some(refusal) = refuse_rights(request.method, peer) {
        return Response::refuse(&refusal);
    }
    match match_route(request) {
        Ok(matched) => take(agent, request, &matched, peer).await.unwrap_or_else(|refusal| Response::refuse(&refusal)),
        Err(refusal) => Response::refuse(&refusal),
    }
}

async fn take(agent: &dyn Agent, request: &Request, matched: &Matched, peer: &Peer) -> Result<Response, Refusal> {
    match matched.route.place {
        Place::Status => Ok(looks::status(agent)),
        Place::ProjectStatus => looks::project_status(agent, matched).await,
        Place::Projects => Ok(looks::projects(agent)),
        Place::Containers => looks::containers(agent, matched),
        Place::Plan => looks::plan(agent, matched),
        Place::Concerns => looks::concerns(agent, matched),
        Place::History => looks::history(agent, matched).await,
        Place::Doctor => looks::doctor(agent).await,
        Place::Explain => looks::explain(agent, matched).await,
        Place::Metrics => looks::metrics(agent, matched).await,
        Place::MetricNames => looks::metric_names(agent, matched).await,
        Place::MetricCost => looks::metric_cost(agent, matched).await,
        Place::ConfigKey => looks::config_key(agent, matched),
        Place::Healthz => Ok(looks::health(true)),
        Place::Readyz => Ok(looks::health(agent.ready())),
        Place::OpenApi => Ok(Response { status: 200, content_type: JSON, body: OPENAPI.as_bytes().to_vec() }),
        Place::Events => Err(Refusal {
            code: "no_daemon".into(),
            text: "events are a stream, and only a running agent has one".into(),
            cure: "start the agent (systemctl start hostkeeper), or ask for the history".into(),
        }),
        Place::Limits => limits::show(&agent.snapshot(), matched),
        Place::Audit => audit::show(agent, matched),
        Place::Storage => Ok(storage::show(&agent.snapshot())),
        Place::Drain | Place::Undrain | Place::Balance | Place::MakeExamples | Place::RemoveExamples => {
            storage::give(agent, matched.route.place, &request.body, peer).await
        }
        Place::Reload
        | Place::Apply
        | Place::Confirm
        | Place::Rollback
        | Place::Wake
        | Place::KeepSpeed
        | Place::Reclaim
        | Place::LookAtDocker
        | Place::ReleaseLimits
        | Place::Park
        | Place::Unpark
        | Place::LookBetweenProjects
        | Place::Fix => orders::give(agent, matched.route.place, &request.body, peer).await,
    }
}
