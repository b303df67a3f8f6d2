//! What the magnetic stripe of a card holds (ISO/IEC 7813): track 1 `%B…^…^…?` and track 2 `;…=…?`, around a card number.

use super::card_scan::CardHit;

/// Bytes of the longest track that is looked for, name and escapes included.
const TRACK_BYTES_MAX: usize = 256;
/// Digits after the separator of track 2 at least: expiry and service code.
const AFTER_SEPARATOR_MIN: usize = 7;
/// How track 1 begins, also with its percent sign escaped.
const FORMAT_CODES: [&[u8]; 3] = [b"%B", b"%b", b"%25B"];

/// Where the number begins, if track 1 begins at `at`.
pub(super) fn format_code_at(bytes: &[u8], at: usize) -> Option<usize> {
    let code = FORMAT_CODES.into_iter().find(|code| bytes[at..].starts_with(code))?;
    bytes.get(at + code.len()).is_some_and(u8::is_ascii_digit).then_some(at + code.len())
}

/// Where the track around the card's number begins and ends, if it is part of one.
pub(super) fn of_card(bytes: &[u8], hit: &CardHit) -> Option<(usize, usize)> {
    let rest = &bytes[hit.end..];
    let is_first = rest.starts_with(b"^") || rest.starts_with(b"%5E") || rest.starts_with(b"%5e");
    if !is_first && !follows(rest) {
        return None;
    }
    let before = &bytes[..hit.start];
    let opening = FORMAT_CODES.into_iter().chain([&b"%3B"[..], b"%3b", b"B", b";"]);
    let opened = opening.filter(|code| before.ends_with(code)).map(<[u8]>::len).max().unwrap_or(0);
    let data = rest.iter().take(TRACK_BYTES_MAX).take_while(|byte| is_track_sign(**byte, is_first)).count();
    let closed = usize::from(rest.get(data) == Some(&b'?'));
    Some((hit.start - opened, hit.end + data + closed))
}

/// Whether what follows a card number is the rest of track 2.
pub(super) fn follows(rest: &[u8]) -> bool {
    let data = match rest {
        [b'=' | b'D' | b'd', data @ ..] | [b'%', b'3', b'D' | b'd', data @ ..] => data,
        _ => return false,
    };
    data.iter().take(AFTER_SEPARATOR_MIN).filter(|byte| byte.is_ascii_digit()).count() == AFTER_SEPARATOR_MIN
}

/// Track 1 holds a name, track 2 digits only.
fn is_track_sign(byte: u8, is_first: bool) -> bool {
    if is_first {
        byte.is_ascii_alphanumeric() || matches!(byte, b'^' | b'/' | b' ' | b'.' | b'-' | b'\'' | b'%' | b'+')
    } else {
        byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'%')
    }
}
