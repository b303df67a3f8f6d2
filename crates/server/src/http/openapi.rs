//! The OpenAPI 3.1 document, made from the handlers and the table of routes.
//!
//! Who may call a route, and what every route may refuse with, comes from the table and not from the handlers,
//! so that it cannot be wrong.

use axum::http::Method;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr, ResponseBuilder, Tag,
};
use utoipa::{PartialSchema, ToSchema};
use vigie_app::accounts::{KeyScope, Permission};

use super::error::{PROBLEM_JSON, ProblemDetail, ProblemView};
use super::routes::{Route, Routes};

const BEARER: &str = "bearer";
const BASIC: &str = "basic";
const API_KEY: &str = "api_key";
const TAGS: [(&str, &str); 12] = [
    ("auth", "Signing in and out"),
    ("logs", "Sending, uploading and finding events"),
    ("push", "Events in the protocols of OpenTelemetry, Loki and Splunk"),
    ("search", "Counting what a query finds, and help with typing one"),
    ("dashboard", "The numbers of the overview"),
    ("analytics", "Numbers over time"),
    ("fraud", "Payments judged, and what was said of them"),
    ("performance", "How fast the shop answers"),
    ("pipelines", "Ways in beside this API, and what they could not store"),
    ("backups", "Copies of everything"),
    ("health", "How Vigie itself is"),
    ("documentation", "This document"),
];

/// The document of these routes.
pub fn document(routes: &Routes) -> OpenApi {
    let mut document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Vigie")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Watches an online shop through its logs. Instants are RFC 3339, UTC; ranges are half-open.",
                ))
                .build(),
        )
        .components(Some(
            ComponentsBuilder::new()
                .schema("Problem", ProblemView::schema())
                .schema(ProblemDetail::name(), ProblemDetail::schema())
                .security_scheme(BEARER, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
                .security_scheme(BASIC, SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)))
                .security_scheme(API_KEY, SecurityScheme::ApiKey(ApiKey::Header(api_key_header())))
                .build(),
        ))
        .build();
    for part in routes.documents() {
        document.merge(part.clone());
    }
    document.tags = Some(TAGS.map(|(name, words)| tag(name, words)).to_vec());
    for route in routes.table() {
        if let Some(item) = document.paths.paths.get_mut(route.path)
            && let Some(operation) = operation_mut(item, &route.method)
        {
            complete(operation, route);
        }
    }
    document
}

fn api_key_header() -> ApiKeyValue {
    let words = "`ApiKey KEY` as shown when the key was made, or `ApiKey` and the base64 of `ID:SECRET`";
    ApiKeyValue::with_description("Authorization", words)
}

/// The document as text, as it is served and kept beside the UI.
///
/// # Errors
/// When it cannot be written as JSON; a bug.
pub fn document_text(routes: &Routes) -> vigie_domain::Result<String> {
    let mut text = document(routes).to_pretty_json().map_err(|error| {
        vigie_domain::Error::internal(format!("the API document could not be written as JSON: {error}"))
    })?;
    text.push('\n');
    Ok(text)
}

fn tag(name: &str, words: &str) -> Tag {
    let mut tag = Tag::new(name);
    tag.description = Some(words.to_owned());
    tag
}

/// The operation of a path for a method, if it is documented.
pub fn operation_mut<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match method.as_str() {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PUT" => item.put.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

/// Adds who may call it and what every route may refuse with.
fn complete(operation: &mut Operation, route: &Route) {
    operation.operation_id = Some(operation_id(route));
    let add = |operation: &mut Operation, status: &str, words: &str| {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem(words)));
    };
    if let Some(role) = route.permission.least_role() {
        let scope = KeyScope::covering(route.permission);
        let takes_keys = scope.is_some() || route.permission == Permission::Authenticated;
        let schemes = [BEARER, BASIC].into_iter().chain(takes_keys.then_some(API_KEY));
        let requirement = |scheme: &str| SecurityRequirement::new::<_, [&str; 0], &str>(scheme, []);
        operation.security = Some(schemes.map(requirement).collect());
        let needs = match scope {
            Some(scope) => format!("Needs the role `{role}`; of an API key also the scope `{scope}`."),
            None if takes_keys => format!("Needs the role `{role}`."),
            None => format!("Needs the role `{role}`. No API key may do this."),
        };
        let words = operation.description.take().filter(|words| !words.is_empty());
        operation.description = Some(words.map_or_else(|| needs.clone(), |words| format!("{words}\n\n{needs}")));
        add(operation, "401", "not signed in");
        if route.permission != Permission::Authenticated {
            add(operation, "403", "the role, or the scopes of the API key, do not allow it");
        }
    }
    if route.path.starts_with("/api/") {
        add(operation, "default", "anything else that went wrong");
    }
}

/// `GET /api/logs/{id}/context` is `get_logs_id_context`: as unique as the route, and never to be thought up.
fn operation_id(route: &Route) -> String {
    let segments = route.path.split('/').filter(|segment| !segment.is_empty() && *segment != "api");
    let words = segments.map(|segment| segment.trim_matches(['{', '}']).replace(['-', '.'], "_"));
    // A path that is written with and without a slash at its end is two routes.
    let slash = route.path.ends_with('/').then(|| "slash".to_owned());
    std::iter::once(route.method.as_str().to_lowercase()).chain(words).chain(slash).collect::<Vec<_>>().join("_")
}

fn problem(words: &str) -> utoipa::openapi::Response {
    let content = ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("Problem")))).build();
    ResponseBuilder::new().description(words).content(PROBLEM_JSON, content).build()
}
