//! What the leading digits of a card number tell (ISO/IEC 7812: the issuer identification number, six or eight digits).
//!
//! The schemes' ranges are those that they publish. Which bank issued a card and where is sold by others, so it comes from a
//! table of the shop's own.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::parse::csv_row::RowScanner;

/// Digits that are needed, and that are looked at.
pub(crate) const DIGITS_MIN: usize = 6;
/// See `DIGITS_MIN`.
pub(crate) const DIGITS_MAX: usize = 8;
/// Rows of a table.
const ROWS_MAX: usize = 1_000_000;
/// Columns that are used, each with the names that such tables give it.
const COLUMNS: [(&str, &[&str]); 5] = [
    ("bin", &["bin", "iin", "prefix"]),
    ("scheme", &["scheme", "brand", "network"]),
    ("type", &["type", "card_type"]),
    ("issuer", &["issuer", "bank", "bank_name"]),
    ("country", &["country", "issuer_country", "alpha_2", "country_code"]),
];

/// Ranges of leading digits, both ends included, and their scheme. Of ranges that hold the same card, the smallest counts.
const RANGES: &[(&str, &str, &str)] = &[
    ("1", "1", "uatp"),
    ("2200", "2204", "mir"),
    ("2221", "2720", "mastercard"),
    ("300", "305", "diners"),
    ("3095", "3095", "diners"),
    ("34", "34", "amex"),
    ("3528", "3589", "jcb"),
    ("36", "36", "diners"),
    ("37", "37", "amex"),
    ("38", "39", "diners"),
    ("4", "4", "visa"),
    ("50", "50", "maestro"),
    ("504175", "504175", "elo"),
    ("5019", "5019", "dankort"),
    ("506099", "506198", "verve"),
    ("506699", "506778", "elo"),
    ("508500", "508999", "rupay"),
    ("509000", "509999", "elo"),
    ("51", "55", "mastercard"),
    ("56", "58", "maestro"),
    ("6011", "6011", "discover"),
    ("606985", "607984", "rupay"),
    ("608001", "608500", "rupay"),
    ("62", "62", "unionpay"),
    ("6304", "6304", "maestro"),
    ("636297", "636297", "elo"),
    ("636368", "636368", "elo"),
    ("637095", "637095", "hipercard"),
    ("639", "639", "maestro"),
    ("644", "649", "discover"),
    ("65", "65", "discover"),
    ("650002", "650027", "verve"),
    ("652150", "653149", "rupay"),
    ("67", "67", "maestro"),
    ("81", "81", "unionpay"),
    ("817200", "820199", "rupay"),
    ("9792", "9792", "troy"),
];

/// A range as numbers of `DIGITS_MAX` digits.
fn range_of(from: &str, to: &str) -> Option<(u32, u32)> {
    let filled = |digits: &str, with: char| -> Option<u32> {
        let is_number =
            !digits.is_empty() && digits.len() <= DIGITS_MAX && digits.bytes().all(|byte| byte.is_ascii_digit());
        let rest = std::iter::repeat_n(with, DIGITS_MAX.checked_sub(digits.len())?);
        digits.chars().chain(rest).collect::<String>().parse().ok().filter(|_| is_number)
    };
    Some((filled(from, '0')?, filled(to, '9')?)).filter(|(from, to)| from <= to)
}

/// The scheme of a card with these leading digits.
pub(crate) fn scheme_of(bin: &str) -> Option<&'static str> {
    let (from, to) = range_of(bin, bin)?;
    let ranges = RANGES.iter().filter_map(|(first, last, scheme)| Some((range_of(first, last)?, *scheme)));
    let holding = ranges.filter(|((first, last), _)| *first <= from && to <= *last);
    holding.min_by_key(|((first, last), _)| last - first).map(|(_, scheme)| scheme)
}

/// What a table tells of cards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownBin {
    pub(crate) scheme: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) country: Option<String>,
}

/// A table of a shop's own.
#[derive(Debug, Default)]
pub(crate) struct BinTable {
    /// Rows that are the beginning of numbers: most are.
    beginnings: HashMap<String, KnownBin, RandomState>,
    /// Rows that are ranges, by their first number.
    ranges: Vec<(u32, u32, KnownBin)>,
    /// The size of the largest range: none that begins further before a number can hold it.
    largest: u32,
}

impl BinTable {
    /// Reads rows with commas or semicolons between cells; the first names the columns.
    ///
    /// # Errors
    /// In words, with the line, when the table cannot be used.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut lines =
            (1..).zip(text.trim_start_matches('\u{feff}').lines()).filter(|(_, line)| !line.trim().is_empty());
        let (_, header) = lines.next().ok_or("the table is empty; begin it with the names of its columns")?;
        let delimiter = if header.contains(';') { b';' } else { b',' };
        let names: Vec<String> = cells(header, delimiter).into_iter().map(|name| name.trim().to_lowercase()).collect();
        let places = COLUMNS.map(|(_, known)| names.iter().position(|name| known.contains(&name.as_str())));
        if places[0].is_none() {
            return Err(
                "it has no column \"bin\"; name it in the first line, as in bin,scheme,type,issuer,country".to_owned()
            );
        }
        let mut table = Self::default();
        for (number, line) in lines {
            if table.beginnings.len() + table.ranges.len() == ROWS_MAX {
                return Err(format!("it has more than {ROWS_MAX} rows"));
            }
            let row = cells(line, delimiter);
            let cell = |column: usize| places[column].and_then(|place| row.get(place)).map(|cell| cell.trim());
            let text = |column: usize| cell(column).filter(|cell| !cell.is_empty()).map(str::to_owned);
            let bin = cell(0).unwrap_or_default();
            let (from, to) = bin.split_once('-').unwrap_or((bin, bin));
            let (first, last) = range_of(from.trim(), to.trim()).ok_or_else(|| {
                let instead = format!("write up to {DIGITS_MAX} digits, or 411111-411119");
                format!("line {number}: {bin:?} is no beginning of a card number; {instead}")
            })?;
            let known = KnownBin {
                scheme: text(1).map(|scheme| scheme.to_lowercase()),
                kind: text(2),
                issuer: text(3),
                country: text(4),
            };
            if bin.contains('-') {
                table.largest = table.largest.max(last - first);
                table.ranges.push((first, last, known));
            } else {
                table.beginnings.insert(bin.to_owned(), known);
            }
        }
        table.ranges.sort_by_key(|(first, _, _)| *first);
        Ok(table)
    }

    /// What the smallest row tells that holds these leading digits.
    pub(crate) fn find(&self, bin: &str) -> Option<&KnownBin> {
        let (from, to) = range_of(bin, bin)?;
        let beginnings = (1..=bin.len()).rev().filter_map(|length| bin.get(..length));
        let beginning = beginnings.into_iter().find_map(|digits| {
            let (first, last) = range_of(digits, digits)?;
            Some((last - first, self.beginnings.get(digits)?))
        });
        let end = self.ranges.partition_point(|(first, _, _)| *first <= from);
        let near = self.ranges[..end].iter().rev().take_while(|(first, _, _)| from - first <= self.largest);
        let holding = near.filter(|(_, last, _)| to <= *last).map(|(first, last, known)| (last - first, known));
        beginning.into_iter().chain(holding).min_by_key(|(size, _)| *size).map(|(_, known)| known)
    }
}

fn cells(line: &str, delimiter: u8) -> Vec<String> {
    let mut scanner = RowScanner::new(delimiter);
    // A quote that is never closed ends with its line: the last cell is not there then.
    scanner.scan(line.as_bytes());
    scanner.cells(line).map(std::borrow::Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_told_by_their_ranges() {
        let cases = [
            ("411111", Some("visa")),
            ("41111111", Some("visa")),
            ("510510", Some("mastercard")),
            ("222100", Some("mastercard")),
            ("272099", Some("mastercard")),
            ("272100", None),
            ("220012", Some("mir")),
            ("378282", Some("amex")),
            ("601111", Some("discover")),
            ("644000", Some("discover")),
            ("652150", Some("rupay")),
            ("650500", Some("discover")),
            ("353011", Some("jcb")),
            ("352700", None),
            ("620000", Some("unionpay")),
            ("305693", Some("diners")),
            ("675964", Some("maestro")),
            ("508512", Some("rupay")),
            ("501912", Some("dankort")),
            ("979200", Some("troy")),
            ("000000", None),
            ("x", None),
        ];
        for (bin, expected) in cases {
            assert_eq!(scheme_of(bin), expected, "{bin}");
        }
        assert!(RANGES.iter().all(|(from, to, _)| range_of(from, to).is_some()));
    }

    #[test]
    fn a_table_tells_more() {
        let text = "IIN;Brand;Type;Bank;Country\n411111;Visa;debit;\"Bank; of Lyon\";FR\n41111122;;credit;Own;FR\n\n510000-519999;;;Large;DE\n";
        let table = BinTable::read(text).unwrap();
        let issuer = |bin: &str| table.find(bin).and_then(|known| known.issuer.clone());
        assert_eq!(issuer("411111").as_deref(), Some("Bank; of Lyon"));
        assert_eq!(issuer("41111133").as_deref(), Some("Bank; of Lyon"));
        assert_eq!(issuer("41111122").as_deref(), Some("Own"), "the smallest range counts");
        assert_eq!(issuer("512345").as_deref(), Some("Large"));
        assert_eq!(issuer("520000"), None);
        assert_eq!(table.find("411111").unwrap().scheme.as_deref(), Some("visa"));
    }

    #[test]
    fn a_table_that_is_none_is_told_with_its_line() {
        assert!(BinTable::read("").unwrap_err().contains("empty"));
        assert!(BinTable::read("a,b\n1,2\n").unwrap_err().contains("\"bin\""));
        for bin in ["", "41x", "123456789", "20-10", "1-"] {
            assert!(BinTable::read(&format!("bin\n4\n\n \"{bin}\"\n")).unwrap_err().contains("line 4"), "{bin}");
        }
    }
}
