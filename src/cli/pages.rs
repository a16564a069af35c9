//! What each verb's help and man page add to its arguments: examples, exit codes, files. Data only.

use super::{limits_args, storage_args};

/// An exit code and when it comes.
pub type Exit = (u8, &'static str);

/// What is said of one verb.
#[derive(Debug)]
pub struct Page {
    /// As typed: `plan`, `config check`.
    pub verb: &'static str,
    /// Command lines and what they do.
    pub examples: &'static [(&'static str, &'static str)],
    pub exits: &'static [Exit],
    /// Further paragraphs of the man page.
    pub notes: &'static [&'static str],
}

const USAGE: Exit = (2, "wrong usage");
const SHOWN: Exit = (0, "shown, also when there are problems");
const UNREAD: Exit = (3, "could not be checked: the daemon may not be asked by this user, or did not answer");
const BAD_CONFIG: Exit = (78, "no daemon, and the configuration is bad");
pub(super) const READS: &[Exit] = &[SHOWN, (1, "failed"), USAGE, UNREAD, BAD_CONFIG];
pub(super) const DIRECT: &str = "Without a daemon the host is looked at directly, once; a line on standard error says so, in JSON \"daemon\": false.";
const NO_DAEMON: Exit = (3, "no daemon, or it may not be asked by this user, or it did not answer");
const FILES: Exit = (1, "failed: a file could not be read or written");

/// Every verb, in the order of the help.
pub const PAGES: &[Page] = &[
    Page {
        verb: "daemon",
        examples: &[
            ("hostkeeper daemon", "run as the service does"),
            ("hostkeeper --config ./hk.toml --state ./state --socket ./hk.sock daemon", "run beside it, without root"),
        ],
        exits: &[
            (0, "stopped as told"),
            (1, "failed: state directory or socket cannot be used, or another agent runs"),
            USAGE,
            (78, "bad configuration: every problem was printed"),
        ],
        notes: &[
            "SIGHUP reads the configuration again, SIGTERM and SIGINT stop it. Under systemd it reports readiness, status and its watchdog.",
        ],
    },
    Page {
        verb: "web",
        examples: &[
            ("hostkeeper web", "serve the page and /metrics on 127.0.0.1:9733"),
            ("hostkeeper web --listen 127.0.0.1:9800", "on another port"),
        ],
        exits: &[(0, "stopped as told"), (1, "failed: the address cannot be used"), USAGE],
        notes: &["Asks the daemon over its socket; holds no rights and no state of its own. GET and HEAD only."],
    },
    Page {
        verb: "status",
        examples: &[
            ("hostkeeper status", "the whole host: verdict, projects, problems"),
            ("hostkeeper status athena", "one project with its containers and directories"),
            ("hostkeeper status --json | jq .verdict", "for programs"),
        ],
        exits: READS,
        notes: &[DIRECT, "The exit code does not tell whether there are problems: `hostkeeper doctor` does."],
    },
    Page {
        verb: "doctor",
        examples: &[("hostkeeper doctor", "all checks"), ("hostkeeper doctor --json", "for programs")],
        exits: &[
            (0, "nothing wrong"),
            (1, "the worst is a warning"),
            (2, "something fails (also: wrong usage)"),
            (3, "could not check"),
            BAD_CONFIG,
        ],
        notes: &[DIRECT],
    },
    Page {
        verb: "plan",
        examples: &[("hostkeeper plan", "every step with its reason"), ("hostkeeper plan athena", "of one project")],
        exits: READS,
        notes: &[DIRECT, "A blocked step stays in the plan with the gate that blocks it."],
    },
    Page {
        verb: "apply",
        examples: &[
            ("hostkeeper apply", "show the plan, ask, do it"),
            ("hostkeeper apply --plan 3f2a9c41d0e7 --yes", "do exactly the plan that was read"),
            ("hostkeeper apply 91d0c2ab55e1", "only this step"),
        ],
        exits: &[
            (0, "done, or nothing to do"),
            (1, "a step failed"),
            (2, "wrong usage, not confirmed, the plan has changed, or a step is blocked"),
            NO_DAEMON,
        ],
        notes: &["On your word the mode does not block a step; everything else does. Needs root."],
    },
    Page {
        verb: "confirm",
        examples: &[("hostkeeper confirm", "keep all trials under way"), ("hostkeeper confirm 17", "keep one")],
        exits: &[(0, "kept"), (1, "failed"), (2, "wrong usage, or no such trial"), NO_DAEMON],
        notes: &["In mode trial a step is undone by itself unless it is confirmed in time. Needs root."],
    },
    Page {
        verb: "rollback",
        examples: &[("hostkeeper rollback 17", "take back entry 17 of the history")],
        exits: &[(0, "taken back"), (1, "failed"), (2, "wrong usage, blocked, or nothing to take back"), NO_DAEMON],
        notes: &["What was taken back is not done again until the configuration changes or it is applied. Needs root."],
    },
    Page {
        verb: "explain",
        examples: &[
            ("hostkeeper explain athena/postgres", "a directory or service"),
            ("hostkeeper explain tier-missing-mount", "a concern"),
            ("hostkeeper explain storage.tier.ssd.min_free", "a configuration key"),
        ],
        exits: &[SHOWN, (1, "failed"), (2, "wrong usage, or nothing has this name"), UNREAD, BAD_CONFIG],
        notes: &[DIRECT],
    },
    Page {
        verb: "history",
        examples: &[
            ("hostkeeper history --since 1h", "of the last hour"),
            ("hostkeeper history --project athena --kind step", "what was done to a project"),
        ],
        exits: READS,
        notes: &[DIRECT],
    },
    Page {
        verb: "events",
        examples: &[
            ("hostkeeper events -f", "as it happens"),
            ("hostkeeper events -f --json | jq -r .text", "one JSON object per line"),
        ],
        exits: READS,
        notes: &[DIRECT, "Following needs a daemon. When it restarts, following goes on after it, for up to a minute."],
    },
    Page {
        verb: "top",
        examples: &[
            ("hostkeeper top", "live; keys: arrows, enter, s, ?, q"),
            ("hostkeeper top --once --json", "the numbers once, for programs"),
        ],
        exits: READS,
        notes: &[
            DIRECT,
            "Keys: up and down move, enter or right opens a project, left closes it, s changes the order, ? shows help, q ends.",
        ],
    },
    Page {
        verb: "config",
        examples: &[("hostkeeper config check", "before a reload"), ("hostkeeper config init", "a first file")],
        exits: &[(0, "done"), FILES, USAGE, (78, "bad configuration")],
        notes: &["Reads files only; needs no daemon."],
    },
    limits_args::LIMITS,
    limits_args::EXPORT,
    limits_args::SUGGEST,
    limits_args::RELEASE,
    limits_args::PARK,
    limits_args::UNPARK,
    storage_args::STORAGE,
    storage_args::TIER,
    storage_args::CLEAN,
    storage_args::DIR,
    storage_args::BENCH,
    storage_args::POOL,
    storage_args::DRAIN,
    storage_args::UNDRAIN,
    storage_args::BALANCE,
    storage_args::DIAGNOSTICS,
    storage_args::FIX,
    storage_args::RECLAIM,
    storage_args::STRESS,
    Page {
        verb: "audit",
        examples: &[
            ("hostkeeper audit", "everything, by pair of projects"),
            ("hostkeeper audit athena --fail-on critical", "one project; exit code 1 when something is critical"),
            ("hostkeeper audit --compose compose.yml --fail-on warning", "a file before it is deployed"),
        ],
        exits: &[
            (0, "shown; with --fail-on: nothing of that weight is found that is not allowed"),
            (1, "with --fail-on: something of that weight is found"),
            (2, "could not look, or wrong usage; with --fail-on also: something could not be seen"),
            BAD_CONFIG,
        ],
        notes: &[
            DIRECT,
            "Looks and reports, changes nothing. As root it looks now; others are shown the last look.",
            "--compose needs the Compose plugin of Docker (docker compose config). Values of secrets are never shown.",
        ],
    },
    Page {
        verb: "config check",
        examples: &[
            ("hostkeeper config check", "the installed files"),
            ("hostkeeper --config ./hk.toml config check", "a file before it is installed"),
        ],
        exits: &[(0, "good"), FILES, USAGE, (78, "bad: every problem was printed")],
        notes: &[],
    },
    Page {
        verb: "config show",
        examples: &[("hostkeeper config show --effective", "every value with file and line, or default")],
        exits: &[(0, "shown"), FILES, USAGE, (78, "bad configuration")],
        notes: &[],
    },
    Page {
        verb: "config explain",
        examples: &[("hostkeeper config explain guard.boot_grace", "meaning, value, origin")],
        exits: &[(0, "shown"), FILES, (2, "wrong usage, or no such key"), (78, "bad configuration")],
        notes: &[],
    },
    Page {
        verb: "config diff",
        examples: &[
            ("hostkeeper config diff", "what is not as by default"),
            ("hostkeeper config diff ./new.toml", "what a new file would change"),
        ],
        exits: &[(0, "shown"), FILES, USAGE, (78, "bad configuration")],
        notes: &[],
    },
    Page {
        verb: "config init",
        examples: &[(
            "hostkeeper config init | sudo tee /etc/hostkeeper/hostkeeper.toml",
            "make a first configuration",
        )],
        exits: &[(0, "printed"), FILES, USAGE],
        notes: &["Writes nothing but its output. Looks at Compose projects, disks, bcache, Postgres, frpc and GPUs."],
    },
    Page {
        verb: "reload",
        examples: &[("hostkeeper config check && hostkeeper reload", "only what was checked")],
        exits: &[
            (0, "read again"),
            (1, "failed"),
            (2, "wrong usage, or not allowed"),
            NO_DAEMON,
            (78, "bad: the old one stays in force"),
        ],
        notes: &["Needs root."],
    },
    Page {
        verb: "metrics",
        examples: &[
            ("hostkeeper metrics --once", "what Prometheus would read"),
            ("hostkeeper metrics --once --collect meminfo", "one collector"),
            ("hostkeeper metrics --check", "strictly"),
        ],
        exits: &[
            (0, "printed; checked and good"),
            (1, "failed, or the check found something"),
            USAGE,
            UNREAD,
            BAD_CONFIG,
        ],
        notes: &[DIRECT],
    },
    Page {
        verb: "support-bundle",
        examples: &[("hostkeeper support-bundle --output /tmp/hk.tar.gz", "to this file")],
        exits: &[(0, "written; what could not be had is named in it"), (1, "could not be written"), USAGE],
        notes: &[
            "Holds status, plan, doctor, history, metrics, effective configuration and versions. What looks like a secret is masked; the environment of containers is never read. The file may be read by its owner only. Look into it before you send it.",
        ],
    },
    Page {
        verb: "completion",
        examples: &[("hostkeeper completion bash | sudo tee /etc/bash_completion.d/hostkeeper", "install it")],
        exits: &[(0, "printed"), USAGE],
        notes: &[],
    },
    Page {
        verb: "man",
        examples: &[
            ("hostkeeper man plan | man -l -", "read a page"),
            ("hostkeeper man | sudo tee /usr/local/share/man/man8/hostkeeper.8", "install the first"),
        ],
        exits: &[(0, "printed"), (2, "wrong usage, or no such verb")],
        notes: &[],
    },
];

/// What is said of `verb`.
pub fn page_of(verb: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.verb == verb)
}

/// Files that every page names, and what for.
pub const FILES_NAMED: &[(&str, &str)] = &[
    ("/etc/hostkeeper/hostkeeper.toml, /etc/hostkeeper/conf.d/*.toml", "the configuration"),
    ("/var/lib/hostkeeper", "the state: ledger and lock"),
    ("/run/hostkeeper/hostkeeper.sock", "the daemon's socket: root orders, group hostkeeper reads"),
];

/// Environment variables that every verb heeds.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("HOSTKEEPER_CONFIG", "the configuration file, as --config"),
    ("HOSTKEEPER_STATE", "the state directory, as --state"),
    ("HOSTKEEPER_SOCKET", "the socket, as --socket"),
    ("NO_COLOR", "when set and not empty: no colours"),
    ("COLUMNS", "width of the output when it is not a terminal (80 without it)"),
    ("TZ", "time zone of the times shown to people; JSON has UTC"),
];
