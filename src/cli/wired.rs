//! The rooms below as the command line needs them.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use super::answers::{InProcess, OverSocket};
use super::ask::Ask;
use super::discover::discover;
use super::failure::{BAD_CONFIG, BLOCKED, FAILED, Failure};
use super::house::{ConfigAnswer, ConfigQuestion, House, WebOrder};
use crate::api::Agent;
use crate::api::audit::AuditShown;
use crate::config::{self, Answer, Loaded, Problems};
use crate::daemon::{self, BenchOrder, CountOrder, Measured, Places, Unaudited, Unfit};
use crate::web::{self, WebOptions};

const UNAUDITED: &str = "ask as who may use Docker; hostkeeper doctor";

/// The real rooms.
pub struct Wired;

impl House for Wired {
    fn agent(&self, places: &Places) -> Box<dyn Ask> {
        Box::new(OverSocket::new(&places.socket))
    }

    fn look(&self, places: &Places) -> Result<Box<dyn Ask>, Failure> {
        let (agent, runtime) = look(places)?;
        Ok(Box::new(InProcess::new(agent, runtime)))
    }

    fn daemon(&self, places: &Places) -> Result<(), Failure> {
        daemon::start_logging();
        daemon::run(places).map_err(|failure| of_daemon(&failure))
    }

    fn web(&self, places: &Places, order: &WebOrder) -> Result<(), Failure> {
        daemon::start_logging();
        let options = web_options(places, order)?;
        let started = |at: std::net::SocketAddr, tls: bool| {
            tracing::info!("page and metrics at {}://{at}/", if tls { "https" } else { "http" });
        };
        web::run(&options, started).map_err(|failure| match failure {
            web::Failure::Config(text) => {
                Failure::new(BAD_CONFIG, "bad_config", text, "hostkeeper web --help").so("there is no page")
            }
            web::Failure::Host(error) => {
                Failure::new(FAILED, "web", error.chain(), "hostkeeper web --help").so("there is no page")
            }
        })
    }

    fn bench(
        &self,
        places: &Places,
        order: &BenchOrder,
        progress: &mut dyn FnMut(&'static str, u64) -> bool,
    ) -> Result<Measured, Failure> {
        daemon::bench(places, order, progress).map_err(|failure| match failure {
            daemon::Failure::Config(problems) => bad_config(&problems),
            daemon::Failure::Host(error) => {
                let cure = "hostkeeper storage tier; another size: --size";
                Failure::new(FAILED, "bench", error.chain(), cure).so("nothing was measured, and nothing is left")
            }
        })
    }

    fn count_unfit(
        &self,
        places: &Places,
        order: &CountOrder,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Unfit, Failure> {
        daemon::count_unfit(places, order, progress).map_err(|failure| match failure {
            daemon::Failure::Config(problems) => bad_config(&problems),
            daemon::Failure::Host(error) => {
                Failure::new(BLOCKED, "uncounted", error.chain(), "hostkeeper storage dir").so("nothing was changed")
            }
        })
    }

    fn audit_compose(&self, places: &Places, file: &Path, now: jiff::Timestamp) -> Result<AuditShown, Failure> {
        let shown = file.display();
        daemon::audit_compose(places, file, now).map_err(|unaudited| match unaudited {
            Unaudited::Failure(daemon::Failure::Config(problems)) => bad_config(&problems),
            Unaudited::Failure(daemon::Failure::Host(error)) => {
                Failure::new(BLOCKED, "unaudited", format!("could not audit {shown}: {}", error.chain()), UNAUDITED)
            }
            Unaudited::NoCompose => {
                let text = format!("could not audit {shown}: Docker has no Compose here");
                let cure = "install the plugin (docker-compose-plugin, or docker-compose-v2), until docker compose version works";
                Failure::new(BLOCKED, "no_compose", text, cure)
            }
            Unaudited::Refused(why) => {
                let cure = format!("docker compose -f {shown} config --quiet says why");
                Failure::new(BLOCKED, "bad_compose", format!("could not audit {shown}: {why}"), cure)
            }
        })
    }

    fn config(&self, places: &Places, question: &ConfigQuestion) -> Result<ConfigAnswer, Failure> {
        let answer = match question {
            ConfigQuestion::Check => check(&places.config),
            ConfigQuestion::Show { effective } => config::show(&loaded(&places.config)?, *effective),
            ConfigQuestion::Explain { key } => config::explain(&loaded(&places.config)?, key),
            ConfigQuestion::Diff { other: Some(other) } => config::diff(&loaded(&places.config)?, &loaded(other)?),
            ConfigQuestion::Diff { other: None } => config::diff(&bare()?, &loaded(&places.config)?),
            ConfigQuestion::Init => init(places)?,
        };
        Ok(shown(answer))
    }
}

/// All that is wrong with the files; when they hold, also with the web configuration that they name.
fn check(path: &Path) -> Answer {
    let loaded = config::load(path);
    let named = loaded.as_ref().ok().and_then(|loaded| loaded.settings.web.config_file.as_deref());
    let wrong = named.and_then(|file| web::check_file(file).err());
    let answer = config::check(&loaded);
    let Some(faults) = wrong else { return answer };
    let mut json = answer.json;
    if let Some(fields) = json.as_object_mut() {
        fields.insert("problems".into(), faults.to_json().into());
    }
    Answer { text: format!("{faults}\n"), json, good: false }
}

/// One look without a daemon. Reading the ledger may block, which needs a runtime of more than one thread.
fn look(places: &Places) -> Result<(Arc<dyn Agent>, Runtime), Failure> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| {
        Failure::new(FAILED, "runtime", format!("cannot start: {error}"), "free memory or processes")
    })?;
    let agent = runtime.block_on(daemon::look_once(places)).map_err(|failure| of_daemon(&failure))?;
    Ok((agent, runtime))
}

fn of_daemon(failure: &daemon::Failure) -> Failure {
    match failure {
        daemon::Failure::Config(problems) => bad_config(problems),
        daemon::Failure::Host(error) => {
            Failure::new(FAILED, "host", error.chain(), "hostkeeper daemon --help").so("the agent does not run")
        }
    }
}

/// From the command line, then the configuration. A configuration that cannot be read might ask for users and TLS: without
/// it there is a page only where the command line says what protects it.
fn web_options(places: &Places, order: &WebOrder) -> Result<WebOptions, Failure> {
    let set = match config::load(&places.config) {
        Ok(loaded) => loaded.settings.web,
        Err(_) if order.web_config.is_some() => bare()?.settings.web,
        Err(problems) => return Err(bad_config(&problems)),
    };
    let listen = order.listen.as_deref().map(parse_listen).transpose()?.unwrap_or(set.listen);
    Ok(WebOptions {
        listen,
        socket: places.socket.clone(),
        web_config: order.web_config.clone().or(set.config_file),
        hosts: order.hosts.iter().cloned().chain(set.hosts).collect(),
        user: order.user.clone(),
    })
}

fn parse_listen(words: &str) -> Result<std::net::SocketAddr, Failure> {
    words.parse().map_err(|_| {
        let text = format!("\"{words}\" is not an address and port");
        Failure::new(BLOCKED, "usage", text, "use an address with a port, such as 127.0.0.1:9733 or [::1]:9733")
    })
}

/// The defaults alone.
fn bare() -> Result<Loaded, Failure> {
    config::parse_sources(&[]).map_err(|problems| bad_config(&problems))
}

/// A first configuration from one look at this host. A configuration that is bad must not keep anybody from writing a
/// good one: then the look is made under the defaults.
fn init(places: &Places) -> Result<Answer, Failure> {
    let defaults = Places { config: config::DEFAULT_PATH.into(), ..places.clone() };
    let (agent, _runtime) = look(places).or_else(|_| look(&defaults))?;
    let text = config::init(&discover(&agent.snapshot()));
    let json = serde_json::json!({ "schema": "hostkeeper.config-init/1", "text": text });
    Ok(Answer { text, json, good: true })
}

fn shown(answer: Answer) -> ConfigAnswer {
    ConfigAnswer { text: answer.text, json: answer.json, good: answer.good }
}

/// The configuration at `path`, or all that is wrong with it.
fn loaded(path: &Path) -> Result<Loaded, Failure> {
    config::load(path).map_err(|problems| bad_config(&problems))
}

/// A configuration that does not hold, as the failure of a verb.
pub fn bad_config(problems: &Problems) -> Failure {
    let text = format!("the configuration does not hold\n{problems}");
    Failure::new(BAD_CONFIG, "bad_config", text, "put it right, then hostkeeper config check").so("nothing was done")
}
