//! The UI, embedded in the binary, for every path that is no route.
//!
//! Files under `assets/` carry a hash in their name and never change; everything else is asked for anew.
//! `index.html` is the answer to every page address, with a fresh nonce for its strict content security policy.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rust_embed::{EmbeddedFile, RustEmbed};
use vigie_domain::Error;

use super::error::Problem;
use super::routes::elasticsearch;

#[derive(RustEmbed)]
#[folder = "$EMBEDDED_UI_DIR"]
struct Files;

/// Stands in `index.html` where the nonce of the answer belongs.
const NONCE_MARK: &str = "__CSP_NONCE__";
/// Files below it have a hash in their name.
const HASHED_FOLDER: &str = "assets/";
/// Encodings in which files may lie beside the plain one, best first.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// Answers whatever no route answers.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if elasticsearch::is_below(uri.path()) {
        return elasticsearch::unknown_call(&method, &uri);
    }
    answer::<Files>(&method, uri.path(), &headers)
}

fn answer<F: RustEmbed>(method: &Method, path: &str, headers: &HeaderMap) -> Response {
    if path == "/api" || path.starts_with("/api/") {
        return Problem::from(Error::not_found(format!(
            "there is no \"{method} {path}\"; /api/docs lists what there is"
        )))
        .into_response();
    }
    if *method != Method::GET && *method != Method::HEAD {
        return Problem::method_not_allowed("pages are read with GET; the API is below /api").into_response();
    }
    let name = path.trim_start_matches('/');
    if name.is_empty() || name == "index.html" {
        return index::<F>();
    }
    if !is_encoded_twin(name)
        && let Some(response) = file::<F>(name, headers)
    {
        return response;
    }
    if accepts_html(headers) {
        return index::<F>();
    }
    Problem::from(Error::not_found(format!("there is no file \"{path}\""))).into_response()
}

fn index<F: RustEmbed>() -> Response {
    let Some(page) = F::get("index.html") else {
        return Problem::from(Error::internal("index.html is not in the binary")).into_response();
    };
    let nonce = STANDARD_NO_PAD.encode(rand::random::<[u8; 16]>());
    let page = String::from_utf8_lossy(&page.data).replace(NONCE_MARK, &nonce);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONTENT_SECURITY_POLICY, content_security_policy(&nonce)),
    ];
    (headers, page).into_response()
}

/// What the UI may load and do: its own files, styles and scripts with this nonce, and nothing else.
fn content_security_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types svelte-trusted-html"
    )
}

fn file<F: RustEmbed>(name: &str, headers: &HeaderMap) -> Option<Response> {
    let plain = F::get(name)?;
    let content_type = content_type(name);
    let (encoding, body) = best_encoding::<F>(name, headers).map_or((None, plain), |(name, file)| (Some(name), file));
    let etag = etag(&body, encoding);
    let is_known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = is_known.is_some_and(|known| known.split(',').any(|one| one.trim() == etag));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, content_type)], body.data).into_response()
    };
    let is_hashed = name.starts_with(HASHED_FOLDER);
    let cache = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut insert = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    insert(header::CACHE_CONTROL, cache);
    insert(header::ETAG, &etag);
    insert(header::VARY, "accept-encoding");
    if let Some(encoding) = encoding {
        insert(header::CONTENT_ENCODING, encoding);
    }
    Some(response)
}

/// The smallest form of the file that the client takes and that is there.
fn best_encoding<F: RustEmbed>(name: &str, headers: &HeaderMap) -> Option<(&'static str, EmbeddedFile)> {
    let accepted = headers.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
    let takes = |encoding: &str| {
        accepted.split(',').any(|one| {
            let mut parts = one.split(';').map(str::trim);
            parts.next() == Some(encoding) && !parts.any(|part| part == "q=0" || part == "q=0.0")
        })
    };
    ENCODINGS
        .into_iter()
        .filter(|(encoding, _)| takes(encoding))
        .find_map(|(encoding, suffix)| F::get(&format!("{name}{suffix}")).map(|file| (encoding, file)))
}

/// `app.js.br` is a form of `app.js`, not a file to ask for.
fn is_encoded_twin(name: &str) -> bool {
    ENCODINGS.iter().any(|(_, suffix)| name.ends_with(suffix))
}

fn etag(file: &EmbeddedFile, encoding: Option<&str>) -> String {
    let hash = &file.metadata.sha256_hash()[..12];
    format!("\"{}{}\"", STANDARD_NO_PAD.encode(hash), encoding.unwrap_or_default())
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(RustEmbed)]
    #[folder = "tests/ui"]
    struct Fixture;

    fn get(path: &str, headers: &[(HeaderName, &str)]) -> Response {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        answer::<Fixture>(&Method::GET, path, &headers)
    }

    fn header<'a>(response: &'a Response, name: &HeaderName) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    async fn text(response: Response) -> String {
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn each_page_has_its_own_nonce() {
        let nonce_of = |response: &Response| {
            let policy = header(response, &header::CONTENT_SECURITY_POLICY).to_owned();
            policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned()
        };
        let (first, second) = (get("/", &[]), get("/", &[]));
        let nonce = nonce_of(&first);
        assert_ne!(nonce, nonce_of(&second));
        assert_eq!(header(&first, &header::CACHE_CONTROL), "no-store");
        let page = text(first).await;
        assert!(page.contains(&format!("nonce=\"{nonce}\"")) && !page.contains(NONCE_MARK), "{page}");
    }

    #[test]
    fn page_addresses_get_the_page_and_files_do_not() {
        let check = |path: &str, accept: &str, expected: u16| {
            assert_eq!(get(path, &[(header::ACCEPT, accept)]).status().as_u16(), expected, "{path} {accept}");
        };
        check("/explore", "text/html,*/*;q=0.8", 200);
        check("/explore", "*/*", 404);
        check("/assets/gone-1.js", "*/*", 404);
        check("/assets/app-1a2b.js", "*/*", 200);
        check("/assets/app-1a2b.js.br", "*/*", 404);
        check("/api/nope", "text/html", 404);
        check("/api", "text/html", 404);
        check("/../Cargo.toml", "*/*", 404);
        check("//etc/passwd", "*/*", 404);
    }

    #[tokio::test]
    async fn the_smallest_accepted_form_is_sent() {
        let check = async |accept: &str, encoding: &str, body: &str| {
            let response = get("/assets/app-1a2b.js", &[(header::ACCEPT_ENCODING, accept)]);
            assert_eq!(header(&response, &header::CONTENT_ENCODING), encoding, "{accept}");
            assert_eq!(header(&response, &header::CONTENT_TYPE), "text/javascript; charset=utf-8");
            assert_eq!(text(response).await.trim(), body, "{accept}");
        };
        check("gzip, deflate, br", "br", "brotli form").await;
        check("gzip", "gzip", "gzip form").await;
        check("br;q=0, gzip;q=0.5", "gzip", "gzip form").await;
        check("identity", "", "plain form").await;
    }

    #[test]
    fn hashed_files_are_kept_and_known_ones_not_sent_again() {
        let first = get("/assets/app-1a2b.js", &[]);
        assert_eq!(header(&first, &header::CACHE_CONTROL), "public, max-age=31536000, immutable");
        let etag = header(&first, &header::ETAG);
        let again = get("/assets/app-1a2b.js", &[(header::IF_NONE_MATCH, etag)]);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let other_form = [(header::IF_NONE_MATCH, etag), (header::ACCEPT_ENCODING, "br")];
        assert_eq!(get("/assets/app-1a2b.js", &other_form).status(), StatusCode::OK);
        assert_eq!(header(&get("/robots.txt", &[]), &header::CACHE_CONTROL), "no-cache");
    }

    #[test]
    fn pages_are_only_read() {
        let response = answer::<Fixture>(&Method::POST, "/", &HeaderMap::new());
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}
