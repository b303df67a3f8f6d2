//! What payments are suspected for: the rules, their versions, and what they may speak of.

use axum::extract::State;
use serde::Deserialize;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::fraud::RuleBook;
use vigie_domain::Error;
use vigie_fraud::rules::RuleSet;

use super::Routes;
use super::api_keys::DeleteParams;
use super::fraud::desk;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, JsonBody, PathParams, QueryParams};
use crate::http::state::AppState;
use crate::http::views::fraud_rules::{
    CheckRequest, CheckView, RuleRequest, RuleVersionView, RuleVersionsView, RuleView, RulesView, SignalsView,
};

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/fraud/rules", Permission::LogsRead, fraud_rules)
        .get("/api/fraud/signals", Permission::LogsRead, fraud_signals)
        .post("/api/fraud/rules/validate", Permission::LogsRead, validate_rule)
        .put("/api/fraud/rules/{name}", Permission::FraudRules, put_rule)
        .delete("/api/fraud/rules/{name}", Permission::FraudRules, delete_rule)
        .get("/api/fraud/rules/{name}/versions", Permission::LogsRead, rule_versions)
        .post("/api/fraud/rules/{name}/approve", Permission::FraudRules, approve_rule)
        .delete("/api/fraud/rules/{name}/proposal", Permission::FraudRules, reject_rule)
        .post("/api/fraud/rules/{name}/rollback", Permission::FraudRules, roll_rule_back)
        .document(FraudRulesApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(
    fraud_rules,
    fraud_signals,
    validate_rule,
    put_rule,
    delete_rule,
    rule_versions,
    roll_rule_back,
    approve_rule,
    reject_rule
))]
struct FraudRulesApi;

/// The version that a change is made of.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct DeleteRuleParams {
    /// The version that is deleted; with another one it is refused.
    pub version: Option<u64>,
    /// Only says what would be deleted.
    pub dry_run: bool,
}

/// Which version.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// The version that is to be in force again.
    pub version: u64,
}

/// The rules in force, and how often each fired since Vigie started.
#[utoipa::path(get, path = "/api/fraud/rules", tag = "fraud", responses(
    (status = 200, description = "the rules", body = RulesView),
    (status = 409, description = "fraud detection is off", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn fraud_rules(State(state): State<AppState>) -> ApiResult<JsonAnswer<RulesView>> {
    let desk = desk(&state)?;
    let reports = desk.detection.rules();
    let changed = desk.rules.changed().await?;
    let rule = |report: vigie_app::fraud::RuleReport| {
        let change = changed.iter().find(|change| change.name == report.rule.name);
        RuleView::new(report, change)
    };
    let proposals = desk.rules.proposals().await?.into_iter().map(Into::into).collect();
    Ok(JsonAnswer(RulesView { rules: reports.into_iter().map(rule).collect(), proposals }))
}

/// What rules may speak of.
#[utoipa::path(get, path = "/api/fraud/signals", tag = "fraud", responses(
    (status = 200, description = "names and kinds", body = SignalsView),
))]
pub async fn fraud_signals() -> JsonAnswer<SignalsView> {
    JsonAnswer(SignalsView::of(RuleSet::schema().names()))
}

/// Whether a text is a rule, and where it is none.
#[utoipa::path(post, path = "/api/fraud/rules/validate", tag = "fraud", request_body = CheckRequest, responses(
    (status = 200, description = "whether it is", body = CheckView),
))]
pub async fn validate_rule(JsonBody(request): JsonBody<CheckRequest>) -> JsonAnswer<CheckView> {
    JsonAnswer(RuleBook::check(&request.expression).into())
}

/// Adds a rule or changes one; it is in force when this answers, or waits for a second person when `fraud.rules_need_second` says so.
#[utoipa::path(put, path = "/api/fraud/rules/{name}", tag = "fraud", request_body = RuleRequest,
    params(("name" = String, Path, description = "what it is called: letters a-z, digits and _")), responses(
    (status = 200, description = "the new version", body = RuleVersionView),
    (status = 409, description = "somebody changed it meanwhile, or there are 1,000 rules", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the rule is wrong; `errors` names what", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn put_rule(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(name): PathParams<String>,
    JsonBody(request): JsonBody<RuleRequest>,
) -> ApiResult<JsonAnswer<RuleVersionView>> {
    let expected = request.version;
    let put = desk(&state)?.rules.put(&caller.account, request.into_rule(name)?, expected).await?;
    Ok(JsonAnswer(put.into()))
}

/// Deletes a rule; one that every shop begins with is as it was then.
#[utoipa::path(delete, path = "/api/fraud/rules/{name}", tag = "fraud",
    params(("name" = String, Path, description = "what it is called"), DeleteRuleParams), responses(
    (status = 200, description = "the version that deletes it, or would", body = RuleVersionView),
    (status = 404, description = "nobody added or changed it", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "somebody changed it meanwhile", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn delete_rule(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(name): PathParams<String>,
    QueryParams(params): QueryParams<DeleteRuleParams>,
) -> ApiResult<JsonAnswer<RuleVersionView>> {
    let book = &desk(&state)?.rules;
    if params.dry_run {
        let missing = || Error::not_found(format!("nobody added or changed a rule \"{name}\""));
        let kept = book.changed().await?.into_iter().find(|known| known.name == name && known.rule.is_some());
        return Ok(JsonAnswer(kept.ok_or_else(missing)?.into()));
    }
    Ok(JsonAnswer(book.delete(&caller.account, &name, params.version).await?.into()))
}

/// What a rule was before.
#[utoipa::path(get, path = "/api/fraud/rules/{name}/versions", tag = "fraud",
    params(("name" = String, Path, description = "what it is called")), responses(
    (status = 200, description = "its versions; none of a rule that nobody changed", body = RuleVersionsView),
))]
pub async fn rule_versions(
    State(state): State<AppState>,
    PathParams(name): PathParams<String>,
) -> ApiResult<JsonAnswer<RuleVersionsView>> {
    let versions = desk(&state)?.rules.versions(&name).await?;
    Ok(JsonAnswer(RuleVersionsView { versions: versions.into_iter().map(RuleVersionView::from).collect() }))
}

/// Puts an earlier version in force again, as a new one.
#[utoipa::path(post, path = "/api/fraud/rules/{name}/rollback", tag = "fraud", request_body = RollbackRequest,
    params(("name" = String, Path, description = "what it is called")), responses(
    (status = 200, description = "the new version", body = RuleVersionView),
    (status = 404, description = "there is no such version", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn roll_rule_back(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(name): PathParams<String>,
    JsonBody(request): JsonBody<RollbackRequest>,
) -> ApiResult<JsonAnswer<RuleVersionView>> {
    Ok(JsonAnswer(desk(&state)?.rules.roll_back(&caller.account, &name, request.version).await?.into()))
}

/// Puts a change in force that somebody else asked for.
#[utoipa::path(post, path = "/api/fraud/rules/{name}/approve", tag = "fraud",
    params(("name" = String, Path, description = "what it is called")), responses(
    (status = 200, description = "the version that is in force", body = RuleVersionView),
    (status = 403, description = "you asked for it yourself", body = ProblemView, content_type = "application/problem+json"),
    (status = 404, description = "no change of it waits", body = ProblemView, content_type = "application/problem+json"),
    (status = 409, description = "the rule was changed since", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn approve_rule(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(name): PathParams<String>,
) -> ApiResult<JsonAnswer<RuleVersionView>> {
    Ok(JsonAnswer(desk(&state)?.rules.approve(&caller.account, &name).await?.into()))
}

/// Drops a change that waits for a second person.
#[utoipa::path(delete, path = "/api/fraud/rules/{name}/proposal", tag = "fraud",
    params(("name" = String, Path, description = "what it is called"), DeleteParams), responses(
    (status = 200, description = "the change that was dropped, or with `dry_run` would be", body = RuleVersionView),
    (status = 404, description = "no change of it waits", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn reject_rule(
    State(state): State<AppState>,
    PathParams(name): PathParams<String>,
    QueryParams(params): QueryParams<DeleteParams>,
) -> ApiResult<JsonAnswer<RuleVersionView>> {
    let rules = &desk(&state)?.rules;
    if params.dry_run {
        return Ok(JsonAnswer(rules.proposal(&name).await?.into()));
    }
    Ok(JsonAnswer(rules.reject(&name).await?.into()))
}
