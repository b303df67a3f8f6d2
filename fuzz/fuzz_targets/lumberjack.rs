//! Frames of Lumberjack: in pieces of any size they are the same, and so is where they end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_inputs::{Decoder, Frame};

const KEPT_BYTES_MAX: usize = 4_096;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    assert_eq!(read(bytes, usize::from(size).max(1)), read(bytes, usize::MAX));
});

/// Every frame of bytes that come in pieces, and why no more can be read.
fn read(bytes: &[u8], size: usize) -> (Vec<Frame>, Option<String>) {
    let (mut decoder, mut frames) = (Decoder::new(KEPT_BYTES_MAX), Vec::new());
    for piece in bytes.chunks(size) {
        decoder.buffer().extend_from_slice(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(cut) => return (frames, Some(cut.to_string())),
            }
        }
    }
    (frames, None)
}
