//! GELF: messages one after the other, and datagrams in chunks, of which none may be lost or given twice.

#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use vigie_fuzz::push;
use vigie_inputs::{Chunks, Message, gelf_messages};

const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fuzz_target!(|bytes: &[u8]| {
    push(|assembler| gelf_messages(bytes).for_each(|message| assembler.push_gelf(message)));
    let (mut chunks, mut now) = (Chunks::default(), Instant::now());
    // A datagram is its length, a time to wait, and what follows.
    let mut rest = bytes;
    while let [length, wait_s, content @ ..] = rest {
        let (datagram, after) = content.split_at(content.len().min(usize::from(*length)));
        now += Duration::from_secs(u64::from(wait_s % 4));
        let taken = chunks.take(SENDER, datagram, now);
        let is_chunk = datagram.starts_with(&[0x1e, 0x0f]);
        assert!(is_chunk || matches!(taken, Some(Message::Whole(whole)) if whole == datagram));
        chunks.overdue(now);
        rest = after;
    }
    chunks.unfinished();
    assert!(chunks.unfinished().is_empty());
});
