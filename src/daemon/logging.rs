//! Where the agent's own words go: the journal with its fields when systemd started it, readable lines on stderr otherwise.

use std::fmt::{Debug, Result};

use tracing::field::Field;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging for this process. `HOSTKEEPER_LOG` holds a filter such as `debug` or `hostkeeper::round=trace`.
pub fn start_logging() {
    let filter = EnvFilter::try_from_env("HOSTKEEPER_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let journal = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    let started = match journal {
        Some(journal) => {
            // Fields carry the prefix in their own names: MESSAGE_ID must not have it.
            let journal = journal.with_field_prefix(None).with_syslog_identifier("hostkeeper".to_owned());
            registry.with(journal).try_init()
        }
        None => {
            let colour = std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none();
            let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(colour).with_target(false).compact();
            let lines = lines.fmt_fields(debug_fn(write_field));
            registry.with(lines).try_init()
        }
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started before");
    }
}

/// A field on a line for people: without what only the journal needs.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        "MESSAGE_ID" => Ok(()),
        name => write!(writer, " {}={value:?}", name.strip_prefix("HOSTKEEPER_").unwrap_or(name).to_lowercase()),
    }
}
