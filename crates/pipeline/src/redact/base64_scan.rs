//! Finds card numbers in base64 without decoding what holds none: digits and what parts them have their upper bits in common,
//! so three of them become four signs of few that are possible, and two such fours in a row are rare in anything else.
//!
//! Only a window around such a place is decoded, so that no text costs more than a bounded multiple of its length.

use super::card::Card;
use super::card_scan::find_cards;

/// Signs of base64 in a group; they hold three bytes.
const QUAD: usize = 4;
/// Bit of the state that is set after two fours of digits.
const FOUND: u8 = 1 << (2 * QUAD - 1);
/// Fours that are decoded before the place, and after it.
const QUADS_BEFORE: usize = 8;
/// See `QUADS_BEFORE`: a card with separators, escaped.
const QUADS_AFTER: usize = 24;
/// No sign of base64.
const NONE: u8 = 0xff;

/// Six bits of each sign, in both alphabets.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut value = 0;
    while value < alphabet.len() {
        values[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
};

/// The places in two fours of digits at which each sign may stand, as bits.
const PLACES: [u8; 256] = {
    let mut places = [0; 256];
    let mut byte = 0;
    while byte < places.len() {
        let value = VALUES[byte];
        if value != NONE {
            // Digits, spaces, hyphens and points are 0010xxxx or 0011xxxx.
            let first = (value >> 3 == 1) as u8;
            let second = (value & 0b1110 == 0b0010) as u8;
            let third = (value & 0b11 == 0) as u8;
            let fourth = (value >> 5 == 1) as u8;
            let quad = first | second << 1 | third << 2 | fourth << 3;
            places[byte] = quad | quad << QUAD;
        }
        byte += 1;
    }
    places
};

/// Calls `visit` with the place of every run of base64 that holds a card number, and with that card.
pub(super) fn find_encoded_cards(bytes: &[u8], visit: &mut dyn FnMut(usize, usize, Card)) {
    let (mut at, mut state) = (0, 0_u8);
    while at < bytes.len() {
        state = (state << 1 | 1) & PLACES[usize::from(bytes[at])];
        at += 1;
        if state & FOUND == 0 {
            continue;
        }
        state = 0;
        if let Some(card) = card_around(bytes, at - 2 * QUAD) {
            let (start, end) = run_around(bytes, at);
            visit(start, end, card);
            at = end;
        }
    }
}

/// The card in what is decoded around a four that begins at `quad`.
fn card_around(bytes: &[u8], quad: usize) -> Option<Card> {
    let is_base64 = |byte: &u8| VALUES[usize::from(*byte)] != NONE;
    let before = bytes[..quad].iter().rev().take(QUADS_BEFORE * QUAD).take_while(|byte| is_base64(byte)).count();
    let start = quad - before / QUAD * QUAD;
    let signs = bytes[start..].iter().take((QUADS_BEFORE + QUADS_AFTER) * QUAD).take_while(|byte| is_base64(byte));
    let mut decoded = Vec::with_capacity((QUADS_BEFORE + QUADS_AFTER) * 3);
    let (mut bits, mut bit_count) = (0_u32, 0);
    for sign in signs {
        bits = bits << 6 | u32::from(VALUES[usize::from(*sign)]);
        bit_count += 6;
        if bit_count >= 8 {
            bit_count -= 8;
            decoded.push((bits >> bit_count) as u8);
        }
    }
    let mut card = None;
    find_cards(&decoded, &mut |hit| card = card.or(Some(hit.card)));
    card
}

/// Where the base64 around a place begins and ends, its padding included.
fn run_around(bytes: &[u8], at: usize) -> (usize, usize) {
    let is_base64 = |byte: &&u8| VALUES[usize::from(**byte)] != NONE;
    let start = at - bytes[..at].iter().rev().take_while(is_base64).count();
    let end = at + bytes[at..].iter().take_while(is_base64).count();
    let padding = bytes[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
    (start, end + padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let mut found = Vec::new();
        find_encoded_cards(text.as_bytes(), &mut |start, end, card| {
            assert_eq!(card.masked(), "411111******1111");
            found.push(&text[start..end]);
        });
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn cards_in_base64_are_found_at_every_alignment() {
        check("NDExMTExMTExMTExMTExMQ==", &["NDExMTExMTExMTExMTExMQ=="]);
        check("a IDQxMTExMTExMTExMTExMTE= b", &["IDQxMTExMTExMTExMTExMTE="]);
        check("x=Y2FyZDo0MTExLTExMTEtMTExMS0xMTEx&y", &["Y2FyZDo0MTExLTExMTEtMTExMS0xMTEx"]);
        check("eyJwYW4iOiI0MTExMTExMTExMTExMTExIn0", &["eyJwYW4iOiI0MTExMTExMTExMTExMTExIn0"]);
    }

    #[test]
    fn other_base64_stays() {
        check("", &[]);
        check("NDExMTExMTExMTExMTExMg==", &[]);
        check("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0", &[]);
        check("MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", &[]);
        check("0af7651916cd43dd8448eb211c80319c", &[]);
    }
}
