//! The arguments of `storage` and what its pages say. Data only.

use clap::{Args, Subcommand};

use super::pages::{Exit, Page};
use crate::daemon::check_file_mode;
use crate::values::{Bytes, Every};

#[derive(Debug, Args)]
#[command(subcommand_value_name = "WHAT", subcommand_help_heading = "What")]
pub struct StorageArgs {
    #[command(subcommand)]
    pub what: Option<StorageVerb>,
}

#[derive(Debug, Subcommand)]
pub enum StorageVerb {
    /// Show tiers: their disks, room, and what is wrong
    Tier(NameArgs),
    /// Show declared directories
    Dir(NameArgs),
    /// Show pools and their members
    Pool(NameArgs),
    /// Show clean rules: what each lets go now, or why nothing
    Clean(NameArgs),
    /// Empty a member of a pool: its files go to the others
    Drain(MemberArgs),
    /// Let a drained member take files again
    Undrain(MemberArgs),
    /// Look at pools now, and move what is due
    Balance(BalanceArgs),
    /// Say how a pool stands: counts, what is left alone and why, why nothing moves
    Diagnostics(DiagnosticsArgs),
    /// Measure how fast a tier is, on a scratch file that vanishes by itself
    Bench(BenchArgs),
    /// Give a declared directory, and what is in it, the declared owner and mode
    Fix(FixArgs),
    /// Show what Docker holds that nothing uses; remove what is named
    Reclaim(ReclaimArgs),
    /// Make example files in a member, to watch the balancer; or remove them
    Stress(StressArgs),
}

#[derive(Debug, Args)]
pub struct NameArgs {
    /// Only this one
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

#[derive(Debug, Args)]
pub struct MemberArgs {
    /// The pool: project/pool, or its name alone where that is clear
    #[arg(value_name = "POOL")]
    pub pool: String,
    /// The member: the name of a declared directory
    #[arg(value_name = "MEMBER")]
    pub member: String,
}

#[derive(Debug, Args)]
pub struct BalanceArgs {
    /// The pool; without it: all
    #[arg(value_name = "POOL")]
    pub pool: Option<String>,
    /// Go on without a pause until it is balanced, whatever max_moves says
    #[arg(long)]
    pub now: bool,
    /// Only say what would be moved
    #[arg(long, conflicts_with = "now")]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct DiagnosticsArgs {
    /// The pool; without it: all
    #[arg(value_name = "POOL")]
    pub pool: Option<String>,
}

#[derive(Debug, Args)]
pub struct StressArgs {
    /// The pool
    #[arg(value_name = "POOL")]
    pub pool: String,
    /// The member in which the files are made
    #[arg(long, value_name = "MEMBER", required_unless_present = "clean")]
    pub member: Option<String>,
    /// How many files
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub files: u32,
    /// How large each is
    #[arg(long, value_name = "SIZE", default_value = "4KiB", value_parser = parse_size)]
    pub size: Bytes,
    /// Balance the pool afterwards, at once
    #[arg(long)]
    pub balance: bool,
    /// Remove every example file of the pool, and nothing else
    #[arg(long, conflicts_with_all = ["member", "balance"])]
    pub clean: bool,
}

#[derive(Debug, Args)]
pub struct FixArgs {
    /// The directory: project/directory, or its name alone where that is clear
    #[arg(value_name = "DIR")]
    pub dir: String,
    /// Also everything below it: directories and files get the owner, directories the mode
    #[arg(short, long)]
    pub recursive: bool,
    /// Give files below it this mode; without it the mode of files is left alone
    #[arg(long, value_name = "MODE", requires = "recursive", value_parser = check_file_mode)]
    pub file_mode: Option<String>,
    /// Only count and show what would be changed
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct ReclaimArgs {
    /// Remove this: a class (dangling, images, cache, containers, volumes), an id, or a name; without it nothing is removed
    #[arg(value_name = "WHAT")]
    pub what: Vec<String>,
    /// Only what is labelled with this Compose project
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<String>,
    /// Have Docker asked now; a removal always does
    #[arg(long)]
    pub fresh: bool,
    /// List everything, not only the largest
    #[arg(long)]
    pub all: bool,
    /// Only show what would be removed
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct BenchArgs {
    /// The tier
    #[arg(value_name = "TIER")]
    pub tier: String,
    /// Size of the scratch file; all of it must fit beside the space that must remain free
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = parse_bench_size)]
    pub size: Bytes,
    /// How long writing, and then reading, may go on
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_limit)]
    pub limit: Every,
}

fn parse_bench_size(text: &str) -> Result<Bytes, String> {
    let size = parse_size(text)?;
    let fits = (16 << 20..=64 << 30).contains(&size.0);
    if fits { Ok(size) } else { Err("use 16MiB to 64GiB".to_owned()) }
}

fn parse_limit(text: &str) -> Result<Every, String> {
    let limit = text.parse::<Every>().map_err(|error| format!("{}; {}", error.what, error.cure))?;
    let fits = (1..=60).contains(&limit.0.as_secs());
    if fits { Ok(limit) } else { Err("use 1s to 60s".to_owned()) }
}

fn parse_size(text: &str) -> Result<Bytes, String> {
    text.parse::<Bytes>().map_err(|error| format!("{}; {}", error.what, error.cure))
}

const USAGE: Exit = (2, "wrong usage, or no such pool or member");
const UNREAD: Exit = (3, "could not be checked: the daemon may not be asked by this user, or did not answer");
const READS: &[Exit] = &[
    (0, "shown, also when there are problems"),
    (1, "failed"),
    USAGE,
    UNREAD,
    (78, "no daemon, and the configuration is bad"),
];
const ORDERS: &[Exit] = &[
    (0, "done, or begun"),
    (1, "failed"),
    (2, "wrong usage, no such pool or member, or refused: the mode is observe or warn, the kill switch is there"),
    (3, "no daemon, or it may not be asked by this user, or it did not answer"),
];
const WAITS: &str = "On a terminal it waits and shows how it goes on; Ctrl-C ends the waiting, not the work. What was begun goes on after a restart of the daemon.";

const fn reads(verb: &'static str, examples: &'static [(&'static str, &'static str)]) -> Page {
    Page { verb, examples, exits: READS, notes: &[] }
}

pub const STORAGE: Page = reads(
    "storage",
    &[
        ("hostkeeper storage", "tiers, directories, pools and clean rules"),
        ("hostkeeper storage pool zkdemo/uploads", "one pool"),
        ("hostkeeper storage --json | jq .pools", "for programs"),
    ],
);
pub const TIER: Page = reads("storage tier", &[("hostkeeper storage tier ssd", "one tier")]);
pub const DIR: Page = reads("storage dir", &[("hostkeeper storage dir", "every declared directory")]);
pub const POOL: Page = reads("storage pool", &[("hostkeeper storage pool uploads", "one pool with its members")]);
pub const CLEAN: Page = Page {
    verb: "storage clean",
    examples: &[
        ("hostkeeper storage clean", "every rule: what it matches, and what goes with its next step"),
        ("hostkeeper storage clean wxlibrary/old-logs", "one rule"),
    ],
    exits: READS,
    notes: &[
        "Only shows. Files are deleted by rounds in mode enforce, at most 1000 in a step, or by hostkeeper apply; what was deleted is in hostkeeper history --kind delete.",
    ],
};
pub const DRAIN: Page = Page {
    verb: "storage drain",
    examples: &[("hostkeeper storage drain zkdemo/uploads zk2", "empty zk2 before its disk is changed")],
    exits: ORDERS,
    notes: &[WAITS],
};
pub const UNDRAIN: Page = Page {
    verb: "storage undrain",
    examples: &[("hostkeeper storage undrain zkdemo/uploads zk2", "zk2 takes files again")],
    exits: ORDERS,
    notes: &[],
};
pub const BALANCE: Page = Page {
    verb: "storage balance",
    examples: &[
        ("hostkeeper storage balance --dry-run", "what would be moved, in every pool"),
        ("hostkeeper storage balance zkdemo/uploads --now", "until it is balanced"),
    ],
    exits: ORDERS,
    notes: &[WAITS],
};
pub const DIAGNOSTICS: Page =
    reads("storage diagnostics", &[("hostkeeper storage diagnostics uploads --json", "for programs")]);
pub const BENCH: Page = Page {
    verb: "storage bench",
    examples: &[("hostkeeper storage bench ssd", "sequential write and random read, beside what is expected")],
    exits: &[
        (0, "measured; not slower than 85 % of what is expected"),
        (1, "slower than that, or it could not be measured"),
        (2, "wrong usage"),
        (78, "the configuration is bad"),
    ],
    notes: &[
        "Writes blocks of 1 MiB in sequence, then reads blocks of 4 KiB at random, one at a time, past the page cache, on a file without a name: nothing is left, however it ends. It is refused where the file would take space that must remain free.",
        "It loads the disk while it runs: up to --limit for writing and again for reading.",
    ],
};
pub const FIX: Page = Page {
    verb: "storage fix",
    examples: &[
        ("hostkeeper storage fix athena/postgres --recursive --dry-run", "how many entries are not as declared"),
        ("hostkeeper storage fix athena/postgres --recursive", "show that, ask, and mend them"),
        ("hostkeeper storage fix wxlibrary/media -r --file-mode 0640 --yes", "the mode of files, too"),
    ],
    exits: &[
        (0, "everything is as declared, or was only counted"),
        (1, "failed, or something could not be changed: it is named"),
        (2, "wrong usage, no such directory, not confirmed, or the kill switch is there"),
        (3, "no daemon, or it may not be asked by this user, or it did not answer"),
        (78, "the configuration is bad"),
    ],
    notes: &[
        "Touches directories and regular files only. No symlink is followed or changed, no other file system is entered, and a file of several names is left alone, because another of its names may lie outside. Set-id bits are taken off where the mode says so, and never added below the directory itself.",
        "Goes in parts of 5000 changes, each in hostkeeper history; it may be broken off and given again. There is no way back: what was before is not kept.",
        "It is a person's order, so it is done in every mode, also in observe.",
    ],
};
pub const RECLAIM: Page = Page {
    verb: "storage reclaim",
    examples: &[
        ("hostkeeper storage reclaim", "what Docker holds that nothing uses, by class and size"),
        ("hostkeeper storage reclaim images --project wxlibrary --dry-run", "what would be removed"),
        ("hostkeeper storage reclaim dangling cache", "show them, ask, and remove them"),
        ("hostkeeper storage reclaim 3f2a9c81d0e4 --yes", "one thing of the list"),
    ],
    exits: &[
        (0, "shown, or removed"),
        (1, "something was not removed: it is named"),
        (2, "wrong usage, nothing of that name, not confirmed, or the kill switch is there"),
        (3, "no daemon, it may not be asked by this user, or Docker did not say what it holds"),
    ],
    notes: &[
        "Nothing is removed unless it is named here. Each thing is looked at again right before: what a container uses, running or not, is left, and so is an image that got another name in between. A volume that has a name is never removed; nothing is removed by force. Each removal is in hostkeeper history.",
        "An image counts as unused when no container was made of it, nor of one that had its name: also one that a project needs when it is brought up again after `compose down`. What a removal frees is what no other image shares.",
        "Logs without a bound are only listed: a bound in Compose cures them for good.",
        "It is a person's order, so it is done in every mode, also in observe.",
    ],
};
pub const STRESS: Page = Page {
    verb: "storage stress",
    examples: &[
        ("hostkeeper storage stress uploads --member zk1 --files 300 --size 4KiB --balance", "watch it balance"),
        ("hostkeeper storage stress uploads --clean", "remove the example files"),
    ],
    exits: ORDERS,
    notes: &["Example files are called hostkeeper-example-LABEL-NUMBER.txt; only such files are removed."],
};
