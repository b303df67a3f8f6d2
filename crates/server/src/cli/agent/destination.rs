//! Where the agent sends: `POST /api/logs/ingest` of a server, packed with zstd, and what its answers mean.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use ureq::Agent;
use ureq::http::{HeaderMap, StatusCode, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use vigie_agent::{Answer, Destination, RefusedLine};

use super::super::Failure;
use super::super::remote::{authorization_of, client_of};
use super::settings::{AgentSettings, Token};
use crate::http::error::ProblemView;

/// Where events are taken.
const ROUTE: &str = "/api/logs/ingest";
/// Time for a request and its answer, all in all.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(120);
/// An answer larger than this is not one of Vigie's.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// How hard to pack: the fastest of zstd.
const ZSTD_LEVEL: i32 = 1;
/// A file with a key is not larger than this.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;
/// How the problems of Vigie are named.
const PROBLEM_PREFIX: &str = "urn:vigie:problem:";

/// A server that takes events.
pub(super) struct Server {
    client: Agent,
    base: String,
    token: Token,
    /// What the token is now.
    authorization: String,
}

/// What the server says of a request that it has read.
#[derive(Deserialize)]
struct IngestAnswer {
    #[serde(rename = "accepted")]
    _accepted: u64,
    rejected: u64,
    errors: Vec<LineError>,
}

#[derive(Deserialize)]
struct LineError {
    line: u64,
    reason: String,
}

impl Server {
    /// The server of these settings.
    pub(super) fn new(settings: &AgentSettings, token: Token) -> Result<Self, Failure> {
        let tls = if settings.ca_file.as_os_str().is_empty() { None } else { Some(tls_of(&settings.ca_file)?) };
        let (client, base) = client_of(&settings.url, tls)?;
        let authorization = authorization_of(&token.read()?);
        Ok(Self { client, base, token, authorization })
    }

    fn request(&self, packed: &[u8]) -> Result<(StatusCode, HeaderMap, Vec<u8>), ureq::Error> {
        let request = self.client.post(format!("{}{ROUTE}", self.base));
        let request = request.config().timeout_global(Some(REQUEST_TIME_MAX)).build();
        let mut answer = request
            .header("authorization", &self.authorization)
            .header("content-type", "application/x-ndjson")
            .header("content-encoding", "zstd")
            .send(packed)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        Ok((status, headers, body))
    }

    /// A key in a file may have been changed.
    fn read_token_again(&mut self) {
        match self.token.read() {
            Ok(token) => self.authorization = authorization_of(&token),
            Err(failure) => tracing::error!("{}", failure.words),
        }
    }
}

impl Destination for Server {
    fn send(&mut self, lines: &[u8]) -> Answer {
        let packed = match zstd::bulk::compress(lines, ZSTD_LEVEL) {
            Ok(packed) => packed,
            Err(error) => return Answer::Later { after: None, words: format!("events cannot be packed: {error}") },
        };
        let answer = match self.request(&packed) {
            Ok((status, headers, body)) => meaning(&self.base, status, &headers, &body),
            Err(error) => {
                Answer::Later { after: None, words: format!("the server at \"{}\" did not answer: {error}", self.base) }
            }
        };
        if matches!(answer, Answer::NotAllowed(_)) {
            self.read_token_again();
        }
        answer
    }
}

impl Token {
    fn read(&self) -> Result<String, Failure> {
        let path = match self {
            Self::Given(token) => return Ok(token.clone()),
            Self::File(path) => path,
        };
        let shown = path.display();
        let size_bytes = std::fs::metadata(path).map(|metadata| metadata.len()).unwrap_or_default();
        if size_bytes > TOKEN_BYTES_MAX {
            return Err(Failure::misused(format!("\"{shown}\" is too large to hold an API key")));
        }
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::misused(format!("the API key cannot be read from \"{shown}\": {error}")))?;
        let token = text.trim();
        if token.is_empty() || token.chars().any(|c| !c.is_ascii_graphic()) {
            return Err(Failure::misused(format!(
                "\"{shown}\" holds no API key; write the key into it and nothing else"
            )));
        }
        Ok(token.to_owned())
    }
}

/// Trusts the authorities in the file and no others.
fn tls_of(path: &Path) -> Result<TlsConfig, Failure> {
    let shown = path.display();
    let misused = |words: String| Failure::misused(format!("the authorities in \"{shown}\" cannot be used: {words}"));
    let pem = std::fs::read(path).map_err(|error| misused(error.to_string()))?;
    let mut certificates: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| misused(error.to_string()))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(misused("there is no certificate in it".to_owned()));
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::new_with_certs(&certificates)).build())
}

/// What an answer means for the events of its request.
fn meaning(base: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Answer {
    let problem =
        serde_json::from_slice::<ProblemView>(body).ok().filter(|found| found.r#type.starts_with(PROBLEM_PREFIX));
    let detail = problem.as_ref().map_or_else(|| format!("status {status}"), |problem| problem.detail.clone());
    let words = format!("the server at \"{base}\" answers {}: {detail}", status.as_u16());
    match status.as_u16() {
        200 | 207 | 422 if problem.is_none() => match serde_json::from_slice::<IngestAnswer>(body) {
            Ok(answer) => {
                let refused = |error: LineError| RefusedLine { line: error.line, reason: error.reason };
                let refused = answer.errors.into_iter().map(refused).collect();
                Answer::Taken { refused_count: answer.rejected, refused }
            }
            Err(error) => Answer::Later {
                after: None,
                words: format!("what the server at \"{base}\" answers cannot be read: {error}; is it a vigie"),
            },
        },
        413 => Answer::TooLarge(detail),
        400 | 422 if problem.is_some() => Answer::Unreadable(detail),
        401 => Answer::NotAllowed(format!("{words}; give the agent an API key that is in force")),
        403 => Answer::NotAllowed(format!("{words}; give the agent an API key with the scope \"ingest\"")),
        408 | 409 | 425 | 429 | 500..=599 => Answer::Later { after: retry_after(headers), words },
        _ => Answer::NotAllowed(format!("{words}; is \"url\" the address of a vigie")),
    }
}

/// How long the server asks to wait, in whole seconds; dates are not read.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
