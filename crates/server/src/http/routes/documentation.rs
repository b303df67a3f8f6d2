//! The OpenAPI document, and a page that shows it. The page loads nothing from elsewhere.

use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use vigie_app::accounts::Permission;

use super::Routes;
use crate::http::error::ApiResult;
use crate::http::{all_routes, openapi};

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/openapi.json", Permission::Public, document)
        .get("/api/docs", Permission::Public, page)
        .get("/api/docs/page.js", Permission::Public, script)
        .get("/api/docs/page.css", Permission::Public, style)
        .document(DocumentationApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(document, page, script, style))]
struct DocumentationApi;

/// What the page may load: its own script and style, and the document.
const PAGE_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "documentation", responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub async fn document() -> ApiResult<Response> {
    let text = openapi::document_text(&all_routes())?;
    Ok(file("application/json", text))
}

/// A page that shows this document.
#[utoipa::path(get, path = "/api/docs", tag = "documentation", responses((status = 200, description = "the page", body = String, content_type = "text/html")))]
pub async fn page() -> Response {
    let mut response = file("text/html; charset=utf-8", include_str!("../../../assets/docs.html"));
    let csp = axum::http::HeaderValue::from_static(PAGE_CSP);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, csp);
    response
}

/// The page's script.
#[utoipa::path(get, path = "/api/docs/page.js", tag = "documentation", responses((status = 200, description = "the script", body = String, content_type = "text/javascript")))]
pub async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../../../assets/docs.js"))
}

/// The page's style.
#[utoipa::path(get, path = "/api/docs/page.css", tag = "documentation", responses((status = 200, description = "the style", body = String, content_type = "text/css")))]
pub async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("../../../assets/docs.css"))
}

fn file(content_type: &'static str, body: impl IntoResponse) -> Response {
    let headers: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, content_type)];
    (headers, body).into_response()
}
