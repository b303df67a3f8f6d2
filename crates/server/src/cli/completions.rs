//! `vigie completions`: the completion script of a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Console, Failure, Outcome};

/// Which shell.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vigie completions bash > /etc/bash_completion.d/vigie")]
pub(super) struct CompletionsArguments {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(arguments: &CompletionsArguments, console: &mut Console<'_>) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "vigie", &mut script);
    console.out().write_all(&script)?;
    Ok(Outcome::Done)
}
