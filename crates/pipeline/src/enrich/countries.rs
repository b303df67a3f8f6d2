//! The countries of addresses: a table that is compiled in, made by `scripts/make-lookups.mjs` out of what the regional
//! internet registries publish (CC BY 4.0, Number Resource Organization).
//!
//! A country is where an address is registered; who sits behind a proxy is not known here.

use std::io::Read;
use std::net::IpAddr;
use std::sync::LazyLock;

use flate2::read::ZlibDecoder;
use vigie_domain::Text;

static PACKED: &[u8] = include_bytes!("../../data/countries.bin");
/// Values of 16 bits.
const UPPER_VALUES: usize = 1 << 16;

static TABLE: LazyLock<Countries> = LazyLock::new(|| Countries::read(PACKED).unwrap_or_default());

/// A country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Country {
    /// ISO 3166-1, two letters.
    pub(super) code: Text,
    /// In English.
    pub(super) name: Text,
}

/// Ranges of addresses and their countries.
#[derive(Debug, Default)]
struct Countries {
    list: Vec<Country>,
    v4: Ranges<u32>,
    /// The upper half of addresses.
    v6: Ranges<u64>,
}

#[derive(Debug, Default)]
struct Ranges<A> {
    starts: Vec<A>,
    /// Place in the list from 1; 0 is none.
    countries: Vec<u8>,
    /// How many starts are below each value of an address's upper 16 bits, and how many there are: between two neighbours stand
    /// the few that are compared.
    below: Vec<u32>,
}

/// The country of an address; `None` when nobody has registered it.
pub(super) fn country(address: IpAddr) -> Option<&'static Country> {
    TABLE.find(address)
}

impl Countries {
    fn find(&self, address: IpAddr) -> Option<&Country> {
        let place = match address {
            IpAddr::V4(address) => self.v4.find(u32::from(address), u32::from(address) >> 16),
            IpAddr::V6(address) => self.v6.find((u128::from(address) >> 64) as u64, u32::from(address.segments()[0])),
        };
        place.checked_sub(1).and_then(|at| self.list.get(usize::from(at)))
    }

    /// `None` when the bytes are no such table.
    fn read(packed: &[u8]) -> Option<Self> {
        let mut bytes = Vec::new();
        ZlibDecoder::new(packed).read_to_end(&mut bytes).ok()?;
        let mut rest = bytes.strip_prefix(b"VIGIEGEO\x01")?;
        let count = u16::from_be_bytes(take(&mut rest, 2)?.try_into().ok()?);
        let mut list = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let code = std::str::from_utf8(take(&mut rest, 2)?).ok()?;
            let length = usize::from(take(&mut rest, 1)?[0]);
            let name = std::str::from_utf8(take(&mut rest, length)?).ok()?;
            list.push(Country { code: code.into(), name: name.into() });
        }
        let v4 = Ranges::read(&mut rest, |start| u32::try_from(start).ok(), |start| start >> 16)?;
        let v6 = Ranges::read(&mut rest, Some, |start| (start >> 48) as u32)?;
        rest.is_empty().then_some(Self { list, v4, v6 })
    }
}

impl<A: Copy + Ord> Ranges<A> {
    /// `upper` gives the upper 16 bits of an address.
    fn read(rest: &mut &[u8], address: impl Fn(u64) -> Option<A>, upper: impl Fn(A) -> u32) -> Option<Self> {
        let count = u32::from_be_bytes(take(rest, 4)?.try_into().ok()?) as usize;
        let (mut starts, mut start) = (Vec::with_capacity(count.min(rest.len())), 0_u64);
        let mut below = Vec::with_capacity(UPPER_VALUES + 1);
        for place in 0..count {
            start = start.checked_add(leb128(rest)?)?;
            let start = address(start)?;
            below.resize(below.len().max(upper(start) as usize + 1), u32::try_from(place).ok()?);
            starts.push(start);
        }
        below.resize(UPPER_VALUES + 1, u32::try_from(count).ok()?);
        Some(Self { starts, countries: take(rest, count)?.to_vec(), below })
    }

    /// The place in the list from 1 of what holds an address with these upper 16 bits; 0 for none.
    fn find(&self, address: A, upper: u32) -> u8 {
        let Some([from, to]) = self.below.get(upper as usize..upper as usize + 2) else { return 0 };
        let (from, to) = (*from as usize, *to as usize);
        let after = from + self.starts[from..to].partition_point(|start| *start <= address);
        after.checked_sub(1).and_then(|at| self.countries.get(at)).copied().unwrap_or(0)
    }
}

fn take<'b>(rest: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(taken)
}

fn leb128(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_countries() {
        let check = |address: &str, expected: Option<&str>| {
            let found = country(address.parse().unwrap()).map(|country| country.code.as_str());
            assert_eq!(found, expected, "{address}");
        };
        check("8.8.8.8", Some("US"));
        check("78.46.0.1", Some("DE"));
        check("212.27.48.10", Some("FR"));
        check("133.11.0.1", Some("JP"));
        check("2a01:e00::1", Some("FR"));
        check("2001:200::1", Some("JP"));
        check("10.0.0.1", None);
        check("240.0.0.1", None);
        check("::1", None);
        check("fe80::1", None);
    }

    #[test]
    fn the_table_is_whole_and_in_order() {
        let table = Countries::read(PACKED).unwrap();
        assert!(table.v4.starts.is_sorted() && table.v6.starts.is_sorted());
        assert!(table.v4.starts.len() > 100_000 && table.v6.starts.len() > 50_000);
        for (below, count) in [(&table.v4.below, table.v4.starts.len()), (&table.v6.below, table.v6.starts.len())] {
            assert!(below.len() == UPPER_VALUES + 1 && below.is_sorted());
            assert_eq!(*below.last().unwrap() as usize, count);
        }
        assert!(table.list.iter().all(|country| country.code.len() == 2 && !country.name.is_empty()));
    }

    #[test]
    fn both_sides_of_every_border_are_found() {
        let table = Countries::read(PACKED).unwrap();
        for (at, start) in table.v4.starts.iter().enumerate().step_by(97) {
            let found = |address: u32| table.v4.find(address, address >> 16);
            assert_eq!(found(*start), table.v4.countries[at]);
            let before = at.checked_sub(1).map_or(0, |before| table.v4.countries[before]);
            assert_eq!(start.checked_sub(1).map_or(0, found), before);
        }
        for (at, start) in table.v6.starts.iter().enumerate().step_by(97) {
            let found = |address: u64| table.v6.find(address, (address >> 48) as u32);
            assert_eq!(found(*start), table.v6.countries[at]);
            let before = at.checked_sub(1).map_or(0, |before| table.v6.countries[before]);
            assert_eq!(start.checked_sub(1).map_or(0, found), before);
        }
    }

    #[test]
    fn no_other_bytes_are_a_table() {
        assert!(Countries::read(&PACKED[..PACKED.len() / 2]).is_none());
        assert!(Countries::read(b"").is_none());
    }
}
