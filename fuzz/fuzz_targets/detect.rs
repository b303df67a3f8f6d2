//! Unpacking and telling the format.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_fuzz::decode_twice;
use vigie_pipeline::detect;

fuzz_target!(|bytes: &[u8]| {
    let detected = detect(bytes, None);
    assert_eq!(detected, detect(bytes, None));
    decode_twice(bytes, None);
});
