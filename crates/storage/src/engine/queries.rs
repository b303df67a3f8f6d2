//! Questions under way: how many at once, how long each may take and what they hold in memory, and that none outlives the one who asked.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vigie_domain::ports::QueryNumbers;
use vigie_domain::{Error, Result};

use crate::error::StorageError;
use crate::options::EngineOptions;
use crate::scan::{Budget, Kept, KeptNumbers, Pool, Run, Waiting};

/// Questions worked on at once; further ones wait for one of them to end.
const UNDER_WAY_MAX: usize = 64;

/// Runs questions.
pub struct Queries {
    timeout: Option<Duration>,
    memory: Arc<Pool>,
    kept: Arc<Kept>,
    places: Arc<Semaphore>,
}

impl Queries {
    /// With the bounds of these settings.
    pub fn new(options: &EngineOptions, kept: Arc<Kept>) -> Self {
        Self {
            timeout: options.query_timeout,
            memory: Pool::new(options.query_memory),
            kept,
            places: Arc::new(Semaphore::new(UNDER_WAY_MAX)),
        }
    }

    /// What they cost now.
    pub fn numbers(&self) -> QueryNumbers {
        let KeptNumbers { hits, misses, evictions, bytes } = self.kept.numbers();
        QueryNumbers {
            held_bytes: self.memory.held_bytes(),
            kept_bytes: bytes,
            kept_hits: hits,
            kept_misses: misses,
            kept_evictions: evictions,
        }
    }

    /// What the questions under way hold.
    #[cfg(test)]
    pub fn memory(&self) -> &Arc<Pool> {
        &self.memory
    }

    /// Begins a question, whose time counts from now, once it has its place.
    ///
    /// # Errors
    /// None but those of a server that stops.
    pub async fn begin(&self) -> Result<(Arc<Run>, Waiting, OwnedSemaphorePermit)> {
        let run = Arc::new(Run::new(self.timeout, Budget::new(&self.memory), &self.kept));
        let waiting = Waiting::new(&run);
        // The semaphore is never closed.
        let place =
            Arc::clone(&self.places).acquire_owned().await.map_err(|error| Error::internal(error.to_string()))?;
        Ok((run, waiting, place))
    }

    /// Works for an answer on a thread that may be blocked. The work is told to stop once the future is dropped or the
    /// time is over, which counts from now; its place is free when it has stopped.
    ///
    /// # Errors
    /// What `work` answers; `TimedOut` past the time.
    pub async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Run) -> std::result::Result<T, StorageError> + Send + 'static,
    ) -> Result<T> {
        let (run, waiting, place) = self.begin().await?;
        let _waiting = waiting;
        blocking(move || {
            let answer = run.check().and_then(|()| work(&run));
            drop(place);
            Ok(answer?)
        })
        .await
    }
}

/// Runs work that may take long on a thread that may be blocked.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal(format!("the log store stopped working on it: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::task::{Context, Poll, Waker};

    use vigie_domain::ErrorKind;

    use super::*;

    fn queries(timeout: Option<Duration>) -> Queries {
        Queries::new(&EngineOptions { query_timeout: timeout, ..EngineOptions::new("") }, Run::free().kept)
    }

    /// Works until told to stop.
    fn endless(run: &Run) -> std::result::Result<(), StorageError> {
        loop {
            run.check()?;
            std::thread::yield_now();
        }
    }

    #[tokio::test]
    async fn work_stops_when_its_time_is_over() {
        let error = queries(Some(Duration::from_millis(1))).ask(endless).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TimedOut);
        assert!(error.message.contains("query.timeout_s"), "{error}");
        let unasked = queries(Some(Duration::ZERO)).ask(|_| Ok(7)).await;
        assert_eq!(unasked.unwrap_err().kind, ErrorKind::TimedOut, "time over is time over, also before it began");
    }

    #[tokio::test]
    async fn work_stops_when_its_asker_leaves_and_gives_its_place_back() {
        let queries = queries(None);
        let (ended, end) = tokio::sync::oneshot::channel();
        let (began, begin) = tokio::sync::oneshot::channel();
        let mut asked = Box::pin(queries.ask(move |run| {
            began.send(()).unwrap();
            let result = endless(run);
            ended.send(matches!(result, Err(StorageError::AskerLeft))).unwrap();
            result
        }));
        assert!(matches!(asked.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
        assert_eq!(queries.places.available_permits(), UNDER_WAY_MAX - 1);
        begin.await.unwrap();
        drop(asked);
        assert!(end.await.unwrap());
        let all = queries.places.acquire_many(UNDER_WAY_MAX as u32).await;
        assert!(all.is_ok());
    }
}
