//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(hostkeeper::cli::run(std::env::args_os(), &hostkeeper::cli::Wired))
}
