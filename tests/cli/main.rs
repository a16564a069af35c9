//! The command line against canned answers, and the program itself against a scripted agent behind a real socket: what
//! is printed, what is refused, with which exit code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests say what they expect with them")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod audit;
mod bundle;
mod canned;
mod errors;
mod fix;
mod golden;
mod hostile;
mod limits;
mod orders;
mod pages;
mod program;
mod reclaim;
mod screen;
#[path = "../scripted/agent.rs"]
mod scripted;
mod served;
mod storage;
