//! Pipelines: what is in force, and what one would do.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use vigie_app::accounts::Permission;
use vigie_app::pipelines::PipelineStatus;
use vigie_domain::{Error, Object, Value};
use vigie_pipeline::{TraceStep, TracedRecord};

use super::Routes;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, JsonBody};
use crate::http::state::AppState;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/pipelines", Permission::PipelinesTest, pipelines)
        .post("/api/pipelines/test", Permission::PipelinesTest, test_pipeline)
        .document(StagesApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(pipelines, test_pipeline))]
struct StagesApi;

/// The pipelines there are.
#[derive(Serialize, ToSchema)]
#[schema(as = Pipelines)]
pub struct PipelinesView {
    /// The pipeline of every event.
    pub pipelines: Vec<PipelineView>,
}

/// A pipeline and whether what lies on the disk is in force.
#[derive(Serialize, ToSchema)]
#[schema(as = Pipeline)]
pub struct PipelineView {
    /// Its file's name without the ending.
    pub name: String,
    /// Stages in force; 0 when there is no file.
    pub stage_count: usize,
    /// When the stages in force were read, RFC 3339; `null` when there is no file.
    pub loaded_at: Option<String>,
    /// Why what lies on the disk is not in force.
    pub errors: Vec<String>,
}

/// A pipeline and lines to try it on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = PipelineTest)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineTestRequest {
    /// The pipeline, as TOML.
    #[schema(example = "version = 1\n\n[[stage]]\ntype = \"kv\"\n")]
    pub pipeline: String,
    /// Records in any format that can be sent, at most 1 MiB; the first 100 are looked at.
    #[schema(example = "order=7 amount=12.50")]
    pub lines: String,
}

/// What a pipeline would do.
#[derive(Serialize, ToSchema)]
#[schema(as = PipelineTrace)]
pub struct PipelineTraceView {
    /// Record by record.
    pub records: Vec<TracedRecordView>,
}

/// What became of one record.
#[derive(Serialize, ToSchema)]
#[schema(as = TracedRecord)]
pub struct TracedRecordView {
    /// Its line or number, from 1.
    pub line: u64,
    /// Its beginning.
    pub raw: String,
    /// What each stage did, in order.
    pub steps: Vec<TraceStepView>,
    /// What would be stored: none when it is dropped or refused.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<serde_json::Value>,
    /// Why it, or an event of it, is refused.
    pub refusals: Vec<String>,
}

/// What one stage did with one event.
#[derive(Serialize, ToSchema)]
#[schema(as = TraceStep)]
pub struct TraceStepView {
    /// Number of the stage, from 1.
    pub stage: usize,
    /// Its `type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `skipped`, `changed`, `unchanged`, `failed` or `dropped`.
    pub did: String,
    /// The event as the stage found it.
    #[schema(value_type = Object)]
    pub before: serde_json::Value,
    /// What it made of it: none, one or several events.
    #[schema(value_type = Vec<Object>)]
    pub after: Vec<serde_json::Value>,
}

/// Which pipelines are in force, and what is wrong with their files.
#[utoipa::path(get, path = "/api/pipelines", tag = "pipelines", responses(
    (status = 200, description = "the pipelines", body = PipelinesView),
))]
pub async fn pipelines(State(state): State<AppState>) -> ApiResult<JsonAnswer<PipelinesView>> {
    Ok(JsonAnswer(PipelinesView { pipelines: vec![state.pipelines.status().into()] }))
}

/// Tries a pipeline on lines: what each stage finds and leaves. Nothing is stored or changed.
#[utoipa::path(post, path = "/api/pipelines/test", tag = "pipelines", request_body = PipelineTestRequest, responses(
    (status = 200, description = "what became of the first 100 records", body = PipelineTraceView),
    (status = 413, description = "the lines have more than 1 MiB", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the pipeline cannot be used; the message names stage and key", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn test_pipeline(
    State(state): State<AppState>,
    JsonBody(request): JsonBody<PipelineTestRequest>,
) -> ApiResult<JsonAnswer<PipelineTraceView>> {
    let (pipelines, now) = (state.pipelines.clone(), (state.clock)());
    let tried = tokio::task::spawn_blocking(move || pipelines.test(&request.pipeline, &request.lines, now));
    let records = tried.await.map_err(|error| Error::internal(format!("trying a pipeline stopped: {error}")))??;
    Ok(JsonAnswer(PipelineTraceView { records: records.into_iter().map(TracedRecordView::from).collect() }))
}

fn json(body: Object) -> serde_json::Value {
    Value::Object(body).to_json()
}

impl From<PipelineStatus> for PipelineView {
    fn from(status: PipelineStatus) -> Self {
        let PipelineStatus { name, stage_count, loaded_at, errors } = status;
        Self { name, stage_count, loaded_at: loaded_at.map(|at| at.to_string()), errors }
    }
}

impl From<TracedRecord> for TracedRecordView {
    fn from(record: TracedRecord) -> Self {
        Self {
            line: record.line,
            raw: record.raw,
            steps: record.steps.into_iter().map(TraceStepView::from).collect(),
            events: record.events.into_iter().map(|event| json(event.body)).collect(),
            refusals: record.refusals,
        }
    }
}

impl From<TraceStep> for TraceStepView {
    fn from(step: TraceStep) -> Self {
        Self {
            stage: step.stage,
            kind: step.kind.to_owned(),
            did: step.did.to_owned(),
            before: json(step.before),
            after: step.after.into_iter().map(json).collect(),
        }
    }
}
