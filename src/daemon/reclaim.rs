//! `storage reclaim`: removal of what Docker holds that nothing uses, on a person's word alone and therefore in every mode.

use std::time::{Duration, Instant};

use super::ordered::Ordered;
use super::orders::refusal;
use super::rounds::Rounds;
use crate::api::Refusal;
use crate::api::types::{Caller, Done, ReclaimOrder, ThingName};
use crate::keepers::reclaim::{Reclaim, Step};
use crate::round::{Class, Keeper, Leftover};
use crate::values::one_line;

/// No further removal begins after this: with the longest one it is less than the watchdog's patience.
const ENOUGH: Duration = Duration::from_secs(10);
/// Things in one order.
const MOST: usize = 1000;

impl Rounds {
    pub(super) async fn reclaim(&mut self, order: ReclaimOrder, by: &Caller) -> Result<Done, Refusal> {
        match order {
            ReclaimOrder::Look => self.ask_to_look(Reclaim::NAME, &Step::Look, "Docker is asked what it holds").await,
            ReclaimOrder::Remove { things } => self.remove_leftovers(&things, by).await,
        }
    }

    async fn remove_leftovers(&self, things: &[ThingName], by: &Caller) -> Result<Done, Refusal> {
        if things.is_empty() || things.len() > MOST {
            return Err(refusal("bad_request", format!("name 1 to {MOST} things"), "hostkeeper storage reclaim"));
        }
        let view = self.running.snapshot().reclaim.clone().unwrap_or_default();
        let find = |thing: &ThingName| {
            let found = view.leftovers.iter().find(|view| (view.class, &view.id) == (thing.class, &thing.id));
            found.cloned().ok_or_else(|| unlisted(thing))
        };
        let found = things.iter().map(find).collect::<Result<Vec<Leftover>, Refusal>>()?;
        self.check_switch()?;
        self.person_acted(by, &format!("remove {} things that nothing uses from Docker", found.len()));
        let (begun, mut steps) = (Instant::now(), Vec::new());
        for leftover in found {
            if begun.elapsed() >= ENOUGH {
                break;
            }
            steps.extend(self.carry_out(vec![ordered(leftover)]).await?.steps);
        }
        let made = steps.iter().filter(|step| step.result == "made").count();
        Ok(Done { text: format!("{made} of {} removed", things.len()), steps })
    }
}

fn ordered(leftover: Leftover) -> Ordered<Step> {
    Ordered {
        undo: None,
        keeper: Reclaim::NAME,
        project: leftover.project.as_deref().and_then(|project| project.parse().ok()),
        thing: leftover.short_id().to_owned(),
        class: Class::Tightening,
        step: Step::Remove { leftover },
    }
}

fn unlisted(thing: &ThingName) -> Refusal {
    let text = format!("{} {} is not among what nothing uses", thing.class.as_str(), one_line(&thing.id, 100));
    refusal("not_found", text, "hostkeeper storage reclaim --fresh")
}
