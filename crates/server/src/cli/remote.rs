//! A running server, spoken to over its HTTP API.

use std::io::{Cursor, ErrorKind, Read};
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::{Response, StatusCode, Uri};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body, SendBody};
use vigie_app::accounts::KeyText;

use super::{Failure, RemoteArguments};
use crate::config::{Environment, TOKEN_VARIABLE};
use crate::http::error::ProblemView;

/// An answer larger than this is not one of Vigie's.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Time to get a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Time for an answer to begin once the request is sent.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);
/// Parts a multipart body from the next; long enough not to occur in a file.
const BOUNDARY: &str = "vigie-6f2c1a90b7d54e3f8a1c5d7e9b0f2a4c";

/// A running server.
pub(super) struct Remote {
    agent: Agent,
    base: String,
    token: Option<String>,
}

/// A file to be sent.
pub(super) struct OutgoingFile<R> {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) content: R,
}

impl Remote {
    /// The server that the flags name, if they name one.
    pub(super) fn from_arguments(
        arguments: &RemoteArguments,
        environment: &Environment,
    ) -> Result<Option<Self>, Failure> {
        let Some(url) = &arguments.url else { return Ok(None) };
        let (agent, base) = client_of(url, None)?;
        let token = arguments.token.as_deref().or_else(|| environment.get(TOKEN_VARIABLE)).map(ToOwned::to_owned);
        Ok(Some(Self { agent, base, token }))
    }

    /// Sends a JSON document and reads the one that answers.
    pub(super) fn post_json<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        let request = self.agent.post(format!("{}{path}", self.base)).header("authorization", self.authorization());
        let answer = request.send_json(body).map_err(|error| self.unreachable(&error))?;
        read_answer(answer).map(|(_, answer)| answer)
    }

    /// Reads a JSON document.
    pub(super) fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let request = self.agent.get(format!("{}{path}", self.base)).header("authorization", self.authorization());
        let answer = request.call().map_err(|error| self.unreachable(&error))?;
        read_answer(answer).map(|(_, answer)| answer)
    }

    /// Sends a file as the field `file` of a form, without holding it in memory.
    pub(super) fn post_file<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&'static str, String)],
        file: OutgoingFile<impl Read>,
    ) -> Result<(StatusCode, T), Failure> {
        let name = file.name.replace(['"', '\r', '\n'], "_");
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        let size_bytes = head.len() as u64 + file.size_bytes + tail.len() as u64;
        // No more than was announced is sent of a file that grows meanwhile.
        let content = file.content.take(file.size_bytes);
        let mut body = Cursor::new(head).chain(content).chain(Cursor::new(tail));
        let mut request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("authorization", self.authorization())
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .header("content-length", size_bytes.to_string())
            // The server may refuse before the file is sent.
            .header("expect", "100-continue");
        for (name, value) in parameters {
            request = request.query(*name, value);
        }
        let answer = request.send(SendBody::from_reader(&mut body)).map_err(|error| self.unreachable(&error))?;
        read_answer(answer)
    }

    fn authorization(&self) -> String {
        self.token.as_deref().map(authorization_of).unwrap_or_default()
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let base = &self.base;
        if let ureq::Error::Io(error) = error
            && matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
        {
            return Failure::failed(format!(
                "the server at \"{base}\" closed the connection before it had the whole request; \
                 its log says why"
            ));
        }
        Failure::failed(format!("the server at \"{base}\" did not answer: {error}; is it running there"))
    }
}

/// A client for the server at this address, and the address without a slash at its end.
pub(super) fn client_of(url: &str, tls: Option<TlsConfig>) -> Result<(Agent, String), Failure> {
    let (base, uri) = address_of(url)?;
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("vigie/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(CONNECT_TIME_MAX))
        .timeout_recv_response(Some(ANSWER_TIME_MAX));
    if let Some(tls) = tls {
        config = config.tls_config(tls);
    }
    if uri.host().is_some_and(is_this_machine) {
        // A proxy of the environment cannot reach this machine's own loopback.
        config = config.proxy(None);
    }
    Ok((Agent::new_with_config(config.build()), base))
}

/// The address of a server without a slash at its end, as text and taken apart; it has a host.
pub(super) fn address_of(url: &str) -> Result<(String, Uri), Failure> {
    let base = url.trim_end_matches('/').to_owned();
    match base.parse::<Uri>() {
        Ok(uri) if uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https")) => Ok((base, uri)),
        _ => Err(Failure::misused(format!("\"{url}\" is no address of a server; use http://HOST:PORT"))),
    }
}

/// How a token is shown to the server: a key in its plain form, or an access token.
pub(super) fn authorization_of(token: &str) -> String {
    let scheme = if KeyText::is_plain(token) { "ApiKey" } else { "Bearer" };
    format!("{scheme} {token}")
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn read_answer<T: DeserializeOwned>(mut answer: Response<Body>) -> Result<(StatusCode, T), Failure> {
    let status = answer.status();
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
    let body = body.map_err(|error| Failure::failed(format!("the answer could not be read: {error}")))?;
    if status.is_success() {
        let parsed = serde_json::from_slice(&body);
        return parsed.map(|parsed| (status, parsed)).map_err(|error| {
            Failure::failed(format!("the answer is not what vigie answers: {error}; is that server a vigie"))
        });
    }
    Err(Failure::failed(refusal(status, &body)))
}

/// What a server says that refuses.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> String {
    let mut words = match serde_json::from_slice::<ProblemView>(body) {
        Ok(problem) => words_of(&problem),
        Err(_) => format!("the server refused with status {status}"),
    };
    if status == StatusCode::UNAUTHORIZED {
        words.push_str(
            "; give an API key, or an access token from POST /api/auth/login, with --token or in VIGIE_TOKEN",
        );
    }
    words
}

/// A problem in a line.
pub(super) fn words_of(problem: &ProblemView) -> String {
    // Often the place says no more than the whole.
    let is_news = |message: &String| !problem.detail.contains(message.as_str());
    let places: Vec<String> = problem.errors.iter().map(|place| place.message.clone()).filter(is_news).collect();
    let places = if places.is_empty() { String::new() } else { format!(" ({})", places.join("; ")) };
    format!("{}{places}", problem.detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_in_the_servers_words() {
        let body =
            br#"{"type":"t","title":"malformed request","status":400,"detail":"the query is wrong","request_id":"r",
            "errors":[{"field":"query","span":[3,4],"message":"expected a value"}]}"#;
        assert_eq!(refusal(StatusCode::BAD_REQUEST, body), "the query is wrong (expected a value)");
        let twice = br#"{"type":"t","title":"t","status":400,"detail":"the query is wrong: expected a value",
            "request_id":null,"errors":[{"field":"query","span":[3,4],"message":"expected a value"}]}"#;
        assert_eq!(refusal(StatusCode::BAD_REQUEST, twice), "the query is wrong: expected a value");
        assert!(refusal(StatusCode::BAD_GATEWAY, b"<html>").contains("502"));
        assert!(refusal(StatusCode::UNAUTHORIZED, b"").contains("VIGIE_TOKEN"));
    }

    #[test]
    fn only_web_addresses_are_servers() {
        let check = |url: &str, is_server: bool| {
            let arguments = RemoteArguments { url: Some(url.to_owned()), token: None };
            let remote = Remote::from_arguments(&arguments, &Environment::default());
            assert_eq!(remote.is_ok(), is_server, "{url}");
        };
        check("http://127.0.0.1:8642/", true);
        check("https://logs.example.com", true);
        check("ftp://logs.example.com", false);
        check("logs.example.com", false);
        check("", false);
    }
}
