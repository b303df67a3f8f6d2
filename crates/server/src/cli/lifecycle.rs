//! `vigie lifecycle`: what becomes of each daily index, and holding one so that it is not deleted.

use clap::{Args, Subcommand};
use vigie_domain::Day;
use vigie_domain::time::INDEX_PREFIX;

use super::{Console, Failure, FolderArguments, Outcome};
use crate::config::Settings;
use crate::wire::care::{self, IndexOutlook};

const EXAMPLES: &str = "\
Ages are settings: lifecycle.recompress_after_days and lifecycle.delete_after_days. A server may run meanwhile.

Examples:
  vigie lifecycle explain --data /var/lib/vigie
  vigie lifecycle explain ecommerce-logs-2026.11.23
  vigie lifecycle hold 2026.11.23";

/// What about indices.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct LifecycleArguments {
    #[command(flatten)]
    pub(super) folder: FolderArguments,
    #[command(subcommand)]
    action: LifecycleAction,
}

#[derive(Debug, Subcommand)]
enum LifecycleAction {
    /// Say what happens to an index next, when and why; to all of them unless one is named.
    Explain {
        /// The index, as ecommerce-logs-YYYY.MM.DD or YYYY.MM.DD.
        #[arg(value_parser = parse_index)]
        index: Option<Day>,
        /// One JSON object per index and line.
        #[arg(long)]
        json: bool,
    },
    /// Keep an index from being deleted for its age.
    Hold {
        /// The index, as ecommerce-logs-YYYY.MM.DD or YYYY.MM.DD.
        #[arg(value_parser = parse_index)]
        index: Day,
    },
    /// End a hold.
    Release {
        /// The index, as ecommerce-logs-YYYY.MM.DD or YYYY.MM.DD.
        #[arg(value_parser = parse_index)]
        index: Day,
    },
}

fn parse_index(text: &str) -> Result<Day, String> {
    let day = Day::parse(text.strip_prefix(INDEX_PREFIX).unwrap_or(text));
    day.ok_or_else(|| format!("\"{text}\" is no index; use {INDEX_PREFIX}YYYY.MM.DD or YYYY.MM.DD"))
}

pub(super) fn run(
    arguments: &LifecycleArguments,
    settings: &Settings,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    match &arguments.action {
        LifecycleAction::Explain { index, json } => {
            for outlook in care::explain(settings, *index)? {
                if *json {
                    let text = serde_json::to_string(&outlook).map_err(|error| Failure::failed(error.to_string()))?;
                    console.line(&text)?;
                } else {
                    show(&outlook, console)?;
                }
            }
        }
        LifecycleAction::Hold { index } => {
            care::hold(settings, *index)?;
            console.line(&format!("{} is held: it is not deleted until it is released", index.index_name()))?;
        }
        LifecycleAction::Release { index } => {
            care::release(settings, *index)?;
            console.line(&format!("{} is released: it is deleted once it is old enough", index.index_name()))?;
        }
    }
    Ok(Outcome::Done)
}

fn show(outlook: &IndexOutlook, console: &mut Console<'_>) -> std::io::Result<()> {
    console.line(&format!(
        "{}: {} events in {} parts, {} bytes; first events came {}, its age counts from {}",
        outlook.index,
        outlook.event_count,
        outlook.part_count,
        outlook.size_bytes,
        outlook.created_at,
        outlook.age_from
    ))?;
    if outlook.is_held {
        console.line("  held: it is not deleted until it is released")?;
    }
    for step in &outlook.steps {
        console.line(&format!("  from {} on {}: {}", step.due_at, step.what, step.why))?;
    }
    if outlook.steps.is_empty() {
        console.line("  nothing is done with it")?;
    }
    Ok(())
}
