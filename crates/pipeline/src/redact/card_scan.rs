//! Finds card numbers in a text, in groups and behind escapes; one pass, and a bounded look at each group of digits.
//!
//! A run of digits that goes on, that is part of a word, of hexadecimal, of a decimal fraction, of an IBAN or of a phone
//! number is none: precision comes from these borders, since one in ten numbers of an issuer has a right check digit.

use super::card::{Card, DIGITS_MAX, DIGITS_MIN, may_begin};
use super::iban::is_in_iban;
use super::track;
use super::unit::{Unit, unit_at};

/// A card number at its place.
#[derive(Clone, Copy)]
pub(super) struct CardHit {
    /// Where its first digit begins.
    pub(super) start: usize,
    /// Where its last digit ends; digits that may belong to it are within.
    pub(super) end: usize,
    /// Which it is.
    pub(super) card: Card,
}

/// What stands before a group of digits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing that digits belong to.
    Open,
    Letter,
    Digit,
    /// A point after a digit: what follows may be a fraction.
    Point,
}

/// Signs between two groups, at most.
const SEPARATORS_MAX: usize = 3;
/// Groups of unequal size, at most.
const UNEQUAL_GROUPS_MAX: usize = 6;
/// Letters and digits after a number that are looked at.
const AFTER_MAX: usize = 32;
/// Digits of the longest phone numbers that begin like a card.
const PHONE_DIGITS_MAX: usize = 13;

/// Words that are written directly before a card number.
const CARD_WORDS: &[&str] = &[
    "amex",
    "card",
    "cardno",
    "cardnum",
    "cardnumber",
    "cc",
    "ccnum",
    "ccnumber",
    "credit",
    "debit",
    "diners",
    "discover",
    "jcb",
    "maestro",
    "mastercard",
    "mc",
    "nr",
    "no",
    "num",
    "number",
    "pan",
    "unionpay",
    "visa",
];

/// Calls `visit` with every card number.
pub(super) fn find_cards(bytes: &[u8], visit: &mut dyn FnMut(CardHit)) {
    let mut before = Before::Open;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%'
            && let Some(hit) = track::format_code_at(bytes, at).and_then(|start| card_from(bytes, start, Before::Open))
        {
            (at, before) = (hit.end, Before::Digit);
            visit(hit);
            continue;
        }
        let (unit, length) = unit_at(bytes, at);
        if let Unit::Digit(digit) = unit
            && before != Before::Digit
            && may_begin(digit)
            && goes_on(bytes, at)
            && let Some(hit) = card_from(bytes, at, before)
        {
            (at, before) = (hit.end, Before::Digit);
            visit(hit);
            continue;
        }
        before = match unit {
            Unit::Digit(_) => Before::Digit,
            Unit::Letter => Before::Letter,
            Unit::Separator(b'.') if before == Before::Digit => Before::Point,
            Unit::Separator(_) | Unit::Other => Before::Open,
        };
        at += length.max(1);
    }
}

/// Whether as many bytes as a card number has digits may be one's: a look that is cheaper than reading them.
fn goes_on(bytes: &[u8], start: usize) -> bool {
    let Some(number) = bytes.get(start..start + DIGITS_MIN) else { return false };
    let is_end = |byte: &&u8| !matches!(byte, b'0'..=b'9' | b' ' | b'-' | b'.' | b'_' | b'+' | 0);
    number.iter().find(is_end).is_none_or(|byte| matches!(byte, b'%' | b'\\' | 0x80..))
}

/// Groups of digits as they are read.
struct Groups {
    digits: [u8; DIGITS_MAX],
    digit_count: usize,
    sizes: [u8; DIGITS_MAX],
    count: usize,
    separator: Option<[u8; SEPARATORS_MAX]>,
}

impl Groups {
    /// Reads digits up to what is none; `None` when there are too many.
    fn read_group(&mut self, bytes: &[u8], start: usize) -> Option<usize> {
        let (mut at, mut size) = (start, 0);
        while let (Unit::Digit(digit), length) = unit_at(bytes, at) {
            *self.digits.get_mut(self.digit_count)? = digit;
            self.digit_count += 1;
            size += 1;
            at += length;
        }
        *self.sizes.get_mut(self.count)? = size;
        self.count += 1;
        (size > 0).then_some(at)
    }

    /// Reads what stands between groups; `None` when it is not what stood between those before.
    fn read_separator(&mut self, bytes: &[u8], start: usize) -> Option<usize> {
        let (mut at, mut count, mut found) = (start, 0, [0; SEPARATORS_MAX]);
        while let (Unit::Separator(sign), length) = unit_at(bytes, at) {
            *found.get_mut(count)? = sign;
            count += 1;
            at += length;
        }
        let is_same = count > 0 && *self.separator.get_or_insert(found) == found;
        is_same.then_some(at)
    }

    /// Whether people write card numbers in groups of these sizes.
    fn are_usual(&self) -> bool {
        let sizes = &self.sizes[..self.count];
        let [first, middle @ .., last] = sizes else { return true };
        let is_even = middle.iter().all(|size| size == first) && last <= first && *first <= 8;
        let is_dotted = self.separator.is_some_and(|separator| separator.contains(&b'.'));
        match middle.len() {
            // A number with one point is a fraction.
            0 => !is_dotted && matches!(first, 4 | 6 | 8),
            _ => {
                is_even
                    || (matches!(first, 4 | 6)
                        && sizes.len() <= UNEQUAL_GROUPS_MAX
                        && middle.iter().all(|size| *size >= 3))
            }
        }
    }

    fn card(&self) -> Option<Card> {
        if self.digit_count < DIGITS_MIN || !self.are_usual() {
            return None;
        }
        Card::of(&self.digits[..self.digit_count])
    }
}

/// The card whose number begins with the digit at `start`.
fn card_from(bytes: &[u8], start: usize, before: Before) -> Option<CardHit> {
    let is_part_of_word = before == Before::Letter && !follows_card_word(bytes, start);
    if is_part_of_word && !bytes[..start].ends_with(b"B") {
        return None;
    }
    let mut groups =
        Groups { digits: [0; DIGITS_MAX], digit_count: 0, sizes: [0; DIGITS_MAX], count: 0, separator: None };
    let mut hit: Option<CardHit> = None;
    let mut at = start;
    while let Some(end) = groups.read_group(bytes, at) {
        let is_fraction = groups.count == 1 && before == Before::Point;
        if !is_fraction
            && let Some(card) = groups.card()
            && ends_there(bytes, end, groups.count == 1)
        {
            // Of two that are possible the shorter is shown, and the longer is covered.
            hit = Some(CardHit { start, end, card: hit.map_or(card, |shorter| shorter.card) });
        }
        match groups.read_separator(bytes, end) {
            Some(next) => at = next,
            None => break,
        }
    }
    // Track 1 may have lost its percent sign.
    let hit = hit.filter(|hit| !is_part_of_word || track::of_card(bytes, hit).is_some());
    hit.filter(|hit| !is_phone(bytes, hit) && !is_in_iban(bytes, hit.start, hit.end))
}

/// Whether the letters directly before the number name what it is, or are an escape such as `\n`.
fn follows_card_word(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[..start];
    let letters = before.iter().rev().take(AFTER_MAX).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (rest, mut word) = before.split_at(start - letters);
    if rest.last() == Some(&b'\\') {
        word = &word[1..];
    } else if rest.last().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    word.is_empty() || CARD_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether a number that was read up to `end` ends there and does not go on as something else.
fn ends_there(bytes: &[u8], end: usize, is_one_group: bool) -> bool {
    let rest = &bytes[end..];
    match rest {
        [b'.', b'0'..=b'9', ..] if is_one_group => {
            let fraction = rest[1..].iter().take_while(|byte| byte.is_ascii_digit());
            fraction.take(AFTER_MAX).all(|byte| *byte == b'0')
        }
        [letter, ..] if letter.is_ascii_alphabetic() => {
            let is_hexadecimal =
                rest.iter().take(AFTER_MAX).take_while(|byte| byte.is_ascii_alphanumeric()).all(u8::is_ascii_hexdigit);
            !is_hexadecimal || track::follows(rest)
        }
        _ => true,
    }
}

/// `+49 …` and as many digits as phone numbers have.
fn is_phone(bytes: &[u8], hit: &CardHit) -> bool {
    if hit.card.digit_count() > PHONE_DIGITS_MAX {
        return false;
    }
    match bytes[..hit.start] {
        [.., before, b'+'] => !before.is_ascii_alphanumeric() && before != b'=',
        [b'+'] => true,
        _ => false,
    }
}
