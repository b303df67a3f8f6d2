//! Card numbers: which digits are one, and what of them may be shown.
//!
//! A number is a card's when an issuer hands out numbers that begin so and have that length, and its last digit is the
//! check digit of ISO/IEC 7812-1 (Luhn). Ranges are those that the networks publish; a range that is not listed is not found.

use std::ops::RangeInclusive;

/// Digits of the shortest and the longest card number.
pub(super) const DIGITS_MIN: usize = 12;
/// See `DIGITS_MIN`.
pub(super) const DIGITS_MAX: usize = 19;

/// Digits at the beginning that are shown: they name the issuer.
const BIN_DIGITS: usize = 6;
/// Digits at the end that are shown: people know their card by them.
const LAST_DIGITS: usize = 4;
/// Every masked card has the same length, whatever the number's.
const MASK: &str = "******";

/// First four digits of an issuer's numbers, and how long these are.
struct Issuer {
    prefixes: RangeInclusive<u16>,
    lengths: &'static [u8],
}

const fn issuer(prefixes: RangeInclusive<u16>, lengths: &'static [u8]) -> Issuer {
    Issuer { prefixes, lengths }
}

/// Lengths that all issuers of a network may choose.
const LONG: &[u8] = &[16, 17, 18, 19];
/// Lengths of Maestro's own ranges.
const MAESTRO: &[u8] = &[12, 13, 14, 15, 16, 17, 18, 19];

/// Maestro has far wider ranges than its well-known ones; numbers there are taken for cards at the usual length only, since
/// ids of 18 and 19 digits are common.
const ISSUERS: &[Issuer] = &[
    // Visa.
    issuer(4000..=4999, &[13, 16, 19]),
    // Mastercard.
    issuer(5100..=5599, &[16]),
    issuer(2221..=2720, &[16]),
    // American Express.
    issuer(3400..=3499, &[15]),
    issuer(3700..=3799, &[15]),
    // Discover.
    issuer(6011..=6011, LONG),
    issuer(6440..=6599, LONG),
    // Diners Club.
    issuer(3000..=3059, &[14, 16, 19]),
    issuer(3095..=3095, &[14, 16, 19]),
    issuer(3600..=3699, &[14, 16, 19]),
    issuer(3800..=3999, &[14, 16, 19]),
    // JCB.
    issuer(3528..=3589, LONG),
    // UnionPay.
    issuer(6200..=6299, LONG),
    issuer(8100..=8171, LONG),
    // Maestro.
    issuer(5018..=5018, MAESTRO),
    issuer(5020..=5020, MAESTRO),
    issuer(5038..=5038, MAESTRO),
    issuer(5893..=5893, MAESTRO),
    issuer(6304..=6304, MAESTRO),
    issuer(6759..=6759, MAESTRO),
    issuer(6761..=6763, MAESTRO),
    issuer(5000..=5099, &[16]),
    issuer(5600..=5899, &[16]),
    issuer(6300..=6399, &[16]),
    issuer(6700..=6799, &[16]),
    // Mir, Troy.
    issuer(2200..=2204, &[16]),
    issuer(9792..=9792, &[16]),
];

/// First digits of all issuers, as bits: most numbers are told apart by them alone.
const FIRST_DIGITS: u16 = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 9;

/// Whether any issuer's numbers begin with this digit.
pub(super) const fn may_begin(digit: u8) -> bool {
    FIRST_DIGITS >> digit & 1 == 1
}

/// A card number. It is never printed and lives as long as the event is worked on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Card {
    digits: [u8; DIGITS_MAX],
    count: usize,
}

impl Card {
    /// The card of these digits (0 to 9 each), if they are one's.
    pub(super) fn of(digits: &[u8]) -> Option<Self> {
        if !(DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) || !is_issued(digits) || !has_check_digit(digits) {
            return None;
        }
        let mut card = Self { digits: [0; DIGITS_MAX], count: digits.len() };
        card.digits[..digits.len()].copy_from_slice(digits);
        Some(card)
    }

    /// The card whose number this is, written without leading zeros.
    pub(super) fn of_number(mut number: u64) -> Option<Self> {
        let mut digits = [0; DIGITS_MAX + 1];
        let mut first = digits.len();
        while number > 0 && first > 0 {
            first -= 1;
            digits[first] = (number % 10) as u8;
            number /= 10;
        }
        Self::of(&digits[first..])
    }

    /// How many digits it has.
    pub(super) const fn digit_count(&self) -> usize {
        self.count
    }

    /// Its digits as text, without separators.
    pub(super) fn text(&self) -> String {
        self.digits[..self.count].iter().map(|digit| char::from(b'0' + digit)).collect()
    }

    /// Its first six digits.
    pub(super) fn bin(&self) -> String {
        self.text()[..BIN_DIGITS].to_owned()
    }

    /// Its last four digits.
    pub(super) fn last4(&self) -> String {
        self.text()[self.count - LAST_DIGITS..].to_owned()
    }

    /// What may be shown of it.
    pub(super) fn masked(&self) -> String {
        format!("{}{MASK}{}", self.bin(), self.last4())
    }
}

fn is_issued(digits: &[u8]) -> bool {
    let prefix = digits.iter().take(4).fold(0_u16, |prefix, digit| prefix * 10 + u16::from(*digit));
    let length = digits.len() as u8;
    ISSUERS.iter().any(|issuer| issuer.prefixes.contains(&prefix) && issuer.lengths.contains(&length))
}

/// ISO/IEC 7812-1, annex B: every second digit from the right is doubled and its digits added.
fn has_check_digit(digits: &[u8]) -> bool {
    const DOUBLED: [u8; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
    let sum = digits.iter().rev().enumerate().fold(0_u32, |sum, (place, digit)| {
        sum + u32::from(if place % 2 == 0 { *digit } else { DOUBLED[usize::from(*digit)] })
    });
    sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: &str, expected: Option<&str>) {
        let digits: Vec<u8> = number.bytes().map(|byte| byte - b'0').collect();
        let card = Card::of(&digits);
        assert_eq!(card.map(|card| card.masked()).as_deref(), expected, "{number}");
        let by_number = number.parse().ok().and_then(Card::of_number);
        assert!(by_number == card || number.starts_with('0'), "{number}");
    }

    #[test]
    fn cards_of_every_issuer_are_told_by_range_length_and_check_digit() {
        check("4111111111111111", Some("411111******1111"));
        check("4222222222222", Some("422222******2222"));
        check("4000000000000000006", Some("400000******0006"));
        check("5555555555554444", Some("555555******4444"));
        check("2223003122003222", Some("222300******3222"));
        check("2720992222222222", None);
        check("378282246310005", Some("378282******0005"));
        check("6011111111111117", Some("601111******1117"));
        check("30569309025904", Some("305693******5904"));
        check("3530111333300000", Some("353011******0000"));
        check("6200000000000005", Some("620000******0005"));
        check("6759649826438453", Some("675964******8453"));
        check("501800000009", Some("501800******0009"));
        check("2200000000000004", Some("220000******0004"));
    }

    #[test]
    fn other_numbers_are_no_cards() {
        check("4111111111111112", None);
        check("41111111111111", None);
        check("1795446000000", None);
        check("1795446000000000", None);
        check("1795446000000000000", None);
        check("0000000000000000", None);
        check("79927398713", None);
        check("55555555555544440000", None);
        assert!(Card::of(&[]).is_none() && Card::of_number(u64::MAX).is_none());
    }

    #[test]
    fn first_digits_are_those_of_the_ranges() {
        for digit in 0..10_u8 {
            let is_first =
                ISSUERS.iter().any(|issuer| issuer.prefixes.clone().any(|prefix| prefix / 1000 == u16::from(digit)));
            assert_eq!(may_begin(digit), is_first, "{digit}");
        }
    }
}
