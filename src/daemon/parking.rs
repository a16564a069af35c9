//! `park` and `unpark`: what is optional in a project is stopped on a person's word, and what was stopped so is started again.
//! What a person stopped is left.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::ordered::Ordered;
use super::orders::refusal;
use super::rounds::Rounds;
use crate::api::Refusal;
use crate::api::types::{Caller, Done, ParkOrder, StepDone};
use crate::host::docker::{Listed, Steerer};
use crate::keepers::limits::config::Tier;
use crate::keepers::limits::parking::{Candidate, Choice, choose, is_ended_by, parse_depends_on, tier_of};
use crate::keepers::limits::{Limits, Step, Target};
use crate::ledger::EVICTION;
use crate::round::{Class, ContainerView, Keeper};
use crate::values::{Bytes, ProjectName};

/// No further container is stopped or started in this order after so long: the next order goes on.
const ENOUGH: Duration = Duration::from_secs(10);

impl Rounds {
    pub(super) async fn park(&mut self, order: &ParkOrder, by: &Caller) -> Result<Done, Refusal> {
        let found = self.list_of_project(&order.project).await?;
        let choice = self.choose_to_stop(order, &found);
        if order.dry_run {
            return Ok(self.tell_choice(&choice));
        }
        let steps = choice.stop.iter().map(|candidate| Step::Stop { target: candidate.target.clone() }).collect();
        self.carry_out_some(order, by, "park", steps).await
    }

    pub(super) async fn unpark(&mut self, order: &ParkOrder, by: &Caller) -> Result<Done, Refusal> {
        let mut steps = self.list_parked(order).await?;
        // The last that was stopped is what others depend on.
        steps.reverse();
        if order.dry_run {
            let planned = |step: &Step| planned(step.to_string());
            let text = format!("{} containers of {} are parked", steps.len(), order.project);
            return Ok(Done { text, steps: steps.iter().map(planned).collect() });
        }
        self.carry_out_some(order, by, "unpark", steps).await
    }

    /// As many as there is time for.
    async fn carry_out_some(
        &mut self,
        order: &ParkOrder,
        by: &Caller,
        verb: &str,
        steps: Vec<Step>,
    ) -> Result<Done, Refusal> {
        self.check_switch()?;
        if !steps.is_empty() {
            self.person_acted(by, &format!("{verb} {}", order.project));
        }
        let all = steps.len();
        let (begun, mut done) = (Instant::now(), Vec::new());
        for ordered in steps.into_iter().filter_map(of_step) {
            if begun.elapsed() >= ENOUGH {
                break;
            }
            done.extend(self.carry_out(vec![ordered]).await?.steps);
            self.systemd.alive();
        }
        Ok(Done { text: format!("{} of {all} containers", done.len()), steps: done })
    }

    async fn steerer(&self) -> Result<Steerer, Refusal> {
        let connected = Steerer::connect(&self.running.loaded().settings.limits.socket).await;
        connected.map_err(|error| refusal("failed", error.chain(), "hostkeeper doctor"))
    }

    async fn list_of_project(&self, project: &ProjectName) -> Result<Vec<Listed>, Refusal> {
        let listed = self.steerer().await?.list_containers().await;
        let listed = listed.map_err(|error| refusal("failed", error.chain(), "hostkeeper doctor"))?;
        let of_project = |listed: &Listed| listed.compose.project.as_deref() == Some(project.as_str());
        let found: Vec<Listed> = listed.iter().filter(|listed| of_project(listed)).cloned().collect();
        if found.is_empty() {
            let known: BTreeSet<&str> = listed.iter().filter_map(|listed| listed.compose.project.as_deref()).collect();
            let known: Vec<&str> = known.into_iter().collect();
            let cure = if known.is_empty() {
                "hostkeeper status".to_owned()
            } else {
                format!("projects: {}", known.join(", "))
            };
            return Err(refusal("not_found", format!("no container belongs to a project {project}"), &cure));
        }
        Ok(found)
    }

    fn choose_to_stop(&self, order: &ParkOrder, found: &[Listed]) -> Choice {
        let loaded = self.running.loaded();
        let nothing = Default::default();
        let declared = loaded.settings.limits.projects.get(&order.project).unwrap_or(&nothing);
        let runs = |listed: &&Listed| {
            matches!(listed.state.as_str(), "running" | "paused" | "restarting") && !listed.compose.oneoff
        };
        let candidate = |listed: &Listed| {
            let service = listed.compose.service.clone()?;
            Some(Candidate {
                tier: tier_of(declared, &service),
                name: listed.name.clone(),
                depends_on: listed.compose.depends_on.as_deref().map(parse_depends_on).unwrap_or_default(),
                target: target_of(listed, &order.project, service),
            })
        };
        let running: Vec<Candidate> = found.iter().filter(runs).filter_map(candidate).collect();
        let up_to = if order.standard { Tier::Standard } else { Tier::Optional };
        choose(&running, up_to)
    }

    /// What would be stopped, with what each uses now, and what has to stay.
    fn tell_choice(&self, choice: &Choice) -> Done {
        let snapshot = self.running.snapshot();
        let view = |candidate: &Candidate| {
            let short = candidate.target.id.get(..12).unwrap_or_default().to_owned();
            snapshot.containers.iter().find(|view| view.id == short)
        };
        let (mut memory, mut cores) = (0, 0.0);
        let mut steps: Vec<StepDone> = Vec::new();
        for candidate in &choice.stop {
            let view = view(candidate);
            memory += view.and_then(|view| view.memory_working_set_bytes).unwrap_or_default();
            cores += view.and_then(|view| view.cpu_used_cores).unwrap_or_default();
            let step = Step::Stop { target: candidate.target.clone() };
            steps.push(planned(format!("{step} ({}, {})", candidate.tier, in_use(view))));
        }
        steps.extend(choice.kept.iter().map(|(candidate, keeper)| StepDone {
            id: String::new(),
            text: format!("{}/{} stays", candidate.target.project, candidate.target.thing()),
            result: "kept".into(),
            why: Some(format!("{keeper} depends on it")),
        }));
        let text = format!("{} containers use {} of memory and {cores:.2} cores", choice.stop.len(), Bytes(memory));
        Done { text, steps }
    }

    /// Containers whose last end was our stop, by a person's word or for want of memory, in the order in which they were stopped.
    async fn list_parked(&self, order: &ParkOrder) -> Result<Vec<Step>, Refusal> {
        let failed = |text: String| refusal("failed", text, "hostkeeper doctor");
        let read = |kind| self.running.with_book(|book| book.write(|ledger| ledger.undos_by_age(Limits::NAME, kind)));
        let mut stops = read("stop_container").map_err(|error| failed(error.chain()))?;
        stops.extend(read(EVICTION).map_err(|error| failed(error.chain()))?);
        stops.sort_by_key(|stop| stop.began);
        let steerer = self.steerer().await?;
        let (mut parked, mut met) = (Vec::new(), BTreeSet::new());
        for stop in stops.into_iter().rev() {
            let Ok(Step::Start { target } | Step::Resume { target, .. }) = serde_json::from_str::<Step>(&stop.undo)
            else {
                continue;
            };
            if target.project != order.project || !met.insert(target.id.clone()) {
                continue;
            }
            let found = steerer.read_container(&target.id).await.map_err(|error| failed(error.chain()))?;
            let ended = found.filter(|found| found.pid.is_none()).and_then(|found| found.finished);
            if ended.is_some_and(|ended| is_ended_by(&stop, ended)) {
                parked.push(Step::Start { target });
            }
        }
        parked.reverse();
        Ok(parked)
    }
}

fn in_use(view: Option<&ContainerView>) -> String {
    let memory = view.and_then(|view| view.memory_working_set_bytes).map(|bytes| Bytes(bytes).to_string());
    let cores = view.and_then(|view| view.cpu_used_cores).map(|cores| format!("{cores:.2} cores"));
    let known: Vec<String> = [memory, cores].into_iter().flatten().collect();
    if known.is_empty() { "use not known".into() } else { known.join(", ") }
}

fn planned(text: String) -> StepDone {
    StepDone { id: String::new(), text, result: "planned".into(), why: None }
}

fn target_of(listed: &Listed, project: &ProjectName, service: String) -> Target {
    Target { id: listed.id.clone(), project: project.clone(), service, number: listed.compose.number.unwrap_or(1) }
}

fn of_step(step: Step) -> Option<Ordered<Step>> {
    let (target, undo) = match &step {
        Step::Stop { target } => (target, Step::Start { target: target.clone() }),
        Step::Start { target } => (target, Step::Stop { target: target.clone() }),
        Step::Slice { .. } | Step::Container { .. } | Step::Evict { .. } | Step::Resume { .. } => return None,
    };
    let (project, thing) = (Some(target.project.clone()), target.thing());
    Some(Ordered { keeper: Limits::NAME, undo: Some(undo), project, thing, class: Class::Disruptive, step })
}
