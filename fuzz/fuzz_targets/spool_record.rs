//! A record of the agent's spool: the bytes as they are, and as a body whose length and checksum are right.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_agent::outside::read_spool_record;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_spool_record(bytes);
    let mut record = (bytes.len() as u32).to_le_bytes().to_vec();
    record.extend_from_slice(&crc32c::crc32c(bytes).to_le_bytes());
    record.extend_from_slice(bytes);
    let _ = read_spool_record(&record);
});
