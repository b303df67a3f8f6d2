//! Numbers about the shop: payments, errors, visitors, trends, countries, products, the way to a payment.

use std::time::Instant;

use axum::extract::State;
use serde::Deserialize;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::analytics::{AnalyticsInput, RANKING_DEFAULT};

use super::Routes;
use super::logs::elapsed_ms;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, QueryParams};
use crate::http::state::AppState;
use crate::http::views::parameters::{AnalyticsParams, asked_range};
use crate::http::views::shop::{ErrorsView, TransactionsView, UserBehaviorView};
use crate::http::views::trends::{CountriesView, FunnelView, ProductsView, TrendsView};

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/analytics/transactions", Permission::LogsRead, transactions)
        .get("/api/analytics/errors", Permission::LogsRead, errors)
        .get("/api/analytics/user-behavior", Permission::LogsRead, user_behavior)
        .get("/api/analytics/trends", Permission::LogsRead, trends)
        .get("/api/analytics/funnel", Permission::LogsRead, funnel)
        .get("/api/analytics/top-countries", Permission::LogsRead, top_countries)
        .get("/api/analytics/top-products", Permission::LogsRead, top_products)
        .document(ShopApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(transactions, errors, user_behavior, trends, funnel, top_countries, top_products))]
struct ShopApi;

/// Which events of when, and how many lines.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct RankingParams {
    /// First instant; a day before `to` when left out. Also `date_from`, `start_date`.
    #[serde(alias = "date_from", alias = "start_date")]
    pub from: Option<String>,
    /// First instant past the range; now when left out. Also `date_to`, `end_date`.
    #[serde(alias = "date_to", alias = "end_date")]
    pub to: Option<String>,
    /// Which events; all when left out.
    pub query: Option<String>,
    /// How many lines: 10 unless said, at most 500.
    pub limit: Option<usize>,
}

impl RankingParams {
    fn into_input(self) -> AnalyticsInput {
        let range = asked_range(self.from, self.to);
        AnalyticsInput { query: self.query.unwrap_or_default(), range, ..AnalyticsInput::default() }
    }
}

/// Payments: what became of them, what they brought per currency, how they were made, over time, and what failures put at risk.
#[utoipa::path(get, path = "/api/analytics/transactions", tag = "analytics", params(AnalyticsParams), responses(
    (status = 200, description = "the numbers", body = TransactionsView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "no such granularity or zone, or too many spans", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn transactions(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<AnalyticsParams>,
) -> ApiResult<JsonAnswer<TransactionsView>> {
    let started = Instant::now();
    let answer = state.analytics.transactions(&caller.scope, &params.into()).await?;
    Ok(JsonAnswer(TransactionsView::new(answer, elapsed_ms(started))))
}

/// Errors: which, where, over time, whom they met, and which the period before did not have.
#[utoipa::path(get, path = "/api/analytics/errors", tag = "analytics", params(AnalyticsParams), responses(
    (status = 200, description = "the numbers", body = ErrorsView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "no such granularity or zone, or too many spans", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn errors(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<AnalyticsParams>,
) -> ApiResult<JsonAnswer<ErrorsView>> {
    let started = Instant::now();
    let answer = state.analytics.errors(&caller.scope, &params.into()).await?;
    Ok(JsonAnswer(ErrorsView::new(answer, elapsed_ms(started))))
}

/// What visitors did, where, with what, and how many carts were left behind.
#[utoipa::path(get, path = "/api/analytics/user-behavior", tag = "analytics", params(AnalyticsParams), responses(
    (status = 200, description = "the numbers", body = UserBehaviorView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "no such granularity or zone, or too many spans", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn user_behavior(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<AnalyticsParams>,
) -> ApiResult<JsonAnswer<UserBehaviorView>> {
    let started = Instant::now();
    let answer = state.analytics.user_behavior(&caller.scope, &params.into()).await?;
    Ok(JsonAnswer(UserBehaviorView::new(answer, elapsed_ms(started))))
}

/// The main numbers over time, beside those of the period before.
#[utoipa::path(get, path = "/api/analytics/trends", tag = "analytics", params(AnalyticsParams), responses(
    (status = 200, description = "the numbers", body = TrendsView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "no such granularity or zone, or too many spans", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn trends(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<AnalyticsParams>,
) -> ApiResult<JsonAnswer<TrendsView>> {
    let started = Instant::now();
    let answer = state.analytics.trends(&caller.scope, &params.into()).await?;
    Ok(JsonAnswer(TrendsView::new(answer, elapsed_ms(started))))
}

/// How far visitors came on the way to a payment: all of them, and those of each span of time.
#[utoipa::path(get, path = "/api/analytics/funnel", tag = "analytics", params(AnalyticsParams), responses(
    (status = 200, description = "the steps", body = FunnelView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "no such granularity or zone, or too many spans", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn funnel(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<AnalyticsParams>,
) -> ApiResult<JsonAnswer<FunnelView>> {
    let started = Instant::now();
    let answer = state.analytics.funnel(&caller.scope, &params.into()).await?;
    Ok(JsonAnswer(FunnelView::new(answer, elapsed_ms(started))))
}

/// Countries of visitors by their events, with their sessions and payments.
#[utoipa::path(get, path = "/api/analytics/top-countries", tag = "analytics", params(RankingParams), responses(
    (status = 200, description = "the ranking", body = CountriesView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "`limit` is out of bounds", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn top_countries(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<RankingParams>,
) -> ApiResult<JsonAnswer<CountriesView>> {
    let started = Instant::now();
    let limit = params.limit.unwrap_or(RANKING_DEFAULT);
    let ranking = state.analytics.top_countries(&caller.scope, &params.into_input(), limit).await?;
    Ok(JsonAnswer(CountriesView::new(ranking, elapsed_ms(started))))
}

/// Products by how often they were looked at, put into carts and bought.
#[utoipa::path(get, path = "/api/analytics/top-products", tag = "analytics", params(RankingParams), responses(
    (status = 200, description = "the ranking", body = ProductsView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "`limit` is out of bounds", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn top_products(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<RankingParams>,
) -> ApiResult<JsonAnswer<ProductsView>> {
    let started = Instant::now();
    let limit = params.limit.unwrap_or(RANKING_DEFAULT);
    let ranking = state.analytics.top_products(&caller.scope, &params.into_input(), limit).await?;
    Ok(JsonAnswer(ProductsView::new(ranking, elapsed_ms(started))))
}
