//! Where the agent's own words go: the journal with its fields when systemd started it, readable lines on stderr otherwise.

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
            let journal = journal
                .with_field_prefix(Some("HOSTKEEPER".to_owned()))
                .with_syslog_identifier("hostkeeper".to_owned());
            registry.with(journal).try_init()
        }
        None => {
            let colour = std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none();
            let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(colour).with_target(false).compact();
            registry.with(lines).try_init()
        }
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started before");
    }
}
