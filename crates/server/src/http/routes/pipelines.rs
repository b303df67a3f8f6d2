//! How the inputs fare, and what became of what they could not store.

use axum::extract::State;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;

use super::Routes;
use super::api_keys::DeleteParams;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, JsonBody, QueryParams};
use crate::http::state::AppState;
use crate::http::views::parameters::ListParams;
use crate::http::views::pipelines::{
    DeadLetterNumbersView, DeadLettersView, DeletedLettersView, InputView, InputsView, LettersRequest, ReplayView,
};

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/pipelines/inputs", Permission::LogsRead, list_inputs)
        .get("/api/pipelines/dead-letters", Permission::LogsRead, list_letters)
        .post("/api/pipelines/dead-letters/replay", Permission::LogsUpload, replay_letters)
        .post("/api/pipelines/dead-letters/delete", Permission::Administer, delete_letters)
        .document(PipelinesApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(list_inputs, list_letters, replay_letters, delete_letters))]
struct PipelinesApi;

/// Every input that is turned on: where it listens, what it has counted, what went wrong last.
#[utoipa::path(get, path = "/api/pipelines/inputs", tag = "pipelines", responses(
    (status = 200, description = "the inputs", body = InputsView),
))]
pub async fn list_inputs(State(state): State<AppState>) -> JsonAnswer<InputsView> {
    let letters = state.letters.numbers();
    JsonAnswer(InputsView {
        inputs: state.inputs.states().into_iter().map(InputView::of).collect(),
        dead_letters: DeadLetterNumbersView {
            count: letters.count,
            size_bytes: letters.size_bytes,
            dropped: letters.dropped,
        },
    })
}

/// Records that inputs could not store and whose senders could not be told, latest first.
#[utoipa::path(get, path = "/api/pipelines/dead-letters", tag = "pipelines", params(ListParams), responses(
    (status = 200, description = "a page of letters", body = DeadLettersView),
    (status = 400, description = "the cursor cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the limit is out of its bounds", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn list_letters(
    State(state): State<AppState>,
    QueryParams(params): QueryParams<ListParams>,
) -> ApiResult<JsonAnswer<DeadLettersView>> {
    Ok(JsonAnswer(state.letters.list(&params.into()).await?.into()))
}

/// Stores dead letters after all, those outside of the time window too. Those that are refused again stay.
#[utoipa::path(post, path = "/api/pipelines/dead-letters/replay", tag = "pipelines", request_body = LettersRequest, responses(
    (status = 200, description = "what became of them", body = ReplayView),
    (status = 422, description = "no letter is named", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn replay_letters(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(request): JsonBody<LettersRequest>,
) -> ApiResult<JsonAnswer<ReplayView>> {
    let selection = request.selection()?;
    Ok(JsonAnswer(state.ingest.replay(&caller.scope, &state.letters, &selection).await?.into()))
}

/// Deletes dead letters for good.
#[utoipa::path(post, path = "/api/pipelines/dead-letters/delete", tag = "pipelines", params(DeleteParams), request_body = LettersRequest, responses(
    (status = 200, description = "how many were deleted, or with `dry_run` would be", body = DeletedLettersView),
    (status = 422, description = "no letter is named", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn delete_letters(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<DeleteParams>,
    JsonBody(request): JsonBody<LettersRequest>,
) -> ApiResult<JsonAnswer<DeletedLettersView>> {
    let selection = request.selection()?;
    if params.dry_run {
        let deleted = state.letters.count(&selection).await?;
        return Ok(JsonAnswer(DeletedLettersView { dry_run: true, deleted }));
    }
    let deleted = state.letters.remove(&selection).await?;
    tracing::info!(by = caller.account.username, deleted, "dead letters were deleted");
    Ok(JsonAnswer(DeletedLettersView { dry_run: false, deleted }))
}
