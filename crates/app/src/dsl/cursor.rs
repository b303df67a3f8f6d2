//! Ids of scrolls and of points in time: they hold all that it takes to go on, so that nothing is kept between two pages.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use vigie_domain::{Error, Result, Value};

/// Bytes of the id of a scroll at most: it holds the whole request.
const SCROLL_BYTES_MAX: usize = 256 * 1024;

/// Where a scroll stands: all that it takes to go on, so that nothing is kept between two pages.
#[derive(Deserialize, Serialize)]
pub(super) struct Scroll {
    pub(super) indices: String,
    pub(super) body: Map<String, Json>,
    pub(super) opened_at_ns: i64,
    pub(super) after: Option<(i64, u64)>,
    /// What the last event is put in order by, unless that is time alone.
    #[serde(default)]
    pub(super) values: Vec<Value>,
    pub(super) total: Option<u64>,
}

/// A point in time: events that were accepted later are not seen.
#[derive(Deserialize, Serialize)]
pub(super) struct PointInTime {
    pub(super) indices: String,
    pub(super) opened_at_ns: i64,
}

/// The id that stands for it.
///
/// # Errors
/// `Malformed` when the request within is too long.
pub(super) fn encode(state: &impl Serialize) -> Result<String> {
    let bytes =
        serde_json::to_vec(state).map_err(|error| Error::internal(format!("a place could not be written: {error}")))?;
    if bytes.len() > SCROLL_BYTES_MAX {
        return Err(Error::malformed_field("scroll", "the request is too long to be gone on with; make it shorter"));
    }
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What an id stands for.
///
/// # Errors
/// `Malformed` when it was not made here.
pub(super) fn decode<T: for<'de> Deserialize<'de>>(id: &str, field: &str) -> Result<T> {
    let bytes = URL_SAFE_NO_PAD.decode(id).ok().filter(|bytes| bytes.len() <= SCROLL_BYTES_MAX);
    let state = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    state.ok_or_else(|| {
        Error::malformed_field(field, format!("Cannot parse {field}: it was not made by Vigie; begin again without it"))
    })
}
