//! `limits release`: what was set of slices and containers goes back to what it was before, on a person's word alone and
//! therefore in every mode. Nothing is stopped. It is not set again until the configuration is read again.

use std::collections::BTreeSet;

use super::ordered::Ordered;
use super::orders::refusal;
use super::rounds::Rounds;
use crate::api::Refusal;
use crate::api::types::{Caller, Done};
use crate::host::units;
use crate::keepers::limits::{Limits, SliceBounds, Span, Step, Target, released_word};
use crate::round::{Class, Keeper};
use crate::values::{Limit, ProjectName, TENANTS, slice_of};

impl Rounds {
    pub(super) async fn release_limits(&mut self, project: Option<&ProjectName>, by: &Caller) -> Result<Done, Refusal> {
        self.check_switch()?;
        let who = project.map_or_else(|| "all projects".to_owned(), ToString::to_string);
        self.person_acted(by, &format!("release the limits of {who}"));
        let held = self.running.with_book(|book| book.write(|ledger| ledger.hold(&released_word(project))));
        held.map_err(|error| refusal("failed", error.chain(), "hostkeeper doctor"))?;
        let slices = self.list_slices(project).into_iter().map(of_slice);
        let containers = self.list_containers(project)?.into_iter().filter_map(of_container);
        let orders: Vec<Ordered<Step>> = slices.chain(containers).collect();
        if orders.is_empty() {
            return Ok(Done { text: format!("nothing is set for {who}"), steps: Vec::new() });
        }
        self.carry_out(orders).await
    }

    /// Slices of which anything is written: the project's, or all of ours with the one above them last.
    fn list_slices(&self, project: Option<&ProjectName>) -> Vec<(String, Option<ProjectName>)> {
        let roots = &self.running.host().roots;
        let all = units::list_written(roots, "tenants-").into_iter().chain(units::list_written(roots, TENANTS));
        let known: Vec<ProjectName> = self.running.loaded().settings.projects.keys().cloned().collect();
        let owner = |unit: &str| known.iter().find(|name| slice_of(name.as_str()).as_deref() == Some(unit)).cloned();
        let wanted = project.map(|project| slice_of(project.as_str()));
        let meant = all.filter(|unit| wanted.as_ref().is_none_or(|wanted| wanted.as_deref() == Some(unit)));
        meant.map(|unit| (unit.clone(), owner(&unit).or_else(|| project.cloned()))).collect()
    }

    /// The first undo of each container that is still there: what it had before we came.
    fn list_containers(&self, project: Option<&ProjectName>) -> Result<Vec<Step>, Refusal> {
        let read = self.running.with_book(|book| book.write(|ledger| ledger.undos_by_age(Limits::NAME, "set_limits")));
        let undos = read.map_err(|error| refusal("failed", error.chain(), "hostkeeper doctor"))?;
        let there: BTreeSet<String> =
            self.running.snapshot().containers.iter().map(|container| container.id.clone()).collect();
        let mut met = BTreeSet::new();
        let steps = undos.iter().filter_map(|undo| serde_json::from_str::<Step>(&undo.undo).ok());
        Ok(steps
            .filter(|step| match step {
                Step::Container { target, .. } => {
                    let meant = project.is_none_or(|project| target.project == *project);
                    meant
                        && target.id.get(..12).is_some_and(|short| there.contains(short))
                        && met.insert(target.id.clone())
                }
                _ => false,
            })
            .collect())
    }
}

fn of_slice((unit, project): (String, Option<ProjectName>)) -> Ordered<Step> {
    let none = SliceBounds {
        memory_max: Some(Limit::Max),
        memory_high: Some(Limit::Max),
        memory_low: Some(0),
        cpus: Some(Limit::Max),
        weight: Some(100),
        pids: Some(Limit::Max),
        read: Some(Vec::new()),
        write: Some(Vec::new()),
    };
    Ordered {
        undo: None,
        keeper: Limits::NAME,
        thing: unit.clone(),
        class: Class::Safe,
        step: Step::Slice {
            unit,
            project: project.clone(),
            from: SliceBounds::default(),
            to: none,
            span: Span::Nothing,
        },
        project,
    }
}

fn of_container(step: Step) -> Option<Ordered<Step>> {
    let Step::Container { target, .. } = &step else { return None };
    let Target { project, .. } = target;
    Some(Ordered {
        undo: None,
        keeper: Limits::NAME,
        thing: target.thing(),
        class: Class::Safe,
        project: Some(project.clone()),
        step,
    })
}
