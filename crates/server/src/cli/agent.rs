//! `vigie agent`: the same binary as a light shipper, which reads files, the journal and standard input and sends them.

mod destination;
mod settings;
mod status;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use vigie_agent::{AgentError, Stop};

use super::{Console, Failure, Outcome};
use crate::config::Environment;
use crate::{logging, wire};
use destination::Server;
use settings::AgentSettings;

const EXAMPLES: &str = "\
What was read is kept in a buffer on disk until the server has stored it; after a crash of either, nothing is
missing and nothing is there twice. Every setting is in the file config/agent.toml.

Examples:
  vigie agent --url https://logs.example.com --token-file /etc/vigie/agent.token '/var/log/nginx/*.log'
  vigie agent --url http://127.0.0.1:8642 --journald=nginx.service,cart.service   (token in VIGIE_TOKEN)
  journal-of-something | vigie agent --url http://127.0.0.1:8642 --stdin --tag service=till
  vigie agent --config /etc/vigie/agent.toml --check
  vigie agent status --data /var/lib/vigie-agent";

/// What to read, and where to send it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct AgentArguments {
    #[command(subcommand)]
    command: Option<AgentCommand>,
    #[command(flatten)]
    flags: AgentFlags,
}

#[derive(Debug, Subcommand)]
enum AgentCommand {
    /// Show how far each source was read and sent, and what is wrong.
    Status(StatusArguments),
}

/// Whose state.
#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// Folder of the agent [setting: data_dir].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The state as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Flags that override settings.
#[derive(Debug, Default, Args)]
pub(super) struct AgentFlags {
    /// Files to follow, or patterns of them in quotes.
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Address of the server [setting: url].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// API key for it; better given in the variable VIGIE_TOKEN or in a file.
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    token: Option<String>,
    /// File that holds the API key [setting: token_file].
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Folder of the agent [setting: data_dir].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Name of this agent [setting: name].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A field of every event, such as environment=production; may be given more than once.
    #[arg(long = "tag", value_name = "FIELD=VALUE")]
    tags: Vec<String>,
    /// Read systemd's journal, of these units or of all.
    #[arg(long, value_name = "UNIT,…", num_args = 0..=1, require_equals = true, value_delimiter = ',', default_missing_value = "")]
    journald: Option<Vec<String>>,
    /// Read standard input.
    #[arg(long)]
    stdin: bool,
    /// Log type of the files' and standard input's events.
    #[arg(long = "type", value_name = "TYPE")]
    log_type: Option<String>,
    /// File with the authorities that sign the server's certificate [setting: ca_file].
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Check the settings and start nothing.
    #[arg(long)]
    check: bool,
}

pub(super) fn run(
    arguments: &AgentArguments,
    config: Option<&Path>,
    environment: &Environment,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    if let Some(AgentCommand::Status(command)) = &arguments.command {
        let folder = match &command.data {
            Some(folder) => folder.clone(),
            None => AgentSettings::load(config)?.data_dir,
        };
        return status::show(&folder, command.json, console);
    }
    let flags = &arguments.flags;
    let settings = AgentSettings::load(config)?.with(flags)?;
    let spec = settings.to_spec()?;
    let server = Server::new(&settings, settings.token(flags, environment)?)?;
    if flags.check {
        if let Some(journald) = &spec.journald {
            journald.check().map_err(Failure::failed)?;
        }
        console.line(&format!("the agent \"{}\" can be started; it would send to {}", spec.name, spec.url))?;
        return Ok(Outcome::Done);
    }
    logging::start(&settings.log)?;
    let stop = Arc::new(Stop::default());
    stop_on_signal(&stop)?;
    tracing::info!(name = spec.name, url = spec.url, folder = %spec.folder.display(), "the agent begins");
    vigie_agent::run(spec, Box::new(server), wire::clock(), &stop)?;
    console.note("the agent has stopped; what it has not sent is in its buffer")?;
    Ok(Outcome::Done)
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        Self::failed(error.to_string())
    }
}

/// A thread of its own waits for the signal: the agent needs no other part of the runtime.
fn stop_on_signal(stop: &Arc<Stop>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::failed(format!("signals cannot be waited for: {error}")))?;
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        runtime.block_on(super::serve::wait_for_signal());
        tracing::info!("told to stop");
        stop.set();
    });
    Ok(())
}
