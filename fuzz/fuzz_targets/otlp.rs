//! OpenTelemetry log requests in both encodings.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_fuzz::push;
use vigie_pipeline::otlp::{Encoding, push_logs};

fuzz_target!(|bytes: &[u8]| {
    push(|assembler| push_logs(bytes, Encoding::Protobuf, assembler));
    push(|assembler| push_logs(bytes, Encoding::Json, assembler));
});
