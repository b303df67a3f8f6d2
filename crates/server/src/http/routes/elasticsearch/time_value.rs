//! Parameters that are spans of time.

use std::time::Duration;

use vigie_domain::Error;

use super::params::Params;
use crate::http::error::ApiResult;

/// The span that a parameter names, if it is there.
///
/// # Errors
/// `Malformed`, naming the parameter, for what is no span of time.
pub(super) fn time_value(params: &Params, name: &str) -> ApiResult<Option<Duration>> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let words = || {
        format!(
            "failed to parse setting [{name}] with value [{text}] as a time value: use a whole number with nanos, micros, ms, s, m, h or d"
        )
    };
    vigie_app::time_value::time_value(text).map(Some).ok_or_else(|| Error::malformed_field(name, words()).into())
}
