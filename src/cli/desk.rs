//! What every verb works with: where to write, whom to ask, and the places. Decides only whom to ask: the daemon, or,
//! for verbs that read, a direct look when there is none.

use std::io::BufRead;

use jiff::{Timestamp, tz::TimeZone};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ask::{Ask, Unreached, refused};
use super::failure::{Failure, UNCHECKED};
use super::house::House;
use super::out::{Out, Tint, tinted};
use crate::api::Refusal;
use crate::api::request::{Request, Response};
use crate::api::shapes::DoneShown;
use crate::daemon::Places;

/// The person's side: screen, keyboard, clock.
pub struct Seat<'a> {
    pub out: Out,
    pub err: Out,
    pub input: &'a mut dyn BufRead,
    /// Whether a person types there.
    pub input_terminal: bool,
    pub now: Timestamp,
    pub zone: TimeZone,
}

/// A verb's surroundings.
pub struct Desk<'a> {
    pub seat: Seat<'a>,
    pub house: &'a dyn House,
    pub places: Places,
    pub json: bool,
    answers: Option<Box<dyn Ask>>,
    /// No daemon: a look of our own answers.
    direct: bool,
}

impl<'a> Desk<'a> {
    pub fn new(seat: Seat<'a>, house: &'a dyn House, places: Places, json: bool) -> Desk<'a> {
        Desk { seat, house, places, json, answers: None, direct: false }
    }

    /// Where the answer goes.
    pub fn out(&mut self) -> &mut Out {
        &mut self.seat.out
    }

    /// Whether answers come from a direct look.
    pub fn is_direct(&self) -> bool {
        self.direct
    }

    /// JSON of a route that reads, with `daemon` saying who answered.
    pub fn read(&mut self, target: &str) -> Result<Value, Failure> {
        let mut value: Value = self.ask(target)?.json().map_err(unread)?;
        let daemon = !self.direct;
        if let Some(fields) = value.as_object_mut() {
            fields.insert("daemon".into(), daemon.into());
        }
        Ok(value)
    }

    /// Text of a route that reads.
    pub fn read_text(&mut self, target: &str) -> Result<Vec<u8>, Failure> {
        let response = self.ask(target)?;
        if response.is_ok() {
            return Ok(response.body);
        }
        Err(response.text().err().map(unread).unwrap_or_default())
    }

    fn ask(&mut self, target: &str) -> Result<Response, Failure> {
        let request = Request::get(target);
        if self.answers.is_none() {
            let daemon = self.house.agent(&self.places);
            match daemon.ask(&request) {
                Ok(response) => {
                    self.answers = Some(daemon);
                    return Ok(response);
                }
                Err(Unreached::NoDaemon) => self.look_directly()?,
                Err(other) => return Err(other.failure(&self.places.socket).so("nothing is shown")),
            }
        }
        let answer = self.answers.as_ref().map_or(Err(Unreached::NoDaemon), |answers| answers.ask(&request));
        answer.map_err(|unreached| unreached.failure(&self.places.socket).so("nothing is shown"))
    }

    fn look_directly(&mut self) -> Result<(), Failure> {
        self.answers = Some(self.house.look(&self.places)?);
        self.direct = true;
        if !self.json {
            let said = format!("hostkeeper: no daemon at {}; looked directly", self.places.socket.display());
            self.seat.err.line(&[tinted(Tint::Dim, said)])?;
            self.seat.err.flush()?;
        }
        Ok(())
    }

    /// An order; only a daemon takes one.
    pub fn order(&mut self, path: &str, body: &Value) -> Result<DoneShown, Failure> {
        let answer = self.house.agent(&self.places).ask(&Request::post(path, body));
        let response = answer.map_err(|unreached| {
            let unsure = matches!(unreached, Unreached::Silent | Unreached::Broken(_));
            let consequence = if unsure { "it may have been done: see hostkeeper history" } else { UNCHANGED };
            unreached.failure(&self.places.socket).so(consequence)
        })?;
        response.json().map_err(|refusal| refused(refusal).so(UNCHANGED))
    }

    /// A time as people read it, in the local zone.
    pub fn local(&self, at: Timestamp) -> String {
        at.to_zoned(self.seat.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

const UNCHANGED: &str = "nothing was changed";

/// Who may not read is somebody who could not look.
fn unread(refusal: Refusal) -> Failure {
    let mut failure = refused(refusal);
    if failure.code == "forbidden" {
        failure.exit = UNCHECKED;
    }
    failure
}

/// JSON as the type it is, or a failure that says whose answer could not be read.
pub fn shaped<T: DeserializeOwned>(what: &str, value: &Value) -> Result<T, Failure> {
    T::deserialize(value).map_err(|error| Failure::strange_answer(what, error))
}
