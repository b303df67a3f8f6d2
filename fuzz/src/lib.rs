//! What targets do with their bytes: decode them as one format, twice, and compare; or push them as one protocol does.

use std::sync::{Arc, LazyLock};

use vigie_domain::Timestamp;
use vigie_pipeline::{Assembler, DecodeOptions, Format, Redactor, decode_bytes};

/// Bytes of a record: small, so that the bound is met often.
const RECORD_BYTES_MAX: usize = 4 * 1024;

/// Made once: patterns are built into it.
pub static REDACTOR: LazyLock<Arc<Redactor>> =
    LazyLock::new(|| Arc::new(Redactor::new(&[7; 32]).expect("its patterns are fixed")));

/// Decodes the bytes as the format, or as what they are found to be; the same bytes must give the same batch.
pub fn decode_twice(bytes: &[u8], format: Option<Format>) {
    let options = DecodeOptions {
        format,
        record_bytes_max: RECORD_BYTES_MAX,
        ..DecodeOptions::new(Timestamp::from_seconds(1_795_446_000), REDACTOR.clone())
    };
    let decode = || decode_bytes(bytes, &options).map_err(|error| error.to_string());
    assert_eq!(decode(), decode());
}

/// Pushes the bytes as a request of some protocol; every record that is received becomes an event or is refused.
pub fn push<R>(push: impl FnOnce(&mut Assembler<'_>) -> R) {
    let options = DecodeOptions {
        record_bytes_max: RECORD_BYTES_MAX,
        ..DecodeOptions::new(Timestamp::from_seconds(1_795_446_000), REDACTOR.clone())
    };
    let mut assembler = Assembler::new(&options).listing(1);
    push(&mut assembler);
    let framed = assembler.finish();
    assert_eq!(framed.received, framed.events.len() as u64 + framed.refused.len() as u64 + framed.unlisted);
}
