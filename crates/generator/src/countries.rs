//! The countries of visitors and attackers: money, language, networks, issuers of cards.
//! Not a geo database. Invariant: every network here is public and routed to that country's providers.

use crate::dice::Dice;

/// A country that people come from.
#[derive(Debug)]
pub(crate) struct Country {
    /// ISO 3166 code.
    pub(crate) code: &'static str,
    /// ISO 4217 code of what it pays with.
    pub(crate) currency: &'static str,
    /// Language of its pages.
    pub(crate) language: &'static str,
    /// First octet, and the lowest and highest second octet, of networks of its providers.
    networks: &'static [(u8, u8, u8)],
    /// First two groups of an IPv6 network of its providers.
    network_v6: &'static str,
    /// First six digits of cards issued there.
    pub(crate) issuers: &'static [(&'static str, &'static str)],
    /// Cities with customers.
    pub(crate) cities: &'static [&'static str],
}

/// Where customers live, with weights.
pub(crate) static HOME: [(u32, Country); 6] =
    [(46, FRANCE), (12, BELGIUM), (16, GERMANY), (11, UNITED_KINGDOM), (6, UNITED_STATES), (9, SPAIN)];

const FRANCE: Country = Country {
    code: "FR",
    currency: "EUR",
    language: "fr",
    networks: &[(90, 0, 120), (82, 64, 67), (86, 192, 255), (92, 128, 183)],
    network_v6: "2a01:e0a",
    issuers: &[("497010", "visa"), ("497203", "visa"), ("513283", "mastercard"), ("535170", "mastercard")],
    cities: &["Paris", "Lyon", "Marseille", "Lille", "Nantes", "Toulouse", "Bordeaux", "Rennes"],
};
const BELGIUM: Country = Country {
    code: "BE",
    currency: "EUR",
    language: "fr",
    networks: &[(81, 240, 247), (91, 176, 183), (109, 128, 143)],
    network_v6: "2a02:a03f",
    issuers: &[("479658", "visa"), ("527487", "mastercard"), ("670300", "maestro")],
    cities: &["Bruxelles", "Liège", "Namur", "Gent", "Antwerpen"],
};
const GERMANY: Country = Country {
    code: "DE",
    currency: "EUR",
    language: "de",
    networks: &[(84, 128, 191), (93, 192, 255), (79, 192, 255)],
    network_v6: "2003:c7",
    issuers: &[("490638", "visa"), ("523229", "mastercard"), ("545036", "mastercard")],
    cities: &["Berlin", "Hamburg", "München", "Köln", "Leipzig"],
};
const UNITED_KINGDOM: Country = Country {
    code: "GB",
    currency: "GBP",
    language: "en",
    networks: &[(86, 128, 191), (81, 128, 159), (90, 192, 223)],
    network_v6: "2a00:23c5",
    issuers: &[("465858", "visa"), ("475129", "visa"), ("535522", "mastercard")],
    cities: &["London", "Manchester", "Leeds", "Bristol", "Glasgow"],
};
const UNITED_STATES: Country = Country {
    code: "US",
    currency: "USD",
    language: "en",
    networks: &[(73, 0, 255), (98, 192, 255), (71, 160, 191)],
    network_v6: "2601:1c0",
    issuers: &[("414720", "visa"), ("438857", "visa"), ("546616", "mastercard"), ("371290", "amex")],
    cities: &["New York", "Chicago", "Austin", "Seattle", "Boston"],
};
const SPAIN: Country = Country {
    code: "ES",
    currency: "EUR",
    language: "es",
    networks: &[(83, 32, 63), (88, 0, 31), (80, 24, 39)],
    network_v6: "2a02:9130",
    issuers: &[("455672", "visa"), ("402360", "visa"), ("540400", "mastercard")],
    cities: &["Madrid", "Barcelona", "Valencia", "Sevilla", "Bilbao"],
};

/// Where attacks come from, for the most part.
pub(crate) static ABROAD: [Country; 5] = [
    Country {
        code: "NG",
        currency: "USD",
        language: "en",
        networks: &[(105, 112, 119), (197, 210, 211)],
        network_v6: "2c0f:2a80",
        issuers: &[("539983", "mastercard"), ("418742", "visa")],
        cities: &["Lagos", "Abuja"],
    },
    Country {
        code: "BR",
        currency: "USD",
        language: "en",
        networks: &[(177, 32, 47), (189, 0, 31)],
        network_v6: "2804:14c",
        issuers: &[("516292", "mastercard"), ("422061", "visa")],
        cities: &["São Paulo", "Recife"],
    },
    Country {
        code: "VN",
        currency: "USD",
        language: "en",
        networks: &[(113, 160, 191), (14, 160, 191)],
        network_v6: "2402:800",
        issuers: &[("436361", "visa"), ("526418", "mastercard")],
        cities: &["Hà Nội", "Đà Nẵng"],
    },
    Country {
        code: "RO",
        currency: "EUR",
        language: "en",
        networks: &[(86, 120, 127), (79, 112, 119)],
        network_v6: "2a02:2f00",
        issuers: &[("413013", "visa"), ("516844", "mastercard")],
        cities: &["București", "Iași"],
    },
    Country {
        code: "UA",
        currency: "EUR",
        language: "en",
        networks: &[(178, 92, 95), (93, 72, 79)],
        network_v6: "2a02:2378",
        issuers: &[("414949", "visa"), ("516875", "mastercard")],
        cities: &["Kyiv", "Odesa"],
    },
];

/// Networks of hosting providers, where robots run.
const HOSTING: &[(u8, u8, u8)] = &[(51, 68, 91), (95, 216, 217), (159, 65, 69), (167, 71, 71), (188, 166, 166)];

fn octets(dice: &mut Dice, networks: &[(u8, u8, u8)]) -> String {
    let &(first, lowest, highest) = dice.pick(networks);
    let second = dice.between(u64::from(lowest), u64::from(highest));
    format!("{first}.{second}.{}.{}", dice.below(256), dice.between(1, 254))
}

/// An address of a server for hire.
pub(crate) fn hosting_address(dice: &mut Dice) -> String {
    octets(dice, HOSTING)
}

impl Country {
    /// An address of someone at home there: three in ten are IPv6.
    pub(crate) fn address(&self, dice: &mut Dice) -> String {
        if dice.chance(0.3) {
            let low = dice.between(0x1000, 0xffff);
            return format!(
                "{}:{:x}:{:x}:{:x}:{:x}:{:x}:{low:x}",
                self.network_v6,
                dice.between(1, 0xffff),
                dice.between(1, 0xffff),
                dice.between(1, 0xffff),
                dice.between(1, 0xffff),
                dice.between(1, 0xffff),
            );
        }
        octets(dice, self.networks)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::dice::Purpose;

    #[test]
    fn every_address_is_one_and_public() {
        let mut dice = Dice::new(1, Purpose::Visitor, 1);
        for country in HOME.iter().map(|(_, country)| country).chain(&ABROAD) {
            for _ in 0..50 {
                let text = country.address(&mut dice);
                let address: IpAddr = text.parse().unwrap_or_else(|_| panic!("`{text}` is no address"));
                assert!(match address {
                    IpAddr::V4(v4) => !(v4.is_private() || v4.is_loopback() || v4.is_link_local()),
                    IpAddr::V6(v6) => v6.segments()[0] & 0xe000 == 0x2000,
                });
            }
        }
    }
}
