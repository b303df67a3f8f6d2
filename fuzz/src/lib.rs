//! What every target does with its bytes: decode them as one format, twice, and compare.

use vigie_domain::Timestamp;
use vigie_pipeline::{DecodeOptions, Format, decode_bytes};

/// Bytes of a record: small, so that the bound is met often.
const RECORD_BYTES_MAX: usize = 4 * 1024;

/// Decodes the bytes as the format, or as what they are found to be; the same bytes must give the same batch.
pub fn decode_twice(bytes: &[u8], format: Option<Format>) {
    let options = DecodeOptions {
        format,
        record_bytes_max: RECORD_BYTES_MAX,
        ..DecodeOptions::new(Timestamp::from_seconds(1_795_446_000))
    };
    let decode = || decode_bytes(bytes, &options).map_err(|error| error.to_string());
    assert_eq!(decode(), decode());
}
