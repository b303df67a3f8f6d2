//! Rules tried on the payments of the past before they are put in force.

use axum::extract::State;
use axum::http::StatusCode;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::time_range::AskedRange;
use vigie_domain::time::NANOS_PER_DAY;

use super::Routes;
use super::api_keys::DeleteParams;
use super::fraud::desk;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, JsonBody, PathParams, QueryParams};
use crate::http::state::AppState;
use crate::http::views::fraud_backtest::{BacktestRequest, BacktestView, DraftRequest};
use crate::http::views::parameters::RangeParams;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .post("/api/fraud/backtest", Permission::FraudRules, begin_backtest)
        .get("/api/fraud/backtest/{id}", Permission::FraudRules, get_backtest)
        .delete("/api/fraud/backtest/{id}", Permission::FraudRules, cancel_backtest)
        .document(FraudBacktestApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(begin_backtest, get_backtest, cancel_backtest))]
struct FraudBacktestApi;

/// How far back payments are judged unless said.
const RANGE_DEFAULT_NS: i64 = 30 * NANOS_PER_DAY;

/// Begins to try rules on the payments of the past, beside the rules in force; nothing is put in force.
///
/// Each payment is judged by what was known when it arrived. Frauds are those that are labelled; everything else counts as good.
#[utoipa::path(post, path = "/api/fraud/backtest", tag = "fraud", request_body = BacktestRequest, responses(
    (status = 202, description = "it is under way: ask for it by its id", body = BacktestView),
    (status = 400, description = "a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "a rule is wrong, there is none or too many, or the range ends before it begins", body = ProblemView, content_type = "application/problem+json"),
    (status = 429, description = "another backtest is under way", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn begin_backtest(
    State(state): State<AppState>,
    JsonBody(request): JsonBody<BacktestRequest>,
) -> ApiResult<(StatusCode, JsonAnswer<BacktestView>)> {
    let asked = RangeParams { from: request.from, to: request.to };
    let range = AskedRange::from(asked).resolve((state.clock)(), Some(RANGE_DEFAULT_NS))?;
    let drafts = request.rules.into_iter().map(DraftRequest::into_rule).collect::<Result<Vec<_>, _>>()?;
    let begun = desk(&state)?.backtests.begin(drafts, range)?;
    Ok((StatusCode::ACCEPTED, JsonAnswer(begun.into())))
}

/// How far a backtest is, and what came of it. The last 20 are kept until Vigie stops.
#[utoipa::path(get, path = "/api/fraud/backtest/{id}", tag = "fraud",
    params(("id" = String, Path, description = "names the backtest")), responses(
    (status = 200, description = "the backtest", body = BacktestView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn get_backtest(
    State(state): State<AppState>,
    PathParams(id): PathParams<String>,
) -> ApiResult<JsonAnswer<BacktestView>> {
    Ok(JsonAnswer(desk(&state)?.backtests.get(&id)?.into()))
}

/// Gives a backtest up; one that has ended stays as it is.
#[utoipa::path(delete, path = "/api/fraud/backtest/{id}", tag = "fraud",
    params(("id" = String, Path, description = "names the backtest"), DeleteParams), responses(
    (status = 200, description = "the backtest; with `dry_run` as it is", body = BacktestView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn cancel_backtest(
    State(state): State<AppState>,
    PathParams(id): PathParams<String>,
    QueryParams(params): QueryParams<DeleteParams>,
) -> ApiResult<JsonAnswer<BacktestView>> {
    let backtests = &desk(&state)?.backtests;
    let status = if params.dry_run { backtests.get(&id)? } else { backtests.cancel(&id)? };
    Ok(JsonAnswer(status.into()))
}
