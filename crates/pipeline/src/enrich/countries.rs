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
static TABLE: LazyLock<Countries> = LazyLock::new(|| Countries::read(PACKED).unwrap_or_default());

/// A country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Country {
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
}

/// The country of an address; `None` when nobody has registered it.
pub(super) fn country(address: IpAddr) -> Option<&'static Country> {
    TABLE.find(address)
}

impl Countries {
    fn find(&self, address: IpAddr) -> Option<&Country> {
        let place = match address {
            IpAddr::V4(address) => self.v4.find(u32::from(address)),
            IpAddr::V6(address) => self.v6.find((u128::from(address) >> 64) as u64),
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
        let v4 = Ranges::read(&mut rest, |start| u32::try_from(start).ok())?;
        let v6 = Ranges::read(&mut rest, Some)?;
        rest.is_empty().then_some(Self { list, v4, v6 })
    }
}

impl<A: Copy + Ord> Ranges<A> {
    fn read(rest: &mut &[u8], address: impl Fn(u64) -> Option<A>) -> Option<Self> {
        let count = u32::from_be_bytes(take(rest, 4)?.try_into().ok()?) as usize;
        let (mut starts, mut start) = (Vec::with_capacity(count.min(rest.len())), 0_u64);
        for _ in 0..count {
            start = start.checked_add(leb128(rest)?)?;
            starts.push(address(start)?);
        }
        Some(Self { starts, countries: take(rest, count)?.to_vec() })
    }

    fn find(&self, address: A) -> u8 {
        let after = self.starts.partition_point(|start| *start <= address);
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
        assert!(table.list.iter().all(|country| country.code.len() == 2 && !country.name.is_empty()));
    }

    #[test]
    fn no_other_bytes_are_a_table() {
        assert!(Countries::read(&PACKED[..PACKED.len() / 2]).is_none());
        assert!(Countries::read(b"").is_none());
    }
}
