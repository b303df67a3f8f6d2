//! Where an address is: the user's databases in MaxMind's form when there are any, else the table of countries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use maxminddb::Reader;
use serde::Deserialize;
use vigie_domain::{Object, Text, Value};

use super::countries::{Country, country};
use super::kept::Kept;

/// Places that are kept.
const KEPT_MAX: usize = 65_536;

/// A database in MaxMind's form: of cities, countries or networks.
#[derive(Debug)]
pub struct GeoDatabase(Reader<Vec<u8>>);

impl GeoDatabase {
    /// Reads the bytes of a `.mmdb` file.
    ///
    /// # Errors
    /// In words, when they are none.
    pub fn read(bytes: Vec<u8>) -> Result<Self, String> {
        Reader::from_source(bytes).map(Self).map_err(|error| format!("it is no MaxMind database: {error}"))
    }

    fn record(&self, address: IpAddr) -> Option<Record> {
        // A damaged record is as good as none: the next database or the table is asked.
        self.0.lookup(address).ok()?.decode::<Record>().ok()?
    }
}

/// What is known of a place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Place {
    country: Option<Text>,
    country_name: Option<Text>,
    region: Option<Text>,
    city: Option<Text>,
    /// Latitude and longitude.
    location: Option<(f64, f64)>,
    asn: Option<i64>,
    as_org: Option<Text>,
}

/// What an address is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Whereabouts {
    /// It is none that can be reached from everywhere: private, local, reserved, for documentation.
    NotPublic,
    /// It is public, and nobody knows where.
    Unknown,
    /// It is in that country, and no more is known.
    In(&'static Country),
    /// It is there.
    At(Arc<Place>),
}

impl Whereabouts {
    /// The fields that stand for it: none when the address is not public, `None` when nobody knows.
    pub(crate) fn fields(&self) -> Option<Object> {
        match self {
            Self::NotPublic => Some(Object::new()),
            Self::Unknown => None,
            Self::In(country) => Some(vec![
                ("country".into(), Value::Text(country.code.clone())),
                ("country_name".into(), Value::Text(country.name.clone())),
            ]),
            Self::At(place) => Some(place.fields()),
        }
    }
}

/// Finds places.
#[derive(Debug)]
pub(crate) struct Places {
    databases: Vec<GeoDatabase>,
    kept: Kept<IpAddr, Whereabouts>,
}

impl Places {
    /// With these databases, the first of which is asked first.
    pub(crate) fn new(databases: Vec<GeoDatabase>) -> Self {
        Self { databases, kept: Kept::new(KEPT_MAX) }
    }

    /// Where the address is.
    pub(crate) fn find(&self, address: IpAddr) -> Whereabouts {
        let address = address.to_canonical();
        if !is_public(address) {
            return Whereabouts::NotPublic;
        }
        // The table of countries answers sooner than what is kept.
        if self.databases.is_empty() {
            return country(address).map_or(Whereabouts::Unknown, Whereabouts::In);
        }
        self.kept.get(&address, || (address, self.look(address)))
    }

    fn look(&self, address: IpAddr) -> Whereabouts {
        let mut place = Place::default();
        for record in self.databases.iter().filter_map(|database| database.record(address)) {
            place.add(record);
        }
        if place.country.is_none()
            && let Some(country) = country(address)
        {
            place.country = Some(country.code.clone());
            place.country_name = Some(country.name.clone());
        }
        if place == Place::default() { Whereabouts::Unknown } else { Whereabouts::At(Arc::new(place)) }
    }
}

/// What databases say, as far as it is used.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Record {
    country: Option<Named>,
    registered_country: Option<Named>,
    subdivisions: Vec<Named>,
    city: Option<Named>,
    location: Option<Location>,
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    iso_code: Option<String>,
    names: Names,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Names {
    en: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Location {
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl Place {
    /// Adds what was not known before.
    fn add(&mut self, record: Record) {
        let text = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Text::from);
        if let Some(country) = record.country.or(record.registered_country)
            && self.country.is_none()
        {
            self.country = text(country.iso_code);
            self.country_name = text(country.names.en);
        }
        let region = record.subdivisions.into_iter().next().and_then(|region| region.names.en);
        self.region = self.region.take().or_else(|| text(region));
        self.city = self.city.take().or_else(|| text(record.city.and_then(|city| city.names.en)));
        let location = record.location.and_then(|location| Some((location.latitude?, location.longitude?)));
        self.location = self.location.or(location);
        self.asn = self.asn.or(record.autonomous_system_number.map(i64::from));
        self.as_org = self.as_org.take().or_else(|| text(record.autonomous_system_organization));
    }

    /// The fields that stand for it.
    fn fields(&self) -> Object {
        let text = |text: &Option<Text>| text.clone().map(Value::Text);
        let degrees = |degrees: f64| Value::number(degrees).unwrap_or(Value::Null);
        let location = self.location.map(|(latitude, longitude)| {
            Value::Object(vec![("lat".into(), degrees(latitude)), ("lon".into(), degrees(longitude))])
        });
        let all = [
            ("country", text(&self.country)),
            ("country_name", text(&self.country_name)),
            ("region", text(&self.region)),
            ("city", text(&self.city)),
            ("location", location),
            ("asn", self.asn.map(Value::Int)),
            ("as_org", text(&self.as_org)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).collect()
    }
}

/// Whether packets to the address can come from everywhere: the special ranges of RFC 6890 cannot.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_protocol = a == 192 && b == 0 && c == 0;
    let is_benchmark = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || is_shared
        || is_protocol
        || is_benchmark)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let is_documentation =
        segments[0] == 0x2001 && segments[1] == 0x0db8 || segments[0] == 0x3fff && segments[1] < 0x1000;
    segments[0] & 0xe000 == 0x2000 && !is_documentation
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A database in MaxMind's form that knows one IPv4 network of 8 bits, `81.0.0.0/8`, and says this of it.
    /// The form is that of the MaxMind DB specification 2.0: a tree of 24-bit records, 16 zeros, data, metadata.
    pub(crate) fn database(fields: &[(&str, &[u8])]) -> Vec<u8> {
        const NODES: u32 = 8;
        let mut bytes = Vec::new();
        for depth in 0..NODES {
            let next = if depth + 1 == NODES { NODES + 16 } else { depth + 1 };
            let bit = 81_u8 >> (7 - depth) & 1;
            let pair = if bit == 0 { [next, NODES] } else { [NODES, next] };
            pair.iter().for_each(|record| bytes.extend_from_slice(&record.to_be_bytes()[1..]));
        }
        bytes.extend_from_slice(&[0; 16]);
        bytes.extend(map(fields));
        bytes.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
        bytes.extend(map(&[
            ("binary_format_major_version", &[0xa1, 2]),
            ("binary_format_minor_version", &[0xa0]),
            ("build_epoch", &[0x04, 0x02, 1, 0, 0, 0]),
            ("database_type", &text("Test")),
            ("description", &map(&[])),
            ("ip_version", &[0xa1, 4]),
            ("languages", &[0x00, 0x04]),
            ("node_count", &[0xc1, NODES as u8]),
            ("record_size", &[0xa1, 24]),
        ]));
        bytes
    }

    /// Text of up to 284 bytes.
    pub(crate) fn text(text: &str) -> Vec<u8> {
        match text.len() as u8 {
            short @ 0..29 => [&[0x40 | short], text.as_bytes()].concat(),
            long => [&[0x40 | 29, long - 29], text.as_bytes()].concat(),
        }
    }

    /// A map of up to 28 entries.
    pub(crate) fn map(fields: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0xe0 | fields.len() as u8];
        for (name, value) in fields {
            bytes.extend(text(name));
            bytes.extend_from_slice(value);
        }
        bytes
    }

    fn check(places: &Places, address: &str, expected: Option<&str>) {
        let found = match places.find(address.parse().unwrap()).fields() {
            None => Some("unknown".to_owned()),
            Some(fields) if fields.is_empty() => None,
            Some(fields) => {
                Some(fields.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(" "))
            }
        };
        assert_eq!(found.as_deref(), expected, "{address}");
    }

    #[test]
    fn addresses_have_places() {
        let places = Places::new(Vec::new());
        let germany = Some(r#"country=Text("DE") country_name=Text("Germany")"#);
        check(&places, "78.46.0.1", germany);
        check(&places, "::ffff:78.46.0.1", germany);
        for address in ["10.1.2.3", "127.0.0.1", "169.254.0.1", "192.0.2.1", "100.64.0.1", "224.0.0.1", "0.0.0.0"] {
            check(&places, address, None);
        }
        for address in ["::1", "fe80::1", "fd00::1", "2001:db8::1", "ff02::1", "::ffff:10.0.0.1"] {
            check(&places, address, None);
        }
        check(&places, "3ffe::1", Some("unknown"));
    }

    #[test]
    fn databases_of_the_user_come_first() {
        let names = map(&[("names", &map(&[("en", &text("Lyon"))]))]);
        let country = map(&[("iso_code", &text("FR")), ("names", &map(&[("en", &text("France"))]))]);
        let cities = GeoDatabase::read(database(&[("city", &names), ("country", &country)])).unwrap();
        let networks = GeoDatabase::read(database(&[
            ("autonomous_system_number", &[0xc2, 0x12, 0x34]),
            ("autonomous_system_organization", &text("Example Telecom")),
        ]))
        .unwrap();
        let places = Places::new(vec![cities, networks]);
        let expected = r#"country=Text("FR") country_name=Text("France") city=Text("Lyon") asn=Int(4660) as_org=Text("Example Telecom")"#;
        check(&places, "81.2.69.160", Some(expected));
        check(&places, "78.46.0.1", Some(r#"country=Text("DE") country_name=Text("Germany")"#));
    }

    #[test]
    fn no_cut_or_flipped_database_stops_the_program() {
        let whole = database(&[("country", &map(&[("iso_code", &text("FR"))]))]);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            for bytes in [bytes, whole[..at].to_vec()] {
                if let Ok(database) = GeoDatabase::read(bytes) {
                    Places::new(vec![database]).find([81, 1, 1, 1].into());
                }
            }
        }
    }
}
