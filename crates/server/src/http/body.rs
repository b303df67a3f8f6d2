//! Request bodies with bounds: bytes in all, silence between two pieces, time in all.
//!
//! Every route's body passes through here before its handler sees it, so that no handler can read
//! without end or wait for ever. Compressed bodies are bounded again by the decoder.

use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// The longest silence between two pieces of a body, in seconds.
const SILENCE_MAX_S: u64 = 30;

/// What a route accepts as its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLimit {
    /// A JSON document for a handler.
    Json,
    /// Log events.
    Ingest,
    /// An uploaded file.
    Upload,
}

/// The bounds of one request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyBounds {
    /// Bytes in all, as sent.
    pub bytes_max: u64,
    /// Time from the first to the last byte.
    pub time_max: Duration,
    /// The setting that `bytes_max` is, if it is one.
    pub setting: Option<&'static str>,
}

/// A body broke a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// More bytes than the route takes.
    #[error("the request body is larger than the {bytes_max} bytes that this route takes{}", advice(*setting))]
    TooLarge {
        /// The bound.
        bytes_max: u64,
        /// The setting that it is, if it is one.
        setting: Option<&'static str>,
    },
    /// The client paused for too long, or took too long in all.
    #[error("the request body did not arrive in time ({seconds} s); send it faster or in smaller pieces")]
    TooSlow {
        /// The bound that was reached.
        seconds: u64,
    },
}

fn advice(setting: Option<&str>) -> String {
    match setting {
        Some(setting) => format!("; send less at once, or have the setting \"{setting}\" raised"),
        None => "; send less at once".to_owned(),
    }
}

impl BodyBounds {
    fn too_large(&self) -> BodyError {
        BodyError::TooLarge { bytes_max: self.bytes_max, setting: self.setting }
    }
}

impl BodyError {
    /// The bound that was broken, when that is why reading failed.
    pub fn within(error: &(dyn StdError + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(*found);
            }
            next = error.source();
        }
        None
    }
}

/// A body that fails once it breaks a bound.
pub struct BoundedBody {
    inner: Body,
    bounds: BodyBounds,
    bytes_seen: u64,
    ends_at: Instant,
    alarm: Pin<Box<Sleep>>,
    alarm_is_set: bool,
}

impl BoundedBody {
    /// The body within `bounds`; the clock for its time starts now.
    ///
    /// # Errors
    /// When the client announced more bytes than allowed.
    pub fn new(inner: Body, bounds: BodyBounds) -> Result<Self, BodyError> {
        if inner.size_hint().lower() > bounds.bytes_max {
            return Err(bounds.too_large());
        }
        let ends_at = Instant::now() + bounds.time_max;
        let alarm = Box::pin(tokio::time::sleep_until(ends_at));
        Ok(Self { inner, bounds, bytes_seen: 0, ends_at, alarm, alarm_is_set: false })
    }

    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<BodyError> {
        if !self.alarm_is_set {
            let silence_ends_at = Instant::now() + Duration::from_secs(SILENCE_MAX_S);
            self.alarm.as_mut().reset(silence_ends_at.min(self.ends_at));
            self.alarm_is_set = true;
        }
        ready!(self.alarm.as_mut().poll(context));
        let seconds = if Instant::now() >= self.ends_at { self.bounds.time_max.as_secs() } else { SILENCE_MAX_S };
        Poll::Ready(BodyError::TooSlow { seconds })
    }
}

impl HttpBody for BoundedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let body = self.get_mut();
        match Pin::new(&mut body.inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                body.alarm_is_set = false;
                body.bytes_seen += frame.data_ref().map_or(0, |data| data.len() as u64);
                if body.bytes_seen > body.bounds.bytes_max {
                    return Poll::Ready(Some(Err(axum::Error::new(body.bounds.too_large()))));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(other) => Poll::Ready(other),
            Poll::Pending => body.poll_alarm(context).map(|error| Some(Err(axum::Error::new(error)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: BodyBounds = BodyBounds { bytes_max: 4, time_max: Duration::from_secs(60), setting: None };

    async fn read(body: Body) -> Result<Bytes, Option<BodyError>> {
        let bounded = BoundedBody::new(body, BOUNDS).map_err(Some)?;
        axum::body::to_bytes(Body::new(bounded), usize::MAX).await.map_err(|error| BodyError::within(&error))
    }

    #[tokio::test]
    async fn announced_and_unannounced_bytes_are_bounded() {
        let streamed = |pieces: &[&'static str]| {
            let pieces: Vec<Result<&'static str, std::io::Error>> = pieces.iter().map(|piece| Ok(*piece)).collect();
            Body::from_stream(futures_util::stream::iter(pieces))
        };
        assert_eq!(read(Body::from("1234")).await, Ok(Bytes::from_static(b"1234")));
        assert_eq!(read(streamed(&["12", "34"])).await, Ok(Bytes::from_static(b"1234")));
        let too_large = Err(Some(BOUNDS.too_large()));
        assert_eq!(read(Body::from("12345")).await, too_large);
        assert_eq!(read(streamed(&["123", "45"])).await, too_large);
    }

    #[test]
    fn the_setting_that_bounds_is_named() {
        let words = |setting| BodyBounds { setting, ..BOUNDS }.too_large().to_string();
        assert!(words(Some("upload.bytes_max")).contains("\"upload.bytes_max\""));
        assert!(words(None).ends_with("; send less at once"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_given_up() {
        let silent = Body::from_stream(futures_util::stream::pending::<Result<&'static str, std::io::Error>>());
        assert_eq!(read(silent).await, Err(Some(BodyError::TooSlow { seconds: SILENCE_MAX_S })));
    }
}
