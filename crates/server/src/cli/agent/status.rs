//! `vigie agent status`: how far each source was read and sent, and what is wrong.

use std::path::Path;

use vigie_agent::{AgentState, SourceState, is_in_use};

use super::super::output::printable;
use super::super::{Console, Failure, Outcome};

/// Characters of a journal's cursor that are shown.
const POSITION_SHOWN: usize = 24;

pub(super) fn show(folder: &Path, is_json: bool, console: &mut Console<'_>) -> Result<Outcome, Failure> {
    let shown = folder.display();
    let state = AgentState::load(folder)
        .map_err(|error| Failure::failed(format!("the state in \"{shown}\" cannot be read: {error}")))?
        .ok_or_else(|| Failure::failed(format!("no agent has ever used \"{shown}\"; name its folder with --data")))?;
    if is_json {
        let text = serde_json::to_string(&state).map_err(|error| Failure::failed(error.to_string()))?;
        console.line(&text)?;
        return Ok(Outcome::Done);
    }
    let running = if is_in_use(folder) {
        format!("runs as process {}", state.process_id)
    } else {
        format!("does not run; it did at {}", state.written_at)
    };
    console.line(&format!("agent \"{}\" {running}", printable(&state.name)))?;
    let problem = state.sending_problem.as_deref().map_or_else(String::new, |words| format!(": {}", printable(words)));
    let sending = if state.sending_problem.is_some() { "cannot send" } else { "sends" };
    console.line(&format!("  {sending} to {}{problem}", printable(&state.url)))?;
    console.line(&format!(
        "  {} events wait ({} bytes); the buffer takes {} of {} bytes",
        state.waiting_count, state.waiting_bytes, state.spool_bytes, state.spool_bytes_max
    ))?;
    if state.set_aside_count > 0 {
        let file = folder.join("spool/set-aside.ndjson");
        console.line(&format!("  {} records were set aside in {}", state.set_aside_count, file.display()))?;
    }
    if state.damaged_bytes > 0 {
        console.line(&format!("  {} bytes of the buffer were damaged and are set aside", state.damaged_bytes))?;
    }
    for source in &state.sources {
        show_source(source, console)?;
    }
    Ok(Outcome::Done)
}

fn show_source(source: &SourceState, console: &mut Console<'_>) -> std::io::Result<()> {
    let gone = if source.is_gone { " (gone)" } else { "" };
    console.line(&format!("{}{gone}", printable(&source.name)))?;
    if source.read_count > 0 || !source.position.is_empty() {
        let position: String = source.position.chars().take(POSITION_SHOWN).collect();
        let position = if position.is_empty() { String::new() } else { format!("position {position}, ") };
        console.line(&format!(
            "  {position}{} events read ({} bytes), {} sent, {} wait ({} bytes)",
            source.read_count, source.read_bytes, source.sent_count, source.waiting_count, source.waiting_bytes
        ))?;
    }
    if let Some(problem) = &source.problem {
        console.line(&format!("  last error: {}", printable(problem)))?;
    }
    Ok(())
}
