//! Models of fraud detection: trained, judged, chosen.

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::fraud::ModelRole;
use vigie_app::time_range::AskedRange;
use vigie_domain::time::NANOS_PER_DAY;

use super::Routes;
use super::api_keys::DeleteParams;
use super::fraud::desk;
use super::logs::receive;
use crate::http::auth::Caller;
use crate::http::body::BodyLimit;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, JsonBody, PathParams, QueryParams};
use crate::http::state::AppState;
use crate::http::views::fraud_models::{ModelView, ModelsView, RoleRequest, TrainRequest, TrainingView};
use crate::http::views::parameters::RangeParams;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/fraud/models", Permission::LogsRead, list_models)
        .post_body("/api/fraud/models/import", Permission::FraudRules, BodyLimit::Ingest, import_model)
        .get("/api/fraud/models/signals", Permission::FraudRules, export_signals)
        .post("/api/fraud/models/train", Permission::FraudRules, train_model)
        .get("/api/fraud/models/train/{id}", Permission::FraudRules, get_training)
        .delete("/api/fraud/models/train/{id}", Permission::FraudRules, cancel_training)
        .get("/api/fraud/models/{version}", Permission::LogsRead, get_model)
        .put("/api/fraud/models/{version}/role", Permission::FraudRules, assign_model)
        .delete("/api/fraud/models/{version}", Permission::FraudRules, delete_model)
        .document(FraudModelsApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(
    list_models,
    import_model,
    export_signals,
    train_model,
    get_training,
    cancel_training,
    get_model,
    assign_model,
    delete_model
))]
struct FraudModelsApi;

/// Lines of a table of signals that are made at once.
const LINES_AT_ONCE: usize = 1_000;
/// How far back a model learns unless said.
const RANGE_DEFAULT_NS: i64 = 90 * NANOS_PER_DAY;

/// Models and how they were judged, the newest first.
#[utoipa::path(get, path = "/api/fraud/models", tag = "fraud", responses(
    (status = 200, description = "the models", body = ModelsView),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn list_models(State(state): State<AppState>) -> ApiResult<JsonAnswer<ModelsView>> {
    let models = desk(&state)?.models.models().await?;
    Ok(JsonAnswer(ModelsView { models: models.into_iter().map(ModelView::from).collect() }))
}

/// Begins to train a model on payments; once it is trained it is kept, and does nothing until it is given a role.
///
/// It learns from the older four fifths of the payments, with the labels that were known then, and is judged by the rest. The learner
/// `tails` needs no label.
#[utoipa::path(post, path = "/api/fraud/models/train", tag = "fraud", request_body = TrainRequest, responses(
    (status = 202, description = "it is under way: ask for it by its id", body = TrainingView),
    (status = 400, description = "a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "there are 50 models, or fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the range ends before it begins, or there is no such learner", body = ProblemView, content_type = "application/problem+json"),
    (status = 429, description = "another training is under way", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn train_model(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(request): JsonBody<TrainRequest>,
) -> ApiResult<(StatusCode, JsonAnswer<TrainingView>)> {
    let learner = request.learner()?;
    let asked = RangeParams { from: request.from, to: request.to };
    let range = AskedRange::from(asked).resolve((state.clock)(), Some(RANGE_DEFAULT_NS))?;
    let begun = desk(&state)?.models.train(&caller.account, range, learner).await?;
    Ok((StatusCode::ACCEPTED, JsonAnswer(begun.into())))
}

/// Takes a model over that XGBoost trained; judged by the payments of a range, it is kept as one that was trained here.
///
/// The body is the JSON that `save_model("model.json")` writes, of a classifier (`binary:logistic`) of trees (`gbtree`) whose features are named as in
/// the table of signals. It is asked for as a training is.
#[utoipa::path(post, path = "/api/fraud/models/import", tag = "fraud", params(RangeParams),
    request_body(content = String, content_type = "application/json", description = "the model"),
    responses(
        (status = 202, description = "it is being judged: ask for it as for a training", body = TrainingView),
        (status = 400, description = "a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "there are 50 models, or fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "the body is no such model, or the range ends before it begins", body = ProblemView, content_type = "application/problem+json"),
        (status = 429, description = "a training is under way", body = ProblemView, content_type = "application/problem+json"),
    ))]
pub async fn import_model(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(asked): QueryParams<RangeParams>,
    body: Body,
) -> ApiResult<(StatusCode, JsonAnswer<TrainingView>)> {
    let range = AskedRange::from(asked).resolve((state.clock)(), Some(RANGE_DEFAULT_NS))?;
    let models = &desk(&state)?.models;
    let mut admission = state.ingest.admit();
    let model = receive(body, &mut admission).await?;
    let begun = models.import(&caller.account, range, model).await?;
    Ok((StatusCode::ACCEPTED, JsonAnswer(begun.into())))
}

/// What models learn from, as CSV, for those who train elsewhere: the payments of a range with their signals as they were when each was made.
///
/// `at` is the payment's time, `fraud_known_at` when it was labelled as fraud, empty when it was not: learn from no label before that. Yes is 1, no is 0; what was not
/// sent is empty. At most 300,000 payments.
#[utoipa::path(get, path = "/api/fraud/models/signals", tag = "fraud", params(RangeParams), responses(
    (status = 200, description = "the table", body = String, content_type = "text/csv"),
    (status = 400, description = "a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "there are too many payments, or the range ends before it begins", body = ProblemView, content_type = "application/problem+json"),
    (status = 429, description = "another table is being made", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn export_signals(
    State(state): State<AppState>,
    QueryParams(asked): QueryParams<RangeParams>,
) -> ApiResult<Response> {
    let range = AskedRange::from(asked).resolve((state.clock)(), Some(RANGE_DEFAULT_NS))?;
    let lessons = desk(&state)?.models.signals(range).await?;
    let lines = stream::iter(0..).scan(Box::new(lessons), |lessons, number| {
        std::future::ready(lessons.csv_lines(number * LINES_AT_ONCE, LINES_AT_ONCE))
    });
    let head = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"signals.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((head, Body::from_stream(lines.map(Ok::<_, std::io::Error>))).into_response())
}

/// How far a training is. The last 20 are kept until Vigie stops.
#[utoipa::path(get, path = "/api/fraud/models/train/{id}", tag = "fraud",
    params(("id" = String, Path, description = "names the training")), responses(
    (status = 200, description = "the training", body = TrainingView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn get_training(
    State(state): State<AppState>,
    PathParams(id): PathParams<String>,
) -> ApiResult<JsonAnswer<TrainingView>> {
    Ok(JsonAnswer(desk(&state)?.models.training(&id)?.into()))
}

/// Gives a training up; one that has ended stays as it is.
#[utoipa::path(delete, path = "/api/fraud/models/train/{id}", tag = "fraud",
    params(("id" = String, Path, description = "names the training"), DeleteParams), responses(
    (status = 200, description = "the training; with `dry_run` as it is", body = TrainingView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn cancel_training(
    State(state): State<AppState>,
    PathParams(id): PathParams<String>,
    QueryParams(params): QueryParams<DeleteParams>,
) -> ApiResult<JsonAnswer<TrainingView>> {
    let models = &desk(&state)?.models;
    let status = if params.dry_run { models.training(&id)? } else { models.cancel(&id)? };
    Ok(JsonAnswer(status.into()))
}

/// One model and how it was judged.
#[utoipa::path(get, path = "/api/fraud/models/{version}", tag = "fraud",
    params(("version" = u64, Path, description = "its version")), responses(
    (status = 200, description = "the model", body = ModelView),
    (status = 404, description = "there is no such version", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn get_model(
    State(state): State<AppState>,
    PathParams(version): PathParams<u64>,
) -> ApiResult<JsonAnswer<ModelView>> {
    Ok(JsonAnswer(desk(&state)?.models.model(version).await?.into()))
}

/// Gives a model its role, at once; the model that had it before is idle then.
#[utoipa::path(put, path = "/api/fraud/models/{version}/role", tag = "fraud", request_body = RoleRequest,
    params(("version" = u64, Path, description = "its version")), responses(
    (status = 200, description = "the model", body = ModelView),
    (status = 404, description = "there is no such version", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "there is no such role", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn assign_model(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(version): PathParams<u64>,
    JsonBody(request): JsonBody<RoleRequest>,
) -> ApiResult<JsonAnswer<ModelView>> {
    let role = ModelRole::named(&request.role)?;
    Ok(JsonAnswer(desk(&state)?.models.assign(&caller.account, version, role).await?.into()))
}

/// Deletes a model that is idle.
#[utoipa::path(delete, path = "/api/fraud/models/{version}", tag = "fraud",
    params(("version" = u64, Path, description = "its version"), DeleteParams), responses(
    (status = 200, description = "the model that was deleted, or with `dry_run` would be", body = ModelView),
    (status = 404, description = "there is no such version", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "the model judges, or fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn delete_model(
    State(state): State<AppState>,
    PathParams(version): PathParams<u64>,
    QueryParams(params): QueryParams<DeleteParams>,
) -> ApiResult<JsonAnswer<ModelView>> {
    let models = &desk(&state)?.models;
    let deleted = if params.dry_run { models.model(version).await? } else { models.delete(version).await? };
    Ok(JsonAnswer(deleted.into()))
}
