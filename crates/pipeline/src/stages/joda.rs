//! Dates by patterns of letters, as Logstash's `date` has them from Joda-Time: `dd/MMM/yyyy:HH:mm:ss Z`.
//!
//! Names of months and days are English. What is missing of a date is taken from the day on which the text arrived, so
//! that it never lies more than a day ahead.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use vigie_domain::Timestamp;
use vigie_domain::time::NANOS_PER_DAY;

/// Letters and signs of a pattern.
const PATTERN_BYTES_MAX: usize = 200;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// Names of zones as logs have them, in hours east of Greenwich.
const ZONES: [(&str, i8); 14] = [
    ("utc", 0),
    ("gmt", 0),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
    ("cet", 1),
    ("cest", 2),
    ("bst", 1),
    ("jst", 9),
];

/// A pattern made ready.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Literal(String),
    Number {
        part: Part,
        digits_max: usize,
    },
    /// Digits after the point of the second.
    Fraction,
    MonthName,
    DayName,
    HalfDay,
    Offset,
    ZoneId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Year,
    ShortYear,
    Month,
    Day,
    DayOfYear,
    Hour,
    /// 1 to 24.
    HourFrom1,
    /// 0 to 11 or 1 to 12, with a half of the day.
    HalfDayHour,
    Minute,
    Second,
}

/// What was read of a date.
#[derive(Default)]
struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    is_afternoon: Option<bool>,
    minute: i64,
    second: i64,
    nanos: i64,
    offset: Option<Offset>,
    zone: Option<TimeZone>,
}

impl Pattern {
    /// Reads the letters.
    ///
    /// # Errors
    /// In words, when one of them means nothing here.
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        if pattern.is_empty() || pattern.len() > PATTERN_BYTES_MAX {
            return Err(format!("a pattern has 1 to {PATTERN_BYTES_MAX} letters, for example \"yyyy-MM-dd HH:mm:ss\""));
        }
        let (mut tokens, mut rest) = (Vec::new(), pattern);
        while let Some(first) = rest.chars().next() {
            if first == '\'' {
                let (quoted, after) =
                    quoted(&rest[1..]).ok_or_else(|| format!("a quote in {pattern:?} is not closed"))?;
                tokens.push(Token::Literal(quoted));
                rest = after;
                continue;
            }
            let length = rest.find(|c| c != first).unwrap_or(rest.len());
            let (run, after) = rest.split_at(length);
            rest = after;
            if first.is_ascii_alphabetic() {
                let is_digit_next =
                    after.starts_with(|c: char| "yYuMdDHkKhmsS".contains(c)) && !after.starts_with("MMM");
                tokens.push(token(first, run.len(), is_digit_next).ok_or_else(|| {
                    format!("{run:?} in {pattern:?} is not known; there are y M d D H k K h a m s S E Z z, others in 'quotes'")
                })?);
            } else {
                tokens.push(Token::Literal(run.to_owned()));
            }
        }
        Ok(Self { tokens })
    }

    /// The instant; `None` when the text is not of this form. `zone` is for forms without one.
    pub(super) fn read(&self, text: &str, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let (mut parts, mut rest) = (Parts::default(), text);
        for token in &self.tokens {
            rest = parts.take(token, rest)?;
        }
        if rest.is_empty() { parts.instant(zone, now) } else { None }
    }
}

/// The text up to the closing quote, and what follows it; two quotes stand for one.
fn quoted(text: &str) -> Option<(String, &str)> {
    if let Some(after) = text.strip_prefix('\'') {
        return Some(("'".to_owned(), after));
    }
    let (mut inner, mut rest) = (String::new(), text);
    loop {
        let (piece, after) = rest.split_once('\'')?;
        inner.push_str(piece);
        match after.strip_prefix('\'') {
            Some(after) => {
                inner.push('\'');
                rest = after;
            }
            None => return Some((inner, after)),
        }
    }
}

fn token(letter: char, count: usize, is_digit_next: bool) -> Option<Token> {
    let number = |part: Part, most: usize| {
        Some(Token::Number { part, digits_max: if is_digit_next { count } else { most.max(count) } })
    };
    match letter {
        'y' | 'Y' | 'u' if count == 2 => Some(Token::Number { part: Part::ShortYear, digits_max: 2 }),
        'y' | 'Y' | 'u' => number(Part::Year, 4),
        'M' | 'L' if count >= 3 => Some(Token::MonthName),
        'M' | 'L' => number(Part::Month, 2),
        'd' => number(Part::Day, 2),
        'D' => number(Part::DayOfYear, 3),
        'H' => number(Part::Hour, 2),
        'k' => number(Part::HourFrom1, 2),
        'K' | 'h' => number(Part::HalfDayHour, 2),
        'm' => number(Part::Minute, 2),
        's' => number(Part::Second, 2),
        'S' => Some(Token::Fraction),
        'E' => Some(Token::DayName),
        'a' => Some(Token::HalfDay),
        'Z' if count >= 3 => Some(Token::ZoneId),
        'Z' => Some(Token::Offset),
        'z' => Some(Token::ZoneId),
        _ => None,
    }
}

impl Parts {
    /// Takes what the token stands for from the beginning of the text; gives what follows.
    fn take<'t>(&mut self, token: &Token, text: &'t str) -> Option<&'t str> {
        match token {
            Token::Literal(literal) if literal.trim().is_empty() => {
                // Syslog pads days of one digit.
                text.strip_prefix(literal.as_str()).map(|rest| rest.trim_start_matches(' '))
            }
            Token::Literal(literal) => text.strip_prefix(literal.as_str()),
            Token::Number { part, digits_max } => {
                let (number, rest) = digits(text, *digits_max)?;
                self.set(*part, number);
                Some(rest)
            }
            Token::Fraction => {
                let count = text.bytes().take_while(u8::is_ascii_digit).count();
                let kept = text.get(..count.min(9)).filter(|kept| !kept.is_empty())?;
                self.nanos = format!("{kept:0<9}").parse().ok()?;
                text.get(count..)
            }
            Token::MonthName => {
                let (place, rest) = name(text, &MONTHS)?;
                self.month = Some(place as i64 + 1);
                Some(rest)
            }
            Token::DayName => name(text, &DAYS).map(|(_, rest)| rest),
            Token::HalfDay => {
                let half = text.get(..2)?.to_ascii_lowercase();
                self.is_afternoon = Some(match half.as_str() {
                    "am" => false,
                    "pm" => true,
                    _ => return None,
                });
                text.get(2..)
            }
            Token::Offset => {
                let (offset, rest) = offset(text)?;
                self.offset = Some(offset);
                Some(rest)
            }
            Token::ZoneId => self.take_zone(text),
        }
    }

    fn take_zone<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        if let Some((offset, rest)) = offset(text) {
            self.offset = Some(offset);
            return Some(rest);
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
        let (word, rest) = text.split_at(text.find(|c| !is_name(c)).unwrap_or(text.len()));
        let folded = word.to_ascii_lowercase();
        match ZONES.iter().find(|(known, _)| *known == folded) {
            Some((_, hours)) => self.offset = Some(Offset::constant(*hours)),
            None => self.zone = Some(TimeZone::get(word).ok().filter(|_| !word.is_empty())?),
        }
        Some(rest)
    }

    fn set(&mut self, part: Part, number: i64) {
        match part {
            Part::Year => self.year = Some(number),
            // As Joda has it: within 50 years of the turn of the century that is nearer.
            Part::ShortYear => self.year = Some(if number < 70 { 2000 + number } else { 1900 + number }),
            Part::Month => self.month = Some(number),
            Part::Day => self.day = Some(number),
            Part::DayOfYear => self.day_of_year = Some(number),
            Part::Hour => self.hour = number,
            Part::HourFrom1 => self.hour = number % 24,
            Part::HalfDayHour => {
                self.hour = number;
                self.is_afternoon.get_or_insert(false);
            }
            Part::Minute => self.minute = number,
            Part::Second => self.second = number,
        }
    }

    fn instant(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_jiff().to_zoned_datetime(zone.clone()).date();
        let limit = now.saturating_add_nanos(NANOS_PER_DAY);
        match self.year {
            Some(year) => self.instant_in(year, today, zone),
            None => {
                let in_year = |year: i64| self.instant_in(year, today, zone);
                let this = in_year(i64::from(today.year()));
                // 29 February may exist only in the other year.
                this.filter(|instant| *instant <= limit).or_else(|| in_year(i64::from(today.year()) - 1))
            }
        }
    }

    fn instant_in(&self, year: i64, today: Date, zone: &TimeZone) -> Option<Timestamp> {
        let small = |number: i64| i8::try_from(number).ok();
        let year = i16::try_from(year).ok()?;
        let date = match (self.day_of_year, self.month, self.day) {
            (Some(day), ..) => {
                Date::new(year, 1, 1).ok()?.checked_add(jiff::Span::new().try_days(day - 1).ok()?).ok()?
            }
            (None, None, None) if self.year.is_none() => Date::new(year, today.month(), today.day()).ok()?,
            (None, month, day) => Date::new(year, small(month.unwrap_or(1))?, small(day.unwrap_or(1))?).ok()?,
        };
        let hour = match self.is_afternoon {
            None => self.hour,
            Some(is_afternoon) if (0..=12).contains(&self.hour) => self.hour % 12 + if is_afternoon { 12 } else { 0 },
            Some(_) => return None,
        };
        // A leap second is the last instant of its minute.
        let time = match self.second {
            60 => Time::new(small(hour)?, small(self.minute)?, 59, 999_999_999).ok()?,
            second => Time::new(small(hour)?, small(self.minute)?, small(second)?, self.nanos as i32).ok()?,
        };
        let civil = DateTime::from_parts(date, time);
        let instant = match (self.offset, &self.zone) {
            (Some(offset), _) => offset.to_timestamp(civil).ok()?,
            (None, own) => own.as_ref().unwrap_or(zone).to_timestamp(civil).ok()?,
        };
        Timestamp::from_jiff(instant)
    }
}

fn digits(text: &str, digits_max: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take(digits_max).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(count);
    digits.parse().ok().map(|number| (number, rest))
}

/// The place of the name, full or its first three letters, at the beginning of the text; and what follows.
fn name<'t>(text: &'t str, names: &[&str]) -> Option<(usize, &'t str)> {
    const SHORT: usize = 3;
    let starts = |name: &str| text.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    if let Some(place) = names.iter().position(|name| starts(name)) {
        return Some((place, &text[names[place].len()..]));
    }
    let place = names.iter().position(|name| starts(&name[..SHORT]))?;
    let rest = &text[SHORT..];
    // Some write "Sept." and "Mar.".
    Some((place, rest.strip_prefix("t").filter(|_| place == 8).unwrap_or(rest).trim_start_matches('.')))
}

/// `+0100`, `+01:00`, `+01` or `Z` at the beginning, and what follows.
fn offset(text: &str) -> Option<(Offset, &str)> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Some((Offset::UTC, rest));
    }
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let two = |at: usize| {
        let digits = text.get(at..at + 2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<i32>().ok()
    };
    let hours = two(1)?;
    let at = if text[3..].starts_with(':') { 4 } else { 3 };
    let (minutes, end) = two(at).map_or((0, 3), |minutes| (minutes, at + 2));
    if minutes >= 60 {
        return None;
    }
    Some((Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T14:04:05Z.
    const INSTANT_S: i64 = 1_795_442_645;

    fn read(pattern: &str, text: &str) -> Option<Timestamp> {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        Pattern::parse(pattern).unwrap().read(text, &zone, Timestamp::from_seconds(INSTANT_S))
    }

    fn check(pattern: &str, text: &str, seconds: i64, millis: i64) {
        let expected = Timestamp::from_millis(seconds * 1_000 + millis);
        assert_eq!(read(pattern, text), Some(expected), "{pattern} reads {text}");
    }

    #[test]
    fn one_instant_in_many_patterns() {
        check("dd/MMM/yyyy:HH:mm:ss Z", "23/Nov/2026:14:04:05 +0000", INSTANT_S, 0);
        check("dd/MMM/yyyy:HH:mm:ss Z", "23/Nov/2026:15:04:05 +0100", INSTANT_S, 0);
        check("yyyy-MM-dd HH:mm:ss", "2026-11-23 15:04:05", INSTANT_S, 0);
        check("yyyy-MM-dd HH:mm:ss,SSS", "2026-11-23 15:04:05,678", INSTANT_S, 678);
        check("yyyy-MM-dd'T'HH:mm:ss.SSSZZ", "2026-11-23T14:04:05.678Z", INSTANT_S, 678);
        check("yyyy-MM-dd'T'HH:mm:ss.SSSZZ", "2026-11-23T19:34:05.6+05:30", INSTANT_S, 600);
        check("yyyyMMddHHmmss", "20261123150405", INSTANT_S, 0);
        check("yyyyMMdd HHmmssSSS", "20261123 150405678", INSTANT_S, 678);
        check("EEE, d MMM yyyy HH:mm:ss z", "Mon, 23 Nov 2026 14:04:05 GMT", INSTANT_S, 0);
        check("EEEE d MMMM yyyy h:mm:ss a", "Monday 23 November 2026 3:04:05 PM", INSTANT_S, 0);
        check("MM/dd/yy HH:mm:ss ZZZ", "11/23/26 09:04:05 America/New_York", INSTANT_S, 0);
        check("yyyy-DDD HH:mm:ss", "2026-327 15:04:05", INSTANT_S, 0);
        check("'on' yyyy-MM-dd 'o''clock' HH:mm:ss", "on 2026-11-23 o'clock 15:04:05", INSTANT_S, 0);
    }

    #[test]
    fn what_is_missing_is_never_in_the_future() {
        check("MMM d HH:mm:ss", "Nov 23 15:04:05", INSTANT_S, 0);
        check("MMM dd HH:mm:ss", "Nov  3 15:04:05", INSTANT_S - 20 * 86_400, 0);
        check("MMM d HH:mm:ss", "Dec 24 01:00:00", 1_766_534_400, 0);
        check("HH:mm:ss", "15:04:05", INSTANT_S, 0);
    }

    #[test]
    fn midnight_and_noon() {
        check("yyyy-MM-dd hh:mm a", "2026-11-23 12:00 AM", 1_795_388_400, 0);
        check("yyyy-MM-dd hh:mm a", "2026-11-23 12:00 PM", 1_795_388_400 + 43_200, 0);
        check("yyyy-MM-dd kk:mm", "2026-11-23 24:00", 1_795_388_400, 0);
        let leap = Timestamp::from_nanos((INSTANT_S + 55) * 1_000_000_000 - 1);
        assert_eq!(read("yyyy-MM-dd HH:mm:ss", "2026-11-23 15:04:60"), Some(leap));
    }

    #[test]
    fn other_text_is_not_read() {
        for (pattern, text) in [
            ("yyyy-MM-dd", "2026-13-01"),
            ("yyyy-MM-dd", "2026-11-23 14"),
            ("yyyy-MM-dd", ""),
            ("HH:mm", "25:00"),
            ("hh:mm a", "13:00 PM"),
            ("dd MMM yyyy", "23 Foo 2026"),
            ("HH:mm Z", "10:00 +99"),
            ("HH:mm Z", "10:00 +é1"),
            ("HH:mm z", "10:00 Nowhere/Land"),
            ("yyyy-MM-dd", "２０２６-11-23"),
        ] {
            assert_eq!(read(pattern, text), None, "{pattern} reads {text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["", "yyyy-xx", "'open", "G yyyy", &"y".repeat(300)] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
