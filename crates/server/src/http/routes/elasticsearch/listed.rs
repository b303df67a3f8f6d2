//! The indices that names mean, as tables and statistics list them: daily ones, those that clients made, and names that events were sent
//! under, if they are asked for one by one.

use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use vigie_app::kept_indices::{Names, aliases_of, is_set};
use vigie_app::kept_objects::KeptObject;
use vigie_domain::ports::SegmentInfo;

use super::indices::definitions;
use super::params::Params;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::state::AppState;

/// An index with its events.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) events_count: u64,
    /// Bytes on disk. Events that were sent under another name lie among those of their days, and have none of their own.
    pub(super) bytes: Option<u64>,
    /// What holds them; none where they lie among those of their days.
    pub(super) segments: Vec<SegmentInfo>,
}

/// The indices that the names mean, in the order of their names.
pub(super) async fn listed(state: &AppState, caller: &Caller, names: &str, params: &Params) -> ApiResult<Vec<Listed>> {
    let asked = Names::of(names);
    let mut found = Vec::new();
    for index in state.search.indices(&caller.scope).await? {
        let name = index.day.index_name();
        if asked.mean(&name) {
            let (events_count, bytes) = (index.events_count(), Some(index.bytes()));
            found.push(Listed { name, events_count, bytes, segments: index.segments });
        }
    }
    let defined = definitions(state).await?;
    let is_alias = |name: &str| defined.iter().filter_map(aliases_of).any(|aliases| aliases.contains_key(name));
    let made = defined.iter().filter(|index| is_shown(index, names, params)).map(|index| index.name.as_str());
    let sent = asked.single().filter(|name| !is_alias(name));
    let counts = state.dsl.sent_counts(&caller.scope).await?;
    for name in made.chain(sent) {
        let events_count = counts.get(name).copied().unwrap_or_default();
        let is_there = events_count > 0 || defined.iter().any(|index| index.name == name);
        if is_there && !found.iter().any(|known| known.name == name) {
            let bytes = (events_count == 0).then_some(0);
            found.push(Listed { name: name.to_owned(), events_count, bytes, segments: Vec::new() });
        }
    }
    found.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(found)
}

/// Whether an index that was made is meant, by its name or an alias. Hidden ones must be asked for.
fn is_shown(index: &KeptObject, names: &str, params: &Params) -> bool {
    let asked = Names::of(names);
    let shows_hidden =
        params.get("expand_wildcards").is_some_and(|text| text.contains("all") || text.contains("hidden"));
    let is_named = |name: &str| asked.single().any(|single| single == name);
    let is_dotted = |name: &str| name.starts_with('.') && names.split(',').any(|name| name.starts_with('.'));
    let is_meant = |name: &str, hides: bool| {
        asked.mean(name) && (!hides || shows_hidden || is_named(name) || is_dotted(name) || is_named(&index.name))
    };
    let by_alias = || {
        aliases_of(index)
            .into_iter()
            .flatten()
            .any(|(alias, said)| is_meant(alias, said.get("is_hidden").and_then(Json::as_bool).unwrap_or(false)))
    };
    is_meant(&index.name, is_hidden(index)) || (asked.are_named() && by_alias())
}

fn is_hidden(index: &KeptObject) -> bool {
    is_set(&index.body, "hidden")
}

/// What an index is known by beside its name: 22 signs made of it.
pub(super) fn index_uuid(name: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&Sha256::digest(name.as_bytes())[..16])
}
