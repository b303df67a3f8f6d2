//! API keys: making, listing and deleting them.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::kept_answers::KeptAnswer;
use vigie_domain::{Error, ErrorKind};

use super::Routes;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, JsonBody, PathParams, QueryParams};
use crate::http::idempotency::{self, Turn};
use crate::http::state::AppState;
use crate::http::views::api_keys::{ApiKeyView, ApiKeysView, DeletedApiKeyView, MadeApiKeyView, NewApiKeyRequest};
use crate::http::views::parameters::ListParams;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/api-keys", Permission::KeysManage, list_keys)
        .post("/api/api-keys", Permission::KeysManage, make_key)
        .delete("/api/api-keys/{id}", Permission::KeysManage, delete_key)
        .document(ApiKeysApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(list_keys, make_key, delete_key))]
struct ApiKeysApi;

/// Your API keys, latest made first; an admin sees everybody's. Secrets are never shown again.
#[utoipa::path(get, path = "/api/api-keys", tag = "auth", params(ListParams), responses(
    (status = 200, description = "a page of keys", body = ApiKeysView),
    (status = 400, description = "the cursor cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the limit is out of its bounds", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn list_keys(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<ListParams>,
) -> ApiResult<JsonAnswer<ApiKeysView>> {
    Ok(JsonAnswer(state.accounts.keys(&caller.account, &params.into()).await?.into()))
}

/// Makes an API key that acts in your name, within its scopes and your role. Its text is shown this once.
#[utoipa::path(post, path = "/api/api-keys", tag = "auth", request_body = NewApiKeyRequest, responses(
    (status = 201, description = "the key and its text", body = MadeApiKeyView),
    (status = 409, description = "you have as many keys as there may be, or the `Idempotency-Key` made one before", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "name, scopes or expiry are wrong; `errors` names which", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn make_key(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(request): JsonBody<NewApiKeyRequest>,
) -> ApiResult<Response> {
    let key = idempotency::key(&headers)?;
    let new = request.into_new_key()?;
    let content = format!("{new:?}");
    let question = idempotency::question(&caller, "POST /api/api-keys", key.as_deref(), &[content.as_bytes()]);
    let open = match Turn::of(&state, question)? {
        Turn::Answered(kept) => return Err(made_before(&kept).into()),
        Turn::ToAnswer(open) => open,
    };
    let made = state.accounts.make_key(&caller.account, &new).await?;
    if let Some(open) = open {
        // The answer itself holds the secret, which nobody keeps.
        open.answer(KeptAnswer { status: StatusCode::CREATED.as_u16(), body: made.key.id.clone().into() });
    }
    Ok((StatusCode::CREATED, JsonAnswer(MadeApiKeyView::from(made))).into_response())
}

fn made_before(kept: &KeptAnswer) -> Error {
    let id = String::from_utf8_lossy(&kept.body);
    let words = format!(
        "this Idempotency-Key made the API key \"{id}\" before, and its text is not kept; delete that key and make another"
    );
    Error::new(ErrorKind::Conflict, words)
}

/// Whether to delete at all.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct DeleteParams {
    /// Only says what would be deleted.
    pub dry_run: bool,
}

/// Deletes one of your API keys, as an admin anybody's: it is good for nothing from now on.
#[utoipa::path(delete, path = "/api/api-keys/{id}", tag = "auth",
    params(("id" = String, Path, description = "id of the key"), DeleteParams), responses(
    (status = 200, description = "the key that was deleted, or with `dry_run` would be", body = DeletedApiKeyView),
    (status = 404, description = "there is no such key, or it is somebody else's", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn delete_key(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    QueryParams(params): QueryParams<DeleteParams>,
) -> ApiResult<JsonAnswer<DeletedApiKeyView>> {
    let key = if params.dry_run {
        state.accounts.key(&caller.account, &id).await?
    } else {
        state.accounts.delete_key(&caller.account, &id).await?
    };
    Ok(JsonAnswer(DeletedApiKeyView { dry_run: params.dry_run, api_key: ApiKeyView::from(key) }))
}
