//! Text into HTML: everything that was not written in this file's callers as a constant is escaped. Pure.

use crate::values::{Bytes, one_line};

/// The longest name or sentence on the page, characters.
const LONGEST: usize = 300;

/// A document being written. Constants go in with `raw`, everything else with `text`.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    /// Markup that is written in the program.
    pub fn raw(&mut self, markup: &'static str) -> &mut Html {
        self.0.push_str(markup);
        self
    }

    /// Anything: escaped, on one line, cut when it is very long.
    pub fn text(&mut self, text: &str) -> &mut Html {
        push_escaped(&mut self.0, &one_line(text, LONGEST));
        self
    }

    /// A table cell.
    pub fn cell(&mut self, text: &str) -> &mut Html {
        self.raw("<td>").text(text).raw("</td>")
    }

    /// A table cell with a number, set right.
    pub fn number(&mut self, text: &str) -> &mut Html {
        self.raw("<td class=\"n\">").text(text).raw("</td>")
    }

    /// A word in the colour of what it says.
    pub fn badge(&mut self, word: &str) -> &mut Html {
        self.raw("<span class=\"").raw(tone(word)).raw("\">").text(word).raw("</span>")
    }

    /// A state of which only `ok` is good.
    pub fn state(&mut self, word: &str) -> &mut Html {
        let tone = match word {
            "ok" => "badge good",
            "unknown" => "badge look",
            _ => "badge bad",
        };
        self.raw("<span class=\"").raw(tone).raw("\">").text(word).raw("</span>")
    }

    /// Used of allowed, as a bar; nothing when either is not known.
    pub fn bar(&mut self, used: Option<f64>, allowed: Option<f64>) -> &mut Html {
        let (Some(used), Some(allowed)) = (used, allowed) else { return self };
        if !(used.is_finite() && allowed.is_finite() && allowed > 0.0) {
            return self;
        }
        let percent = format!("{:.0}", (used / allowed * 100.0).clamp(0.0, 100.0));
        self.raw("<meter min=\"0\" max=\"100\" low=\"75\" high=\"90\" optimum=\"0\" value=\"").text(&percent);
        self.raw("\">").text(&percent).raw("%</meter>")
    }

    pub fn finish(self) -> String {
        self.0
    }
}

/// The class of a badge: what is good, what needs a look, what is bad, and the rest.
fn tone(word: &str) -> &'static str {
    match word {
        "ok" | "running" | "healthy" | "made" | "open" | "found_done" => "badge good",
        "warning" | "paused" | "starting" | "restarting" | "created" | "stopped" | "held back" | "found_unclear" => {
            "badge look"
        }
        "critical" | "unhealthy" | "exited" | "dead" | "failed" | "trouble" => "badge bad",
        _ => "badge",
    }
}

/// Text that is safe between tags and within quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_escaped(&mut out, text);
    out
}

fn push_escaped(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What turns the direction of the text around could make one name look like another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
}

/// What stands for a number that is not known.
const UNKNOWN: &str = "–";

pub fn bytes(value: Option<u64>) -> String {
    value.map_or(UNKNOWN.into(), |value| spaced(&Bytes(value).to_string()))
}

/// `12GiB` as `12 GiB`.
fn spaced(size: &str) -> String {
    let unit = size.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(size.len());
    let (number, unit) = size.split_at(unit);
    format!("{number} {unit}")
}

pub fn rate(value: Option<f64>) -> String {
    value
        .filter(|value| value.is_finite() && *value >= 0.0)
        .map_or(UNKNOWN.into(), |value| format!("{}/s", bytes(Some(value as u64))))
}

pub fn cores(value: Option<f64>) -> String {
    value.map_or(UNKNOWN.into(), |value| if value < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") })
}

pub fn percent(value: f64) -> String {
    if value < 9.95 { format!("{value:.1} %") } else { format!("{value:.0} %") }
}

/// A bound on cores: `8`, `0.5`.
pub fn bound(value: Option<f64>) -> Option<String> {
    value.map(|value| if value.fract() == 0.0 { format!("{value:.0}") } else { cores(Some(value)) })
}

/// `1.7 of 8`, or only the first when there is no bound or nothing is known.
pub fn of(used: &str, allowed: Option<String>) -> String {
    match allowed.filter(|_| used != UNKNOWN) {
        Some(allowed) => format!("{used} of {allowed}"),
        None => used.to_owned(),
    }
}
