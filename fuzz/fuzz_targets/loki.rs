//! Loki push requests: JSON, protobuf, and protobuf in a snappy block.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_fuzz::push;
use vigie_pipeline::loki;

fuzz_target!(|bytes: &[u8]| {
    push(|assembler| loki::push_json(bytes, assembler));
    push(|assembler| loki::push_protobuf(bytes, assembler));
    if let Ok(message) = loki::unpack(bytes) {
        push(|assembler| loki::push_protobuf(&message, assembler));
    }
});
