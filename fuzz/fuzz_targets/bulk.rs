//! Bulk requests: every item has one fate, and the same bytes give the same items.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_domain::Timestamp;
use vigie_pipeline::{BulkFate, DecodeOptions, decode_bulk};

fuzz_target!(|bytes: &[u8]| {
    let options =
        DecodeOptions { record_bytes_max: 4 * 1024, ..DecodeOptions::new(Timestamp::from_seconds(1_795_446_000), vigie_fuzz::REDACTOR.clone()) };
    let decode = || decode_bulk(bytes, Some("shop"), &options).map_err(|error| error.to_string());
    let first = decode();
    assert_eq!(first, decode());
    if let Ok(batch) = first {
        let events = batch.items.iter().filter(|item| matches!(item.fate, BulkFate::Event(_))).count();
        assert_eq!(events, batch.events.len());
    }
});
