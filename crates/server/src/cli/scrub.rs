//! `vigie scrub`: compares every byte of the logs with its checksum and names what is damaged.

use clap::Args;

use super::{Console, Failure, FolderArguments, Outcome};
use crate::config::Settings;
use crate::wire::care::{self, ScrubMode, ScrubReport};

const EXAMPLES: &str = "\
Stop the server first: the data folder is locked meanwhile. Nothing is changed without --set-aside.
With it, damaged parts are moved to the folder \"logs/damaged\", so that everything else can be searched again;
a damaged index is moved there alone, its part is then read whole. Restore them from a backup if there is one.

Exit codes: 0 everything is as it was written, 4 something is damaged.

Examples:
  vigie scrub --data /var/lib/vigie
  vigie scrub --data /var/lib/vigie --json | jq .damaged
  vigie scrub --data /var/lib/vigie --set-aside";

/// What to look at.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ScrubArguments {
    #[command(flatten)]
    pub(super) folder: FolderArguments,
    /// Move damaged parts and indexes out of the way.
    #[arg(long)]
    set_aside: bool,
    /// The report as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    arguments: &ScrubArguments,
    settings: &Settings,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let mode = if arguments.set_aside { ScrubMode::SetAside } else { ScrubMode::Look };
    let report = care::scrub(settings, mode)?;
    if arguments.json {
        let text = serde_json::to_string(&report).map_err(|error| Failure::failed(error.to_string()))?;
        console.line(&text)?;
    } else {
        show(&report, console)?;
    }
    Ok(if report.is_clean() { Outcome::Done } else { Outcome::Damaged })
}

fn show(report: &ScrubReport, console: &mut Console<'_>) -> std::io::Result<()> {
    for damaged in &report.damaged {
        let places: Vec<String> =
            damaged.places.iter().map(|place| format!("byte {} ({} bytes)", place.byte, place.length_bytes)).collect();
        let at = if places.is_empty() { String::new() } else { format!(", at {}", places.join(", ")) };
        console.line(&format!("damaged: {}{at}: {}", damaged.file, damaged.what))?;
        let lost = damaged.lost_events.map_or_else(|| "an unknown number of".to_owned(), |lost| lost.to_string());
        let of = match (&damaged.day, damaged.log_type) {
            (Some(day), Some(log_type)) => format!(" of {day}, {log_type}"),
            _ => String::new(),
        };
        console.line(&format!("         {lost} events lost, {} doubtful{of}", damaged.doubtful_events))?;
    }
    for file in &report.set_aside {
        console.line(&format!("set aside: logs/{file}"))?;
    }
    console.note(&format!(
        "{} events in {} parts ({} bytes) and {} events in {} log records: {}",
        report.event_count,
        report.part_count,
        report.size_bytes,
        report.log_event_count,
        report.log_record_count,
        if report.is_clean() { "all as written" } else { "something is damaged" }
    ))?;
    if report.unverified_part_count > 0 {
        let count = report.unverified_part_count;
        console
            .note(&format!("{count} parts have no checksums: all that is known of them is that they can be decoded"))?;
    }
    if !report.unlisted.is_empty() {
        let count = report.unlisted.len();
        console.note(&format!("{count} files belong to no part; the next start removes them"))?;
    }
    Ok(())
}
