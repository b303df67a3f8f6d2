//! nginx error logs.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_fuzz::decode_twice;
use vigie_pipeline::Format;

fuzz_target!(|bytes: &[u8]| decode_twice(bytes, Some(Format::NginxError)));
