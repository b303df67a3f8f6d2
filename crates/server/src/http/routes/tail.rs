//! The live tail: events as they are stored, over a WebSocket.

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::tail::TailInput;
use vigie_domain::Error;

use super::Routes;
use crate::http::auth::{Caller, ClientAddress};
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::QueryParams;
use crate::http::origin;
use crate::http::state::AppState;
use crate::http::tail::{Listener, serve};
use crate::http::views::parameters::{log_type, said};
use crate::http::views::tail::{TailMessage, TailRequest};

/// Adds the route of this file.
pub fn routes(routes: Routes) -> Routes {
    routes.get("/api/logs/tail", Permission::LogsRead, tail_logs).document(TailApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(tail_logs), components(schemas(TailMessage, TailRequest)))]
struct TailApi;

/// Which events are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct TailParams {
    /// Which events; all when left out.
    pub query: Option<String>,
    /// Only those of this log type.
    pub log_type: Option<String>,
    /// Events per second at most, from 1 to the setting `tail.rate_max`; `tail.rate_default` unless said.
    pub rate: Option<usize>,
}

/// Events as they are stored, over a WebSocket.
///
/// Text frames of JSON go both ways: a `TailMessage` from here, a `TailRequest` from the client. When more events match
/// than may be sent, a uniform sample is sent and the numbers say so; what a slow client could not take is counted.
#[utoipa::path(get, path = "/api/logs/tail", tag = "logs", params(TailParams), responses(
    (status = 101, description = "a WebSocket; its frames are `TailMessage`", body = TailMessage),
    (status = 400, description = "the request does not open a WebSocket", body = ProblemView, content_type = "application/problem+json"),
    (status = 403, description = "the role does not allow it, or a page of another origin asks", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn tail_logs(
    State(state): State<AppState>,
    caller: Caller,
    (address, headers): (ClientAddress, HeaderMap),
    QueryParams(params): QueryParams<TailParams>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> ApiResult<Response> {
    let upgrade = upgrade.map_err(|_| {
        Error::malformed("this route is a WebSocket; open it with a client of those, such as `websocat`")
    })?;
    origin::check(&headers, &state.public_url)?;
    let log_type = log_type(params.log_type)?;
    let filters = log_type.map(|log_type| ("log_type".to_owned(), vec![log_type.as_str().to_owned()]));
    let query = said(params.query).unwrap_or_default();
    let first = TailInput { query, filters: filters.into_iter().collect(), rate: params.rate };
    let listener = Listener { caller, address, headers };
    let request_bytes_max = state.limits.tail_request_bytes_max;
    let upgrade = upgrade.max_message_size(request_bytes_max).max_frame_size(request_bytes_max);
    Ok(upgrade.on_upgrade(move |socket| serve(socket, state, listener, first)))
}
