//! A live tail over a WebSocket: sends what the tail keeps, reads what its listener wants, ends when it must.
//!
//! Nothing waits in here but one message: what a slow client cannot take is counted by the tail, which looks at events only
//! while nothing is being sent. It ends with the proof of its caller, with the server, and when the client is silent.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use axum::http::HeaderMap;
use serde::Serialize;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use vigie_app::accounts::Permission;
use vigie_app::tail::{Tail, TailInput, TailStats};
use vigie_domain::{Error, ErrorKind};

use super::auth::{Caller, ClientAddress, Knock, authenticate};
use super::error::Problem;
use super::state::AppState;
use super::views::events::HitView;
use super::views::tail::{TailMessage, TailRequest, TailStatsView};

/// How often a second events are sent.
const MOMENTS_PER_S: usize = 4;
const MOMENT: Duration = Duration::from_millis(1_000 / MOMENTS_PER_S as u64);
/// How often numbers are told, and the caller's proof is looked at.
const STATS_EVERY: Duration = Duration::from_secs(1);
/// How often the client is asked whether it is there, while it may be silent.
const PINGS_PER_SILENCE: u32 = 3;
/// How long the end may take to be told.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);
/// The caller's proof is no longer good; codes from 4000 on are a program's own (RFC 6455, 7.4.2).
pub const CLOSE_UNAUTHENTICATED: u16 = 4401;

/// What is known of a listener.
pub struct Listener {
    /// Who it is.
    pub caller: Caller,
    /// Where it is.
    pub address: ClientAddress,
    /// What it proved itself with.
    pub headers: HeaderMap,
}

/// Why a tail ends.
enum End {
    /// The client is gone, or can no longer be reached.
    Gone,
    /// This is to be told to it.
    Told(u16, &'static str),
}

type Goes = Result<(), End>;

/// Tells events until one of the two ends it.
pub async fn serve(socket: WebSocket, state: AppState, listener: Listener, first: TailInput) {
    let mut line = Line { socket, heard_at: Instant::now(), silence_max: state.limits.tail_silence_max };
    let tail = match state.tails.open(&listener.caller.account.user_id, listener.caller.scope.clone()) {
        Ok(tail) => tail,
        Err(error) => {
            if line.refuse(error).await.is_ok() {
                line.close(close_code::AGAIN, "no live tail is free").await;
            }
            return;
        }
    };
    let mut session = Session { tail, told: TailStats::default() };
    let end = tokio::select! {
        end = session.run(&mut line, &state, &listener, first) => end,
        () = state.tails.stopped() => End::Told(close_code::AWAY, "vigie is being stopped"),
    };
    if let End::Told(code, reason) = end {
        line.close(code, reason).await;
    }
    // Its place is free only now: who waits for the end of all tails also waits until it was told.
    drop(session);
}

/// A tail and what its listener was told of it.
struct Session {
    tail: Tail,
    told: TailStats,
}

/// The connection.
struct Line {
    socket: WebSocket,
    heard_at: Instant,
    /// How long the client may be silent.
    silence_max: Duration,
}

impl Session {
    async fn run(&mut self, line: &mut Line, state: &AppState, listener: &Listener, first: TailInput) -> End {
        match self.tell(line, state, listener, first).await {
            Ok(()) => End::Gone,
            Err(end) => end,
        }
    }

    async fn tell(&mut self, line: &mut Line, state: &AppState, listener: &Listener, first: TailInput) -> Goes {
        self.ask(line, state, first).await?;
        let mut pings = every(line.silence_max / PINGS_PER_SILENCE);
        let (mut moments, mut seconds) = (every(MOMENT), every(STATS_EVERY));
        loop {
            tokio::select! {
                () = self.tail.listen() => {}
                message = line.socket.recv() => self.hear(line, state, message).await?,
                _ = moments.tick() => self.send_events(line).await?,
                _ = seconds.tick() => {
                    check_proof(state, listener).await?;
                    // Numbers add up only when no moment is open.
                    self.send_events(line).await?;
                    self.send_stats(line).await?;
                }
                _ = pings.tick() => line.ping().await?,
            }
        }
    }

    /// Begins anew with other events; a question that cannot be read changes nothing.
    async fn ask(&mut self, line: &mut Line, state: &AppState, input: TailInput) -> Goes {
        let rate = match self.tail.ask(&state.search, &input, MOMENTS_PER_S) {
            Ok(rate) => rate,
            Err(error) => return line.refuse(error).await,
        };
        self.told = TailStats::default();
        let TailInput { query, filters, .. } = input;
        line.send(&TailMessage::Hello { query, filters, rate }).await
    }

    async fn hear(&mut self, line: &mut Line, state: &AppState, message: Option<Result<Message, axum::Error>>) -> Goes {
        let Some(Ok(message)) = message else { return Err(End::Gone) };
        line.heard_at = Instant::now();
        match message {
            Message::Text(text) => match read_request(text.as_str()) {
                Ok(TailRequest::Query { query, filters, rate }) => {
                    self.ask(line, state, TailInput { query, filters, rate }).await
                }
                Ok(TailRequest::Pause) => self.pause(line, true).await,
                Ok(TailRequest::Resume) => self.pause(line, false).await,
                Err(error) => line.refuse(error).await,
            },
            Message::Binary(_) => Err(End::Told(close_code::UNSUPPORTED, "this socket reads text frames of JSON")),
            Message::Close(_) => Err(End::Gone),
            // The library answers pings by itself.
            Message::Ping(_) | Message::Pong(_) => Ok(()),
        }
    }

    async fn pause(&mut self, line: &mut Line, is_paused: bool) -> Goes {
        self.send_events(line).await?;
        self.tail.pause(is_paused);
        self.send_stats(line).await
    }

    async fn send_events(&mut self, line: &mut Line) -> Goes {
        let hits: Vec<HitView> = self.tail.take().into_iter().map(HitView::from).collect();
        if hits.is_empty() { Ok(()) } else { line.send(&TailMessage::Events { hits }).await }
    }

    async fn send_stats(&mut self, line: &mut Line) -> Goes {
        let now = self.tail.stats();
        let view = TailStatsView::new(now, self.told, self.tail.is_paused());
        self.told = now;
        line.send(&TailMessage::Stats(view)).await
    }
}

impl Line {
    async fn send(&mut self, message: &impl Serialize) -> Goes {
        let text = serde_json::to_string(message).map_err(|_| End::Told(close_code::ERROR, "an event is no JSON"))?;
        self.socket.send(Message::text(text)).await.map_err(|_| End::Gone)
    }

    async fn refuse(&mut self, error: Error) -> Goes {
        self.send(&TailMessage::Error { problem: Problem::from(error).view(None) }).await
    }

    async fn ping(&mut self) -> Goes {
        if self.heard_at.elapsed() > self.silence_max {
            return Err(End::Told(close_code::POLICY, "the client does not answer pings"));
        }
        self.socket.send(Message::Ping(Bytes::new())).await.map_err(|_| End::Gone)
    }

    async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code, reason: reason.into() };
        let told = self.socket.send(Message::Close(Some(frame)));
        if tokio::time::timeout(CLOSE_TIME_MAX, told).await.is_err() {
            tracing::debug!(code, "a live tail ended without its client taking notice");
        }
    }
}

/// Ends the tail once its caller could no longer open it.
async fn check_proof(state: &AppState, listener: &Listener) -> Goes {
    let knock = Knock { is_safe: true, address: listener.address, headers: &listener.headers };
    let problem = match authenticate(&knock, state).await {
        Ok(caller) => match caller.account.require(Permission::LogsRead) {
            Ok(()) if caller.account.user_id == listener.caller.account.user_id => return Ok(()),
            _ => return Err(End::Told(CLOSE_UNAUTHENTICATED, "you may no longer read logs")),
        },
        Err(problem) => problem,
    };
    // A store that cannot be reached for a moment is no reason to end.
    if problem.status().is_server_error() {
        return Ok(());
    }
    Err(End::Told(CLOSE_UNAUTHENTICATED, "you are no longer signed in; sign in again"))
}

/// Reads a message of a listener.
///
/// # Errors
/// `Malformed` when it is no JSON, `Invalid` when it is no such message.
pub fn read_request(text: &str) -> Result<TailRequest, Error> {
    serde_json::from_str(text).map_err(|error| {
        let kind = if error.is_data() { ErrorKind::Invalid } else { ErrorKind::Malformed };
        Error::new(kind, format!("the message is not what a live tail reads: {error}; see docs/explore.md"))
    })
}

fn every(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
