//! Writes MessagePack as senders do, for tests to send.

/// Writes MessagePack, as senders do.
#[derive(Clone, Default)]
pub(super) struct Pack(pub(super) Vec<u8>);

impl Pack {
    pub(super) fn list(self, count: u8) -> Self {
        self.raw(&[0x90 | count])
    }

    pub(super) fn map(self, count: u8) -> Self {
        self.raw(&[0x80 | count])
    }

    pub(super) fn text(self, text: &str) -> Self {
        let length = (text.len() as u16).to_be_bytes();
        self.raw(&[0xda]).raw(&length).raw(text.as_bytes())
    }

    pub(super) fn binary(self, bytes: &[u8]) -> Self {
        let length = (bytes.len() as u32).to_be_bytes();
        self.raw(&[0xc6]).raw(&length).raw(bytes)
    }

    pub(super) fn seconds(self, seconds: u32) -> Self {
        self.raw(&[0xce]).raw(&seconds.to_be_bytes())
    }

    pub(super) fn event_time(self, seconds: u32, nanos: u32) -> Self {
        self.raw(&[0xd7, 0]).raw(&seconds.to_be_bytes()).raw(&nanos.to_be_bytes())
    }

    pub(super) fn record(self, message: &str) -> Self {
        self.map(1).text("message").text(message)
    }

    pub(super) fn chunk(self, name: &str) -> Self {
        self.map(1).text("chunk").text(name)
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// Nothing yet.
pub(super) fn pack() -> Pack {
    Pack::default()
}
