//! What is known of customers, cards, devices, addresses and e-mails.

use axum::extract::State;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::fraud::EntityKind;
use vigie_app::time_range::AskedRange;
use vigie_domain::time::NANOS_PER_DAY;

use super::Routes;
use super::fraud::desk;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, PathParams, QueryParams};
use crate::http::state::AppState;
use crate::http::views::fraud_entities::EntityView;
use crate::http::views::parameters::RangeParams;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/fraud/entities/{kind}/{value}", Permission::LogsRead, fraud_entity)
        .document(FraudEntitiesApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(fraud_entity))]
struct FraudEntitiesApi;

/// How far back payments are looked at unless said.
const RANGE_DEFAULT_NS: i64 = 90 * NANOS_PER_DAY;

/// What is known of a customer, card (by its hash), device, address or e-mail (by its hash): payments, what they share with others, and
/// what became of them; of the last 90 days unless said. Of one that nobody paid with, that there is nothing.
#[utoipa::path(get, path = "/api/fraud/entities/{kind}/{value}", tag = "fraud",
    params(("kind" = String, Path, description = "`user`, `card`, `device`, `ip` or `email`"),
        ("value" = String, Path, description = "as events name it"), RangeParams), responses(
    (status = 200, description = "what is known of it", body = EntityView),
    (status = 400, description = "a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "there is no such kind, or the range ends before it begins", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn fraud_entity(
    State(state): State<AppState>,
    caller: Caller,
    PathParams((kind, value)): PathParams<(String, String)>,
    QueryParams(range): QueryParams<RangeParams>,
) -> ApiResult<JsonAnswer<EntityView>> {
    let range = AskedRange::from(range).resolve((state.clock)(), Some(RANGE_DEFAULT_NS))?;
    let entity = (EntityKind::named(&kind)?, value);
    let desk = desk(&state)?;
    let profile = desk.entities.profile(&caller.scope, &entity, range).await?;
    let listed = match entity.0.list_kind() {
        Some(kind) => desk.lists.naming(kind, &entity.1).await?,
        None => Vec::new(),
    };
    Ok(JsonAnswer(EntityView::new(entity, range, profile, listed)))
}
