//! Searches that people keep: saved ones and the latest they ran.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::searches::{SearchDraft, SearchKeeper};

use super::Routes;
use super::api_keys::DeleteParams;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, JsonBody, PathParams, QueryParams};
use crate::http::idempotency::{self, Turn};
use crate::http::state::AppState;
use crate::http::views::parameters::ListParams;
use crate::http::views::searches::{
    ChangeSearchRequest, DeletedSearchView, ForgottenSearchesView, RecentSearchesView, SaveSearchRequest,
    SavedSearchView, SavedSearchesView,
};

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .post("/api/logs/search/save", Permission::SearchesKeep, save_search)
        .get("/api/logs/search/saved", Permission::SearchesKeep, list_saved)
        .get("/api/logs/search/saved/{id}", Permission::SearchesKeep, get_saved)
        .put("/api/logs/search/saved/{id}", Permission::SearchesKeep, change_saved)
        .delete("/api/logs/search/saved/{id}", Permission::SearchesKeep, delete_saved)
        .get("/api/logs/search/recent", Permission::SearchesKeep, list_recent)
        .delete("/api/logs/search/recent", Permission::SearchesKeep, forget_recent)
        .document(SearchesApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(save_search, list_saved, get_saved, change_saved, delete_saved, list_recent, forget_recent))]
struct SearchesApi;

/// The caller as one who keeps searches.
pub(super) fn keeper(caller: &Caller) -> SearchKeeper {
    SearchKeeper::of(&caller.scope.tenant, &caller.account)
}

/// Saves a search under a name, for yourself or shared with others.
#[utoipa::path(post, path = "/api/logs/search/save", tag = "logs", request_body = SaveSearchRequest, responses(
    (status = 201, description = "the saved search", body = SavedSearchView),
    (status = 400, description = "the query cannot be read; `errors` names the place", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "you have one of that name, or as many as there may be", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "name or content are wrong; `errors` names which", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn save_search(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(request): JsonBody<SaveSearchRequest>,
) -> ApiResult<Response> {
    let key = idempotency::key(&headers)?;
    let draft = SearchDraft::from(request);
    let content = format!("{draft:?}");
    let question = idempotency::question(&caller, "POST /api/logs/search/save", key.as_deref(), &[content.as_bytes()]);
    let open = match Turn::of(&state, question)? {
        Turn::Answered(kept) => return Ok(idempotency::replay(kept)),
        Turn::ToAnswer(open) => open,
    };
    let saved = state.saved_searches.save(&keeper(&caller), draft).await?;
    Ok(idempotency::answer(open, StatusCode::CREATED, JsonAnswer(SavedSearchView::from(saved)).to_bytes()?))
}

/// Your saved searches and those that others share, latest saved first.
#[utoipa::path(get, path = "/api/logs/search/saved", tag = "logs", params(ListParams), responses(
    (status = 200, description = "a page of searches", body = SavedSearchesView),
    (status = 400, description = "the cursor cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the limit is out of its bounds", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn list_saved(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<ListParams>,
) -> ApiResult<JsonAnswer<SavedSearchesView>> {
    Ok(JsonAnswer(state.saved_searches.list(&keeper(&caller), &params.into()).await?.into()))
}

/// A saved search that you see.
#[utoipa::path(get, path = "/api/logs/search/saved/{id}", tag = "logs",
    params(("id" = String, Path, description = "id of the search")), responses(
    (status = 200, description = "the search", body = SavedSearchView),
    (status = 404, description = "there is no such search, or it is somebody else's and not shared", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn get_saved(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> ApiResult<JsonAnswer<SavedSearchView>> {
    Ok(JsonAnswer(state.saved_searches.get(&keeper(&caller), &id).await?.into()))
}

/// Changes a saved search of yours, as an admin any that is shared. It must still have the version that you read.
#[utoipa::path(put, path = "/api/logs/search/saved/{id}", tag = "logs", request_body = ChangeSearchRequest,
    params(("id" = String, Path, description = "id of the search")), responses(
    (status = 200, description = "the search as it is now", body = SavedSearchView),
    (status = 400, description = "the query cannot be read; `errors` names the place", body = ProblemView, content_type = "application/problem+json"),
    (status = 404, description = "there is no such search, or it is somebody else's and not shared", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "it has another version, which `errors` tells, or its owner has one of that name", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "name or content are wrong; `errors` names which", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn change_saved(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    JsonBody(request): JsonBody<ChangeSearchRequest>,
) -> ApiResult<JsonAnswer<SavedSearchView>> {
    let version = request.version;
    let changed = state.saved_searches.change(&keeper(&caller), (&id, version), request.into()).await?;
    Ok(JsonAnswer(changed.into()))
}

/// Deletes a saved search of yours, as an admin any that is shared.
#[utoipa::path(delete, path = "/api/logs/search/saved/{id}", tag = "logs",
    params(("id" = String, Path, description = "id of the search"), DeleteParams), responses(
    (status = 200, description = "the search that was deleted, or with `dry_run` would be", body = DeletedSearchView),
    (status = 404, description = "there is no such search, or it is somebody else's and not shared", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn delete_saved(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    QueryParams(params): QueryParams<DeleteParams>,
) -> ApiResult<JsonAnswer<DeletedSearchView>> {
    let keeper = keeper(&caller);
    let search = if params.dry_run {
        state.saved_searches.owned(&keeper, &id).await?
    } else {
        state.saved_searches.delete(&keeper, &id).await?
    };
    Ok(JsonAnswer(DeletedSearchView { dry_run: params.dry_run, search: search.into() }))
}

/// The searches that you ran by `POST /api/logs/search` with `remember`, latest first, each once.
#[utoipa::path(get, path = "/api/logs/search/recent", tag = "logs", responses(
    (status = 200, description = "the searches", body = RecentSearchesView),
))]
pub async fn list_recent(State(state): State<AppState>, caller: Caller) -> ApiResult<JsonAnswer<RecentSearchesView>> {
    Ok(JsonAnswer(state.recent_searches.list(&keeper(&caller)).await?.into()))
}

/// Forgets the searches that you ran.
#[utoipa::path(delete, path = "/api/logs/search/recent", tag = "logs", params(DeleteParams), responses(
    (status = 200, description = "how many were forgotten, or with `dry_run` would be", body = ForgottenSearchesView),
))]
pub async fn forget_recent(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<DeleteParams>,
) -> ApiResult<JsonAnswer<ForgottenSearchesView>> {
    let keeper = keeper(&caller);
    let deleted = if params.dry_run {
        state.recent_searches.list(&keeper).await?.len()
    } else {
        state.recent_searches.forget(&keeper).await?
    };
    Ok(JsonAnswer(ForgottenSearchesView { dry_run: params.dry_run, deleted }))
}
