//! What uploads promise, over doubles.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::Notify;
use vigie_domain::ports::{Append, AppendOutcome};
use vigie_testkit::LinearStore;

use super::*;
use crate::door::{Door, DoorStore};
use crate::test_shop::{Shop, event, lines, received};

const BY: &str = "anne";

struct House {
    shop: Shop,
    uploads: Uploads,
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        Self::on(Shop::new())
    }

    fn on(shop: Shop) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { uploads: shop.uploads(folder.path()), shop, folder }
    }

    fn file(&self, filename: &str, content: &[u8]) -> ReceivedFile {
        received(self.folder.path(), filename, content)
    }

    async fn upload(&self, content: &str, options: UploadOptions) -> Result<Upload> {
        self.uploads.begin(&self.shop.scope, self.file("a.log", content.as_bytes()), options, BY).await
    }
}

fn three_events() -> String {
    lines(&[
        event(60, &json!({"log_type": "error", "level": "ERROR", "error_message": "a"})),
        event(180, &json!({"log_type": "transaction", "amount": 5, "currency": "EUR"})),
        event(120, &json!({"log_type": "error", "level": "WARN", "error_message": "b"})),
    ])
}

#[tokio::test]
async fn a_file_is_stored_and_described() {
    let house = House::new();
    let file = house.file("shop.ndjson", three_events().as_bytes());
    let path = file.path.clone();
    let upload = house.uploads.begin(&house.shop.scope, file, UploadOptions::default(), BY).await.unwrap();
    assert_eq!((upload.state, upload.duplicate_of_earlier, upload.error.as_deref()), (UploadState::Done, false, None));
    assert_eq!((upload.records_processed, upload.records_rejected, upload.records_deduplicated), (3, 0, 0));
    assert_eq!((upload.format.as_str(), upload.compression.as_str()), ("ndjson", "none"));
    assert_eq!((upload.filename.as_str(), upload.created_by.as_str()), ("shop.ndjson", BY));
    assert_eq!(upload.log_types.into_iter().collect::<Vec<_>>(), [(LogType::Transaction, 1), (LogType::Error, 2)]);
    assert_eq!(upload.first_timestamp.unwrap().to_string(), "2026-11-23T14:01:05.000Z");
    assert_eq!(upload.last_timestamp.unwrap().to_string(), "2026-11-23T14:03:05.000Z");
    assert_eq!(house.uploads.get(&upload.file_id).await.unwrap().records_processed, 3);
    assert_eq!(house.uploads.recent(&ListRequest::default()).await.unwrap().total, 1);
    assert_eq!(house.uploads.rejects_file(&upload.file_id).await.unwrap(), None);
    assert!(!path.exists(), "the temporary file is gone");
    assert_eq!(house.shop.total().await, 3);
}

#[tokio::test]
async fn a_file_that_is_not_ours_stays() {
    let house = House::new();
    for expected in [false, true] {
        let mut file = house.file("mine.log", b"a\n");
        file.is_temporary = false;
        let path = file.path.clone();
        let begun = house.uploads.begin(&house.shop.scope, file, UploadOptions::default(), BY).await;
        assert_eq!(begun.unwrap().duplicate_of_earlier, expected);
        assert!(path.exists());
    }
}

#[tokio::test]
async fn the_same_file_stores_nothing_unless_asked() {
    let house = House::new();
    let first = house.upload("a\nb\n", UploadOptions::default()).await.unwrap();
    let second = house.upload("a\nb\n", UploadOptions::default()).await.unwrap();
    assert!(second.duplicate_of_earlier && second.file_id == first.file_id);
    assert_eq!(house.shop.total().await, 2);
    let again = house.upload("a\nb\n", UploadOptions { again: true, ..UploadOptions::default() }).await.unwrap();
    assert_eq!((again.duplicate_of_earlier, again.records_processed), (false, 2));
    let typed = UploadOptions { log_type: Some(LogType::Error), ..UploadOptions::default() };
    assert_eq!(house.upload("a\nb\n", typed).await.unwrap().records_processed, 2, "read in another way");
    assert_eq!(house.shop.total().await, 6);
}

#[tokio::test]
async fn rejected_records_are_listed_and_kept() {
    let house = House::new();
    let content = "{\"message\":\"a\"}\n{broken\n".repeat(130);
    let upload = house.upload(&content, UploadOptions::default()).await.unwrap();
    assert_eq!((upload.state, upload.records_processed, upload.records_rejected), (UploadState::Done, 130, 130));
    assert_eq!((upload.rejects.len(), upload.rejects[0].line, upload.rejects[0].raw.as_str()), (100, 2, "{broken"));
    let path = house.uploads.rejects_file(&upload.file_id).await.unwrap().unwrap();
    let kept = std::fs::read_to_string(path).unwrap();
    let last: RejectedLine = serde_json::from_str(kept.lines().last().unwrap()).unwrap();
    assert_eq!((kept.lines().count(), last.line), (130, 260));
}

#[tokio::test]
async fn files_without_logs_are_refused_in_words() {
    let house = House::new();
    let check = async |content: &[u8], kind: ErrorKind, words: &str| {
        let file = house.file("x", content);
        let path = file.path.clone();
        let error = house.uploads.begin(&house.shop.scope, file, UploadOptions::default(), BY).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{error}");
        assert!(!path.exists());
        let record = &house.uploads.recent(&ListRequest::default()).await.unwrap().entries[0];
        assert_eq!((record.state, record.error.as_deref()), (UploadState::Failed, Some(error.message.as_str())));
    };
    check(b"\x89PNG\r\n\x1a\n and so on", ErrorKind::Invalid, "access_log").await;
    check(b"a\0b\0\0\0c\n\0\0\x01\x02", ErrorKind::Invalid, "access_log").await;
    check(b"some text\nmore text\na\0b\xff\n", ErrorKind::Invalid, "the file is binary").await;
    check(&[0x1f, 0x8b, 8, 0, 1, 2, 3], ErrorKind::Invalid, "gzip").await;
    assert_eq!(house.shop.total().await, 0);
}

#[tokio::test]
async fn a_few_binary_lines_among_text_are_rejected_alone() {
    let house = House::new();
    let upload = house.upload("a\nb\nc\nd\n\0\n", UploadOptions::default()).await.unwrap();
    assert_eq!((upload.state, upload.records_processed, upload.records_rejected), (UploadState::Done, 4, 1));
}

#[tokio::test]
async fn a_file_whose_events_are_all_too_old_is_read_and_told() {
    let house = House::new();
    let old = lines(&[event(200 * 86_400, &json!({"message": "a"}))]);
    let upload = house.upload(&old, UploadOptions::default()).await.unwrap();
    assert_eq!((upload.state, upload.records_processed, upload.records_rejected), (UploadState::Done, 0, 1));
    let any_time = UploadOptions { any_time: true, ..UploadOptions::default() };
    assert_eq!(house.upload(&old, any_time).await.unwrap().records_processed, 1);
}

#[tokio::test]
async fn columns_are_mapped() {
    let house = House::new();
    let options = UploadOptions {
        log_type: Some(LogType::Transaction),
        rename: vec![("Price".into(), "amount".into()), ("Land".into(), "billing_country".into())],
        time_field: Some("When".into()),
        any_time: true,
        again: false,
    };
    let content = b"Price,Land,When\n5.50,FR,2011-12-09 12:50:00\n7,DE,2011-12-09 12:51:00\n";
    let file = house.file("x.csv", content);
    let preview = house.uploads.preview(&file, &options).await.unwrap();
    let fields: Vec<&str> = preview.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert!(fields.contains(&"amount") && fields.contains(&"billing_country"), "{fields:?}");
    assert_eq!(preview.log_types.into_iter().collect::<Vec<_>>(), [(LogType::Transaction, 2)]);
    assert_eq!((preview.batch.events.len(), house.shop.total().await), (2, 0));
    let upload = house.uploads.begin(&house.shop.scope, file, options, BY).await.unwrap();
    assert_eq!(upload.first_timestamp.unwrap().to_string(), "2011-12-09T12:50:00.000Z");
    let hits = house.shop.search.recent(&house.shop.scope, Some(LogType::Transaction), (10, None)).await.unwrap();
    assert_eq!(hits.total, 2);
}

#[tokio::test]
async fn a_preview_shows_the_first_records_of_a_beginning() {
    let house = House::new();
    let content = format!("{}{{\"cut", "{\"message\":\"a\",\"n\":1}\n".repeat(50));
    let preview = house.uploads.preview(&house.file("x", content.as_bytes()), &UploadOptions::default()).await.unwrap();
    assert_eq!((preview.batch.events.len(), preview.rejects().len()), (10, 0));
    let error = house.uploads.preview(&house.file("x", b"%PDF-1.7"), &UploadOptions::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
}

/// Appends wait or fail.
struct Troubled {
    /// Appends that succeed before the others fail.
    good: AtomicUsize,
    /// Appends wait until this is notified.
    gate: Option<Arc<Notify>>,
}

#[async_trait]
impl Door for Troubled {
    async fn append(&self, store: &dyn LogStore, scope: &Scope, batch: Append) -> Result<AppendOutcome> {
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        if self.good.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            return Err(Error::new(ErrorKind::DiskFull, "the disk is full"));
        }
        store.append(scope, batch).await
    }
}

#[tokio::test]
async fn a_file_that_failed_in_the_middle_goes_on_where_it_was() {
    let inner = Arc::new(LinearStore::default());
    let troubled = Arc::new(Troubled { good: AtomicUsize::new(1), gate: None });
    let mut house = House::on(Shop::on(Arc::new(DoorStore::new(inner.clone(), troubled))));
    let content = "{\"message\":\"a\"}\n".repeat(12_000);
    let failed = house.upload(&content, UploadOptions::default()).await.unwrap();
    assert_eq!((failed.state, failed.records_processed), (UploadState::Failed, 5_000));
    assert_eq!(failed.error.as_deref(), Some("the disk is full"));

    house.shop.store = inner;
    house.uploads = house.shop.uploads(house.folder.path());
    let resumed = house.upload(&content, UploadOptions::default()).await.unwrap();
    assert_eq!((resumed.state, resumed.duplicate_of_earlier), (UploadState::Done, false));
    assert_eq!((resumed.records_processed, resumed.records_deduplicated), (7_000, 5_000));
    assert_eq!(house.shop.total().await, 12_000);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_takes_long_is_answered_while_it_is_read() {
    let gate = Arc::new(Notify::new());
    let troubled = Arc::new(Troubled { good: AtomicUsize::new(usize::MAX), gate: Some(Arc::clone(&gate)) });
    let house = House::on(Shop::on(Arc::new(DoorStore::new(Arc::new(LinearStore::default()), troubled))));
    let upload = house.upload("a\n", UploadOptions::default()).await.unwrap();
    assert_eq!((upload.state, upload.records_processed), (UploadState::Running, 0));
    let second = house.upload("a\n", UploadOptions::default()).await.unwrap();
    assert!(second.duplicate_of_earlier && second.state == UploadState::Running, "it is not read twice at once");

    gate.notify_one();
    let finished = loop {
        let upload = house.uploads.get(&upload.file_id).await.unwrap();
        if upload.state != UploadState::Running {
            break upload;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((finished.state, finished.records_processed), (UploadState::Done, 1));
}

#[tokio::test]
async fn what_a_crash_left_behind_is_cleared_away() {
    let house = House::new();
    let stuck = Upload::new(&house.file("a", b"a\n"), "f".into(), BY, crate::test_shop::NOW);
    house.shop.metadata.insert(COLLECTION, &stuck.file_id, stuck.to_json(), &[]).await.unwrap();
    std::fs::create_dir_all(house.uploads.incoming_folder()).unwrap();
    std::fs::write(house.uploads.incoming_folder().join("half"), b"x").unwrap();
    house.uploads.prepare().await.unwrap();
    let upload = house.uploads.get(&stuck.file_id).await.unwrap();
    assert_eq!(upload.state, UploadState::Failed);
    assert!(upload.error.unwrap().starts_with("interrupted; send the file again"));
    assert_eq!(std::fs::read_dir(house.uploads.incoming_folder()).unwrap().count(), 0);
}

#[tokio::test]
async fn too_many_files_at_once_are_refused() {
    let house = House::new();
    let _all = house.uploads.inner.waiting.acquire_many(WAITING_MAX as u32).await.unwrap();
    let file = house.file("a", b"a\n");
    let path = file.path.clone();
    let error = house.uploads.begin(&house.shop.scope, file, UploadOptions::default(), BY).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after_s), (ErrorKind::Throttled, Some(RETRY_AFTER_S)));
    assert!(!path.exists());
}

#[tokio::test]
async fn an_unknown_upload_is_not_found() {
    let error = House::new().uploads.get("nothing").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}
