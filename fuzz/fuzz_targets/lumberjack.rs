//! Frames of Lumberjack: in pieces of any size they are the same, and so is where they end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_inputs::{Decoder, Frame};

const KEPT_BYTES_MAX: usize = 4_096;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let ((in_pieces, is_cut), (whole, is_whole_cut)) = (read(bytes, usize::from(size).max(1)), read(bytes, usize::MAX));
    // How much comes out of a damaged packed frame before the damage is found is up to the unpacking.
    assert!(in_pieces.starts_with(&whole) || whole.starts_with(&in_pieces));
    assert_eq!(is_cut, is_whole_cut);
    assert!(is_cut || in_pieces == whole);
});

/// Every frame of bytes that come in pieces, and whether no more can be read.
fn read(bytes: &[u8], size: usize) -> (Vec<Frame>, bool) {
    let (mut decoder, mut frames) = (Decoder::new(KEPT_BYTES_MAX), Vec::new());
    for piece in bytes.chunks(size) {
        decoder.buffer().extend_from_slice(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}
