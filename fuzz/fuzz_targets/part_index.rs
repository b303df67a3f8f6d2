//! The head of a part's index.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_storage::outside::read_part_index;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_part_index(bytes);
});
