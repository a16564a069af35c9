//! The client's end of the event stream: lines into events, bounded, without trust in what comes.

use std::path::PathBuf;
use std::time::Duration;

use http_body_util::BodyExt;

use super::wire::{ClientError, Open};

/// A server sends something at least every 15 s.
const SILENCE: Duration = Duration::from_secs(60);
/// One event, bytes.
const MOST_EVENT: usize = 1024 * 1024;

/// One event of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// What to give as `after` to go on from here.
    pub id: Option<i64>,
    /// `entry` or `gap`.
    pub name: String,
    /// One JSON object.
    pub data: String,
}

/// The stream of an agent's events.
#[derive(Debug)]
pub struct Events {
    open: Open,
    socket: PathBuf,
    parser: Parser,
}

impl Events {
    pub(super) fn new(open: Open, socket: PathBuf) -> Events {
        Events { open, socket, parser: Parser::default() }
    }

    /// The next event; `None` when the agent has ended the stream.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            if let Some(event) = self.parser.pop() {
                return Ok(Some(event));
            }
            let frame = tokio::time::timeout(SILENCE, self.open.answer.body_mut().frame()).await;
            let late = ClientError::Timeout { socket: self.socket.clone(), limit: SILENCE };
            let frame = match frame.map_err(|_| late)? {
                None => return Ok(None),
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    return Err(ClientError::Broken { socket: self.socket.clone(), what: error.to_string() });
                }
            };
            if let Some(bytes) = frame.data_ref() {
                self.parser.push(bytes).map_err(|TooLong| ClientError::TooLarge)?;
            }
        }
    }
}

/// A line or an event beyond the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Bytes in, events out. Takes any bytes.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    event: Event,
    ready: std::collections::VecDeque<Event>,
}

impl Parser {
    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.take(&String::from_utf8_lossy(&line));
            } else if self.line.len() < MOST_EVENT {
                self.line.push(*byte);
            } else {
                return Err(TooLong);
            }
            if self.event.data.len() > MOST_EVENT {
                return Err(TooLong);
            }
        }
        Ok(())
    }

    /// The oldest whole event.
    pub fn pop(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    fn take(&mut self, line: &str) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            if !event.data.is_empty() {
                self.ready.push_back(event);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.event.id = value.parse().ok(),
            "event" => self.event.name = value.to_owned(),
            "data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // Comments (signs of life) and what later versions may send.
            _ => {}
        }
    }
}

/// All whole events in `bytes`, for tests and fuzzing.
pub fn parse_events(bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
    let mut parser = Parser::default();
    parser.push(bytes)?;
    Ok(std::iter::from_fn(|| parser.pop()).collect())
}
