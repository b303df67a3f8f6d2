//! `vigie query`: finds events, newest first; a table for people, one JSON object per line for programs.

mod direct;
mod sql;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::remote::Remote;
use super::{Console, Failure, FolderArguments, Outcome, RemoteArguments, event_row};
use crate::config::{Environment, Settings};
use direct::Direct;

const EXAMPLES: &str = "\
Examples:
  vigie query 'level:error AND service:payment' --from now-1h
  vigie query 'amount>100 NOT status:paid' --json --limit 1000 | jq ._source.transaction_id
  vigie query --sql 'SELECT service, count(*) FROM error GROUP BY service ORDER BY 2 DESC'
  VIGIE_TOKEN=… vigie query '\"connection refused\"' --url http://127.0.0.1:8642";

/// Events of one answer, as the API bounds them.
const PAGE_EVENTS_MAX: usize = 1_000;
/// Events in all that one command prints.
const LIMIT_MAX: u64 = 10_000_000;

/// What to find.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct QueryArguments {
    /// What events must match, such as 'level:error AND amount>100'; empty for all. With --sql: the statement.
    text: String,
    /// Answer SQL that only reads: the view logs, and one per log type.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    sql: bool,
    /// First instant: RFC 3339, "2026-11-23 14:00", "now-15m" or a UNIX time.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// First instant past the end.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// How many events at most; rows, up to 10,000, with --sql.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=LIMIT_MAX))]
    limit: u64,
    /// One JSON object per event and line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) folder: FolderArguments,
    #[command(flatten)]
    remote: RemoteArguments,
}

/// One page of events, as the API answers it.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    hits: Vec<Json>,
    total: Option<u64>,
    next_cursor: Option<String>,
}

/// What one page is asked for with.
#[derive(Debug, Serialize)]
pub(super) struct Question<'a> {
    #[serde(rename = "query")]
    text: &'a str,
    #[serde(rename = "date_from")]
    from: Option<&'a str>,
    #[serde(rename = "date_to")]
    to: Option<&'a str>,
    size: usize,
    cursor: Option<&'a str>,
}

pub(super) fn run(
    arguments: &QueryArguments,
    settings: &Settings,
    environment: &Environment,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let remote = Remote::from_arguments(&arguments.remote, environment)?;
    if arguments.sql {
        let question = sql::Statement { query: &arguments.text, limit: arguments.limit };
        let answer = match remote {
            Some(remote) => remote.post_json("/api/search/sql", &question)?,
            None => Direct::open(settings)?.sql(&question)?,
        };
        return sql::show(&answer, arguments.json, console);
    }
    match remote {
        Some(remote) => show(arguments, console, |question| remote.post_json("/api/logs/search", question)),
        None => {
            let direct = Direct::open(settings)?;
            show(arguments, console, |question| direct.search(question))
        }
    }
}

/// Asks page by page until there is enough, and prints.
fn show(
    arguments: &QueryArguments,
    console: &mut Console<'_>,
    ask: impl Fn(&Question<'_>) -> Result<Page, Failure>,
) -> Result<Outcome, Failure> {
    let mut shown = 0;
    let mut cursor: Option<String> = None;
    let mut total = None;
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    while shown < limit {
        let page = ask(&Question {
            text: &arguments.text,
            from: arguments.from.as_deref(),
            to: arguments.to.as_deref(),
            size: (limit - shown).min(PAGE_EVENTS_MAX),
            cursor: cursor.as_deref(),
        })?;
        total = total.or(page.total);
        shown += page.hits.len();
        for hit in &page.hits {
            let line = if arguments.json { hit.to_string() } else { event_row::row(hit) };
            console.line(&line)?;
        }
        cursor = page.next_cursor;
        if cursor.is_none() || page.hits.is_empty() {
            break;
        }
    }
    if !arguments.json {
        let total = total.map_or_else(String::new, |total| format!(" of {total} that match"));
        console.note(&format!("{shown} events{total}"))?;
    }
    Ok(Outcome::Done)
}
