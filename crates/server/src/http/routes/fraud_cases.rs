//! Payments that somebody is to look at: who looks, what they found, and labels from elsewhere.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::fraud::{CaseFilter, CaseList, CaseOutcome, Label, TagChange, tag_of};
use vigie_app::time_range::AskedRange;
use vigie_domain::Error;
use vigie_domain::time::NANOS_PER_DAY;

use super::Routes;
use super::fraud::desk;
use super::logs::receive;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, JsonBody, PathParams, QueryParams};
use crate::http::state::AppState;
use crate::http::views::fraud_cases::{
    AroundView, CaseView, CasesView, ChangeCasesRequest, ChangedCasesView, EscalateRequest, LabelRequest, LabelsView,
    NoteRequest, OutcomeRequest, SnoozeRequest, TagsRequest, label_named,
};
use crate::http::views::parameters::{ListParams, RangeParams, said};

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/fraud/cases", Permission::LogsRead, list_cases)
        .get("/api/fraud/cases/{id}", Permission::LogsRead, get_case)
        .get("/api/fraud/cases/{id}/around", Permission::LogsRead, around_case)
        .post("/api/fraud/cases/{id}/take", Permission::FraudDecide, take_case)
        .post("/api/fraud/cases/{id}/release", Permission::FraudDecide, release_case)
        .post("/api/fraud/cases/{id}/snooze", Permission::FraudDecide, snooze_case)
        .post("/api/fraud/cases/{id}/escalate", Permission::FraudDecide, escalate_case)
        .post("/api/fraud/cases/{id}/deescalate", Permission::FraudDecide, deescalate_case)
        .post("/api/fraud/cases/{id}/notes", Permission::FraudDecide, note_case)
        .post("/api/fraud/cases/{id}/tags", Permission::FraudDecide, tag_case)
        .post("/api/fraud/cases/{id}/outcome", Permission::FraudDecide, close_case)
        .post("/api/fraud/cases/{id}/reopen", Permission::FraudDecide, reopen_case)
        .post("/api/fraud/cases/bulk", Permission::FraudDecide, change_cases)
        .post("/api/fraud/labels", Permission::FraudDecide, add_labels)
        .document(FraudCasesApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(
    list_cases,
    get_case,
    around_case,
    take_case,
    release_case,
    snooze_case,
    escalate_case,
    deescalate_case,
    note_case,
    tag_case,
    close_case,
    reopen_case,
    change_cases,
    add_labels
))]
struct FraudCasesApi;

/// How far back the queue looks unless said: what nobody looked at in a month waits in a longer range.
const RANGE_DEFAULT_NS: i64 = 30 * NANOS_PER_DAY;
/// The type of a body of labels as lines with commas.
const CSV: &str = "text/csv";

/// Which cases.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct CasesParams {
    /// `open` (nobody closed, snoozed or escalated them), `late` (nobody closed or snoozed them, and they were due), `escalated`, `mine`, `snoozed`
    /// or `all`; `open` when left out.
    #[param(example = "open")]
    pub state: Option<String>,
    /// Only those with this tag.
    #[param(example = "chargeback")]
    pub tag: Option<String>,
}

fn list_named(name: Option<String>) -> ApiResult<CaseList> {
    match said(name).as_deref() {
        None | Some("open") => Ok(CaseList::Open),
        Some("late") => Ok(CaseList::Late),
        Some("escalated") => Ok(CaseList::Escalated),
        Some("mine") => Ok(CaseList::Mine),
        Some("snoozed") => Ok(CaseList::Snoozed),
        Some("all") => Ok(CaseList::All),
        Some(other) => {
            let words = format!(
                "\"{other}\" is no state of cases; choose \"open\", \"late\", \"escalated\", \"mine\", \"snoozed\" or \"all\""
            );
            Err(Error::invalid_field("state", words).into())
        }
    }
}

/// Cases: payments to review or to block, the newest first; of the last 30 days unless said.
#[utoipa::path(get, path = "/api/fraud/cases", tag = "fraud", params(CasesParams, RangeParams, ListParams), responses(
    (status = 200, description = "a page of them", body = CasesView),
    (status = 400, description = "a time or the cursor cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the state, the tag, the range or the limit is wrong", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn list_cases(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(asked): QueryParams<CasesParams>,
    QueryParams(range): QueryParams<RangeParams>,
    QueryParams(list): QueryParams<ListParams>,
) -> ApiResult<JsonAnswer<CasesView>> {
    let range = AskedRange::from(range).resolve((state.clock)(), Some(RANGE_DEFAULT_NS))?;
    let tag = said(asked.tag).map(|tag| tag_of("tag", &tag)).transpose()?;
    let asked = CaseFilter { list: list_named(asked.state)?, tag, range };
    let found = desk(&state)?.cases.list(&caller.scope, &caller.account, &asked, &list.into()).await?;
    Ok(JsonAnswer(found.into()))
}

/// One case.
#[utoipa::path(get, path = "/api/fraud/cases/{id}", tag = "fraud", params(("id" = String, Path, description = "`decision_id`")), responses(
    (status = 200, description = "the case", body = CaseView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn get_case(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> ApiResult<JsonAnswer<CaseView>> {
    Ok(JsonAnswer(desk(&state)?.cases.get(&caller.scope, &id).await?.into()))
}

/// What lies around the payment of a case: how often what it names paid in the ten minutes, hour, day and week before, and the events of
/// the same customer, card, device or address within a day, the nearest 25 on each side.
#[utoipa::path(get, path = "/api/fraud/cases/{id}/around", tag = "fraud", params(("id" = String, Path, description = "`decision_id`")), responses(
    (status = 200, description = "what lies around it", body = AroundView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn around_case(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> ApiResult<JsonAnswer<AroundView>> {
    let desk = desk(&state)?;
    let case = desk.cases.get(&caller.scope, &id).await?;
    Ok(JsonAnswer(desk.around.of(&caller.scope, &case.decision).await?.into()))
}

/// Takes a case, so that nobody else does. Taking one's own again changes nothing.
#[utoipa::path(post, path = "/api/fraud/cases/{id}/take", tag = "fraud", params(("id" = String, Path, description = "`decision_id`")), responses(
    (status = 200, description = "the case is yours", body = CaseView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "somebody else holds it, or it is closed", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn take_case(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> ApiResult<JsonAnswer<CaseView>> {
    Ok(JsonAnswer(desk(&state)?.cases.take(&caller.scope, &caller.account, &id).await?.into()))
}

/// Gives a case back.
#[utoipa::path(post, path = "/api/fraud/cases/{id}/release", tag = "fraud", params(("id" = String, Path, description = "`decision_id`")), responses(
    (status = 200, description = "nobody holds the case", body = CaseView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "you do not hold it", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn release_case(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> ApiResult<JsonAnswer<CaseView>> {
    Ok(JsonAnswer(desk(&state)?.cases.release(&caller.scope, &caller.account, &id).await?.into()))
}

/// Puts a case off, or has it back at once; it is yours then.
#[utoipa::path(post, path = "/api/fraud/cases/{id}/snooze", tag = "fraud", request_body = SnoozeRequest,
    params(("id" = String, Path, description = "`decision_id`")), responses(
    (status = 200, description = "the case", body = CaseView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "somebody else holds it, or it is closed", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the time is past, cannot be read, or is more than 180 days off", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn snooze_case(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    JsonBody(request): JsonBody<SnoozeRequest>,
) -> ApiResult<JsonAnswer<CaseView>> {
    let until = request.into_time((state.clock)())?;
    let snoozed = desk(&state)?.cases.snooze(&caller.scope, &caller.account, (&id, until)).await?;
    Ok(JsonAnswer(snoozed.into()))
}

/// Leaves a case to somebody who may change rules, and says why. Nobody holds it then, and others can note and tag it only.
#[utoipa::path(post, path = "/api/fraud/cases/{id}/escalate", tag = "fraud", request_body = EscalateRequest,
    params(("id" = String, Path, description = "`decision_id`")), responses(
    (status = 200, description = "the case", body = CaseView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "somebody else holds it, or it is closed or escalated already", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the reason is empty or too long", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn escalate_case(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    JsonBody(request): JsonBody<EscalateRequest>,
) -> ApiResult<JsonAnswer<CaseView>> {
    let escalated = desk(&state)?.cases.escalate(&caller.scope, &caller.account, (&id, &request.reason)).await?;
    Ok(JsonAnswer(escalated.into()))
}

/// Gives an escalated case back to everybody. Who escalated it may while nobody holds it, and who may change rules.
#[utoipa::path(post, path = "/api/fraud/cases/{id}/deescalate", tag = "fraud", params(("id" = String, Path, description = "`decision_id`")), responses(
    (status = 200, description = "the case", body = CaseView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "it is not escalated, somebody else holds it, or it is closed", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn deescalate_case(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> ApiResult<JsonAnswer<CaseView>> {
    Ok(JsonAnswer(desk(&state)?.cases.deescalate(&caller.scope, &caller.account, &id).await?.into()))
}

/// Writes something down about a case. Card numbers and the like are taken out.
#[utoipa::path(post, path = "/api/fraud/cases/{id}/notes", tag = "fraud", request_body = NoteRequest,
    params(("id" = String, Path, description = "`decision_id`")), responses(
    (status = 200, description = "the case with the note", body = CaseView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the note is empty or too long, or there are 200", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn note_case(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    JsonBody(request): JsonBody<NoteRequest>,
) -> ApiResult<JsonAnswer<CaseView>> {
    let noted = desk(&state)?.cases.note(&caller.scope, &caller.account, (&id, &request.text)).await?;
    Ok(JsonAnswer(noted.into()))
}

/// Puts tags on a case and takes others off; anybody who decides cases may, whoever holds it.
#[utoipa::path(post, path = "/api/fraud/cases/{id}/tags", tag = "fraud", request_body = TagsRequest,
    params(("id" = String, Path, description = "`decision_id`")), responses(
    (status = 200, description = "the case with its tags", body = CaseView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "no tag is named, one is none, or there would be more than 20", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn tag_case(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    JsonBody(request): JsonBody<TagsRequest>,
) -> ApiResult<JsonAnswer<CaseView>> {
    let change = TagChange::new(&request.add, &request.remove)?;
    Ok(JsonAnswer(desk(&state)?.cases.tag(&caller.scope, (&id, &change)).await?.into()))
}

/// Says what was found. The payment is labelled: a confirmed fraud weighs on its customer, card, device and addresses at once.
#[utoipa::path(post, path = "/api/fraud/cases/{id}/outcome", tag = "fraud", request_body = OutcomeRequest,
    params(("id" = String, Path, description = "`decision_id`")), responses(
    (status = 200, description = "the closed case", body = CaseView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "somebody else holds it, or it is closed", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "there is no such outcome", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn close_case(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    JsonBody(request): JsonBody<OutcomeRequest>,
) -> ApiResult<JsonAnswer<CaseView>> {
    let outcome = CaseOutcome::named(&request.outcome)?;
    Ok(JsonAnswer(desk(&state)?.cases.close(&caller.scope, &caller.account, (&id, outcome)).await?.into()))
}

/// Opens a closed case again; it is yours then.
#[utoipa::path(post, path = "/api/fraud/cases/{id}/reopen", tag = "fraud", params(("id" = String, Path, description = "`decision_id`")), responses(
    (status = 200, description = "the case", body = CaseView),
    (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "it is not closed", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn reopen_case(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> ApiResult<JsonAnswer<CaseView>> {
    Ok(JsonAnswer(desk(&state)?.cases.reopen(&caller.scope, &caller.account, &id).await?.into()))
}

/// Takes, gives back or closes several cases, each alone: those that cannot be changed do not keep the others from it.
#[utoipa::path(post, path = "/api/fraud/cases/bulk", tag = "fraud", request_body = ChangeCasesRequest, responses(
    (status = 200, description = "how many were changed, and why others were not", body = ChangedCasesView),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "there is no such action or outcome, or no case is named, or more than 200", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn change_cases(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(request): JsonBody<ChangeCasesRequest>,
) -> ApiResult<JsonAnswer<ChangedCasesView>> {
    let change = request.change()?;
    let changed =
        desk(&state)?.cases.change_all(&caller.scope, &caller.account, (request.ids.as_slice(), change)).await?;
    Ok(JsonAnswer(changed.into()))
}

/// Says what turned out about payments: up to 10,000 as a JSON array, or as lines of `transaction_id,label` with `Content-Type: text/csv`.
///
/// Labels are `fraud` and `legitimate`. When it answers, they weigh on what is judged next.
#[utoipa::path(post, path = "/api/fraud/labels", tag = "fraud",
    request_body(content = Vec<LabelRequest>, content_type = "application/json", description = "the labels"),
    responses(
        (status = 200, description = "what became of them", body = LabelsView),
        (status = 400, description = "the body cannot be read", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "a label is none of the two, or there are too many; none is kept", body = ProblemView, content_type = "application/problem+json"),
    ))]
pub async fn add_labels(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<JsonAnswer<LabelsView>> {
    let mut admission = state.ingest.admit();
    let body = receive(body, &mut admission).await?;
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let labels = if sent.starts_with(CSV) { labels_of_lines(&body)? } else { labels_of_json(&body)? };
    Ok(JsonAnswer(desk(&state)?.cases.label(&caller.account, &labels).await?.into()))
}

fn labels_of_json(body: &[u8]) -> ApiResult<Vec<(String, Label)>> {
    let unread = |error: serde_json::Error| {
        Error::malformed(format!(
            "the labels cannot be read: {error}; send [{{\"transaction_id\": \"…\", \"label\": \"fraud\"}}]"
        ))
    };
    let requests: Vec<LabelRequest> = serde_json::from_slice(body).map_err(unread)?;
    let label = |(place, request): (usize, LabelRequest)| {
        label_named(&request.label, place + 1).map(|label| (request.transaction_id, label))
    };
    Ok(requests.into_iter().enumerate().map(label).collect::<Result<_, Error>>()?)
}

/// Lines of two columns; a first line that names them is passed over.
fn labels_of_lines(body: &[u8]) -> ApiResult<Vec<(String, Label)>> {
    let text = std::str::from_utf8(body).map_err(|_| Error::malformed("the labels are no UTF-8 text"))?;
    let mut labels = Vec::new();
    for (place, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || (place == 0 && line.starts_with("transaction_id")) {
            continue;
        }
        let unread = || Error::malformed(format!("line {} is no \"transaction_id,label\"", place + 1));
        let (transaction_id, label) = line.rsplit_once(',').ok_or_else(unread)?;
        labels.push((transaction_id.trim().trim_matches('"').to_owned(), label_named(label.trim(), place + 1)?));
    }
    Ok(labels)
}
