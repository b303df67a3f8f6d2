//! The binary: hands arguments and streams to the command line, and its outcome to the system.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use vigie_server::cli::{Console, run_in_process};

/// Memory that queries and merges took goes back to the system within seconds; the system's own allocator keeps it in an
/// arena of each thread. `.cargo/config.toml` has its settings.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let err_is_terminal = io::stderr().is_terminal();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut err = io::stderr();
    let outcome = run_in_process(std::env::args_os(), &mut Console::new(&mut out, &mut err, err_is_terminal));
    // A reader that has gone away, as `head` does, has taken what it wanted.
    let _ = out.flush();
    ExitCode::from(outcome.exit_code())
}
