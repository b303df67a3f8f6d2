//! `vigie import`: stores the events of files, in a running server or straight in the data folder.

mod direct;
mod progress;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::demand::ReadingArguments;
use super::remote::{OutgoingFile, Remote};
use super::{Console, Failure, FolderArguments, Outcome, RemoteArguments};
use crate::config::{Environment, Settings};
use crate::http::views::uploads::UploadView;
use direct::Direct;
use progress::Progress;

const EXAMPLES: &str = "\
A file that was stored before is recognised by its content and stores nothing, unless --again is given.

Examples:
  vigie import access.log.gz orders.ndjson
  vigie import --url http://127.0.0.1:8642 --any-time shop.json         (token in VIGIE_TOKEN)
  vigie import --type transaction --map InvoiceNo=transaction_id,Country=country \\
        --time-field InvoiceDate --any-time online_retail.csv";

/// How long to wait before asking again whether a long import is done.
const POLL_PAUSE: Duration = Duration::from_millis(500);

/// What to store, and where.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ImportArguments {
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: ReadingArguments,
    /// One JSON object per file and line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) folder: FolderArguments,
    #[command(flatten)]
    remote: RemoteArguments,
}

/// What became of a file: the upload, as the API answers it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    file_id: String,
    filename: String,
    format: Option<String>,
    state: String,
    duplicate_of_earlier: bool,
    records_processed: u64,
    records_rejected: u64,
    records_deduplicated: u64,
    log_types: serde_json::Map<String, serde_json::Value>,
    first_timestamp: Option<String>,
    last_timestamp: Option<String>,
    rejects: Vec<RejectedRecord>,
    rejects_url: Option<String>,
    error: Option<String>,
}

/// A record that no event could be made of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RejectedRecord {
    line: u64,
    reason: String,
}

/// Rejected records that are shown of each file.
const SHOWN_REJECTS_MAX: usize = 5;

pub(super) fn run(
    arguments: &ImportArguments,
    settings: &Settings,
    environment: &Environment,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::Done;
    let destination = Destination::open(arguments, settings, environment)?;
    for file in &arguments.files {
        let one = destination.import(file, &arguments.reading, console).and_then(|report| {
            let is_whole = report.records_rejected == 0;
            show(&report, arguments.json, console)?;
            match report.error {
                Some(error) => Err(Failure::failed(format!("\"{}\": {error}", file.display()))),
                None => Ok(if is_whole { Outcome::Done } else { Outcome::DoneInPart }),
            }
        });
        // One file that fails does not keep the others out.
        let one = one.unwrap_or_else(|failure| console.show_failure(&failure));
        outcome = worse(outcome, one);
    }
    if let Destination::Direct(direct) = &destination {
        direct.finish();
    }
    Ok(outcome)
}

/// Where the events go.
enum Destination {
    Remote(Remote),
    Direct(Direct),
}

impl Destination {
    fn open(arguments: &ImportArguments, settings: &Settings, environment: &Environment) -> Result<Self, Failure> {
        match Remote::from_arguments(&arguments.remote, environment)? {
            Some(remote) => Ok(Self::Remote(remote)),
            None => Direct::open(settings).map(Self::Direct),
        }
    }

    fn import(&self, path: &Path, reading: &ReadingArguments, console: &Console<'_>) -> Result<Report, Failure> {
        match self {
            Self::Remote(remote) => import_remotely(remote, path, reading, console),
            Self::Direct(direct) => direct.import(path, reading, console),
        }
    }
}

impl Report {
    fn of(upload: vigie_app::uploads::Upload) -> Result<Self, Failure> {
        let view = serde_json::to_value(UploadView::from(upload));
        let report = view.and_then(serde_json::from_value);
        report.map_err(|error| Failure::failed(format!("the record of the import cannot be shown: {error}")))
    }
}

fn worse(one: Outcome, other: Outcome) -> Outcome {
    let weight = |outcome: Outcome| match outcome {
        Outcome::Done => 0,
        Outcome::DoneInPart => 1,
        Outcome::Misused => 2,
        Outcome::Failed => 3,
        Outcome::Damaged => 4,
    };
    if weight(other) > weight(one) { other } else { one }
}

/// The name, size and content of a file to import.
fn open(path: &Path) -> Result<(String, u64, File), Failure> {
    let shown = path.display();
    let fail = |error: std::io::Error| Failure::failed(format!("\"{shown}\" cannot be read: {error}"));
    let file = File::open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    if metadata.is_dir() {
        return Err(Failure::failed(format!("\"{shown}\" is a folder; name the files in it")));
    }
    let name = path.file_name().map_or_else(|| shown.to_string(), |name| name.to_string_lossy().into_owned());
    Ok((name, metadata.len(), file))
}

fn import_remotely(
    remote: &Remote,
    path: &Path,
    reading: &ReadingArguments,
    console: &Console<'_>,
) -> Result<Report, Failure> {
    let (name, size_bytes, content) = open(path)?;
    let progress = Progress::begin(&name, size_bytes, console.is_watched());
    let file = OutgoingFile { name, size_bytes, content: progress.count(content) };
    let sent = remote.post_file::<Report>("/api/logs/upload", &reading.query_parameters(), file);
    let finished = sent.and_then(|(_, mut report)| {
        while report.state == "running" {
            progress.wait(format!("{} records stored", report.records_processed));
            pause();
            report = remote.get_json(&format!("/api/logs/uploads/{}", report.file_id))?;
        }
        Ok(report)
    });
    progress.end();
    finished
}

/// A command line has nothing else to do meanwhile.
#[expect(clippy::disallowed_methods, reason = "the server offers no way to wait for the end of an import")]
fn pause() {
    std::thread::sleep(POLL_PAUSE);
}

fn show(report: &Report, is_json: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    if is_json {
        let line = serde_json::to_string(report).map_err(|error| Failure::failed(error.to_string()))?;
        return Ok(console.line(&line)?);
    }
    let name = super::output::printable(&report.filename);
    if report.duplicate_of_earlier {
        let stored = report.records_processed;
        console.line(&format!("{name}: stored before ({stored} records); nothing stored again, --again would"))?;
        return Ok(());
    }
    let types: Vec<String> = report.log_types.iter().map(|(log_type, count)| format!("{count} {log_type}")).collect();
    let mut words = format!(
        "{name}: {} records stored ({}), {} rejected, {} stored before",
        report.records_processed,
        types.join(", "),
        report.records_rejected,
        report.records_deduplicated
    );
    if let (Some(first), Some(last)) = (&report.first_timestamp, &report.last_timestamp) {
        words.push_str(&format!("; from {first} to {last}"));
    }
    console.line(&words)?;
    for reject in report.rejects.iter().take(SHOWN_REJECTS_MAX) {
        console.note(&format!("  line {}: {}", reject.line, super::output::printable(&reject.reason)))?;
    }
    let hidden = report.records_rejected.saturating_sub(report.rejects.len().min(SHOWN_REJECTS_MAX) as u64);
    if hidden > 0 {
        console.note(&format!("  and {hidden} more rejected records"))?;
    }
    Ok(())
}
