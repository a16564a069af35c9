//! The arguments of `limits` and what its pages say. Data only.

use clap::{Args, Subcommand, ValueEnum};

use super::pages::{Exit, Page};

#[derive(Debug, Args)]
#[command(subcommand_value_name = "WHAT", subcommand_help_heading = "What", args_conflicts_with_subcommands = true)]
pub struct LimitsArgs {
    /// Only this project
    pub project: Option<String>,
    #[command(subcommand)]
    pub what: Option<LimitsVerb>,
}

#[derive(Debug, Subcommand)]
pub enum LimitsVerb {
    /// Print a Compose override with the limits of a project, and its way into its slice
    Export(ExportArgs),
    /// Print reservations and limits as TOML, from what services have needed
    Suggest(SuggestArgs),
    /// Take back what was set: of one project, or of all; stops nothing
    Release(ReleaseArgs),
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The project
    pub project: String,
}

#[derive(Debug, Args)]
pub struct SuggestArgs {
    /// Only this project; without it all
    pub project: Option<String>,
}

#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// Only this project; without it all
    pub project: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct ParkArgs {
    /// The project
    pub project: String,
    /// What may be stopped: optional, or standard for both
    #[arg(long, value_enum, default_value = "optional")]
    pub tier: ParkTier,
    /// Only say what would be stopped, what it uses, and what stays
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct UnparkArgs {
    /// The project
    pub project: String,
    /// Only say what would be started
    #[arg(long, short = 'n')]
    pub dry_run: bool,
}

/// What may be parked. Core never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ParkTier {
    Optional,
    Standard,
}

const PARK_EXITS: &[Exit] = &[
    (0, "done, shown, or there was nothing to do"),
    (1, "something was not stopped or started: it is named"),
    (2, "wrong usage, no such project, not confirmed, or the kill switch is there"),
    (3, "no daemon, or it may not be asked by this user, or it did not answer"),
];

pub const PARK: Page = Page {
    verb: "park",
    examples: &[
        ("hostkeeper park nova --dry-run", "what would be stopped, and what it uses now"),
        ("hostkeeper park nova", "show that, ask, stop it, and say what is free now"),
    ],
    exits: PARK_EXITS,
    notes: &[
        "Tiers are declared: [project.NAME] tier, [project.NAME.service.NAME] tier. What is core is never stopped, and nothing that a service which stays depends on (depends_on in Compose). Dependents are stopped before what they depend on.",
        "A container with restart: always comes back when Docker is started again; with unless-stopped it does not.",
        "It is a person's order, so it is done in every mode, also in observe.",
    ],
};

pub const UNPARK: Page = Page {
    verb: "unpark",
    examples: &[("hostkeeper unpark nova", "start again what park, or the host's want of memory, stopped")],
    exits: PARK_EXITS,
    notes: &[
        "Starts in the opposite order. A container that a person stopped, or that was started and has ended since, is left; so is one that was made again.",
        "It is a person's order, so it is done in every mode, also in observe.",
    ],
};

pub const LIMITS: Page = Page {
    verb: "limits",
    examples: &[
        ("hostkeeper limits", "what is declared, what the kernel has, what is used, who guarantees it"),
        ("hostkeeper limits athena", "one project"),
    ],
    exits: super::pages::READS,
    notes: &[
        super::pages::DIRECT,
        "IN FORCE is what the kernel has, not what Docker or systemd say. BY is who guarantees a bound: kernel, agent (looked after and told, not enforced), or none. An envelope is the kernel's when all containers of the project run in its slice.",
    ],
};

pub const EXPORT: Page = Page {
    verb: "limits export",
    examples: &[(
        "hostkeeper limits export athena",
        "print it; written to compose.override.yml beside the Compose file it is used by docker compose up",
    )],
    exits: super::pages::READS,
    notes: &[
        super::pages::DIRECT,
        "A container gets into the slice of its project only when it is made: cgroup_parent says so in Compose. Limits are written as deploy.resources; a Compose file that says mem_limit or cpus itself has to agree with them.",
    ],
};

pub const SUGGEST: Page = Page {
    verb: "limits suggest",
    examples: &[(
        "hostkeeper limits suggest athena",
        "print what would fit, to be looked through and put into a file of conf.d",
    )],
    exits: super::pages::READS,
    notes: &[
        "Once a minute the agent looks what the containers of declared projects need of memory, without the cache that is dropped first, and not while the host is short of memory. A reservation is what sufficed in 95 of 100 looks; a limit is a quarter more than the most that was ever needed, or half as much again as the present one, when the service was at it.",
        "What was seen is kept while the agent runs, and begun anew with it.",
    ],
};

pub const RELEASE: Page = Page {
    verb: "limits release",
    examples: &[
        ("hostkeeper limits release athena", "show what is set, ask, and take it back"),
        ("hostkeeper limits release --yes", "all of it, such as before the package is removed"),
    ],
    exits: &[
        (0, "taken back, or nothing was set"),
        (1, "something could not be taken back: it is named"),
        (2, "wrong usage, not confirmed, or the kill switch is there"),
        (3, "no daemon, or it may not be asked by this user, or it did not answer"),
    ],
    notes: &[
        "Slices lose their properties and the files of them; no slice and no container is stopped. Containers get back what they had before their limits were first set; a memory limit that was none becomes all the memory of the host, because Docker cannot take one back.",
        "What was released is not set again until the configuration is read again (hostkeeper reload) or its limits change.",
        "It is a person's order, so it is done in every mode, also in observe.",
    ],
};
