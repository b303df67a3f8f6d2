//! Why an input could not be decoded at all. What concerns one record only is a reject, not an error.

use std::io;

use vigie_domain::{Error, ErrorKind};

use crate::decompress::Compression;

/// The whole input, or the rest of it, cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It unpacks to more bytes than allowed.
    #[error("the {compression} data unpacks to more than {bytes_max} bytes; split it and send the pieces")]
    TooManyBytes {
        /// How it is packed.
        compression: Compression,
        /// The bound.
        bytes_max: u64,
    },
    /// It unpacks to far more than it is: what a zip bomb does.
    #[error(
        "the {compression} data unpacks to more than {ratio_max} times its size; send it unpacked if it is genuine"
    )]
    RatioTooHigh {
        /// How it is packed.
        compression: Compression,
        /// The bound.
        ratio_max: u64,
    },
    /// The packed bytes are damaged or cut off.
    #[error("the {compression} data is damaged or cut off: {cause}; send it again")]
    Damaged {
        /// How it is packed.
        compression: Compression,
        /// What the unpacker said.
        cause: String,
    },
    /// A zip archive that cannot be read.
    #[error("the zip archive cannot be read: {0}")]
    Archive(String),
    /// A file format that holds no logs, or that must be unpacked first.
    #[error("this is {what}; {instead}")]
    Foreign {
        /// What it is.
        what: &'static str,
        /// What to send.
        instead: &'static str,
    },
    /// The header row of a table cannot be used.
    #[error("the header row cannot be used: {0}")]
    Header(String),
    /// A Parquet file that cannot be read.
    #[error("the parquet data cannot be read: {0}")]
    Parquet(String),
    /// A line of a bulk request that should be an action and is none.
    #[error("Malformed action/metadata line [{line}], {reason}; nothing of the request is stored")]
    NoAction {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A bulk request with more items than are answered at once.
    #[error("the bulk request has more than {items_max} items; send them in several requests")]
    TooManyItems {
        /// The bound.
        items_max: usize,
    },
    /// A request that is not what its protocol says; nothing of it is read.
    #[error("the {protocol} request cannot be read: {reason}; nothing of it is stored")]
    Protocol {
        /// What is spoken.
        protocol: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The file cannot be read from disk.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl DecodeError {
    /// The error that an unpacking reader wrapped, else that of reading.
    pub(crate) fn from_read(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(wrapped) => wrapped,
            Err(error) => Self::Io(error),
        }
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        let kind = match &error {
            DecodeError::TooManyBytes { .. } | DecodeError::RatioTooHigh { .. } | DecodeError::TooManyItems { .. } => {
                ErrorKind::TooLarge
            }
            DecodeError::Damaged { .. }
            | DecodeError::Archive(_)
            | DecodeError::Foreign { .. }
            | DecodeError::Header(_)
            | DecodeError::NoAction { .. }
            | DecodeError::Protocol { .. }
            | DecodeError::Parquet(_) => ErrorKind::Malformed,
            DecodeError::Io(_) => ErrorKind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}
