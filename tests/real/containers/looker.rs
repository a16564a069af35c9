//! The agent's part that is tried here: looks and pages, without the rest of it.

use std::path::Path;
use std::time::Duration;

use hostkeeper::host::{Clock, Host, Roots};
use hostkeeper::keepers::vitals::config::Config;
use hostkeeper::keepers::vitals::metrics::{container, machine, project};
use hostkeeper::keepers::vitals::observe::containers::{ContainersLook, ContainersSeen};
use hostkeeper::metrics::{Filter, Page};
use hostkeeper::values::Every;

use crate::exposition::{self, Exposition};

pub struct Looker {
    look: ContainersLook,
    pub config: Config,
    pub host: Host,
    clock: Clock,
}

impl Looker {
    /// One that asks the Docker at `socket`, with `patience` for each answer.
    pub fn new(socket: &Path, patience: Duration) -> Looker {
        let config = Config {
            docker_socket: socket.display().to_string(),
            docker_interval: Every(Duration::from_secs(30)),
            ..Config::default()
        };
        Looker {
            look: ContainersLook::new(patience),
            config,
            host: Host::new(Roots::default()),
            clock: Clock::of_this_boot(),
        }
    }

    pub async fn look(&mut self) -> ContainersSeen {
        self.look.look(&self.config, &self.host, &self.clock.now()).await
    }

    /// Looks again until `wanted`, at most 20 s; the last look.
    pub async fn look_until(&mut self, what: &str, wanted: impl Fn(&ContainersSeen) -> bool) -> ContainersSeen {
        for _ in 0..100 {
            let seen = self.look().await;
            if wanted(&seen) {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("never seen: {what}; last: {:#?}", self.look().await);
    }
}

/// The page of a look, as a scrape without filters gets it.
pub fn render(seen: &ContainersSeen) -> Vec<u8> {
    let mut page = Page::new(Filter::default(), 20_000);
    project::measure(seen, &mut page);
    container::measure(seen, &mut page);
    machine::measure(seen, &mut page);
    assert_eq!(page.dropped_twice(), 0);
    page.finish()
}

/// The page, read strictly.
pub fn read_page(seen: &ContainersSeen) -> Exposition {
    exposition::parse(&render(seen)).expect("a good page")
}

/// Why a collector failed.
pub fn error_of(seen: &ContainersSeen, collector: &str) -> Option<String> {
    let run = seen.runs.iter().find(|run| run.name == collector)?;
    run.outcome.clone().err()
}
