//! What is let through, looked at or refused whatever rules say.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::fraud::ListQuestion;

use super::Routes;
use super::api_keys::DeleteParams;
use super::fraud::desk;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, JsonBody, PathParams, QueryParams};
use crate::http::state::AppState;
use crate::http::views::fraud_lists::{ListEntriesView, ListEntryRequest, ListEntryView, effect_named, kind_named};
use crate::http::views::parameters::{ListParams, said};

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/fraud/lists", Permission::LogsRead, list_entries)
        .post("/api/fraud/lists", Permission::FraudDecide, add_entry)
        .delete("/api/fraud/lists/{id}", Permission::FraudDecide, remove_entry)
        .document(FraudListsApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(list_entries, add_entry, remove_entry))]
struct FraudListsApi;

/// Which entries.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct EntriesParams {
    /// Of this kind alone.
    pub kind: Option<String>,
    /// With this effect alone.
    pub effect: Option<String>,
    /// With this text in value or note.
    pub q: Option<String>,
}

/// Entries of lists, the latest first.
#[utoipa::path(get, path = "/api/fraud/lists", tag = "fraud", params(EntriesParams, ListParams), responses(
    (status = 200, description = "a page of them", body = ListEntriesView),
    (status = 400, description = "the cursor cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "kind, effect or limit are wrong", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn list_entries(
    State(state): State<AppState>,
    QueryParams(asked): QueryParams<EntriesParams>,
    QueryParams(list): QueryParams<ListParams>,
) -> ApiResult<JsonAnswer<ListEntriesView>> {
    let question = ListQuestion {
        kind: said(asked.kind).as_deref().map(kind_named).transpose()?,
        effect: said(asked.effect).as_deref().map(effect_named).transpose()?,
        text: said(asked.q),
    };
    Ok(JsonAnswer(desk(&state)?.lists.list(&question, &list.into()).await?.into()))
}

/// Lists something; it is in force when this answers. Block beats allow, allow beats review and every rule.
#[utoipa::path(post, path = "/api/fraud/lists", tag = "fraud", request_body = ListEntryRequest, responses(
    (status = 201, description = "the entry", body = ListEntryView),
    (status = 409, description = "it is listed already, lists are full, or fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the value is none of its kind, may never be stored, or is past; `errors` names which", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn add_entry(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(request): JsonBody<ListEntryRequest>,
) -> ApiResult<(StatusCode, JsonAnswer<ListEntryView>)> {
    let draft = request.into_draft((state.clock)())?;
    let added = desk(&state)?.lists.add(&caller.account, draft).await?;
    Ok((StatusCode::CREATED, JsonAnswer(added.into())))
}

/// Takes an entry off its list.
#[utoipa::path(delete, path = "/api/fraud/lists/{id}", tag = "fraud",
    params(("id" = String, Path, description = "names the entry"), DeleteParams), responses(
    (status = 200, description = "the entry that was taken off, or with `dry_run` would be", body = ListEntryView),
    (status = 404, description = "there is no such entry", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn remove_entry(
    State(state): State<AppState>,
    PathParams(id): PathParams<String>,
    QueryParams(params): QueryParams<DeleteParams>,
) -> ApiResult<JsonAnswer<ListEntryView>> {
    let lists = &desk(&state)?.lists;
    let removed = if params.dry_run { lists.get(&id).await? } else { lists.remove(&id).await? };
    Ok(JsonAnswer(removed.into()))
}
