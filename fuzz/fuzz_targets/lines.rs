//! Lines of a connection: however they are cut, the same bytes are the same events.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_fuzz::push;
use vigie_inputs::{Frames, Framing, Lines};

const FRAME_BYTES_MAX: usize = 1_024;

fuzz_target!(|bytes: &[u8]| {
    push(|assembler| Lines.push_all(bytes, assembler));
    let Ok(Frames::Whole(whole)) = Lines.frames(bytes, FRAME_BYTES_MAX) else { return };
    assert!(whole <= bytes.len());
    let settled = Lines.settled(&bytes[..whole], FRAME_BYTES_MAX);
    assert!(settled <= whole);
    // What is settled stays so when more comes.
    assert!(Lines.settled(&bytes[..settled], FRAME_BYTES_MAX) <= settled);
});
