//! Requests to Splunk's event collector: events and raw lines.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_fuzz::push;
use vigie_pipeline::hec::{RawTelling, push_events, push_raw};

fuzz_target!(|bytes: &[u8]| {
    push(|assembler| push_events(bytes, assembler));
    push(|assembler| push_raw(bytes, &RawTelling::default(), assembler));
});
