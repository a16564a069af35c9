//! `completion`: the shell's script, made from the command itself.

use super::super::args::{CompletionArgs, Shell};
use super::super::command::command;
use super::super::desk::Desk;
use super::super::failure::{DONE, Failure};

/// Prints the script.
pub fn run(desk: &mut Desk<'_>, args: &CompletionArgs) -> Result<u8, Failure> {
    let shell = match args.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "hostkeeper", &mut script);
    desk.out().page(&script)?;
    Ok(DONE)
}
