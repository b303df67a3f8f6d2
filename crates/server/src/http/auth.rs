//! Who calls: from the header `Authorization`, or from the browser's cookies.
//!
//! Basic is for programs. The web client's cookies come before it, because a proxy in front may ask for a password of
//! its own and pass it on; and no answer asks for it (`WWW-Authenticate`), because a browser that is asked keeps the
//! password and sends it with every request, whichever site makes it.
//!
//! A request that rides on cookies and changes something must also carry `X-Vigie-Client: web`. No page of
//! another origin can make a browser send that header, so none can act in the user's name.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use vigie_app::accounts::{Caller as Account, Permission};
use vigie_domain::{Error, ErrorKind, Scope};

use super::cookies::CookieKind;
use super::credentials::Credentials;
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

/// What tells who makes a request, and whether another site could have made the browser send it.
pub struct Knock<'a> {
    /// Whether the method changes nothing.
    pub is_safe: bool,
    /// Where the request came from.
    pub address: ClientAddress,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

impl<'a> Knock<'a> {
    /// That of the request.
    pub fn of(parts: &'a Parts) -> Self {
        Self { is_safe: parts.method.is_safe(), address: ClientAddress::of(parts), headers: &parts.headers }
    }
}

/// The caller of the request, if the route needs one.
///
/// # Errors
/// `Unauthenticated` without a valid proof; `Forbidden` when the caller does not have the permission.
pub async fn authorize(parts: &Parts, state: &AppState, permission: Permission) -> Result<Option<Caller>, Problem> {
    if permission.least_role().is_none() {
        return Ok(None);
    }
    let caller = authenticate(&Knock::of(parts), state).await?;
    caller.account.require(permission)?;
    Ok(Some(caller))
}

/// The caller whom the request proves, whatever their role.
///
/// # Errors
/// `Unauthenticated` without a valid proof; `Throttled` after too many wrong passwords; `Forbidden` when the request
/// is not safe, rides on a cookie and does not come from the web client.
pub async fn authenticate(knock: &Knock<'_>, state: &AppState) -> Result<Caller, Problem> {
    let cookie = state.cookies.read(knock.headers, CookieKind::Access);
    let is_web = is_web_client(knock.headers);
    let account = match (Credentials::read(knock.headers), cookie) {
        (Ok(Some(Credentials::Bearer(token))), _) => state.accounts.authenticate(&token).await?,
        (Ok(Some(Credentials::Basic { username, password })), _) if !is_web => {
            state.accounts.authenticate_password(&username, &password, knock.address.0).await?
        }
        (Ok(Some(Credentials::Key(key))), _) => state.accounts.authenticate_key(&key).await?,
        (Err(error), _) if !is_web => return Err(error.into()),
        (_, Some(token)) => {
            if !knock.is_safe {
                require_web_client(knock.headers)?;
            }
            state.accounts.authenticate(token).await?
        }
        (_, None) => {
            let words =
                "sign in first, or send the header \"Authorization\" with \"Bearer TOKEN\", \"ApiKey KEY\" or Basic";
            return Err(Error::new(ErrorKind::Unauthenticated, words).into());
        }
    };
    Ok(Caller { account, scope: Scope::main() })
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

impl ClientAddress {
    /// Without a connection below, as in tests, the request came from this machine.
    fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().copied().unwrap_or(Self(IpAddr::V4(Ipv4Addr::LOCALHOST)))
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self::of(parts))
    }
}
