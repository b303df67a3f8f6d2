//! The command line: what there is to ask for, and how it is answered. Each command is one file.
//!
//! Commands write to the streams they are given, so that tests can read them, and answer with how it went.

mod agent;
mod backup;
mod completions;
mod demand;
mod event_row;
mod fraud;
mod generate;
mod import;
mod inspect;
mod lifecycle;
mod output;
mod pipeline;
mod query;
mod remote;
mod scrub;
mod serve;
mod settings;
mod tail;
mod user;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tokio::runtime::Runtime;

pub use output::{Console, Failure, Outcome};

use crate::config::{Environment, Settings};

const EXAMPLES: &str = "\
Examples:
  vigie serve --demo                        a generated shop, at http://127.0.0.1:8642
  vigie serve --data /var/lib/vigie --listen 0.0.0.0:8642
  vigie import access.log.gz orders.csv     while no server uses the data folder
  vigie query 'level:error AND service:payment' --from now-1h
  vigie tail level:error                    what is stored from now on, of a running server

Exit codes:
  0  done
  1  failed; the reason is on standard error
  2  wrong arguments or settings
  3  done in part: some input records were rejected, the others are stored
  4  something in the data folder is damaged";

/// Watches an online shop through its logs.
#[derive(Debug, Parser)]
#[command(name = "vigie", version, about, after_help = EXAMPLES, max_term_width = 100, disable_help_subcommand = true)]
pub struct Arguments {
    /// Settings file; without it, "vigie.toml" in the working directory if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take logs in, answer questions about them and show the UI.
    Serve(serve::ServeArguments),
    /// Store the events of files: JSON, CSV, web server logs, syslog, log4j, CEF, logfmt, text, Parquet; gzip, zstd, zip.
    Import(import::ImportArguments),
    /// Read files, the journal or standard input and send them to a server, durably.
    Agent(agent::AgentArguments),
    /// Find events.
    Query(query::QueryArguments),
    /// Show events of a running server as they are stored.
    Tail(tail::TailArguments),
    /// Write the events of a generated shop, one JSON object per line.
    Generate(generate::GenerateArguments),
    /// Measure what the rules of fraud detection are worth.
    Fraud(fraud::FraudArguments),
    /// Try a pipeline on lines before it is in force, or make one of a configuration of Logstash.
    Pipeline(pipeline::PipelineArguments),
    /// Show or check the settings.
    Config(settings::ConfigArguments),
    /// Add users and set new passwords; a running server sees it within a second.
    User(user::UserArguments),
    /// Compare every byte of the logs with its checksum and name what is damaged.
    Scrub(scrub::ScrubArguments),
    /// Copy everything to a folder of backups, also of a running server.
    Backup(backup::BackupArguments),
    /// Make a data folder out of a backup.
    Restore(backup::RestoreArguments),
    /// Show what lies in the parts of the logs, and what a query reads of them.
    Inspect(inspect::InspectArguments),
    /// Say what becomes of each daily index, and hold one so that it is not deleted.
    Lifecycle(lifecycle::LifecycleArguments),
    /// Write the completion script of a shell.
    Completions(completions::CompletionsArguments),
    /// Write the OpenAPI document of the HTTP API.
    #[command(hide = true)]
    Openapi,
}

/// Where events are: a data folder.
#[derive(Clone, Debug, Default, Args)]
pub struct FolderArguments {
    /// Data folder [setting: data.dir].
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Where events are: a running server instead of a data folder.
#[derive(Clone, Debug, Default, Args)]
pub struct RemoteArguments {
    /// Address of a running server, such as http://127.0.0.1:8642; without it, the data folder is opened.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// API key, or access token from POST /api/auth/login, for that server; better given in the variable VIGIE_TOKEN.
    #[arg(long, value_name = "TOKEN", requires = "url")]
    token: Option<String>,
}

/// A flag that is a setting: its key and its value.
type Flag = (&'static str, String);

impl FolderArguments {
    fn flags(&self) -> Vec<Flag> {
        self.data.iter().map(|folder| ("data.dir", folder.display().to_string())).collect()
    }
}

/// Runs what these arguments ask for, in the environment of this process.
pub fn run_in_process(arguments: impl IntoIterator<Item = OsString>, console: &mut Console<'_>) -> Outcome {
    match Environment::of_process() {
        Ok(environment) => run(arguments, &environment, console),
        Err(error) => console.show_failure(&error.into()),
    }
}

/// Runs what these arguments ask for.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
    console: &mut Console<'_>,
) -> Outcome {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return console.show_usage(&error),
    };
    match dispatch(&arguments, environment, console) {
        Ok(outcome) => outcome,
        Err(failure) => console.show_failure(&failure),
    }
}

fn dispatch(arguments: &Arguments, environment: &Environment, console: &mut Console<'_>) -> Result<Outcome, Failure> {
    let load = |flags: Vec<Flag>| Settings::load(arguments.config.as_deref(), environment, &flags);
    match &arguments.command {
        Command::Serve(command) => serve::run(command, &load(command.flags())?, environment, console),
        Command::Import(command) => import::run(command, &load(command.folder.flags())?, environment, console),
        Command::Agent(command) => agent::run(command, arguments.config.as_deref(), environment, console),
        Command::Query(command) => query::run(command, &load(command.folder.flags())?, environment, console),
        Command::Tail(command) => tail::run(command, &load(Vec::new())?, environment, console),
        Command::Generate(command) => generate::run(command, console),
        Command::Fraud(command) => fraud::run(command, &load(Vec::new())?, console),
        Command::Pipeline(command) => pipeline::run(command, &load(Vec::new())?, console),
        Command::Config(command) => {
            let layers = Settings::layers(arguments.config.as_deref(), environment, &command.flags())?;
            settings::run(command, &load(command.flags())?, &layers, console)
        }
        Command::User(command) => user::run(command, &load(command.folder.flags())?, environment, console),
        Command::Scrub(command) => scrub::run(command, &load(command.folder.flags())?, console),
        Command::Backup(command) => backup::back_up(command, &load(command.flags())?, environment, console),
        Command::Restore(command) => backup::restore(command, &load(command.folder.flags())?, console),
        Command::Inspect(command) => inspect::run(command, &load(command.folder.flags())?, console),
        Command::Lifecycle(command) => lifecycle::run(command, &load(command.folder.flags())?, console),
        Command::Completions(command) => completions::run(command, console),
        Command::Openapi => {
            let text = crate::http::openapi::document_text(&crate::http::all_routes())?;
            console.write(&text)?;
            Ok(Outcome::Done)
        }
    }
}

/// As many threads as the machine has cores.
fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Failure::failed(format!("threads could not be started: {error}")))
}
