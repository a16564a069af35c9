//! The one way to the terminal: buffered output, colour or not, width, and no foreign control character ever.
//! A reader that went away is reported as `BrokenPipe`; the edge ends silently then.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use super::text;

/// How a piece of text is meant. Colours are the reader's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tint {
    Plain,
    Bold,
    Dim,
    Good,
    Warn,
    Bad,
}

impl Tint {
    fn code(self) -> &'static str {
        match self {
            Tint::Plain => "",
            Tint::Bold => "\x1b[1m",
            Tint::Dim => "\x1b[2m",
            Tint::Good => "\x1b[32m",
            Tint::Warn => "\x1b[33m",
            Tint::Bad => "\x1b[1;31m",
        }
    }
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub tint: Tint,
}

/// Text in a tint.
pub fn tinted(tint: Tint, text: impl Into<String>) -> Span {
    Span { text: text.into(), tint }
}

/// Text as it is.
pub fn plain(text: impl Into<String>) -> Span {
    tinted(Tint::Plain, text)
}

/// What is known of the reader's screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Columns.
    pub width: usize,
    pub colour: bool,
    /// Whether a person looks at it directly.
    pub terminal: bool,
}

impl Screen {
    /// The screen behind `stream`: its width when it is a terminal, else `COLUMNS`, else 80. Colour only on a terminal
    /// that can show it and when neither `--no-color` nor `NO_COLOR` says otherwise.
    pub fn of(stream: &(impl IsTerminal + std::os::fd::AsFd), no_colour: bool) -> Screen {
        let terminal = stream.is_terminal();
        let measured = if terminal { terminal_size::terminal_size_of(stream.as_fd()) } else { None };
        let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse::<usize>().ok());
        let width = measured.map(|(columns, _)| usize::from(columns.0)).filter(|width| *width > 0);
        let width = width.or(columns).unwrap_or(80).clamp(20, 1000);
        let refused = no_colour || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Screen { width, colour: terminal && !refused && !dumb, terminal }
    }
}

/// Where a verb writes.
pub struct Out {
    sink: Box<dyn Write>,
    screen: Screen,
}

impl Out {
    /// Standard output. Not locked: the daemon and the live screen write there from their own threads.
    pub fn stdout(no_colour: bool) -> Out {
        let screen = Screen::of(&io::stdout(), no_colour);
        Out::new(Box::new(io::BufWriter::new(io::stdout())), screen)
    }

    /// Standard error: what is said beside the answer.
    pub fn stderr(no_colour: bool) -> Out {
        let screen = Screen::of(&io::stderr(), no_colour);
        Out::new(Box::new(io::BufWriter::new(io::stderr())), screen)
    }

    pub fn new(sink: Box<dyn Write>, screen: Screen) -> Out {
        Out { sink, screen }
    }

    pub fn screen(&self) -> Screen {
        self.screen
    }

    /// One line.
    pub fn line(&mut self, spans: &[Span]) -> io::Result<()> {
        for span in spans {
            let safe = text::clean(&span.text);
            if self.screen.colour && span.tint != Tint::Plain && !safe.is_empty() {
                write!(self.sink, "{}{safe}\x1b[0m", span.tint.code())?;
            } else {
                self.sink.write_all(safe.as_bytes())?;
            }
        }
        self.sink.write_all(b"\n")
    }

    /// A sentence, wrapped.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.hang(&[], &plain(text))
    }

    /// An empty line.
    pub fn gap(&mut self) -> io::Result<()> {
        self.sink.write_all(b"\n")
    }

    /// Text behind `head`, wrapped at the screen's width; the lines that follow stand below the text, not the head.
    pub fn hang(&mut self, head: &[Span], body: &Span) -> io::Result<()> {
        let indent: usize = head.iter().map(|span| text::width(&span.text)).sum();
        let room = self.screen.width.saturating_sub(indent);
        for (index, piece) in text::wrap(&text::clean(&body.text), room).into_iter().enumerate() {
            let mut spans = if index == 0 { head.to_vec() } else { vec![plain(" ".repeat(indent))] };
            spans.push(tinted(body.tint, piece));
            self.line(&spans)?;
        }
        Ok(())
    }

    /// As `hang` for a person at a terminal; one line, as logs and programs like it, for everybody else.
    pub fn prose(&mut self, head: &[Span], body: &Span) -> io::Result<()> {
        if self.screen.terminal {
            return self.hang(head, body);
        }
        let mut spans = head.to_vec();
        spans.push(body.clone());
        self.line(&spans)
    }

    /// One JSON value on one line. Characters that a terminal could obey are written as escapes.
    pub fn json(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.sink, "{}", escape_json(&value.to_string()))
    }

    /// A page of text as it is; on a terminal without control characters.
    pub fn page(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.screen.terminal {
            return self.sink.write_all(text::clean_page(&String::from_utf8_lossy(bytes)).as_bytes());
        }
        self.sink.write_all(bytes)
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// Inside JSON harmful characters stand only in strings, where an escape means the same.
fn escape_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if !text::is_harmful(c) {
            safe.push(c);
            continue;
        }
        let mut units = [0_u16; 2];
        for unit in c.encode_utf16(&mut units) {
            safe.push_str(&format!("\\u{unit:04x}"));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_equal_and_harmless() {
        let value = serde_json::json!({"name": "a\u{9b}31m\u{202e}\u{e0041}b\x1b"});
        let safe = escape_json(&value.to_string());
        assert!(!safe.chars().any(text::is_harmful), "{safe}");
        assert_eq!(serde_json::from_str::<Value>(&safe).unwrap(), value);
    }
}
