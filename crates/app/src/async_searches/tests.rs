//! Who is told what of a search, for how long, and what gives it up. The clocks stand still or are moved by hand.

use std::future::{pending, ready};
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::oneshot;
use vigie_domain::ErrorKind;

use super::*;
use crate::async_searches::kept::{ANSWER_BYTES_MAX, BYTES_MAX, OF_OWNER_MAX, RUNNING_MAX};

const NO_TIME: Duration = Duration::ZERO;
const A_SECOND: Duration = Duration::from_secs(1);
const A_MINUTE: Duration = Duration::from_secs(60);
const BEGIN_S: i64 = 1_800_000_000;

struct Bench {
    searches: Arc<AsyncSearches>,
    now_s: Arc<AtomicI64>,
}

impl Bench {
    fn new() -> Self {
        let now_s = Arc::new(AtomicI64::new(BEGIN_S));
        let told = Arc::clone(&now_s);
        let clock: Clock = Arc::new(move || Timestamp::from_seconds(told.load(Ordering::SeqCst)));
        Self { searches: Arc::new(AsyncSearches::new(clock)), now_s }
    }

    async fn submit(
        &self,
        keeps_on_completion: bool,
        search: impl Future<Output = Result<Bytes>> + Send + 'static,
    ) -> Result<AsyncSearch> {
        let terms = Terms { wait: A_SECOND, keep_alive: A_MINUTE, keeps_on_completion };
        self.searches.submit(owner("anne", None), terms, search).await
    }

    async fn get(&self, id: &str) -> Result<AsyncSearch> {
        self.searches.get(&owner("anne", None), id, NO_TIME, None).await
    }

    fn held(&self) -> usize {
        self.searches.lock().len()
    }
}

fn owner(user_id: &str, key_id: Option<&str>) -> Owner {
    Owner { user_id: user_id.to_owned(), key_id: key_id.map(str::to_owned) }
}

fn answer(size_bytes: usize) -> Result<Bytes> {
    Ok(Bytes::from(vec![b'x'; size_bytes]))
}

/// A search that says when it is given up.
fn watched() -> (oneshot::Receiver<()>, impl Future<Output = Result<Bytes>> + Send) {
    let (alive, given_up) = oneshot::channel::<()>();
    let search = async move {
        let _alive = alive;
        pending().await
    };
    (given_up, search)
}

fn outcome(search: &AsyncSearch) -> Result<usize, ErrorKind> {
    let ended = search.ended.clone().expect("it has ended");
    ended.outcome.map(|answer| answer.len()).map_err(|error| error.kind)
}

#[tokio::test(start_paused = true)]
async fn what_ends_while_its_owner_waits_is_answered_and_kept_only_if_asked_for() {
    let bench = Bench::new();
    let at_once = bench.submit(false, ready(answer(3))).await.unwrap();
    assert_eq!((at_once.id.clone(), outcome(&at_once), bench.held()), (None, Ok(3), 0));
    let failed = bench.submit(false, ready(Err(Error::not_found("no such index [x]")))).await.unwrap();
    assert_eq!((failed.id.clone(), outcome(&failed), bench.held()), (None, Err(ErrorKind::NotFound), 0));
    let kept = bench.submit(true, ready(answer(4))).await.unwrap();
    let again = bench.get(&kept.id.unwrap()).await.unwrap();
    assert_eq!((outcome(&again), again.ended.unwrap().at), (Ok(4), Timestamp::from_seconds(BEGIN_S)));
    // Longer than what is kept may be what is answered at once.
    let long = bench.submit(false, ready(answer(ANSWER_BYTES_MAX + 1))).await.unwrap();
    assert_eq!(outcome(&long), Ok(ANSWER_BYTES_MAX + 1));
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_is_asked_for_by_its_id() {
    let bench = Bench::new();
    let (end, ended) = oneshot::channel();
    let search = async move { answer(ended.await.unwrap()) };
    let begun = bench.submit(false, search).await.unwrap();
    assert!(begun.ended.is_none());
    let id = begun.id.unwrap();
    assert!(bench.get(&id).await.unwrap().ended.is_none());
    bench.now_s.fetch_add(2, Ordering::SeqCst);
    end.send(5).unwrap();
    let waited = bench.searches.get(&owner("anne", None), &id, A_SECOND, None).await.unwrap();
    assert_eq!((outcome(&waited), waited.id.as_deref()), (Ok(5), Some(id.as_str())));
    assert_eq!(waited.ended.unwrap().at, Timestamp::from_seconds(BEGIN_S + 2));
    assert_eq!(outcome(&bench.get(&id).await.unwrap()), Ok(5), "it is kept until it is deleted or expires");
}

#[tokio::test(start_paused = true)]
async fn nobody_else_learns_that_it_is_there() {
    let bench = Bench::new();
    let id = bench.submit(true, ready(answer(1))).await.unwrap().id.unwrap();
    for other in [owner("bert", None), owner("anne", Some("k1"))] {
        let strange = bench.searches.get(&other, &id, NO_TIME, None).await.unwrap_err();
        let absent = bench.searches.get(&other, "nothing", NO_TIME, None).await.unwrap_err();
        assert_eq!((strange.kind, absent.kind), (ErrorKind::NotFound, ErrorKind::NotFound));
        assert_eq!(strange.message.replace(&id, "nothing"), absent.message);
        assert_eq!(bench.searches.delete(&other, &id).unwrap_err().kind, ErrorKind::NotFound);
    }
    assert!(bench.get(&id).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn it_is_given_up_when_it_is_deleted_or_expires_or_its_owner_leaves() {
    let bench = Bench::new();
    let (given_up, search) = watched();
    let id = bench.submit(false, search).await.unwrap().id.unwrap();
    bench.searches.delete(&owner("anne", None), &id).unwrap();
    assert!(given_up.await.is_err());
    assert_eq!(bench.get(&id).await.unwrap_err().kind, ErrorKind::NotFound);

    let (given_up, search) = watched();
    let id = bench.submit(false, search).await.unwrap().id.unwrap();
    bench.now_s.fetch_add(60, Ordering::SeqCst);
    assert_eq!(bench.get(&id).await.unwrap_err().kind, ErrorKind::NotFound);
    assert!(given_up.await.is_err());

    let (given_up, search) = watched();
    let left = tokio::time::timeout(A_SECOND / 2, bench.submit(true, search)).await;
    assert!(left.is_err() && given_up.await.is_err());
    assert_eq!(bench.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_time_to_keep_it_counts_anew_when_it_is_asked_for_with_one() {
    let bench = Bench::new();
    let begun = bench.submit(true, ready(answer(1))).await.unwrap();
    assert_eq!(begun.expires_at, Timestamp::from_seconds(BEGIN_S + 60));
    let id = begun.id.unwrap();
    bench.now_s.fetch_add(59, Ordering::SeqCst);
    let longer = bench.searches.get(&owner("anne", None), &id, NO_TIME, Some(2 * A_MINUTE)).await.unwrap();
    assert_eq!(longer.expires_at, Timestamp::from_seconds(BEGIN_S + 59 + 120));
    bench.now_s.fetch_add(119, Ordering::SeqCst);
    assert!(bench.get(&id).await.is_ok());
    bench.now_s.fetch_add(1, Ordering::SeqCst);
    assert!(bench.get(&id).await.is_err());
    for out_of_bounds in [NO_TIME, A_SECOND / 2, KEEP_ALIVE_MAX + A_SECOND] {
        let terms = Terms { wait: NO_TIME, keep_alive: out_of_bounds, keeps_on_completion: true };
        let refused = bench.searches.submit(owner("anne", None), terms, ready(answer(1))).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Malformed, "{out_of_bounds:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_that_breaks_off_is_an_error_and_no_search_without_an_end() {
    let bench = Bench::new();
    let search = async { panic!("a bug in a search") };
    let broken = bench.submit(true, search).await.unwrap();
    assert_eq!(outcome(&broken), Err(ErrorKind::Internal));
    assert_eq!(outcome(&bench.get(&broken.id.unwrap()).await.unwrap()), Err(ErrorKind::Internal));
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_bounded_in_number() {
    let bench = Bench::new();
    for _ in 0..OF_OWNER_MAX {
        assert!(bench.submit(true, ready(answer(1))).await.is_ok());
    }
    let refused = bench.submit(false, ready(answer(1))).await.unwrap_err();
    assert_eq!((refused.kind, refused.retry_after_s), (ErrorKind::Throttled, Some(1)));
    let terms = Terms { wait: A_SECOND, keep_alive: A_MINUTE, keeps_on_completion: true };
    assert!(bench.searches.submit(owner("bert", None), terms, ready(answer(1))).await.is_ok());
    bench.now_s.fetch_add(60, Ordering::SeqCst);
    assert!(bench.submit(true, ready(answer(1))).await.is_ok(), "what has expired makes room");
    assert_eq!(bench.held(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_is_bounded_in_number() {
    let bench = Bench::new();
    let mut ids = Vec::new();
    for _ in 0..RUNNING_MAX {
        ids.push(bench.submit(false, pending()).await.unwrap().id.unwrap());
    }
    assert_eq!(bench.submit(false, ready(answer(1))).await.unwrap_err().kind, ErrorKind::Throttled);
    bench.searches.delete(&owner("anne", None), &ids[0]).unwrap();
    assert!(bench.submit(false, ready(answer(1))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_bounded_in_bytes() {
    let bench = Bench::new();
    let too_long = bench.submit(true, ready(answer(ANSWER_BYTES_MAX + 1))).await.unwrap();
    assert_eq!(outcome(&too_long), Err(ErrorKind::Malformed));
    let mut ids = Vec::new();
    for _ in 0..BYTES_MAX / ANSWER_BYTES_MAX {
        let kept = bench.submit(true, ready(answer(ANSWER_BYTES_MAX))).await.unwrap();
        assert_eq!(outcome(&kept), Ok(ANSWER_BYTES_MAX));
        ids.push(kept.id.unwrap());
    }
    let no_room = bench.submit(true, ready(answer(ANSWER_BYTES_MAX))).await.unwrap();
    assert_eq!(outcome(&no_room), Err(ErrorKind::Throttled));
    bench.searches.delete(&owner("anne", None), &ids[0]).unwrap();
    assert_eq!(outcome(&bench.submit(true, ready(answer(ANSWER_BYTES_MAX))).await.unwrap()), Ok(ANSWER_BYTES_MAX));
}
