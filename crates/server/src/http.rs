//! The HTTP side: routes, callers, errors, the UI. Handlers are thin: extract, one call, view.

pub mod auth;
pub mod body;
pub mod cookies;
pub mod credentials;
pub mod error;
pub mod export;
pub mod extract;
pub mod idempotency;
pub mod observe;
pub mod openapi;
pub mod origin;
pub mod otlp;
pub mod routes;
pub mod serve;
pub mod state;
pub mod tail;
pub mod ui;
pub mod views;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};

use routes::{Route, Routes};
use state::AppState;

/// Every route there is.
pub fn all_routes() -> Routes {
    let routes = Routes::new();
    let routes = routes::auth::routes(routes);
    let routes = routes::api_keys::routes(routes);
    let routes = routes::logs::routes(routes);
    let routes = routes::tail::routes(routes);
    let routes = routes::uploads::routes(routes);
    let routes = routes::searches::routes(routes);
    let routes = routes::search::routes(routes);
    let routes = routes::facets::routes(routes);
    let routes = routes::dashboard::routes(routes);
    let routes = routes::analytics::routes(routes);
    let routes = routes::export::routes(routes);
    let routes = routes::patterns::routes(routes);
    let routes = routes::differences::routes(routes);
    let routes = routes::shop::routes(routes);
    let routes = routes::fraud::routes(routes);
    let routes = routes::fraud_cases::routes(routes);
    let routes = routes::fraud_rules::routes(routes);
    let routes = routes::fraud_lists::routes(routes);
    let routes = routes::fraud_backtest::routes(routes);
    let routes = routes::fraud_entities::routes(routes);
    let routes = routes::fraud_models::routes(routes);
    let routes = routes::performance::routes(routes);
    let routes = routes::backups::routes(routes);
    let routes = routes::pipelines::routes(routes);
    let routes = routes::elasticsearch::routes(routes);
    let routes = routes::push::routes(routes);
    let routes = routes::stages::routes(routes);
    let routes = routes::health::routes(routes);
    routes::documentation::routes(routes)
}

/// The whole HTTP side, ready to serve, and the table of its routes.
pub fn application(state: AppState) -> (Router, Vec<Route>) {
    application_of(all_routes(), state)
}

/// The HTTP side with these routes: what every answer gets is the same for any of them.
pub fn application_of(routes: Routes, state: AppState) -> (Router, Vec<Route>) {
    let (router, table) = routes.into_parts();
    let router = router
        .fallback(ui::serve)
        // Bodies are bounded by the table of routes; axum's own bound of 2 MB would cut uploads off.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), observe::observe))
        .layer(from_fn(routes::elasticsearch::speak))
        .layer(from_fn(routes::push::speak))
        .with_state(state);
    (router, table)
}
