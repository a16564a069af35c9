//! The real rooms behind the command line: the agent over its socket, a look in process, the daemon, the page, the
//! configuration.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::ask::{Ask, Unreached};
use super::discover::discover;
use super::failure::{BAD_CONFIG, FAILED, Failure};
use super::house::{ConfigAnswer, ConfigQuestion, House, WebOrder};
use crate::api::client::{Client, ClientError};
use crate::api::request::{Request, Response};
use crate::api::{Agent, Peer, answer};
use crate::config::{self, Answer, Loaded};
use crate::daemon::{self, Places};

/// What `main` hands to the command line.
pub struct Rooms;

impl House for Rooms {
    fn agent(&self, places: &Places) -> Box<dyn Ask> {
        Box::new(OverSocket { client: Client::new(&places.socket) })
    }

    fn look(&self, places: &Places) -> Result<Box<dyn Ask>, Failure> {
        let (runtime, agent) = look(places)?;
        Ok(Box::new(InProcess { runtime, agent }))
    }

    fn daemon(&self, places: &Places) -> Result<(), Failure> {
        daemon::start_logging();
        daemon::run(places).map_err(from_daemon)
    }

    fn web(&self, places: &Places, order: &WebOrder) -> Result<(), Failure> {
        daemon::start_logging();
        crate::web::run(crate::web::WebOptions {
            listen: order.listen.clone(),
            socket: places.socket.clone(),
            hosts: order.hosts.clone(),
            user: order.user.clone(),
        })
        .map_err(|error| Failure::new(FAILED, "web", error.chain(), "hostkeeper web --help").so("there is no page"))
    }

    fn config(&self, places: &Places, question: &ConfigQuestion) -> Result<ConfigAnswer, Failure> {
        let answer = match question {
            ConfigQuestion::Check => config::check(&config::load(&places.config)),
            ConfigQuestion::Show { effective } => config::show(&load(&places.config)?, *effective),
            ConfigQuestion::Explain { key } => config::explain(&load(&places.config)?, key),
            ConfigQuestion::Diff { other } => diff(places, other.as_deref())?,
            ConfigQuestion::Init => init(places)?,
        };
        Ok(ConfigAnswer { text: answer.text, json: answer.json, good: answer.good })
    }
}

fn load(path: &Path) -> Result<Loaded, Failure> {
    config::load(path).map_err(|problems| {
        Failure::new(BAD_CONFIG, "bad_config", problems.to_string(), "correct the lines shown, then: hostkeeper config check")
    })
}

/// The files against the defaults, or against another main file.
fn diff(places: &Places, other: Option<&Path>) -> Result<Answer, Failure> {
    let here = load(&places.config)?;
    match other {
        Some(other) => Ok(config::diff(&here, &load(other)?)),
        None => {
            let bare = config::parse_sources(&[]);
            let bare = bare.map_err(|problems| Failure::new(FAILED, "defaults", problems.to_string(), ""))?;
            Ok(config::diff(&bare, &here))
        }
    }
}

/// A first configuration from one look at this host under the defaults.
fn init(places: &Places) -> Result<Answer, Failure> {
    let nowhere = Places { config: config::DEFAULT_PATH.into(), ..places.clone() };
    // A configuration that is bad must not keep anybody from writing a good one.
    let looked = look(places).or_else(|_| look(&nowhere));
    let (_runtime, agent) = looked?;
    let text = config::init(&discover(&agent.snapshot()));
    let json = serde_json::json!({ "schema": "hostkeeper.config-init/1", "text": text });
    Ok(Answer { text, json, good: true })
}

fn look(places: &Places) -> Result<(Runtime, Arc<dyn Agent>), Failure> {
    // More than one thread: reading the ledger may block, and says so to the runtime.
    let runtime = runtime(Builder::new_multi_thread().worker_threads(1))?;
    let agent = runtime.block_on(daemon::look_once(places)).map_err(from_daemon)?;
    Ok((runtime, agent))
}

fn runtime(builder: &mut Builder) -> Result<Runtime, Failure> {
    let built = builder.enable_all().build();
    built.map_err(|error| Failure::new(FAILED, "runtime", format!("cannot start: {error}"), "free memory or processes"))
}

fn from_daemon(failure: daemon::Failure) -> Failure {
    match failure {
        daemon::Failure::Config(problems) => {
            Failure::new(BAD_CONFIG, "bad_config", problems.to_string(), "correct the lines shown, then: hostkeeper config check")
        }
        daemon::Failure::Host(error) => Failure::new(FAILED, "host", error.chain(), "hostkeeper daemon --help"),
    }
}

/// The daemon behind its socket.
struct OverSocket {
    client: Client,
}

impl Ask for OverSocket {
    fn ask(&self, request: &Request) -> Result<Response, Unreached> {
        let runtime = single()?;
        runtime.block_on(self.client.ask(request)).map_err(unreached)
    }

    fn follow(&self, query: &str, each: &mut dyn FnMut(Value) -> bool) -> Result<(), Unreached> {
        let runtime = single()?;
        runtime.block_on(async {
            let mut events = self.client.events(query).await.map_err(unreached)?;
            while let Some(event) = events.next().await.map_err(unreached)? {
                let data = serde_json::from_str(&event.data).map_err(|error| Unreached::Broken(error.to_string()))?;
                if !each(data) {
                    break;
                }
            }
            Ok(())
        })
    }
}

fn single() -> Result<Runtime, Unreached> {
    Builder::new_current_thread().enable_all().build().map_err(|error| Unreached::Broken(error.to_string()))
}

fn unreached(error: ClientError) -> Unreached {
    match error {
        ClientError::NoDaemon { .. } => Unreached::NoDaemon,
        ClientError::Forbidden { .. } => Unreached::Denied,
        ClientError::Timeout { .. } => Unreached::Silent,
        other => Unreached::Broken(other.to_string()),
    }
}

/// An agent of this very process, after one look.
struct InProcess {
    runtime: Runtime,
    agent: Arc<dyn Agent>,
}

impl Ask for InProcess {
    fn ask(&self, request: &Request) -> Result<Response, Unreached> {
        let peer = Peer::in_process();
        Ok(self.runtime.block_on(answer(&*self.agent, request, &peer)))
    }

    fn follow(&self, _: &str, _: &mut dyn FnMut(Value) -> bool) -> Result<(), Unreached> {
        Err(Unreached::NoDaemon)
    }
}
