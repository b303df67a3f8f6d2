//! The table of routes: each with the permission that its caller needs.
//!
//! `Routes::get(path, Permission, handler)` and its like are the only way to add one, so a route without a
//! permission does not compile. The permission is checked, and the body bounded, before the handler runs.

pub mod analytics;
pub mod api_keys;
pub mod auth;
pub mod backups;
pub mod dashboard;
pub mod differences;
pub mod documentation;
pub mod elasticsearch;
pub mod export;
pub mod facets;
pub mod fraud;
pub mod fraud_backtest;
pub mod fraud_cases;
pub mod fraud_entities;
pub mod fraud_lists;
pub mod fraud_models;
pub mod fraud_rules;
pub mod health;
pub mod logs;
pub mod patterns;
pub mod performance;
pub mod pipelines;
pub mod push;
pub mod search;
pub mod searches;
pub mod shop;
pub mod stages;
pub mod tail;
pub mod uploads;

use std::pin::Pin;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use vigie_app::accounts::Permission;

use super::auth::authorize;
use super::body::{BodyLimit, BoundedBody};
use super::error::Problem;
use super::state::AppState;

/// One route as the generated test and the API document see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its HTTP method.
    pub method: Method,
    /// Its path, parameters in braces.
    pub path: &'static str,
    /// What its caller needs.
    pub permission: Permission,
}

/// Collects routes and what is documented about them.
pub struct Routes {
    router: Router<AppState>,
    table: Vec<Route>,
    documents: Vec<utoipa::openapi::OpenApi>,
}

impl Default for Routes {
    fn default() -> Self {
        Self::new()
    }
}

impl Routes {
    /// No route yet.
    pub fn new() -> Self {
        Self { router: Router::new(), table: Vec::new(), documents: Vec::new() }
    }

    /// Adds `GET path` (and with it `HEAD path`).
    #[must_use]
    pub fn get<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.add(Method::GET, MethodFilter::GET, path, Guarded { permission, limit: BodyLimit::Json, handler })
    }

    /// Adds `POST path` whose body is a JSON document.
    #[must_use]
    pub fn post<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.post_body(path, permission, BodyLimit::Json, handler)
    }

    /// Adds `POST path` whose body may be as large as `limit` says.
    #[must_use]
    pub fn post_body<H, T>(self, path: &'static str, permission: Permission, limit: BodyLimit, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.add(Method::POST, MethodFilter::POST, path, Guarded { permission, limit, handler })
    }

    /// Adds `PUT path` whose body is a JSON document.
    #[must_use]
    pub fn put<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.put_body(path, permission, BodyLimit::Json, handler)
    }

    /// Adds `PUT path` whose body may be as large as `limit` says.
    #[must_use]
    pub fn put_body<H, T>(self, path: &'static str, permission: Permission, limit: BodyLimit, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.add(Method::PUT, MethodFilter::PUT, path, Guarded { permission, limit, handler })
    }

    /// Adds `DELETE path`.
    #[must_use]
    pub fn delete<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.add(Method::DELETE, MethodFilter::DELETE, path, Guarded { permission, limit: BodyLimit::Json, handler })
    }

    /// Adds what utoipa collected about handlers: `routes.document(MyApi::openapi())`.
    #[must_use]
    pub fn document(mut self, document: utoipa::openapi::OpenApi) -> Self {
        self.documents.push(document);
        self
    }

    /// Every route, in the order added.
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    /// What was documented, module by module.
    pub fn documents(&self) -> &[utoipa::openapi::OpenApi] {
        &self.documents
    }

    /// The router, and the table of what is in it.
    pub fn into_parts(self) -> (Router<AppState>, Vec<Route>) {
        (self.router, self.table)
    }

    fn add<H, T>(mut self, method: Method, filter: MethodFilter, path: &'static str, guarded: Guarded<H>) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.table.push(Route { method, path, permission: guarded.permission });
        self.router = self.router.route(path, on(filter, guarded));
        self
    }
}

/// A handler behind its permission and its body's bounds.
#[derive(Clone)]
struct Guarded<H> {
    permission: Permission,
    limit: BodyLimit,
    handler: H,
}

impl<H, T> Handler<T, AppState> for Guarded<H>
where
    H: Handler<T, AppState>,
    T: 'static,
{
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, state: AppState) -> Self::Future {
        Box::pin(async move {
            match guard(request, &state, self.permission, self.limit).await {
                Ok(request) => self.handler.call(request, state).await,
                Err(problem) => problem.into_response(),
            }
        })
    }
}

/// The request with its caller known and its body bounded.
async fn guard(
    request: Request,
    state: &AppState,
    permission: Permission,
    limit: BodyLimit,
) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    if let Some(caller) = authorize(&parts, state, permission).await? {
        parts.extensions.insert(caller);
    }
    let bounded = BoundedBody::new(body, state.limits.of(limit))?;
    Ok(Request::from_parts(parts, Body::new(bounded)))
}
