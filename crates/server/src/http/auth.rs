//! Who calls: from a bearer token, or from the browser's cookies.
//!
//! A request that rides on cookies and changes something must also carry `X-Vigie-Client: web`. No page of
//! another origin can make a browser send that header, so none can act in the user's name.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use vigie_app::accounts::{Caller as Account, Permission};
use vigie_domain::{Error, ErrorKind, Scope};

use super::cookies::CookieKind;
use super::error::Problem;
use super::state::AppState;

/// The header that the web client sends with every request.
pub const X_VIGIE_CLIENT: HeaderName = HeaderName::from_static("x-vigie-client");
const WEB_CLIENT: &[u8] = b"web";

/// Who calls, and what they may see. Handlers of routes that are not `Public` take it as an argument.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account and its session.
    pub account: Account,
    /// What every read and write is limited to.
    pub scope: Scope,
}

/// The address that the request came from, in its extensions.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

/// The caller of the request, if the route needs one.
///
/// # Errors
/// `Unauthenticated` without a valid token; `Forbidden` when the role does not have the permission.
pub async fn authorize(parts: &Parts, state: &AppState, permission: Permission) -> Result<Option<Caller>, Problem> {
    if permission.least_role().is_none() {
        return Ok(None);
    }
    let caller = authenticate(parts.method.is_safe(), &parts.headers, state).await?;
    if !caller.account.role.allows(permission) {
        let needed = permission.least_role().map_or("another", |role| role.as_str());
        let has = caller.account.role;
        let words = format!("this needs the role \"{needed}\" and you are \"{has}\"; ask an admin for it");
        return Err(Error::new(ErrorKind::Forbidden, words).into());
    }
    Ok(Some(caller))
}

/// The caller whom the token in these headers proves, whatever their role.
///
/// # Errors
/// `Unauthenticated` without a valid token; `Forbidden` when the request is not safe, rides on a cookie and
/// does not come from the web client.
pub async fn authenticate(is_safe: bool, headers: &HeaderMap, state: &AppState) -> Result<Caller, Problem> {
    let token = match bearer_token(headers) {
        Some(token) => token,
        None => {
            let cookie = state.cookies.read(headers, CookieKind::Access);
            let token = cookie.ok_or_else(|| {
                Error::new(ErrorKind::Unauthenticated, "sign in first, or send \"Authorization: Bearer TOKEN\"")
            })?;
            if !is_safe {
                require_web_client(headers)?;
            }
            token
        }
    };
    let account = state.accounts.authenticate(token).await?;
    Ok(Caller { account, scope: Scope::main() })
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the web client sent the request.
pub fn is_web_client(headers: &HeaderMap) -> bool {
    headers.get(X_VIGIE_CLIENT).is_some_and(|value| value.as_bytes() == WEB_CLIENT)
}

/// Refuses what another site could have made the browser send.
///
/// # Errors
/// `Forbidden` without the header.
pub fn require_web_client(headers: &HeaderMap) -> Result<(), Problem> {
    if is_web_client(headers) {
        return Ok(());
    }
    let words = "a request that uses cookies and changes something must carry \"X-Vigie-Client: web\"";
    Err(Error::new(ErrorKind::Forbidden, words).into())
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Error::internal("a handler of a public route asked for its caller; give the route a permission").into()
        })
    }
}

/// Without a connection below, as in tests, the request came from this machine.
impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self(IpAddr::V4(Ipv4Addr::LOCALHOST))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_tokens_are_read() {
        let check = |value: &str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            assert_eq!(bearer_token(&headers), expected, "{value}");
        };
        check("Bearer abc", Some("abc"));
        check("bearer  abc ", Some("abc"));
        check("Basic abc", None);
        check("abc", None);
    }
}
