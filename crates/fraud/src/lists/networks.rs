//! Networks of addresses, found by an address that lies in them.

use std::fmt;
use std::net::IpAddr;

use foldhash::HashMap;

/// Bits of an address of version 6.
const BITS: u8 = 128;
/// Where addresses of version 4 lie among those of version 6: RFC 4291, 2.5.5.2.
const V4_PREFIX_BITS: u8 = 96;

/// A network, or one address as the smallest of them. Those of version 4 are kept as their counterparts in version 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Network {
    first: u128,
    prefix_bits: u8,
}

impl Network {
    /// Reads `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`; bits behind the prefix are cleared.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
        };
        let address: IpAddr = address.parse().ok()?;
        let before = if address.is_ipv4() { V4_PREFIX_BITS } else { 0 };
        let prefix_bits = match prefix {
            None => BITS,
            Some(prefix) => before.checked_add(prefix).filter(|bits| *bits <= BITS)?,
        };
        Some(Self { first: bits(address) & mask(prefix_bits), prefix_bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = std::net::Ipv6Addr::from_bits(self.first);
        let v4 = address.to_ipv4_mapped().filter(|_| self.prefix_bits >= V4_PREFIX_BITS);
        let (address, before) = v4.map_or((IpAddr::V6(address), 0), |v4| (IpAddr::V4(v4), V4_PREFIX_BITS));
        match self.prefix_bits {
            BITS => write!(formatter, "{address}"),
            prefix => write!(formatter, "{address}/{}", prefix - before),
        }
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Ones where the prefix is.
fn mask(prefix_bits: u8) -> u128 {
    u128::MAX.checked_shl(u32::from(BITS - prefix_bits)).unwrap_or(0)
}

/// What is kept of networks.
#[derive(Clone, Debug)]
pub(super) struct Networks<T> {
    kept: HashMap<Network, T>,
    /// The lengths of prefixes that there are, the longest first.
    prefixes: Vec<u8>,
}

impl<T> Default for Networks<T> {
    fn default() -> Self {
        Self { kept: HashMap::default(), prefixes: Vec::new() }
    }
}

impl<T> Networks<T> {
    /// Keeps something of a network; what was kept of it before is forgotten.
    pub(super) fn insert(&mut self, network: Network, value: T) {
        self.kept.insert(network, value);
        self.prefixes.push(network.prefix_bits);
        self.prefixes.sort_unstable_by(|left, right| right.cmp(left));
        self.prefixes.dedup();
    }

    /// Whether nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Networks that an address lies in, the smallest first.
    pub(super) fn for_each(&self, address: IpAddr, mut visit: impl FnMut(&Network, &T)) {
        let bits = bits(address);
        for prefix_bits in &self.prefixes {
            let network = Network { first: bits & mask(*prefix_bits), prefix_bits: *prefix_bits };
            if let Some((network, value)) = self.kept.get_key_value(&network) {
                visit(network, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_written() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(Network::parse(text).map(|network| network.to_string()).as_deref(), expected, "{text}");
        };
        check("203.0.113.7", Some("203.0.113.7"));
        check("203.0.113.7/24", Some("203.0.113.0/24"));
        check("0.0.0.0/0", Some("0.0.0.0/0"));
        check("2001:DB8::1", Some("2001:db8::1"));
        check("2001:db8:ffff::/32", Some("2001:db8::/32"));
        check("::/0", Some("::/0"));
        check("203.0.113.7/33", None);
        check("203.0.113.7/-1", None);
        check("203.0.113", None);
        check("2001:db8::/129", None);
        check("", None);
    }

    #[test]
    fn an_address_lies_in_its_networks_the_smallest_first() {
        let mut networks = Networks::default();
        for text in ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32"] {
            networks.insert(Network::parse(text).unwrap(), ());
        }
        let check = |address: &str, expected: &[&str]| {
            let mut found = Vec::new();
            networks.for_each(address.parse().unwrap(), |network, ()| found.push(network.to_string()));
            assert_eq!(found, expected, "{address}");
        };
        check("10.1.2.3", &["10.1.2.3", "10.1.0.0/16", "10.0.0.0/8"]);
        check("10.1.2.4", &["10.1.0.0/16", "10.0.0.0/8"]);
        check("11.1.2.3", &[]);
        check("::ffff:10.2.0.1", &["10.0.0.0/8"]);
        check("2001:db8::7", &["2001:db8::/32"]);
        check("2001:db9::7", &[]);
    }
}
