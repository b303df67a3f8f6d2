//! An entry of systemd's journal, as `journalctl` writes it; the same bytes must say the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_agent::outside::read_journal_entry;

fuzz_target!(|line: &[u8]| {
    assert_eq!(read_journal_entry(line), read_journal_entry(line));
});
