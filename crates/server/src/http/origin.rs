//! Whether the page that opens a WebSocket is one of ours.
//!
//! Browsers let any page open a socket to any host and send that host's cookies along, and nothing like CORS stands between
//! (cross-site WebSocket hijacking). They always say which page it was, in `Origin`: it must be of the host that was asked,
//! or of the public address. Programs send none and are let in by what else they prove.

use axum::http::{HeaderMap, header};
use vigie_domain::{Error, ErrorKind, Result};

/// Refuses a socket that a page of another origin opens.
///
/// # Errors
/// `Forbidden`, naming what was wrong; also when cookies come without an origin.
pub fn check(headers: &HeaderMap, public_url: &str) -> Result<()> {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let refused = |words: String| Err(Error::new(ErrorKind::Forbidden, words));
    if !headers.contains_key(header::ORIGIN) {
        let rides_on_cookies = headers.contains_key(header::COOKIE) && !headers.contains_key(header::AUTHORIZATION);
        return if rides_on_cookies {
            refused("a WebSocket that uses cookies must say where its page is from; send \"Origin\"".into())
        } else {
            Ok(())
        };
    }
    let origin = text(header::ORIGIN).unwrap_or_default();
    let is_asked_host = text(header::HOST).is_some_and(|host| is_of_host(origin, host));
    if is_asked_host || (!public_url.is_empty() && origin_of(public_url).eq_ignore_ascii_case(origin)) {
        return Ok(());
    }
    refused(format!(
        "a page of \"{origin}\" may not open a WebSocket here; if this is Vigie behind a proxy, set \"server.public_url\""
    ))
}

/// Whether the origin is of that host and port, over http or https: a proxy may speak https for us.
fn is_of_host(origin: &str, host: &str) -> bool {
    let authority = |scheme: &str, port: &str| {
        let rest = origin.strip_prefix(scheme)?;
        Some(
            rest.eq_ignore_ascii_case(host)
                || host.strip_suffix(port).is_some_and(|name| rest.eq_ignore_ascii_case(name)),
        )
    };
    authority("https://", ":443").or_else(|| authority("http://", ":80")).unwrap_or(false)
}

/// Scheme, host and port of an address.
fn origin_of(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + "://".len());
    let end = url[authority..].find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
    &url[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(headers: &[(&str, &str)], public_url: &str, is_let_in: bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        assert_eq!(check(&map, public_url).is_ok(), is_let_in, "{headers:?} {public_url}");
    }

    #[test]
    fn only_pages_of_ours_are_let_in() {
        let of = |origin: &'static str, host: &'static str| [("origin", origin), ("host", host)];
        check_one(&of("http://localhost:8642", "localhost:8642"), "", true);
        check_one(&of("https://vigie.shop.example", "vigie.shop.example"), "", true);
        check_one(&of("https://vigie.shop.example", "vigie.shop.example:443"), "", true);
        check_one(&of("http://VIGIE.example", "vigie.example:80"), "", true);
        check_one(&of("http://[::1]:8642", "[::1]:8642"), "", true);
        check_one(&of("https://evil.example", "localhost:8642"), "", false);
        check_one(&of("http://localhost:9999", "localhost:8642"), "", false);
        check_one(&of("https://localhost:8642.evil.example", "localhost:8642"), "", false);
        check_one(&of("https://evil.example/localhost:8642", "localhost:8642"), "", false);
        check_one(&of("null", "localhost:8642"), "", false);
        check_one(&of("", "localhost:8642"), "", false);
        check_one(&of("ftp://localhost:8642", "localhost:8642"), "", false);
    }

    #[test]
    fn the_public_address_is_ours_too() {
        let behind = [("origin", "https://logs.shop.example"), ("host", "10.0.0.7:8642")];
        check_one(&behind, "https://logs.shop.example/", true);
        check_one(&behind, "https://logs.shop.example", true);
        check_one(&behind, "http://logs.shop.example", false);
        check_one(&behind, "https://logs.shop.example.evil.example", false);
        check_one(&behind, "", false);
    }

    #[test]
    fn programs_need_no_origin_and_cookies_do() {
        check_one(&[("host", "localhost:8642")], "", true);
        check_one(&[("host", "localhost:8642"), ("authorization", "Bearer x")], "", true);
        check_one(&[("host", "localhost:8642"), ("cookie", "a=b")], "", false);
    }
}
