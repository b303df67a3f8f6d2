//! Messages of the forward protocol, one after the other.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use vigie_fuzz::push;
use vigie_inputs::{ForwardMessage, forward_messages};

fuzz_target!(|bytes: &[u8]| {
    for message in forward_messages(Bytes::copy_from_slice(bytes)) {
        if let Ok(Some(message)) = ForwardMessage::of(&message) {
            message.ack();
            push(|assembler| message.push_all(assembler));
            push(|assembler| message.unpacked().push_all(assembler));
        }
    }
});
