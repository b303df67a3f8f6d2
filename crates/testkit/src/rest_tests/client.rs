//! How requests reach a server: over HTTP, or in tests by a double.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use ureq::Agent;
use ureq::http::{HeaderName, HeaderValue, Method, Request, Response};

use super::api::encoded;
use super::yaml;

/// Longer than any call of the tests takes.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of one answer.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// A request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outgoing {
    /// In capitals.
    pub method: String,
    /// Encoded; begins with `/`.
    pub path: String,
    /// Not encoded.
    pub query: Vec<(String, String)>,
    /// Beside authentication.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Option<String>,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Values of every `Warning`.
    pub warnings: Vec<String>,
    /// As sent.
    pub text: String,
    /// Read as JSON or YAML when it is that.
    pub json: Option<Json>,
}

impl Answer {
    /// An answer of that type of content.
    pub fn new(status: u16, content_type: &str, text: String) -> Self {
        let json = if content_type.contains("json") {
            serde_json::from_str(&text).ok()
        } else if content_type.contains("yaml") {
            yaml::documents(&text).ok().and_then(|documents| documents.into_iter().next())
        } else {
            None
        };
        Self { status, warnings: Vec::new(), text, json }
    }

    /// The value that places lie in: what was read, or else the text.
    pub fn value(&self) -> Json {
        self.json.clone().unwrap_or_else(|| Json::from(self.text.as_str()))
    }
}

/// Sends requests.
pub trait Transport {
    /// Sends one and waits for its answer, whatever its status.
    ///
    /// # Errors
    /// No answer came.
    fn send(&self, request: &Outgoing) -> Result<Answer, String>;
}

/// A server at a URL.
pub struct HttpClient {
    agent: Agent,
    url: String,
    authorization: Option<String>,
}

impl HttpClient {
    /// Of a server at `url`, which may have a path; `credentials` are `user:password`.
    pub fn new(url: &str, credentials: Option<&str>) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .build();
        let authorization = credentials.map(|credentials| format!("Basic {}", STANDARD.encode(credentials)));
        Self { agent: config.into(), url: url.trim_end_matches('/').to_owned(), authorization }
    }

    fn exchange(&self, request: &Outgoing) -> Result<Response<ureq::Body>, String> {
        let parameters: Vec<String> =
            request.query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let separator = if parameters.is_empty() { "" } else { "?" };
        let url = format!("{}{}{separator}{}", self.url, request.path, parameters.join("&"));
        let invalid = |error: &dyn std::fmt::Display| format!("the request cannot be sent: {error}");
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|error| invalid(&error))?;
        let mut headers = request.headers.clone();
        let is_given = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        headers.extend(
            self.authorization.iter().filter(|_| !is_given).map(|own| ("authorization".to_owned(), own.clone())),
        );
        let mut built = Request::builder().method(&method).uri(url);
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| invalid(&error))?;
            built = built.header(name, HeaderValue::from_str(&value).map_err(|error| invalid(&error))?);
        }
        let sent = match &request.body {
            None => self.agent.run(built.body(()).map_err(|error| invalid(&error))?),
            Some(body) => self.agent.run(built.body(body.clone()).map_err(|error| invalid(&error))?),
        };
        sent.map_err(|error| format!("{} {} was not answered: {error}", request.method, request.path))
    }
}

impl Transport for HttpClient {
    fn send(&self, request: &Outgoing) -> Result<Answer, String> {
        let mut response = self.exchange(request)?;
        let header = |name: &str| -> Vec<String> {
            response.headers().get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
        };
        let (content_type, warnings) = (header("content-type").join(""), header("warning"));
        let text = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let text =
            text.map_err(|error| format!("the answer to {} {} ends early: {error}", request.method, request.path))?;
        Ok(Answer { warnings, ..Answer::new(response.status().as_u16(), &content_type, text) })
    }
}
