//! Parameters in the query string of Elasticsearch's API. Those that mean nothing here are accepted and passed over.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use vigie_app::ingest::{IngestOptions, PipelineChoice};
use vigie_app::kept_indices;
use vigie_app::pipelines::Pipelines;
use vigie_domain::Error;

use super::indices::definitions;
use crate::http::error::{ApiResult, Problem};
use crate::http::state::AppState;
use crate::http::views::parameters::log_type;

/// What `refresh` may say. Whatever it says, what is acknowledged is found.
const REFRESH_VALUES: [&str; 4] = ["", "true", "false", "wait_for"];

/// What every call may say: how the answer is written.
const COMMON: [&str; 7] = ["pretty", "human", "error_trace", "source", "source_content_type", "filter_path", "format"];

/// The value of that name in a query string that no handler has read yet; of one that is sent twice, the last counts.
pub(super) fn last_of(query: Option<&str>, name: &str) -> Option<String> {
    let uri: Uri = format!("/?{}", query?).parse().ok()?;
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&uri).ok()?;
    pairs.into_iter().rev().find(|(sent, _)| sent == name).map(|(_, value)| value)
}

/// The parameters of a request by name; of one that is sent twice, the last counts.
pub struct Params(HashMap<String, String>);

impl Params {
    /// Those of a test.
    #[cfg(test)]
    pub(super) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether the parameter is there and says yes: with no value, or `true`.
    pub fn is_on(&self, name: &str) -> bool {
        matches!(self.get(name), Some("" | "true"))
    }

    /// Refuses a parameter that is neither in the list nor one of every call.
    ///
    /// # Errors
    /// `Malformed`, naming it.
    pub fn check(&self, known: &[&str]) -> ApiResult<()> {
        let is_unknown = |name: &&String| !known.contains(&name.as_str()) && !COMMON.contains(&name.as_str());
        match self.0.keys().filter(is_unknown).min() {
            None => Ok(()),
            Some(name) => {
                let words = format!("request contains unrecognized parameter: [{name}]");
                Err(Error::malformed_field(name.as_str(), words).into())
            }
        }
    }

    /// How events of a writing request are to be read.
    ///
    /// # Errors
    /// `Malformed` for a `refresh` or a log type that does not exist; `Unavailable` when definitions cannot be read.
    pub async fn ingest_options(&self, state: &AppState) -> ApiResult<IngestOptions> {
        if let Some(refresh) = self.get("refresh").filter(|refresh| !REFRESH_VALUES.contains(refresh)) {
            let words = format!("unknown value for refresh: [{refresh}]; use true, false or wait_for");
            return Err(Error::malformed_field("refresh", words).into());
        }
        let log_type = log_type(self.get("log_type").map(str::to_owned))?;
        let pipeline = match self.get("pipeline") {
            None | Some("") => PipelineChoice::Default,
            Some("_none") => PipelineChoice::NoStages,
            Some(name) => PipelineChoice::Named(name.to_owned()),
        };
        let made_indices = Arc::new(kept_indices::made(&definitions(state).await?));
        let (any_time, require_alias) = (self.is_on("any_time"), self.is_on("require_alias"));
        Ok(IngestOptions { log_type, any_time, idempotency_key: None, pipeline, made_indices, require_alias })
    }

    /// What this request names that is not done here, in words for its sender.
    pub fn warning(&self, pipelines: &Pipelines) -> Option<&'static str> {
        let named = self.get("pipeline").filter(|name| !name.is_empty() && *name != "_none");
        named
            .filter(|name| !pipelines.has(name))
            .map(|_| "there is no file of the ingest pipeline that was named; events went through that of all events")
    }
}

/// The names that stand in the path, with commas between them; empty where the route has no place for any, which means all.
pub struct NamesInPath(pub String);

impl<S: Send + Sync> FromRequestParts<S> for NamesInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Option::<Path<String>>::from_request_parts(parts, state).await {
            Ok(names) => Ok(Self(names.map(|Path(names)| names).unwrap_or_default())),
            Err(rejection) => Err(Error::malformed(format!("the path is wrong: {}", rejection.body_text())).into()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<HashMap<String, String>>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => {
                Err(Error::malformed(format!("the query string is wrong: {}", rejection.body_text())).into())
            }
        }
    }
}
