//! The two cookies of the web client: access token and refresh token.
//!
//! Both are `HttpOnly` and `SameSite=Strict`. Over https, and on a loopback host, which browsers treat as
//! secure, they are named `__Host-…` and are `Secure`, so that no other host or plain connection can set or
//! see them. Over plain http to any other host a browser would refuse `Secure`; there they have plain names
//! and anybody on the way can read them: put TLS in front and set `server.public_url`.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieKind {
    /// Proves who calls; short-lived.
    Access,
    /// Gets a new access token.
    Refresh,
}

/// How cookies are made.
#[derive(Clone, Copy, Debug, Default)]
pub struct CookiePolicy {
    /// Whether browsers reach Vigie over https.
    pub is_https: bool,
}

impl CookiePolicy {
    /// The policy for the address at which browsers reach Vigie; empty means plain http.
    pub fn for_public_url(public_url: &str) -> Self {
        Self { is_https: public_url.to_ascii_lowercase().starts_with("https://") }
    }

    /// The value of the cookie that the request carries.
    pub fn read<'a>(&self, headers: &'a HeaderMap, kind: CookieKind) -> Option<&'a str> {
        let name = self.name(headers, kind);
        let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(found, value)| *found == name && !value.is_empty()).map(|(_, value)| value)
    }

    /// `Set-Cookie` for a new value. Tokens are base64url and dots, so nothing needs quoting.
    pub fn set(&self, headers: &HeaderMap, kind: CookieKind, value: &str, max_age_s: u64) -> Option<HeaderValue> {
        let name = self.name(headers, kind);
        let secure = if self.is_secure(headers) { "; Secure" } else { "" };
        let cookie = format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}");
        HeaderValue::from_str(&cookie).ok()
    }

    /// `Set-Cookie` that removes it.
    pub fn clear(&self, headers: &HeaderMap, kind: CookieKind) -> Option<HeaderValue> {
        self.set(headers, kind, "", 0)
    }

    fn name(&self, headers: &HeaderMap, kind: CookieKind) -> &'static str {
        match (kind, self.is_secure(headers)) {
            (CookieKind::Access, true) => "__Host-vigie_access",
            (CookieKind::Access, false) => "vigie_access",
            (CookieKind::Refresh, true) => "__Host-vigie_refresh",
            (CookieKind::Refresh, false) => "vigie_refresh",
        }
    }

    fn is_secure(&self, headers: &HeaderMap) -> bool {
        self.is_https || headers.get(header::HOST).and_then(|host| host.to_str().ok()).is_some_and(is_loopback)
    }
}

/// Whether a `Host` header names this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        headers
    }

    #[test]
    fn loopback_hosts_are_told_apart() {
        let check = |host: &str, expected: bool| assert_eq!(is_loopback(host), expected, "{host}");
        check("localhost:8642", true);
        check("127.0.0.1:8642", true);
        check("127.8.0.1", true);
        check("[::1]:8642", true);
        check("vigie.localhost", true);
        check("localhost.example.com", false);
        check("127.0.0.1.example.com", false);
        check("shop.example.com:443", false);
        check("[2001:db8::1]", false);
    }

    #[test]
    fn cookies_are_secure_where_browsers_accept_it() {
        let set = |is_https: bool, host: &str| {
            let policy = CookiePolicy { is_https };
            let value = policy.set(&headers(host, ""), CookieKind::Access, "abc", 3600).unwrap();
            value.to_str().unwrap().to_owned()
        };
        let secure = "__Host-vigie_access=abc; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict; Secure";
        assert_eq!(set(false, "localhost:8642"), secure);
        assert_eq!(set(true, "vigie.example.com"), secure);
        assert_eq!(
            set(false, "vigie.example.com"),
            "vigie_access=abc; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict"
        );
    }

    #[test]
    fn only_the_name_of_the_right_sort_is_read() {
        let policy = CookiePolicy::for_public_url("");
        let cookie = "theme=dark; __Host-vigie_access=good; vigie_access=planted";
        assert_eq!(policy.read(&headers("localhost", cookie), CookieKind::Access), Some("good"));
        assert_eq!(policy.read(&headers("vigie.example.com", cookie), CookieKind::Access), Some("planted"));
        assert_eq!(policy.read(&headers("localhost", cookie), CookieKind::Refresh), None);
        assert_eq!(policy.read(&headers("localhost", "__Host-vigie_access="), CookieKind::Access), None);
    }
}
