//! Network counters of containers from the host's side of their links: one question to the kernel per look.

use std::collections::btree_map::Entry;
use std::path::Path;
use std::time::Instant;

use super::super::CollectorRun;
use super::live::Live;
use super::seen::Nic;
use crate::host::Error;
use crate::host::links::{Link, Links};
use crate::metrics::Group;

/// The socket, kept, and the buffer of links.
#[derive(Default)]
pub(super) struct NetworkLook {
    links: Links,
    all: Vec<Link>,
    trouble: Option<String>,
}

impl NetworkLook {
    /// Our number for the network name space of a container's main process; `None` when no link of ours leads there.
    pub fn ask_namespace(&mut self, procfs: &Path, pid: i32) -> Option<i32> {
        let answer = self.links.ask_namespace(procfs, pid);
        self.note(answer)
    }

    /// Fills the counters of all containers that have a network of their own. `None`: there is none such.
    pub fn look<'a>(&mut self, containers: impl Iterator<Item = &'a mut Live>) -> Option<CollectorRun> {
        let started = Instant::now();
        let mut containers: Vec<&mut Live> = containers.collect();
        containers.retain_mut(|live| live.network().is_some());
        if containers.is_empty() && self.trouble.is_none() {
            return None;
        }
        let mut all = std::mem::take(&mut self.all);
        let listed = self.links.list_links(&mut all).map(Some);
        self.note(listed);
        for live in containers {
            self.fill(live, &all);
        }
        self.all = all;
        let outcome = self.trouble.take().map_or(Ok(()), Err);
        Some(CollectorRun { name: "links", group: Group::Container, took: started.elapsed(), outcome })
    }

    fn fill(&mut self, live: &mut Live, all: &[Link]) {
        let Some((network, nics)) = live.network() else { return };
        nics.clear();
        let namespace = network.namespace;
        for link in all.iter().filter(|link| link.peer_namespace == Some(namespace)) {
            let Some(peer) = link.peer_index else { continue };
            let name = match network.names.entry(link.index) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.ask_name(peer, namespace)),
            };
            let Some(name) = name else { continue };
            // What the host's end received is what the container sent.
            nics.push(Nic {
                index: link.index,
                name: name.clone(),
                receive_bytes: link.stats.transmit_bytes(),
                receive_packets: link.stats.transmit_packets(),
                transmit_bytes: link.stats.receive_bytes(),
                transmit_packets: link.stats.receive_packets(),
            });
        }
        network.names.retain(|index, _| all.iter().any(|link| link.index == *index));
        nics.sort_by(|a, b| a.name.cmp(&b.name));
    }

    fn ask_name(&mut self, peer: u32, namespace: i32) -> Option<String> {
        let answer = self.links.ask_name(peer, namespace);
        self.note(answer)
    }

    /// The answer; why there is none is told with this look.
    fn note<T>(&mut self, answer: Result<Option<T>, Error>) -> Option<T> {
        answer.unwrap_or_else(|error| {
            self.trouble = Some(error.chain());
            None
        })
    }
}
