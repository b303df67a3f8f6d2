//! The manifest: the bytes as they are, and behind a checksum that is right.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_storage::outside::read_manifest;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_manifest(bytes);
    let mut manifest = format!("{:08x}\n", crc32c::crc32c(bytes)).into_bytes();
    manifest.extend_from_slice(bytes);
    let _ = read_manifest(&manifest);
});
