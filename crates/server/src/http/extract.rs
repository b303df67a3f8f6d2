//! Extractors whose refusals are problems: JSON body, raw body, query parameters, path parameters.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use vigie_domain::Error;
use vigie_domain::error::ErrorDetail;

use super::error::Problem;

/// A JSON request body.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

/// A request body as bytes, whatever its type, within the route's bounds.
#[derive(Debug)]
pub struct RawBody(pub Bytes);

/// The parameters of the query string.
#[derive(Debug)]
pub struct QueryParams<T>(pub T);

/// The parameters within the path.
#[derive(Debug)]
pub struct PathParams<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::unsupported_media_type(
                "this route reads JSON; send \"Content-Type: application/json\"",
            ));
        }
        let body = axum::body::to_bytes(request.into_body(), usize::MAX).await?;
        parse_json(&body).map(Self)
    }
}

/// A document from JSON; an empty body is read as `{}`.
fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let field = if field == "." { "body".to_owned() } else { field };
        wrong_json(field, error.inner())
    })?;
    json.end().map_err(|error| wrong_json("body".to_owned(), &error))?;
    Ok(parsed)
}

fn wrong_json(field: String, error: &serde_json::Error) -> Problem {
    let words = error.to_string();
    let problem = if error.is_data() {
        Error::invalid(format!("the JSON body is not what this route reads: {words}"))
    } else {
        Error::malformed(format!("the body is not valid JSON: {words}"))
    };
    problem.with_detail(ErrorDetail { field, span: None, message: words }).into()
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

impl<S: Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        Ok(Self(axum::body::to_bytes(request.into_body(), usize::MAX).await?))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(wrong_query(&rejection.body_text()).into()),
        }
    }
}

/// What axum says of a query string, with the parameter that it begins with as the place.
fn wrong_query(words: &str) -> Error {
    let reason = words.strip_prefix("Failed to deserialize query string: ").unwrap_or(words);
    let error = Error::malformed(format!("the query string is wrong: {reason}"));
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match reason.split_once(": ").filter(|(field, _)| is_name(field)) {
        Some((field, message)) => {
            error.with_detail(ErrorDetail { field: field.to_owned(), span: None, message: message.to_owned() })
        }
        None => error,
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(params)) => Ok(Self(params)),
            Err(rejection) => Err(Error::malformed(format!("the path is wrong: {}", rejection.body_text())).into()),
        }
    }
}

/// A JSON answer that may be large: serialised straight into bytes.
#[derive(Debug)]
pub struct JsonAnswer<T>(pub T);

impl<T: Serialize> JsonAnswer<T> {
    /// The answer as JSON text.
    ///
    /// # Errors
    /// `Internal` when it cannot be written; a bug.
    pub fn to_bytes(&self) -> Result<Bytes, Problem> {
        let written = serde_json::to_vec(&self.0);
        let text = written.map_err(|error| Error::internal(format!("an answer could not be written as JSON: {error}")));
        Ok(Bytes::from(text?))
    }
}

impl<T: Serialize> IntoResponse for JsonAnswer<T> {
    fn into_response(self) -> Response {
        self.to_bytes().map(JsonBytes).into_response()
    }
}

/// An answer that is JSON text already.
#[derive(Debug)]
pub struct JsonBytes(pub Bytes);

impl IntoResponse for JsonBytes {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content_type: &str, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        assert_eq!(is_json(&headers), expected, "{content_type}");
    }

    #[test]
    fn json_is_told_by_its_media_type() {
        check("application/json", true);
        check("application/JSON; charset=utf-8", true);
        check("application/vnd.vigie+json", true);
        check("text/plain", false);
        check("application/x-www-form-urlencoded", false);
    }

    #[test]
    fn broken_and_wrong_json_differ() {
        let status = |body: &str| parse_json::<Vec<u8>>(body.as_bytes()).map_err(|problem| problem.status().as_u16());
        assert_eq!(status("[1,2]"), Ok(vec![1, 2]));
        assert_eq!(status("[1,"), Err(400));
        assert_eq!(status("{}"), Err(422));
        assert_eq!(status(""), Err(422));
    }
}
