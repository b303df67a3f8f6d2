//! `vigie config`: the settings in force, and whether they are right.

use clap::{Args, Subcommand};

use super::{Console, Failure, Flag, FolderArguments, Outcome};
use crate::config::{Layer, Settings};

/// What about the settings.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  vigie config show\n  vigie config check --config /etc/vigie.toml")]
pub(super) struct ConfigArguments {
    #[command(subcommand)]
    action: ConfigAction,
}

#[derive(Debug, Subcommand)]
enum ConfigAction {
    /// Print every setting in force, what it means and where it comes from: file, environment or flag.
    Show {
        #[command(flatten)]
        folder: FolderArguments,
        /// As JSON instead of TOML.
        #[arg(long)]
        json: bool,
    },
    /// Say whether the settings can be used.
    Check,
}

impl ConfigArguments {
    pub(super) fn flags(&self) -> Vec<Flag> {
        match &self.action {
            ConfigAction::Show { folder, .. } => folder.flags(),
            ConfigAction::Check => Vec::new(),
        }
    }
}

/// Settings that are wrong have failed before, while they were loaded.
pub(super) fn run(
    arguments: &ConfigArguments,
    settings: &Settings,
    layers: &Layer,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    match &arguments.action {
        ConfigAction::Show { json: true, .. } => {
            let text = serde_json::to_string_pretty(settings).map_err(|error| Failure::failed(error.to_string()))?;
            console.line(&text)?;
        }
        ConfigAction::Show { json: false, .. } => console.write(&layers.explained())?,
        ConfigAction::Check => console.line("the settings are right")?,
    }
    Ok(Outcome::Done)
}
