//! The terminal in raw mode: keys, signals, fresh answers. Whatever happens, the terminal is given back as it was.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::super::super::ask::Unreached;
use super::super::super::desk::Desk;
use super::super::super::failure::{DONE, Failure};
use super::super::super::house::House;
use super::draw::draw;
use super::model::{Model, Press, Sample};
use super::sample_of;
use crate::api::request::Request;
use crate::daemon::Places;

/// Between two answers of the agent.
const FRESH: Duration = Duration::from_secs(2);
/// Between two looks at keys, signals and answers.
const TICK: Duration = Duration::from_millis(200);

/// Shows `model` until the person ends it or the process is told to end.
pub fn show(desk: &mut Desk<'_>, mut model: Model) -> Result<u8, Failure> {
    let signals = take_signals()?;
    let (sender, fresh) = sync_channel(1);
    let ended = AtomicBool::new(false);
    let (house, places) = (desk.house, desk.places.clone());
    std::thread::scope(|scope| {
        let asking = &ended;
        scope.spawn(move || keep_asking(house, &places, &sender, asking));
        let shown = with_terminal(|terminal| turn(terminal, desk, &mut model, &fresh, &signals));
        ended.store(true, Ordering::Relaxed);
        drop(fresh);
        shown
    })?;
    Ok(DONE)
}

/// Signals that end the process come through a file from now on, so that the terminal is restored first.
fn take_signals() -> Result<SignalFd, Failure> {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        set.add(signal);
    }
    set.thread_block().map_err(std::io::Error::from)?;
    let file = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
    Ok(file.map_err(std::io::Error::from)?)
}

/// Raw mode and the second screen around `body`; also given back on a panic, by ratatui's hook.
fn with_terminal(body: impl FnOnce(&mut DefaultTerminal) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut terminal = ratatui::try_init()?;
    let done = body(&mut terminal);
    let restored = ratatui::try_restore();
    done?;
    Ok(restored?)
}

fn turn(
    terminal: &mut DefaultTerminal,
    desk: &Desk<'_>,
    model: &mut Model,
    fresh: &Receiver<Result<Sample, Failure>>,
    signals: &SignalFd,
) -> Result<(), Failure> {
    let colour = desk.seat.out.screen().colour;
    loop {
        while let Ok(sample) = fresh.try_recv() {
            model.take(sample);
        }
        let clock = model.seen_at().map(|at| desk.local(at)).unwrap_or_default();
        terminal.draw(|frame| draw(frame, model, &clock, colour))?;
        if signals.read_signal().map_err(std::io::Error::from)?.is_some() {
            return Ok(());
        }
        if !event::poll(TICK)? {
            continue;
        }
        if let Event::Key(key) = event::read()?
            && let Some(press) = press_of(&key)
            && !model.press(press)
        {
            return Ok(());
        }
    }
}

fn press_of(key: &KeyEvent) -> Option<Press> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('c' | 'd') if control => Press::End,
        KeyCode::Char('q') | KeyCode::Esc => Press::End,
        KeyCode::Up | KeyCode::Char('k') => Press::Up,
        KeyCode::Down | KeyCode::Char('j') => Press::Down,
        KeyCode::PageUp => Press::PageUp,
        KeyCode::PageDown => Press::PageDown,
        KeyCode::Enter | KeyCode::Char(' ') => Press::Toggle,
        KeyCode::Right => Press::Open,
        KeyCode::Left => Press::Close,
        KeyCode::Char('s') => Press::Sort,
        KeyCode::Char('?' | 'h') => Press::Help,
        _ => Press::Other,
    })
}

/// Asks again and again, beside the keys, so that a slow agent never makes the screen slow.
fn keep_asking(house: &dyn House, places: &Places, sender: &SyncSender<Result<Sample, Failure>>, ended: &AtomicBool) {
    loop {
        let ticks = FRESH.as_millis() / TICK.as_millis();
        for _ in 0..ticks {
            if ended.load(Ordering::Relaxed) {
                return;
            }
            std::thread::sleep(TICK);
        }
        if sender.send(ask_sample(house, places)).is_err() {
            return;
        }
    }
}

fn ask_sample(house: &dyn House, places: &Places) -> Result<Sample, Failure> {
    let read = |agent: &dyn super::super::super::ask::Ask| {
        let get = |target: &str| agent.ask(&Request::get(target));
        Ok::<_, Unreached>((get("/v1/status")?, get("/v1/containers")?))
    };
    let answers = match read(&*house.agent(places)) {
        Err(Unreached::NoDaemon) => read(&*house.look(places)?),
        other => other,
    };
    let (status, containers) = answers.map_err(|unreached| unreached.failure(&places.socket))?;
    let json = |response: crate::api::request::Response| response.json().map_err(super::super::super::ask::refused);
    sample_of(&json(status)?, &json(containers)?)
}
