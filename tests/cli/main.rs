//! The command line against canned answers: what is printed, what is refused, with which exit code.

mod bundle;
mod canned;
mod errors;
mod golden;
mod hostile;
mod orders;
mod pages;
