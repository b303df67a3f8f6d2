//! Query parameters that several routes have, and how their texts are read.

use serde::Deserialize;
use vigie_app::analytics::AnalyticsInput;
use vigie_app::listing::ListRequest;
use vigie_app::time_range::{AskedRange, RangeNames};

use super::logs::TimeText;
use vigie_domain::{Error, LogType, Result};

/// Which page of a list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// How many, 50 unless said, at most 200.
    pub limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl From<ListParams> for ListRequest {
    fn from(params: ListParams) -> Self {
        Self { limit: params.limit, cursor: said(params.cursor) }
    }
}

/// A time range.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RangeParams {
    /// First instant: RFC 3339, `2026-11-23 14:00`, `now-15m` or a UNIX time. Also `date_from`.
    #[serde(alias = "date_from", alias = "start_date")]
    pub from: Option<String>,
    /// First instant past the range, in the same forms. Also `date_to`.
    #[serde(alias = "date_to", alias = "end_date")]
    pub to: Option<String>,
}

impl From<RangeParams> for AskedRange {
    fn from(params: RangeParams) -> Self {
        asked_range(params.from, params.to)
    }
}

/// Which events of when, in spans of which length.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct AnalyticsParams {
    /// First instant; a day before `end_date` when left out. Also `from`, `date_from`.
    #[serde(alias = "from", alias = "date_from")]
    pub start_date: Option<String>,
    /// First instant past the range; now when left out. Also `to`, `date_to`.
    #[serde(alias = "to", alias = "date_to")]
    pub end_date: Option<String>,
    /// Which events; all when left out.
    pub query: Option<String>,
    /// `hourly`, `daily`, `weekly` or `monthly`; what suits the range when left out.
    #[param(example = "hourly")]
    pub granularity: Option<String>,
    /// Whose clocks say when a span begins: a name or an offset; UTC when left out.
    #[param(example = "Europe/Paris")]
    pub timezone: Option<String>,
}

impl From<AnalyticsParams> for AnalyticsInput {
    fn from(params: AnalyticsParams) -> Self {
        Self {
            query: params.query.unwrap_or_default(),
            range: AskedRange { names: RangeNames::StartEnd, ..asked_range(params.start_date, params.end_date) },
            granularity: said(params.granularity),
            timezone: said(params.timezone),
        }
    }
}

/// The range between two texts; an empty one says nothing.
pub fn asked_range(from: Option<String>, to: Option<String>) -> AskedRange {
    AskedRange { from: said(from), to: said(to), names: RangeNames::FromTo }
}

/// The range that a body asks for by `date_from` and `date_to`.
pub fn asked_dates(from: Option<TimeText>, to: Option<TimeText>) -> AskedRange {
    AskedRange { names: RangeNames::Dates, ..asked_range(from.map(String::from), to.map(String::from)) }
}

/// The text, unless it is blank.
pub fn said(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// The log type that a parameter names.
///
/// # Errors
/// `Invalid` when there is no such type.
pub fn log_type(text: Option<String>) -> Result<Option<LogType>> {
    let Some(text) = said(text) else { return Ok(None) };
    text.parse()
        .map(Some)
        .map_err(|error: vigie_domain::log_type::UnknownLogType| Error::invalid_field("log_type", error.to_string()))
}
