//! Signing in and out: tokens in the body for programs, in cookies for the web client.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use vigie_app::accounts::{Permission, Session, User};
use vigie_domain::{Error, ErrorKind};

use super::Routes;
use crate::http::auth::{Caller, ClientAddress, Knock, authenticate, is_web_client, require_web_client};
use crate::http::cookies::CookieKind;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, JsonBody};
use crate::http::state::AppState;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .post("/api/auth/login", Permission::Public, login)
        .post("/api/auth/refresh", Permission::Public, refresh)
        .post("/api/auth/logout", Permission::Public, logout)
        .get("/api/auth/me", Permission::Authenticated, me)
        .document(AuthApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(login, refresh, logout, me))]
struct AuthApi;

/// User name and password.
#[derive(Deserialize, ToSchema)]
pub struct LoginRequest {
    /// The user's name.
    #[schema(example = "admin@localhost")]
    pub username: String,
    /// The user's password.
    pub password: String,
}

/// The refresh token; left out by the web client, whose cookie holds it.
#[derive(Deserialize, ToSchema)]
pub struct RefreshRequest {
    /// The token that the last login or refresh gave.
    pub refresh_token: Option<String>,
}

/// A session that has begun or goes on.
#[derive(Serialize, ToSchema)]
pub struct SessionView {
    /// For `Authorization: Bearer`; left out for the web client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// For the next refresh, once; left out for the web client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Seconds until the access token expires.
    pub expires_in: u64,
    /// Who is signed in.
    pub user: UserView,
}

/// A user.
#[derive(Serialize, ToSchema)]
pub struct UserView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub username: String,
    /// `viewer`, `analyst`, `moderator` or `admin`.
    #[schema(example = "analyst")]
    pub role: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            role: user.role.to_string(),
            created_at: user.created_at.to_string(),
        }
    }
}

/// Begins a session.
///
/// With `X-Vigie-Client: web` the tokens are set as cookies and left out of the body. After 10 failures
/// within 15 minutes an account or address has to wait.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", request_body = LoginRequest, responses(
    (status = 200, description = "signed in", body = SessionView),
    (status = 401, description = "user name or password is wrong", body = ProblemView, content_type = "application/problem+json"),
    (status = 429, description = "too many failures", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn login(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    JsonBody(request): JsonBody<LoginRequest>,
) -> ApiResult<Response> {
    let session = state.accounts.login(&request.username, &request.password, address).await?;
    Ok(begin(&state, &headers, session))
}

/// Goes on with a session: a new access token and a new refresh token for the old one.
///
/// A refresh token works once; using it again ends the session.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "auth", request_body = RefreshRequest, responses(
    (status = 200, description = "the session goes on", body = SessionView),
    (status = 401, description = "the token is wrong, expired or was used before", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn refresh(
    State(state): State<AppState>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<RefreshRequest>,
) -> ApiResult<Response> {
    let session = match &request.refresh_token {
        Some(token) => state.accounts.refresh(token).await?,
        None => {
            require_web_client(&headers)?;
            let cookie = state.cookies.read(&headers, CookieKind::Refresh);
            let token = cookie
                .ok_or_else(|| Error::new(ErrorKind::Unauthenticated, "there is no refresh token; sign in again"))?;
            state.accounts.refresh(token).await?
        }
    };
    Ok(begin(&state, &headers, session))
}

/// Ends the session: every token of it stops working. Without a session there is nothing to end, and that is no error.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth", responses((status = 204, description = "signed out")))]
pub async fn logout(State(state): State<AppState>, address: ClientAddress, headers: HeaderMap) -> ApiResult<Response> {
    let knock = Knock { is_safe: false, address, headers: &headers };
    match authenticate(&knock, &state).await {
        Ok(caller) => state.accounts.logout(&caller.account).await?,
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => end_expired(&state, &headers).await?,
        Err(problem) => return Err(problem),
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    for kind in [CookieKind::Access, CookieKind::Refresh] {
        append_cookie(&mut response, state.cookies.clear(&headers, kind));
    }
    Ok(response)
}

/// A web client whose access token has expired still has its refresh token.
async fn end_expired(state: &AppState, headers: &HeaderMap) -> ApiResult<()> {
    if let Some(token) = state.cookies.read(headers, CookieKind::Refresh) {
        require_web_client(headers)?;
        state.accounts.logout_by_refresh_token(token).await?;
    }
    Ok(())
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/auth/me", tag = "auth", responses((status = 200, description = "the caller", body = UserView)))]
pub async fn me(State(state): State<AppState>, caller: Caller) -> ApiResult<JsonAnswer<UserView>> {
    let user = state.accounts.me(&caller.account).await?;
    Ok(JsonAnswer(user.into()))
}

fn begin(state: &AppState, headers: &HeaderMap, session: Session) -> Response {
    let is_web = is_web_client(headers);
    let view = SessionView {
        access_token: (!is_web).then(|| session.access_token.clone()),
        refresh_token: (!is_web).then(|| session.refresh_token.clone()),
        expires_in: session.expires_in_s,
        user: session.user.into(),
    };
    let mut response = JsonAnswer(view).into_response();
    if is_web {
        let access = state.cookies.set(headers, CookieKind::Access, &session.access_token, session.expires_in_s);
        let refresh =
            state.cookies.set(headers, CookieKind::Refresh, &session.refresh_token, session.refresh_expires_in_s);
        append_cookie(&mut response, access);
        append_cookie(&mut response, refresh);
    }
    response
}

fn append_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
