//! What every answer of Elasticsearch's API has: its header, the media type that was asked for, its shape of errors, and
//! only the fields that `filter_path` names.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value as Json;

use super::TABLES;
use super::answer_form::{Form, YAML, asking_for_json, yaml};
use super::error::Failure;
use super::error_trace;
use super::filter_path::Filter;
use super::is_below;
use crate::http::error::Problem;

/// Without it the official clients refuse to go on.
const X_ELASTIC_PRODUCT: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-elastic-product"), HeaderValue::from_static("Elasticsearch"));
/// The media type by which clients ask for answers of a major version.
const COMPATIBLE_JSON: &str = "application/vnd.elasticsearch+json";
/// The versions that are answered, each with what is answered.
const COMPATIBLE: [(&str, &str); 3] = [
    ("7", "application/vnd.elasticsearch+json;compatible-with=7"),
    ("8", "application/vnd.elasticsearch+json;compatible-with=8"),
    ("9", "application/vnd.elasticsearch+json;compatible-with=9"),
];
/// A JSON answer that is written anew here has at most so many bytes; longer ones filter themselves while they are written.
const FILTERED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Stands in the extensions of an answer that `filter_path` was applied to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filtered;

/// Says of an answer that something which the request named is not done (RFC 7234, `Warning`).
pub(super) fn with_warning(mut response: Response, words: Option<&'static str>) -> Response {
    if let Some(value) = words.and_then(|words| HeaderValue::from_str(&format!("299 Vigie \"{words}\"")).ok()) {
        response.headers_mut().append(header::WARNING, value);
    }
    response
}

/// Answers requests of this API in its dialect; others pass.
pub async fn speak(mut request: Request, next: Next) -> Response {
    if !is_below(request.uri().path()) {
        return next.run(request).await;
    }
    let media_type = media_type(request.headers());
    let form = Form::asked(request.uri(), request.headers());
    if form.is_some() && request.uri().path().starts_with(TABLES) {
        *request.uri_mut() = asking_for_json(request.uri());
    }
    let (filter, is_traced) = (Filter::of_query(request.uri().query()), error_trace::is_asked(request.uri().query()));
    let mut response = match filter {
        Ok(filter) => {
            let wanted = Wanted { filter: filter.as_ref(), is_traced, is_yaml: form == Some(Form::Yaml) };
            rewritten(shaped(next.run(request).await), wanted).await
        }
        Err(problem) => Failure::from(&problem).into_response(),
    };
    let headers = response.headers_mut();
    let is_json =
        headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if is_json && let Some(media_type) = media_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    headers.insert(X_ELASTIC_PRODUCT.0, X_ELASTIC_PRODUCT.1);
    response
}

/// The answer to a call that this API does not have.
pub fn unknown_call(method: &Method, uri: &Uri) -> Response {
    let path = uri.path();
    let words = format!(
        "no handler found for uri [{path}] and method [{method}]: Vigie has no such call; docs/elasticsearch.md lists those that it has"
    );
    Problem::from(vigie_domain::Error::malformed(words)).into_response()
}

/// A problem in Elasticsearch's shape; other answers as they are.
fn shaped(response: Response) -> Response {
    let Some(problem) = response.extensions().get::<Problem>() else { return response };
    let failure = Failure::from(problem);
    let (mut parts, _) = response.into_parts();
    parts.status = failure.status;
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, Body::from(failure.to_bytes()))
}

/// What is asked of the form of an answer.
struct Wanted<'a> {
    filter: Option<&'a Filter>,
    is_traced: bool,
    is_yaml: bool,
}

/// The answer with its errors traced, with only what the filter wants, as YAML: what of that is asked for.
async fn rewritten(response: Response, Wanted { filter, is_traced, is_yaml }: Wanted<'_>) -> Response {
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json");
    let filter = filter.filter(|_| response.extensions().get::<Filtered>().is_none());
    if !is_json || (filter.is_none() && !is_traced && !is_yaml) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let words = "the answer is too long to be written anew; ask for less of it, or without \"filter_path\", \"error_trace\" and YAML";
    let too_long = || Failure::from(vigie_domain::Error::new(vigie_domain::ErrorKind::TooLarge, words)).into_response();
    let Ok(body) = axum::body::to_bytes(body, FILTERED_BYTES_MAX).await else { return too_long() };
    let Ok(mut json) = serde_json::from_slice::<Json>(&body) else {
        return Response::from_parts(parts, Body::from(body));
    };
    if is_traced {
        error_trace::trace(&mut json);
    }
    if let Some(filter) = filter {
        json = filter.apply(&json);
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    if is_yaml {
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(YAML));
    }
    Response::from_parts(parts, Body::from(if is_yaml { yaml(&json) } else { json.to_string() }))
}

/// The media type of JSON answers, when the request asks for that of a version.
fn media_type(headers: &HeaderMap) -> Option<&'static str> {
    let asked = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = asked.flat_map(|value| value.split(',')).map(str::to_ascii_lowercase);
    types.find_map(|media_type| {
        let (name, parameters) = media_type.split_once(';')?;
        let is_compatible = name.trim() == COMPATIBLE_JSON;
        let version = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("compatible-with="))?;
        COMPATIBLE.iter().find(|(known, _)| is_compatible && *known == version.trim()).map(|(_, answer)| *answer)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_of_a_version_is_answered_when_it_is_asked_for() {
        let check = |accept: &str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(media_type(&headers), expected, "{accept}");
        };
        check("application/json", None);
        check("*/*", None);
        check("application/vnd.elasticsearch+json", None);
        check("application/vnd.elasticsearch+json; compatible-with=8", Some(COMPATIBLE[1].1));
        check("application/vnd.elasticsearch+json;compatible-with=9", Some(COMPATIBLE[2].1));
        check("text/plain, Application/vnd.elasticsearch+json; q=1; compatible-with=7", Some(COMPATIBLE[0].1));
        check("application/vnd.elasticsearch+json; compatible-with=10", None);
        check("application/vnd.elasticsearch+x-ndjson; compatible-with=8", None);
        assert_eq!(media_type(&HeaderMap::new()), None);
    }
}
