//! Single events by their id: `_doc`, `_source`, `_mget`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::dsl::{self, Looked, SourceFilter, several_indices};
use vigie_app::kept_indices::field_types;
use vigie_app::kept_objects::KeptObject;
use vigie_domain::Error;
use vigie_domain::ports::Hit;

use super::error::Failure;
use super::indices::{definitions, no_such_index};
use super::params::Params;
use super::search::{object_of, source_asked};
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// Documents of one `_mget`.
const DOCUMENTS_MAX: usize = 1_000;
/// Of an event there is one version.
const VERSION: &str = "1";
/// Parameters of reading one document.
const READING_PARAMS: [&str; 10] = [
    "preference",
    "realtime",
    "refresh",
    "routing",
    "stored_fields",
    "version",
    "version_type",
    "_source",
    "_source_includes",
    "_source_excludes",
];

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let read = Permission::LogsRead;
    routes
        .get("/elasticsearch/{index}/_doc/{id}", read, document)
        .get("/elasticsearch/{index}/_source/{id}", read, source)
        .get("/elasticsearch/_mget", read, all_documents)
        .post("/elasticsearch/_mget", read, all_documents)
        .get("/elasticsearch/{index}/_mget", read, documents)
        .post("/elasticsearch/{index}/_mget", read, documents)
}

/// What is shown of a document.
#[derive(Clone)]
struct Shown {
    source: SourceFilter,
    /// Fields that are shown beside it, where their mapping says that they are stored.
    stored_fields: Vec<String>,
}

impl Shown {
    /// As `_source` and `stored_fields` of an object say.
    fn read(object: &Map<String, Json>) -> ApiResult<Self> {
        let stored = dsl::stored_fields(object)?;
        let source = match object.get("_source") {
            None => SourceFilter::beside(stored.as_deref()),
            said => SourceFilter::read(said)?,
        };
        Ok(Self { source, stored_fields: stored.unwrap_or_default() })
    }

    /// As the query string says.
    fn asked(params: &Params) -> ApiResult<Self> {
        params.check(&READING_PARAMS)?;
        let mut object = Map::new();
        if let Some(names) = params.get("stored_fields") {
            object.insert("stored_fields".to_owned(), names.split(',').map(Json::from).collect());
        }
        object.extend(source_asked(params).map(|source| ("_source".to_owned(), source)));
        Self::read(&object)
    }

    /// The document, whose index has one of these definitions.
    fn of(&self, hit: &Hit, known: &[KeptObject]) -> Json {
        let types = field_types(known, &dsl::index_of(hit));
        let fields = types.stored(self.stored_fields.iter().map(String::as_str));
        dsl::document(hit, &self.source, &fields)
    }
}

fn conflict(id: &str, asked: &str) -> String {
    format!("[{id}]: version conflict, current version [{VERSION}] is different than the one provided [{asked}]")
}

async fn document(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams((index, id)), params): (PathParams<(String, String)>, Params),
) -> ApiResult<Response> {
    let (shown, known) = (Shown::asked(&params)?, definitions(&state).await?);
    Ok(match state.dsl.look(&caller.scope, &index, &id, &known).await? {
        Looked::Found(_) if params.get("version").is_some_and(|version| version != VERSION) => {
            let reason = conflict(&id, params.get("version").unwrap_or_default());
            Failure::new(StatusCode::CONFLICT, "version_conflict_engine_exception", reason).into_response()
        }
        Looked::Found(hit) => JsonAnswer(shown.of(&hit, &known)).into_response(),
        Looked::NoDocument => {
            let answer = json!({"_index": index, "_id": id, "found": false});
            (StatusCode::NOT_FOUND, JsonAnswer(answer)).into_response()
        }
        Looked::NoIndex => no_such_index(&index),
        Looked::Several(indices) => return Err(Error::malformed(several_indices(&index, &indices)).into()),
    })
}

async fn source(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams((index, id)), params): (PathParams<(String, String)>, Params),
) -> ApiResult<Response> {
    let (shown, known) = (Shown::asked(&params)?, definitions(&state).await?);
    Ok(match state.dsl.look(&caller.scope, &index, &id, &known).await? {
        Looked::Found(hit) => JsonAnswer(shown.of(&hit, &known)["_source"].take()).into_response(),
        Looked::NoDocument => {
            let reason = format!("Document not found [{index}]/[{id}]");
            Failure::new(StatusCode::NOT_FOUND, "resource_not_found_exception", reason).into_response()
        }
        Looked::NoIndex => no_such_index(&index),
        Looked::Several(indices) => return Err(Error::malformed(several_indices(&index, &indices)).into()),
    })
}

async fn all_documents(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    body: Bytes,
) -> ApiResult<Response> {
    get_many(&state, &caller, None, &params, &body).await
}

async fn documents(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(index), params): (PathParams<String>, Params),
    body: Bytes,
) -> ApiResult<Response> {
    get_many(&state, &caller, Some(&index), &params, &body).await
}

/// One document that is asked for.
struct Asked {
    index: String,
    id: String,
    shown: Shown,
}

async fn get_many(
    state: &AppState,
    caller: &Caller,
    index: Option<&str>,
    params: &Params,
    body: &[u8],
) -> ApiResult<Response> {
    let (default, object) = (Shown::asked(params)?, object_of(body)?);
    let asked = match asked(&object, index, &default)? {
        Ok(asked) => asked,
        Err(problems) => {
            let numbered = problems.iter().enumerate().map(|(at, problem)| format!(" {}: {problem};", at + 1));
            let reason = format!("Validation Failed:{}", numbered.collect::<String>());
            let kind = "action_request_validation_exception";
            return Ok(Failure::new(StatusCode::BAD_REQUEST, kind, reason).into_response());
        }
    };
    let known = definitions(state).await?;
    let mut documents = Vec::with_capacity(asked.len());
    for Asked { index, id, shown } in asked {
        let failed = |kind: &str, reason: String| {
            let cause = json!({"type": kind, "reason": reason, "index": index});
            let mut error = cause.clone();
            error["root_cause"] = json!([cause]);
            json!({"_index": index, "_id": id, "error": error})
        };
        documents.push(match state.dsl.look(&caller.scope, &index, &id, &known).await? {
            Looked::Found(hit) => shown.of(&hit, &known),
            Looked::NoDocument => json!({"_index": index, "_id": id, "found": false}),
            Looked::NoIndex => failed("index_not_found_exception", format!("no such index [{index}]")),
            Looked::Several(indices) => failed("illegal_argument_exception", several_indices(&index, &indices)),
        });
    }
    Ok(JsonAnswer(json!({ "docs": documents })).into_response())
}

/// The documents that a body names, or what its items lack.
fn asked(body: &Map<String, Json>, index: Option<&str>, default: &Shown) -> ApiResult<Result<Vec<Asked>, Vec<String>>> {
    if let Some(unknown) = body.keys().find(|key| !matches!(key.as_str(), "docs" | "ids")) {
        return Err(Error::malformed_field("body", format!("unknown key [{unknown}]; use [docs] or [ids]")).into());
    }
    let list = |key: &str| body.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let (docs, ids) = (list("docs"), list("ids"));
    if docs.len() + ids.len() > DOCUMENTS_MAX {
        let words =
            format!("{} documents are more than {DOCUMENTS_MAX}; send several requests", docs.len() + ids.len());
        return Err(Error::malformed_field("docs", words).into());
    }
    let (mut wanted, mut problems) = (Vec::new(), Vec::new());
    for (at, json) in docs.iter().enumerate() {
        let own = json.get("_index").and_then(Json::as_str).or(index);
        let id = json.get("_id").and_then(id_of);
        if own.is_none() {
            problems.push(format!("index is missing for doc {at}"));
        }
        if id.is_none() {
            problems.push(format!("id is missing for doc {at}"));
        }
        let object = checked(json)?;
        if let (Some(own), Some(id)) = (own, id) {
            let says_own = object.contains_key("_source") || object.contains_key("stored_fields");
            let shown = if says_own { Shown::read(object)? } else { default.clone() };
            wanted.push(Asked { index: own.to_owned(), id, shown });
        }
    }
    for json in ids {
        let id =
            id_of(json).ok_or_else(|| Error::malformed_field("ids", "[ids] must be a list of texts or numbers"))?;
        match index {
            Some(index) => wanted.push(Asked { index: index.to_owned(), id, shown: default.clone() }),
            None => problems.push(format!("index is missing for id [{id}]")),
        }
    }
    if docs.is_empty() && ids.is_empty() {
        problems.push("no documents to get".to_owned());
    }
    Ok(if problems.is_empty() { Ok(wanted) } else { Err(problems) })
}

/// A document of an `_mget`, unless it says what none does, or what is not done here.
fn checked(json: &Json) -> ApiResult<&Map<String, Json>> {
    let object = json.as_object().ok_or_else(|| Error::malformed_field("docs", "each of [docs] must be an object"))?;
    for key in object.keys() {
        let words = match key.as_str() {
            "_index" | "_id" | "_source" | "stored_fields" | "routing" => continue,
            "version" | "version_type" => format!("[{key}] is not done here: of an event there is one version"),
            other => format!("unknown key [{other}]; use [_index], [_id], [_source], [stored_fields] and [routing]"),
        };
        return Err(Error::malformed_field("docs", words).into());
    }
    Ok(object)
}

fn id_of(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}
