//! Cursors: where a page ended, in a form that callers only hand back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vigie_domain::ports::SortOrder;
use vigie_domain::{Error, Position, Result, Timestamp};

/// First byte, so that a later form can be told apart.
const VERSION: u8 = 1;

/// The cursor behind this position.
pub(super) fn write(position: Position, order: SortOrder) -> String {
    let mut bytes = vec![VERSION, u8::from(order == SortOrder::NewestFirst)];
    bytes.extend_from_slice(&position.timestamp.as_nanos().to_le_bytes());
    bytes.extend_from_slice(&position.sequence.to_le_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position that a cursor stands for.
///
/// # Errors
/// `Malformed` when it was not made here, or for the other order.
pub(super) fn read(cursor: &str, order: SortOrder) -> Result<Position> {
    let malformed = |message: &str| Error::malformed_field("cursor", message);
    let damaged = || malformed("the cursor is damaged; begin again without one");
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| damaged())?;
    let [VERSION, is_newest_first, rest @ ..] = bytes.as_slice() else { return Err(damaged()) };
    let (nanos, sequence) = rest.split_at_checked(8).ok_or_else(damaged)?;
    let nanos = i64::from_le_bytes(nanos.try_into().map_err(|_| damaged())?);
    let sequence = u64::from_le_bytes(sequence.try_into().map_err(|_| damaged())?);
    if (*is_newest_first == 1) != (order == SortOrder::NewestFirst) {
        return Err(malformed("the cursor belongs to the other sort order; begin again without one"));
    }
    Ok(Position { timestamp: Timestamp::from_nanos(nanos), sequence })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSITION: Position = Position { timestamp: Timestamp::from_nanos(-5), sequence: u64::MAX };

    #[test]
    fn a_cursor_gives_its_position_back() {
        let cursor = write(POSITION, SortOrder::NewestFirst);
        assert_eq!(read(&cursor, SortOrder::NewestFirst), Ok(POSITION));
        assert!(read(&cursor, SortOrder::OldestFirst).is_err());
    }

    #[test]
    fn damaged_cursors_are_refused() {
        for cursor in ["", "x", "AQE", "!!!!", "AgEAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(read(cursor, SortOrder::NewestFirst).is_err(), "{cursor}");
        }
    }
}
