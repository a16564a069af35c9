//! What `top` shows and how keys change it. Pure: no terminal, no clock.

use std::collections::BTreeSet;

use super::super::super::args::Sort;
use super::super::super::failure::Failure;
use super::super::super::out::{Span, Tint, plain, tinted};
use super::super::super::table::{ALWAYS, Column, numbers, words as column};
use super::super::super::{rows, words};
use crate::api::shapes::{ProjectRow, Status};
use crate::round::{ContainerView, HostView};

/// One answer of the agent.
pub struct Sample {
    pub status: Status,
    pub containers: Vec<ContainerView>,
}

/// A key, in the words of this screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    Up,
    Down,
    PageUp,
    PageDown,
    Open,
    Close,
    Toggle,
    Sort,
    Help,
    End,
    /// A key without a meaning here; it closes the help.
    Other,
}

/// A line of the table: a project or a container of it.
pub struct Row {
    pub key: String,
    pub cells: Vec<Span>,
}

/// The columns of the table.
pub const COLUMNS: &[Column] = &[
    column("NAME", ALWAYS, 14),
    column("STATE", 7, 0),
    column("CPU", 9, 0),
    numbers("THROTTLED", 4),
    column("MEM", 8, 0),
    numbers("READ", 3),
    numbers("WRITE", 3),
    numbers("NET IN", 2),
    numbers("NET OUT", 2),
    numbers("GPU", 5),
];

/// Lines that page keys move.
const PAGE: usize = 10;
/// Containers without a Compose project stand under this name.
const LOOSE: &str = "(no project)";

/// The state of the screen.
pub struct Model {
    sample: Option<Sample>,
    /// Why the newest answer could not be had, when so: what is shown is older.
    pub stale: Option<String>,
    pub sort: Sort,
    pub help: bool,
    opened: BTreeSet<String>,
    selected: Option<String>,
}

impl Model {
    pub fn new(sort: Sort) -> Model {
        Model { sample: None, stale: None, sort, help: false, opened: BTreeSet::new(), selected: None }
    }

    /// Takes a new answer; without one the old stays and is called stale.
    pub fn take(&mut self, sample: Result<Sample, Failure>) {
        match sample {
            Ok(sample) => {
                self.sample = Some(sample);
                self.stale = None;
            }
            Err(failure) => self.stale = Some(failure.text),
        }
    }

    /// When what is shown was seen.
    pub fn seen_at(&self) -> Option<jiff::Timestamp> {
        self.sample.as_ref().map(|sample| sample.status.at)
    }

    /// Opens every project.
    pub fn open_all(&mut self) {
        let names = self.groups().into_iter().map(|group| group.name);
        self.opened = names.collect();
    }

    /// Changes what is shown. `false`: end.
    pub fn press(&mut self, press: Press) -> bool {
        if self.help && press != Press::End {
            self.help = false;
            return true;
        }
        match press {
            Press::End => return false,
            Press::Help => self.help = true,
            Press::Other => {}
            Press::Sort => self.sort = next_sort(self.sort),
            Press::Up => self.step(|at| at.saturating_sub(1)),
            Press::Down => self.step(|at| at + 1),
            Press::PageUp => self.step(|at| at.saturating_sub(PAGE)),
            Press::PageDown => self.step(|at| at + PAGE),
            Press::Open | Press::Close | Press::Toggle => self.turn(press),
        }
        true
    }

    fn step(&mut self, to: impl Fn(usize) -> usize) {
        let keys: Vec<String> = self.rows().into_iter().map(|row| row.key).collect();
        let place = to(place_of(&keys, self.selected.as_deref())).min(keys.len().saturating_sub(1));
        self.selected = keys.into_iter().nth(place);
    }

    /// Opens or closes the project of the selected line.
    fn turn(&mut self, press: Press) {
        let selected = self.selected.clone().or_else(|| self.rows().into_iter().next().map(|row| row.key));
        let Some(selected) = selected else { return };
        let project = selected.split('\n').next().unwrap_or_default().to_owned();
        let open = press == Press::Open || press == Press::Toggle && !self.opened.contains(&project);
        if open {
            self.opened.insert(project);
        } else {
            self.opened.remove(&project);
            self.selected = Some(project);
        }
    }

    /// The place of the selected line among `rows`.
    pub fn selected(&self, rows: &[Row]) -> usize {
        let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        place_of(&keys, self.selected.as_deref())
    }

    /// The lines above the table: a label and what is said.
    pub fn head(&self) -> Vec<(&'static str, Span)> {
        let Some(sample) = &self.sample else { return vec![("", plain("waiting for the agent"))] };
        let verdict = &sample.status.verdict;
        let mut lines = vec![("", tinted(rows::tint_of(&verdict.state), verdict.text.as_str()))];
        lines.extend(host_lines(&sample.status.host).into_iter().map(|(label, text)| (label, plain(text))));
        lines
    }

    /// The lines of the table, sorted, with the containers of opened projects below them.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for group in self.groups() {
            let open = self.opened.contains(&group.name);
            rows.push(group.row(open));
            if open {
                rows.extend(group.containers.iter().map(|view| container_row(&group.name, view)));
            }
        }
        rows
    }

    fn groups(&self) -> Vec<Group<'_>> {
        let Some(sample) = &self.sample else { return Vec::new() };
        let mut groups: Vec<Group<'_>> = sample.status.projects.iter().map(Group::of).collect();
        for view in &sample.containers {
            let name = view.project.as_deref().unwrap_or(LOOSE);
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.containers.push(view),
                None => groups.push(Group { name: name.to_owned(), project: None, containers: vec![view] }),
            }
        }
        for group in &mut groups {
            group
                .containers
                .sort_by(|a, b| weight(self.sort, b).total_cmp(&weight(self.sort, a)).then(a.name.cmp(&b.name)));
        }
        groups.sort_by(|a, b| b.weight(self.sort).total_cmp(&a.weight(self.sort)).then(a.name.cmp(&b.name)));
        groups
    }
}

/// A project and its containers.
struct Group<'a> {
    name: String,
    project: Option<&'a ProjectRow>,
    containers: Vec<&'a ContainerView>,
}

impl<'a> Group<'a> {
    fn of(project: &'a ProjectRow) -> Group<'a> {
        Group { name: project.view.project.to_string(), project: Some(project), containers: Vec::new() }
    }

    fn weight(&self, sort: Sort) -> f64 {
        let Some(project) = self.project else { return self.containers.iter().map(|view| weight(sort, view)).sum() };
        let view = &project.view;
        match sort {
            Sort::Cpu => view.cpu_used_cores.unwrap_or(0.0),
            Sort::Memory => view.memory_working_set_bytes.unwrap_or(0) as f64,
            Sort::Io => sum(view.io_read_bytes_per_second, view.io_write_bytes_per_second),
            Sort::Network => sum(view.network_receive_bytes_per_second, view.network_transmit_bytes_per_second),
            Sort::Name => 0.0,
        }
    }

    fn row(&self, open: bool) -> Row {
        let arrow = match (self.containers.is_empty(), open) {
            (true, _) => " ",
            (false, true) => "▾",
            (false, false) => "▸",
        };
        let name = tinted(Tint::Bold, format!("{arrow} {}", self.name));
        let Some(project) = self.project else { return Row { key: self.name.clone(), cells: vec![name] } };
        let view = &project.view;
        let cells = vec![
            name,
            rows::state_word(&project.state),
            plain(words::of_cores(view.cpu_used_cores, view.cpu_limit_cores)),
            plain(""),
            plain(words::of_bytes(view.memory_working_set_bytes, view.memory_limit_bytes)),
            plain(words::rate(view.io_read_bytes_per_second)),
            plain(words::rate(view.io_write_bytes_per_second)),
            plain(words::rate(view.network_receive_bytes_per_second)),
            plain(words::rate(view.network_transmit_bytes_per_second)),
            plain(words::of_bytes(view.gpu_memory_bytes, None)),
        ];
        Row { key: self.name.clone(), cells }
    }
}

fn container_row(project: &str, view: &ContainerView) -> Row {
    let state = view.health.as_deref().filter(|_| view.state == "running").unwrap_or(&view.state);
    let cells = vec![
        plain(format!("    {}", view.service.as_deref().unwrap_or(&view.name))),
        rows::state_word(state),
        plain(words::of_cores(view.cpu_used_cores, view.cpu_limit_cores)),
        plain(words::percent(view.cpu_throttled_percent)),
        plain(words::of_bytes(view.memory_working_set_bytes, view.memory_limit_bytes)),
        plain(words::rate(view.io_read_bytes_per_second)),
        plain(words::rate(view.io_write_bytes_per_second)),
        plain(words::rate(view.network_receive_bytes_per_second)),
        plain(words::rate(view.network_transmit_bytes_per_second)),
        plain(words::of_bytes(view.gpu_memory_bytes, None)),
    ];
    Row { key: format!("{project}\n{}", view.id), cells }
}

fn weight(sort: Sort, view: &ContainerView) -> f64 {
    match sort {
        Sort::Cpu => view.cpu_used_cores.unwrap_or(0.0),
        Sort::Memory => view.memory_working_set_bytes.unwrap_or(0) as f64,
        Sort::Io => sum(view.io_read_bytes_per_second, view.io_write_bytes_per_second),
        Sort::Network => sum(view.network_receive_bytes_per_second, view.network_transmit_bytes_per_second),
        Sort::Name => 0.0,
    }
}

fn sum(one: Option<f64>, other: Option<f64>) -> f64 {
    one.unwrap_or(0.0) + other.unwrap_or(0.0)
}

fn next_sort(sort: Sort) -> Sort {
    match sort {
        Sort::Cpu => Sort::Memory,
        Sort::Memory => Sort::Io,
        Sort::Io => Sort::Network,
        Sort::Network => Sort::Name,
        Sort::Name => Sort::Cpu,
    }
}

fn place_of<T: AsRef<str>>(keys: &[T], selected: Option<&str>) -> usize {
    selected.and_then(|selected| keys.iter().position(|key| key.as_ref() == selected)).unwrap_or(0)
}

/// The host in three lines, and one for each GPU.
fn host_lines(host: &HostView) -> Vec<(&'static str, String)> {
    let named = |name: &str, text: String| if text.is_empty() { text } else { format!("{name} {text}") };
    let used = |all: Option<u64>, free: Option<u64>| all.zip(free).map(|(all, free)| all.saturating_sub(free));
    let memory = used(host.memory_total_bytes, host.memory_available_bytes);
    let swap = used(host.swap_total_bytes, host.swap_free_bytes);
    let pressure = |key: &str| words::percent(host.pressure_percent.get(key).copied());
    let cores = Some(f64::from(host.cpu_cores)).filter(|cores| *cores > 0.0);
    let mut lines = vec![
        (
            "host",
            words::listed(&[
                named("CPU", words::of_cores(host.cpu_used_cores, cores)),
                named("load", host.load1.map(words::cores).unwrap_or_default()),
                named("memory", words::of_bytes(memory, host.memory_total_bytes)),
                named("swap", words::of_bytes(swap, host.swap_total_bytes.filter(|bytes| *bytes > 0))),
            ]),
        ),
        (
            "stalled",
            words::listed(&[
                named("CPU", pressure("cpu.some")),
                named("memory", pressure("memory.some")),
                named("all memory", pressure("memory.full")),
                named("I/O", pressure("io.some")),
                named("all I/O", pressure("io.full")),
            ]),
        ),
        (
            "network",
            words::listed(&[
                named("in", words::rate(host.network_receive_bytes_per_second)),
                named("out", words::rate(host.network_transmit_bytes_per_second)),
            ]),
        ),
    ];
    for gpu in &host.gpus {
        let memory = words::of_bytes(gpu.memory_used_bytes, gpu.memory_total_bytes);
        let busy = named("busy", words::percent(gpu.utilization_percent));
        lines.push(("GPU", words::listed(&[gpu.name.clone(), named("memory", memory), busy])));
    }
    lines.retain(|(_, text)| !text.is_empty());
    lines
}
