//! The command line as types: verbs, their arguments, and what `--help`, the man pages and the reference say of them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::daemon::Places;
use crate::round::Severity;

/// Keeps several Docker Compose projects safe on one Linux server.
///
/// One root agent looks at the host, its projects and its data directories, says what is wrong and why, does what the
/// configuration lets it do, and remembers every step. Verbs that read also work when no daemon runs, and say so.
#[derive(Debug, Parser)]
#[command(name = "hostkeeper", version, max_term_width = 80, arg_required_else_help = true)]
#[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
pub struct Line {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every verb takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Configuration file; conf.d/*.toml beside it belongs to it
    #[arg(long, global = true, value_name = "FILE", env = "HOSTKEEPER_CONFIG", hide_env_values = true)]
    #[arg(default_value = "/etc/hostkeeper/hostkeeper.toml", value_hint = ValueHint::FilePath)]
    pub config: PathBuf,
    /// State directory: ledger and lock
    #[arg(long, global = true, value_name = "DIR", env = "HOSTKEEPER_STATE", hide_env_values = true)]
    #[arg(default_value = "/var/lib/hostkeeper", value_hint = ValueHint::DirPath)]
    pub state: PathBuf,
    /// Socket of the daemon
    #[arg(long, global = true, value_name = "SOCKET", env = "HOSTKEEPER_SOCKET", hide_env_values = true)]
    #[arg(default_value = "/run/hostkeeper/hostkeeper.sock", value_hint = ValueHint::FilePath)]
    pub socket: PathBuf,
    /// Answer in JSON: one object with a schema name; events one object per line; errors too
    #[arg(long, global = true)]
    pub json: bool,
    /// Without colours (so does the environment variable NO_COLOR)
    #[arg(long, global = true)]
    pub no_color: bool,
}

impl Common {
    /// The three places.
    pub fn places(&self) -> Places {
        Places { config: self.config.clone(), state: self.state.clone(), socket: self.socket.clone() }
    }
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run the agent in the foreground until it is told to stop
    Daemon,
    /// Run the page and the metrics endpoint as a second, unprivileged process
    Web(WebArgs),
    /// Show the host, its projects and what is wrong
    Status(StatusArgs),
    /// Check what must be right, say why it matters and how to mend it
    Doctor,
    /// Show what would be done, why, and why not
    Plan(PlanArgs),
    /// Carry out the plan, or some of its steps, now and on your word
    Apply(ApplyArgs),
    /// Keep what a trial did, before it is undone by itself
    Confirm(ConfirmArgs),
    /// Take back what was done, with the values of before
    Rollback(RollbackArgs),
    /// Say why something is as it is, with sources
    Explain(ExplainArgs),
    /// Show what was done and what happened, newest first
    History(HistoryArgs),
    /// Show what happened last; with -f as it happens
    Events(EventsArgs),
    /// Watch projects and containers live
    Top(TopArgs),
    /// Show what projects may use, declared and in force; export it, take it back
    Limits(super::limits_args::LimitsArgs),
    /// Stop what is optional in a project for now, and say what that frees
    Park(super::limits_args::ParkArgs),
    /// Start what park stopped
    Unpark(super::limits_args::UnparkArgs),
    /// Show tiers, directories and pools; balance and drain pools
    Storage(super::storage_args::StorageArgs),
    /// Show where projects touch each other, with evidence and cure
    Audit(AuditArgs),
    /// Check, show and make the configuration
    #[command(subcommand, subcommand_value_name = "WHAT", subcommand_help_heading = "What")]
    Config(ConfigVerb),
    /// Let the daemon read its configuration again; a bad one changes nothing
    Reload,
    /// Print the metrics, their names, their cost, or check them
    Metrics(MetricsArgs),
    /// Collect what a supporter needs, without secrets, in one file
    SupportBundle(BundleArgs),
    /// Print the completion script of a shell
    Completion(CompletionArgs),
    /// Print a man page (roff)
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub struct WebArgs {
    /// Address and port; beyond loopback only with TLS and authentication [default: as configured, else 127.0.0.1:9733]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// TLS, client certificates, users and headers, in the format of Prometheus' exporters [default: as configured]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub web_config: Option<PathBuf>,
    /// A further name under which the page may be asked for; may be repeated
    #[arg(long = "host", value_name = "NAME", value_hint = ValueHint::Hostname)]
    pub hosts: Vec<String>,
    /// User to become when started as root
    #[arg(long, value_name = "USER", value_hint = ValueHint::Username)]
    pub user: Option<String>,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Only this project, with its containers and directories
    pub project: Option<String>,
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Only this project
    pub project: Option<String>,
}

#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Only if the plan is still this one (its id is in the first line of `hostkeeper plan`)
    #[arg(long, value_name = "ID")]
    pub plan: Option<String>,
    /// Only these steps, by id; without any: all of the plan
    #[arg(value_name = "STEP")]
    pub steps: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct ConfirmArgs {
    /// One entry of the history; without it: all trials under way
    #[arg(value_name = "ID")]
    pub intent: Option<i64>,
}

#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The entry of the history to take back
    #[arg(value_name = "ID")]
    pub intent: i64,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A project, project/thing, container, tier, concern, step, metric or configuration key
    #[arg(value_name = "WHAT")]
    pub what: String,
}

/// Filters of `history` and `events`.
#[derive(Clone, Debug, Default, Args)]
pub struct Filters {
    /// Only this project
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<String>,
    /// Only this keeper, such as storage
    #[arg(long, value_name = "KEEPER")]
    pub keeper: Option<String>,
    /// Only this kind: step, started, stopped, reloaded, concern_raised, ...
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
}

#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// A length of time back (90m, 1h30m, 7d), an RFC 3339 time, or a local date ("2026-11-21", "2026-11-21 03:00")
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    #[command(flatten)]
    pub filters: Filters,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
}

#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Go on with what comes, until stopped
    #[arg(long, short)]
    pub follow: bool,
    #[command(flatten)]
    pub filters: Filters,
    /// How many of the past to show first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub limit: u32,
}

#[derive(Debug, Args)]
pub struct TopArgs {
    /// Print the numbers once and end; so does --json
    #[arg(long)]
    pub once: bool,
    /// Order of projects and containers
    #[arg(long, value_enum, default_value_t = Sort::Cpu)]
    pub sort: Sort,
}

/// What `top` sorts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    Cpu,
    Memory,
    Io,
    Network,
    Name,
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Only what is about this project
    pub project: Option<String>,
    /// End with 1 when something of this weight or more is found and not allowed
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Audit a Compose file before it is deployed, against what is there now
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "project")]
    pub compose: Option<PathBuf>,
}

/// From which weight on the audit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Info,
    #[value(alias = "warn")]
    Warning,
    Critical,
}

impl FailOn {
    pub fn severity(self) -> Severity {
        match self {
            FailOn::Info => Severity::Info,
            FailOn::Warning => Severity::Warning,
            FailOn::Critical => Severity::Critical,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Read the files and say everything that is wrong, with file, line and cure
    Check,
    /// Show what is configured, and where each value is written
    Show {
        /// With the defaults that hold because nothing else is written
        #[arg(long)]
        effective: bool,
    },
    /// Say what a key means, its value and where it was written
    Explain {
        /// Dotted path, such as storage.tier.ssd.min_free
        key: String,
    },
    /// Show what is configured otherwise than by default, or what another file would change
    Diff {
        /// Another configuration file
        #[arg(value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
    /// Print a commented first configuration made from what is found on this host
    Init,
}

#[derive(Debug, Args)]
#[group(id = "shown", multiple = false)]
pub struct MetricsShown {
    /// Print the page of metrics once (this is the default)
    #[arg(long)]
    pub once: bool,
    /// List the families: name, type, meaning, number of series
    #[arg(long)]
    pub names: bool,
    /// Check the page strictly: format, duplicates, names
    #[arg(long)]
    pub check: bool,
    /// Show what each collector costs
    #[arg(long)]
    pub cost: bool,
}

#[derive(Debug, Args)]
pub struct MetricsArgs {
    #[command(flatten)]
    pub shown: MetricsShown,
    /// Only this group or collector (node, meminfo, ...); may be repeated
    #[arg(long, value_name = "NAME")]
    pub collect: Vec<String>,
    /// Without this group or collector; may be repeated
    #[arg(long, value_name = "NAME")]
    pub exclude: Vec<String>,
}

#[derive(Debug, Args)]
pub struct BundleArgs {
    /// File to write; it must not exist [default: hostkeeper-support-HOST-TIME.tar.gz here]
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CompletionArgs {
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The shells that are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// The verb, such as plan or `config check`; without it: hostkeeper(8) itself
    #[arg(value_name = "VERB", num_args = 0..=2)]
    pub verb: Vec<String>,
}
