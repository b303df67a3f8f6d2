//! `vigie tail`: shows events of a running server as they are stored; lines for people, one JSON object per line for programs.
//!
//! It ends with Ctrl-C, with its reader, after `--limit` events, or with the reason for which the server ended it.

mod socket;

use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use axum::http::Uri;
use clap::Args;
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::Value as Json;
use tokio_tungstenite::tungstenite::Message;

use super::remote::{address_of, authorization_of, words_of};
use super::serve::wait_for_signal;
use super::{Console, Failure, Outcome, event_row};
use crate::config::{Environment, Settings, TOKEN_VARIABLE};
use crate::http::error::ProblemView;
use socket::Socket;

const EXAMPLES: &str = "\
Examples:
  VIGIE_TOKEN=… vigie tail 'level:error AND service:payment'
  vigie tail --url https://logs.example.com --json --rate 1000 | jq ._source.message";

/// How long the server may say nothing; it tells numbers every second.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// What to show.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TailArguments {
    /// What events must match, such as 'level:error AND amount>100'; empty for all.
    #[arg(default_value = "", hide_default_value = true)]
    text: String,
    /// Only events of this log type.
    #[arg(long, value_name = "TYPE")]
    log_type: Option<String>,
    /// Events per second at most; of more that match, a sample is shown [default: the server's].
    #[arg(long, value_name = "EVENTS")]
    rate: Option<usize>,
    /// End after so many events.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// One JSON object per event and line.
    #[arg(long)]
    json: bool,
    /// Address of the server; without it, the one that the settings name [setting: server.listen].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// API key, or access token from POST /api/auth/login; better given in the variable VIGIE_TOKEN.
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
}

/// Which server is asked, and by whom.
struct Server {
    /// Its address, without a slash at its end.
    base: String,
    uri: Uri,
    authorization: Option<String>,
}

/// What a server says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Told {
    Hello {
        query: String,
        rate: usize,
    },
    Events {
        hits: Vec<Json>,
    },
    Stats(Numbers),
    Error {
        problem: ProblemView,
    },
    /// What a later version says.
    #[serde(other)]
    Unknown,
}

/// Numbers since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
struct Numbers {
    sampled_out: u64,
    dropped: u64,
}

pub(super) fn run(
    arguments: &TailArguments,
    settings: &Settings,
    environment: &Environment,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let server = Server::of(arguments, settings, environment)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::failed(format!("waiting is not possible: {error}")))?;
    runtime.block_on(async {
        let mut shown = Shown { arguments, console, count: 0, numbers: Numbers::default() };
        let ended = {
            let mut signal = pin!(wait_for_signal());
            tokio::select! {
                ended = follow(&server, &mut shown) => ended,
                () = &mut signal => Ok(()),
            }
        };
        shown.finish()?;
        ended.map(|()| Outcome::Done)
    })
}

/// Shows what is told until it is enough.
async fn follow(server: &Server, shown: &mut Shown<'_, '_>) -> Result<(), Failure> {
    let mut socket: Socket = socket::connect(server, &question(shown.arguments)).await?;
    let base = &server.base;
    while !shown.is_enough() {
        let message = match tokio::time::timeout(SILENCE_MAX, socket.next()).await {
            Err(_) => return Err(Failure::failed(format!("the server at \"{base}\" has gone silent"))),
            Ok(None) => return Err(Failure::failed(format!("the server at \"{base}\" ended the connection"))),
            Ok(Some(Err(error))) => {
                return Err(Failure::failed(format!("the connection to \"{base}\" was lost: {error}")));
            }
            Ok(Some(Ok(message))) => message,
        };
        match message {
            Message::Text(text) => shown.show(read(text.as_str(), base)?)?,
            Message::Close(frame) => {
                let reason = frame.map(|frame| frame.reason.to_string()).filter(|reason| !reason.is_empty());
                let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
                return Err(Failure::failed(format!("the server at \"{base}\" ended the tail{reason}")));
            }
            // The library answers pings by itself.
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
    // Whether the server takes notice makes no difference any more.
    drop(socket.close(None).await);
    Ok(())
}

fn read(text: &str, base: &str) -> Result<Told, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::failed(format!("\"{base}\" says what no vigie says: {error}; is that server a vigie"))
    })
}

/// The parameters of the question; none when nothing is asked for.
fn question(arguments: &TailArguments) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let text = Some(arguments.text.clone()).filter(|text| !text.is_empty());
    let rate = arguments.rate.map(|rate| rate.to_string());
    let parameters = [("query", text), ("log_type", arguments.log_type.clone()), ("rate", rate)];
    let parameters = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let parameters: Vec<String> =
        parameters.map(|(name, value)| format!("{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC))).collect();
    if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) }
}

impl Server {
    fn of(arguments: &TailArguments, settings: &Settings, environment: &Environment) -> Result<Self, Failure> {
        let url = match &arguments.url {
            Some(url) => url.clone(),
            None => own_address(settings)?,
        };
        let (base, uri) = address_of(&url)?;
        let token = arguments.token.as_deref().or_else(|| environment.get(TOKEN_VARIABLE));
        Ok(Self { base, uri, authorization: token.map(authorization_of) })
    }
}

/// Where a server with these settings is reached on this machine.
fn own_address(settings: &Settings) -> Result<String, Failure> {
    let mut address = settings.listen_address()?;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::from([127, 0, 0, 1]));
    }
    Ok(format!("http://{address}"))
}

/// What was shown so far, and where.
struct Shown<'c, 'a> {
    arguments: &'c TailArguments,
    console: &'c mut Console<'a>,
    count: u64,
    numbers: Numbers,
}

impl Shown<'_, '_> {
    fn is_enough(&self) -> bool {
        self.arguments.limit.is_some_and(|limit| self.count >= limit)
    }

    fn show(&mut self, told: Told) -> Result<(), Failure> {
        match told {
            Told::Hello { query, rate } if !self.arguments.json => {
                let what = if query.is_empty() { "every event".to_owned() } else { format!("events with {query}") };
                self.console.note(&format!("{what}, at most {rate} a second; Ctrl-C ends it"))?;
            }
            Told::Events { hits } => {
                for hit in &hits {
                    if self.is_enough() {
                        break;
                    }
                    let line = if self.arguments.json { hit.to_string() } else { event_row::row(hit) };
                    self.console.line(&line)?;
                    self.count += 1;
                }
                self.console.out().flush()?;
            }
            Told::Stats(now) => self.note_left_out(now)?,
            Told::Error { problem } => return Err(Failure::failed(words_of(&problem))),
            Told::Hello { .. } | Told::Unknown => {}
        }
        Ok(())
    }

    /// Says what was left out since it was last said: whoever counts lines must know.
    fn note_left_out(&mut self, now: Numbers) -> Result<(), Failure> {
        let before = std::mem::replace(&mut self.numbers, now);
        let sampled_out = now.sampled_out.saturating_sub(before.sampled_out);
        if sampled_out > 0 {
            self.console.note(&format!("{sampled_out} more match and are not shown: a sample is; see --rate"))?;
        }
        let dropped = now.dropped.saturating_sub(before.dropped);
        if dropped > 0 {
            self.console.note(&format!("{dropped} came faster than they could be taken, and are not shown"))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.console.out().flush()?;
        if !self.arguments.json {
            self.console.note(&format!("{} events", self.count))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> TailArguments {
        TailArguments {
            text: text.to_owned(),
            log_type: None,
            rate: None,
            limit: None,
            json: true,
            url: None,
            token: None,
        }
    }

    #[test]
    fn a_question_is_written_as_parameters() {
        assert_eq!(question(&arguments("")), "");
        assert_eq!(question(&arguments("a:b c&d")), "?query=a%3Ab%20c%26d");
        let more = TailArguments { log_type: Some("error".into()), rate: Some(5), ..arguments("é") };
        assert_eq!(question(&more), "?query=%C3%A9&log_type=error&rate=5");
    }

    #[test]
    fn without_an_address_the_settings_name_the_server() {
        let check = |listen: &str, expected: &str| {
            let flags = [("server.listen", listen.to_owned())];
            let settings = Settings::load(None, &Environment::default(), &flags).unwrap();
            assert_eq!(own_address(&settings).unwrap(), expected);
        };
        check("127.0.0.1:9", "http://127.0.0.1:9");
        check("0.0.0.0:9", "http://127.0.0.1:9");
        check("[::1]:9", "http://[::1]:9");
    }

    #[test]
    fn what_is_left_out_is_said_once() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let arguments = arguments("");
        let mut console = Console::new(&mut out, &mut err, false);
        let mut shown = Shown { arguments: &arguments, console: &mut console, count: 0, numbers: Numbers::default() };
        let stats = |sampled_out: u64, dropped: u64| Told::Stats(Numbers { sampled_out, dropped });
        for told in [stats(0, 0), stats(3, 0), stats(3, 0), stats(3, 2), Told::Unknown] {
            shown.show(told).unwrap();
        }
        let later = r#"{"type":"weather","sun":true}"#;
        assert!(matches!(read(later, "x"), Ok(Told::Unknown)));
        let said = String::from_utf8(err).unwrap();
        assert_eq!(said.lines().map(|line| &line[..1]).collect::<Vec<_>>(), ["3", "2"], "{said}");
    }
}
