//! Pipelines and grok patterns: none stops the program, and the same text gives the same events.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use vigie_domain::Timestamp;
use vigie_pipeline::{DecodeOptions, Pipeline, decode_bytes, try_grok};

const LINES: &[u8] = b"{\"message\":\"a=1 b=2 [x] 23/Nov/2026:14:04:05 +0000\",\"a\":[1,\"x\"],\"b\":{\"c\":\"1,2\"}}\n";

fuzz_target!(|text: &str| {
    let found = try_grok("203.0.113.7 GET /cart 12.5 \"x\" a=b", text);
    assert_eq!(found, try_grok("203.0.113.7 GET /cart 12.5 \"x\" a=b", text));
    let Ok(pipeline) = Pipeline::from_toml(text) else { return };
    let options = DecodeOptions {
        pipeline: Some(Arc::new(pipeline)),
        ..DecodeOptions::new(Timestamp::from_seconds(1_795_446_000))
    };
    let decode = || decode_bytes(LINES, &options).map_err(|error| error.to_string());
    assert_eq!(decode(), decode());
});
