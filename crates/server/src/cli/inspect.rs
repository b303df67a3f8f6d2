//! `vigie inspect`: what lies in the parts of the logs, and what a query would have to read of them.

use clap::Args;
use vigie_domain::query::{self, Query};
use vigie_domain::time::parse_expression;
use vigie_domain::{TimeRange, Timestamp};

use super::{Console, Failure, FolderArguments, Outcome};
use crate::config::Settings;
use crate::wire::care::{self, Inspection, PartPlan, PartView};
use crate::wire::clock;

const EXAMPLES: &str = "\
Events in memory are not looked at. A server may run meanwhile; a part that it merges away is then missing.

Examples:
  vigie inspect --data /var/lib/vigie
  vigie inspect transaction-0000002a.parquet
  vigie inspect --query 'message:gateway AND level:error' --from now-1d";

/// What to look at.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct InspectArguments {
    /// A part by the end of its path; its columns are shown.
    part: Option<String>,
    /// Say how much of each part this query reads, and what leaves out the rest.
    #[arg(long, value_name = "TEXT")]
    query: Option<String>,
    /// First instant of the query: RFC 3339, "2026-11-23 14:00", "now-15m" or a UNIX time.
    #[arg(long, value_name = "TIME", requires = "query")]
    from: Option<String>,
    /// First instant past its end.
    #[arg(long, value_name = "TIME", requires = "query")]
    to: Option<String>,
    /// One JSON object per part and line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) folder: FolderArguments,
}

pub(super) fn run(
    arguments: &InspectArguments,
    settings: &Settings,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let now = clock()();
    let query = arguments.query.as_deref().map(|text| parse_query(text, now)).transpose()?;
    let instant =
        |text: &Option<String>, otherwise| text.as_deref().map_or(Ok(otherwise), |text| parse_time(text, now));
    let range =
        TimeRange { from: instant(&arguments.from, Timestamp::MIN)?, to: instant(&arguments.to, Timestamp::MAX)? };
    let asked = Inspection { part: arguments.part.as_deref(), query: query.as_ref(), range };
    let parts = care::inspect(settings, &asked)?;
    for part in &parts {
        if arguments.json {
            let text = serde_json::to_string(part).map_err(|error| Failure::failed(error.to_string()))?;
            console.line(&text)?;
        } else {
            show(part, console)?;
        }
    }
    if !arguments.json {
        let events: u64 = parts.iter().map(|part| part.event_count).sum();
        let (bytes, index_bytes) =
            parts.iter().fold((0, 0), |(bytes, index), part| (bytes + part.size_bytes, index + part.index_bytes));
        console
            .note(&format!("{events} events in {} parts: {bytes} bytes, indexes {index_bytes} bytes", parts.len()))?;
    }
    Ok(Outcome::Done)
}

fn parse_query(text: &str, now: Timestamp) -> Result<Query, Failure> {
    let query = query::parse(text).map_err(|error| Failure::misused(error.message))?;
    query.resolved(now).map_err(|error| Failure::misused(error.to_string()))
}

fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    parse_expression(text, now).map_err(|error| Failure::misused(error.to_string()))
}

fn show(part: &PartView, console: &mut Console<'_>) -> std::io::Result<()> {
    let small = if part.is_recompressed { ", rewritten small" } else { "" };
    console.line(&format!(
        "{}: {} events from {} to {}, {} bytes, index {} bytes{small}",
        part.part, part.event_count, part.first, part.last, part.size_bytes, part.index_bytes
    ))?;
    for column in &part.columns {
        let filter = column.false_positive_share.map_or_else(String::new, |share| {
            format!("; filter {} bytes, wrongly yes in {:.2} %", column.filter_bytes, share * 100.0)
        });
        console.line(&format!(
            "  {:<24} {:>10} bytes of {:>10} plain, {}{filter}",
            column.name, column.size_bytes, column.plain_bytes, column.encoding
        ))?;
    }
    part.plan.as_ref().map_or(Ok(()), |plan| show_plan(plan, console))
}

fn show_plan(plan: &PartPlan, console: &mut Console<'_>) -> std::io::Result<()> {
    let all = plan.page_count;
    console.line(&format!("  its time leaves {} of {all} pages", plan.pages_in_time))?;
    for clause in &plan.clauses {
        let what = if clause.pages == all { "the index leaves out none for" } else { "words and values leave" };
        let count = if clause.pages == all { String::new() } else { format!(" {} for", clause.pages) };
        console.line(&format!("  {what}{count} {}", clause.clause))?;
    }
    let read =
        if plan.pages_read == 0 { "nothing of it is read".to_owned() } else { format!("{} are read", plan.pages_read) };
    console.line(&format!("  in all: {read}"))
}
