//! Pools, as far as they concern the life of the process: orders of people about them, kept in the ledger; and how soon the
//! next round comes while files are to be moved.

use std::time::Duration;

use super::ordered::Ordered;
use super::orders::refusal;
use super::rounds::Rounds;
use crate::api::Refusal;
use crate::api::types::{Caller, Done, PoolOrder};
use crate::keepers::storage::pools::{Member, Name, Order, examples};
use crate::keepers::storage::{Step, Storage, declared_place};
use crate::ledger::Outcome;
use crate::round::{Class, Keeper, PoolMemberView, PoolView, RoundResult};

/// The kinds of steps after which a pool in a hurry goes on at once.
const MOVING: [&str; 2] = ["move_files", "settle_moves"];

pub(super) fn word(order: &PoolOrder) -> &'static str {
    match order {
        PoolOrder::Drain { .. } => "drain",
        PoolOrder::Undrain { .. } => "undrain",
        PoolOrder::Balance { .. } => "balance",
        PoolOrder::MakeExamples { .. } => "make_examples",
        PoolOrder::RemoveExamples { .. } => "remove_examples",
    }
}

/// How soon a pool in a hurry is looked at again when nothing was moved.
const PAUSE: Duration = Duration::from_secs(1);
/// And when its files are too young, or open.
const WAIT: Duration = Duration::from_secs(5);

impl Rounds {
    /// After a round: what people ordered is at its end, and when the next round is due.
    pub(super) fn follow_pools(&mut self, result: &RoundResult) {
        let snapshot = self.running.snapshot();
        let moved = result.done.iter().any(|done| {
            MOVING.contains(&done.step.kind.as_str()) && matches!(done.outcome, Outcome::Made | Outcome::AlreadySo)
        });
        let mut due = Duration::MAX;
        for pool in &snapshot.pools {
            let over = pool.hurry_since.is_some() && matches!(pool.state.as_str(), "balanced" | "stuck");
            // What was recorded is shown by the next round: at once.
            if self.note_empty(pool) | (over && self.calm(pool)) {
                due = Duration::ZERO;
            }
            if is_hurried(pool) && matches!(pool.state.as_str(), "uneven" | "counting") {
                // Without a move further candidates are being looked for, or the guard holds the step back.
                due = due.min(if moved { Duration::ZERO } else { PAUSE });
            }
            if is_hurried(pool) && pool.state == "waiting" {
                due = due.min(WAIT);
            }
            due = due.min(Duration::try_from_secs_f64(pool.every_seconds).unwrap_or(Duration::MAX));
        }
        if snapshot.reclaim.as_ref().is_some_and(|reclaim| reclaim.looking) {
            due = due.min(PAUSE);
        }
        if snapshot.audit.as_ref().is_some_and(|audit| audit.looking) {
            due = due.min(PAUSE);
        }
        self.due_in = due;
    }

    /// Whether something was recorded.
    fn note_empty(&self, pool: &PoolView) -> bool {
        let mut recorded = false;
        for member in pool.members.iter().filter(|member| member.drained_since.is_some()) {
            let now = self.running.now();
            let (empty, known) = (member.files == Some(0), member.empty_since.is_some());
            if member.files.is_none() || empty == known {
                continue;
            }
            let since = empty.then_some(&now);
            let written = self.running.with_book(|book| {
                book.write(|ledger| ledger.set_empty(&pool.project, (&pool.pool, &member.member), since))
            });
            if let Err(error) = written {
                tracing::warn!("an empty member could not be recorded: {}", error.chain());
                continue;
            }
            recorded = true;
            if empty {
                self.tell(pool, "drained", format!("{} is empty", member.member));
            }
        }
        recorded
    }

    /// Whether it was in a hurry.
    fn calm(&self, pool: &PoolView) -> bool {
        let written = self.running.with_book(|book| book.write(|ledger| ledger.calm(&pool.project, &pool.pool)));
        match written {
            Ok(true) => {
                self.tell(pool, &pool.state, pool.why.clone());
                return true;
            }
            Ok(false) => {}
            Err(error) => tracing::warn!("the end of a hurry could not be recorded: {}", error.chain()),
        }
        false
    }

    fn tell(&self, pool: &PoolView, state: &str, why: String) {
        self.note(crate::ledger::Event {
            keeper: Some("storage".into()),
            project: Some(pool.project.clone()),
            thing: Some(pool.pool.clone()),
            because: Some(why),
            ..crate::ledger::Event::new("pool", format!("pool {}/{} is {state}", pool.project, pool.pool))
        });
    }

    /// Does what is asked of a pool and answers.
    pub(super) async fn obey_pool(&mut self, order: PoolOrder, by: &Caller) -> Result<Done, Refusal> {
        let pool = self.find_pool(&order)?;
        let name = format!("{}/{}", pool.project, pool.pool);
        match order {
            PoolOrder::Drain { member, .. } => self.drain(&pool, &member, by),
            PoolOrder::Undrain { member, .. } => self.undrain(&pool, &member, by),
            PoolOrder::Balance { now: false, .. } => {
                self.person_acted(by, &format!("look at pool {name}"));
                Ok(done(format!("pool {name} is looked at now; {}", pool.why)))
            }
            PoolOrder::Balance { now: true, .. } => {
                let now = self.running.now();
                self.write(|ledger| ledger.hurry(&pool.project, &pool.pool, &now))?;
                self.person_acted(by, &format!("balance pool {name} now"));
                Ok(done(format!("pool {name} is balanced now")))
            }
            PoolOrder::MakeExamples { member, label, first, files, size, .. } => {
                let at = self.member(&pool, &member)?;
                if !examples::is_label(&label) || files > examples::MOST {
                    let cure = "use a label of a-z and 0-9, and at most 2000 files an order";
                    return Err(refusal("bad_request", "these are no example files", cure));
                }
                let order = Order::MakeExamples { pool: name_of(&pool), at, label, first, files, size };
                self.person_acted(by, &order.to_string());
                self.carry_out_about(&pool, vec![order]).await
            }
            PoolOrder::RemoveExamples { .. } => {
                let at = |member: &PoolMemberView| self.member(&pool, &member.member);
                let members = pool.members.iter().map(at).collect::<Result<Vec<Member>, Refusal>>()?;
                self.person_acted(by, &format!("remove the example files of pool {name}"));
                let order = |at| Order::RemoveExamples { pool: name_of(&pool), at };
                self.carry_out_about(&pool, members.into_iter().map(order).collect()).await
            }
        }
    }

    /// The pool that is meant, if anything may be done with it now.
    fn find_pool(&self, order: &PoolOrder) -> Result<PoolView, Refusal> {
        let (PoolOrder::Drain { pool, .. }
        | PoolOrder::Undrain { pool, .. }
        | PoolOrder::Balance { pool, .. }
        | PoolOrder::MakeExamples { pool, .. }
        | PoolOrder::RemoveExamples { pool }) = order;
        let snapshot = self.running.snapshot();
        let found = snapshot.pools.iter().find(|view| format!("{}/{}", view.project, view.pool) == *pool);
        let found = found.ok_or_else(|| {
            let known: Vec<String> =
                snapshot.pools.iter().take(20).map(|view| format!("{}/{}", view.project, view.pool)).collect();
            let cure =
                if known.is_empty() { "no pool is declared".into() } else { format!("pools: {}", known.join(", ")) };
            refusal("not_found", format!("there is no pool \"{}\"", crate::values::one_line(pool, 80)), &cure)
        })?;
        let settings = &self.running.loaded().settings;
        let mode = settings.rules().mode("storage", Some(&found.project));
        if !mode.acts() {
            let text = format!("pool {pool} is not touched: the mode is {mode}, in which nothing is moved");
            return Err(refusal(
                "blocked",
                text,
                "set mode = \"enforce\" (host, storage and project), then hostkeeper reload",
            ));
        }
        self.check_switch()?;
        Ok(found.clone())
    }

    fn member(&self, pool: &PoolView, member: &str) -> Result<Member, Refusal> {
        let known = pool.members.iter().any(|view| view.member == member);
        let loaded = self.running.loaded();
        let place = declared_place(&loaded.settings.storage, &pool.project, member).filter(|_| known);
        let place = place.ok_or_else(|| {
            let members: Vec<&str> = pool.members.iter().map(|view| view.member.as_str()).collect();
            let text = format!(
                "pool {}/{} has no member \"{}\"",
                pool.project,
                pool.pool,
                crate::values::one_line(member, 80)
            );
            refusal("not_found", text, &format!("members: {}", members.join(", ")))
        })?;
        Ok(Member { dir: member.to_owned(), place })
    }

    fn drain(&self, pool: &PoolView, member: &str, by: &Caller) -> Result<Done, Refusal> {
        self.member(pool, member)?;
        let others = pool.members.iter().any(|view| view.member != member && view.drained_since.is_none());
        if !others {
            let text = format!("{member} is the last member of pool {}/{} that takes files", pool.project, pool.pool);
            return Err(refusal("blocked", text, "undrain another one first"));
        }
        let now = self.running.now();
        self.write(|ledger| ledger.drain(&pool.project, &pool.pool, member, &now))?;
        self.person_acted(by, &format!("drain {member} of pool {}/{}", pool.project, pool.pool));
        Ok(done(format!("{member} of pool {}/{} is drained: its files go to the others", pool.project, pool.pool)))
    }

    fn undrain(&self, pool: &PoolView, member: &str, by: &Caller) -> Result<Done, Refusal> {
        let was = self.write(|ledger| ledger.undrain(&pool.project, &pool.pool, member))?;
        if !was {
            let text = format!("{member} of pool {}/{} is not drained", pool.project, pool.pool);
            return Err(refusal("not_found", text, "hostkeeper storage pool"));
        }
        self.person_acted(by, &format!("undrain {member} of pool {}/{}", pool.project, pool.pool));
        Ok(done(format!("{member} of pool {}/{} takes files again", pool.project, pool.pool)))
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&mut crate::ledger::Sqlite) -> Result<T, crate::ledger::Error>,
    ) -> Result<T, Refusal> {
        let written = self.running.with_book(|book| book.write(work));
        written.map_err(|error| refusal("failed", error.chain(), "hostkeeper doctor"))
    }

    async fn carry_out_about(&self, pool: &PoolView, orders: Vec<Order>) -> Result<Done, Refusal> {
        let ordered = |order: Order| Ordered {
            undo: None,
            keeper: Storage::NAME,
            project: Some(pool.project.clone()),
            thing: pool.pool.clone(),
            class: Class::Safe,
            step: Step::Pool { order },
        };
        self.carry_out(orders.into_iter().map(ordered).collect()).await
    }
}

fn done(text: String) -> Done {
    Done { text, steps: Vec::new() }
}

fn name_of(pool: &PoolView) -> Name {
    Name { project: pool.project.clone(), pool: pool.pool.clone() }
}

/// Whether moves follow each other without a pause.
fn is_hurried(pool: &PoolView) -> bool {
    let drained = |member: &PoolMemberView| member.drained_since.is_some() && member.files != Some(0);
    pool.hurry_since.is_some() || pool.members.iter().any(drained)
}
