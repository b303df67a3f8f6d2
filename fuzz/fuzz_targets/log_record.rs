//! A record of the write-ahead log: the bytes as they are, and as a body whose length and checksum are right.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_storage::outside::read_log_record;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_log_record(bytes);
    let mut record = (bytes.len() as u32).to_le_bytes().to_vec();
    record.extend_from_slice(&crc32c::crc32c(bytes).to_le_bytes());
    record.extend_from_slice(bytes);
    let _ = read_log_record(&record);
});
