//! Where countries lie, roughly: enough to tell that nobody can have travelled so fast.
//!
//! Not a geo database: one point per country, its middle, in whole degrees.

/// What is taken off a distance between two countries: people live at borders, and countries are wide.
const SLACK_KM: f64 = 1_000.0;
/// The mean radius of the Earth (IUGG).
const EARTH_RADIUS_KM: f64 = 6_371.0;

/// ISO 3166 code, degrees north, degrees east; sorted.
const COUNTRIES: [(&str, i16, i16); 106] = [
    ("AE", 24, 54),
    ("AL", 41, 20),
    ("AM", 40, 45),
    ("AO", -12, 18),
    ("AR", -34, -64),
    ("AT", 47, 14),
    ("AU", -25, 134),
    ("AZ", 40, 48),
    ("BA", 44, 18),
    ("BD", 24, 90),
    ("BE", 51, 5),
    ("BF", 12, -2),
    ("BG", 43, 25),
    ("BJ", 9, 2),
    ("BO", -17, -65),
    ("BR", -10, -55),
    ("BY", 53, 28),
    ("CA", 56, -106),
    ("CD", -3, 24),
    ("CH", 47, 8),
    ("CI", 8, -6),
    ("CL", -30, -71),
    ("CM", 6, 12),
    ("CN", 35, 105),
    ("CO", 4, -72),
    ("CR", 10, -84),
    ("CU", 22, -80),
    ("CY", 35, 33),
    ("CZ", 50, 15),
    ("DE", 51, 10),
    ("DK", 56, 10),
    ("DO", 19, -71),
    ("DZ", 28, 3),
    ("EC", -2, -78),
    ("EE", 59, 26),
    ("EG", 27, 30),
    ("ES", 40, -4),
    ("ET", 8, 38),
    ("FI", 64, 26),
    ("FR", 46, 2),
    ("GB", 54, -2),
    ("GE", 42, 44),
    ("GH", 8, -2),
    ("GR", 39, 22),
    ("GT", 16, -90),
    ("HK", 22, 114),
    ("HN", 15, -86),
    ("HR", 45, 16),
    ("HU", 47, 20),
    ("ID", -5, 120),
    ("IE", 53, -8),
    ("IL", 31, 35),
    ("IN", 20, 77),
    ("IQ", 33, 44),
    ("IR", 32, 53),
    ("IS", 65, -18),
    ("IT", 43, 12),
    ("JM", 18, -77),
    ("JO", 31, 36),
    ("JP", 36, 138),
    ("KE", 1, 38),
    ("KR", 37, 128),
    ("KW", 29, 48),
    ("KZ", 48, 68),
    ("LB", 34, 36),
    ("LK", 7, 81),
    ("LT", 56, 24),
    ("LU", 50, 6),
    ("LV", 57, 25),
    ("LY", 25, 17),
    ("MA", 32, -5),
    ("MD", 47, 29),
    ("MG", -20, 47),
    ("MK", 42, 22),
    ("ML", 17, -4),
    ("MT", 36, 14),
    ("MX", 23, -102),
    ("MY", 3, 113),
    ("NG", 10, 8),
    ("NL", 52, 6),
    ("NO", 62, 10),
    ("NP", 28, 84),
    ("NZ", -41, 174),
    ("PE", -10, -76),
    ("PH", 13, 122),
    ("PK", 30, 70),
    ("PL", 52, 20),
    ("PT", 39, -8),
    ("PY", -23, -58),
    ("QA", 25, 51),
    ("RO", 46, 25),
    ("RS", 44, 21),
    ("RU", 60, 100),
    ("SA", 25, 45),
    ("SE", 62, 15),
    ("SG", 1, 104),
    ("SI", 46, 15),
    ("SK", 49, 20),
    ("SN", 14, -14),
    ("TH", 15, 100),
    ("TN", 34, 9),
    ("TR", 39, 35),
    ("TW", 24, 121),
    ("UA", 49, 32),
    ("US", 38, -97),
    ("VN", 16, 106),
];

/// What stands before the degrees in a packed place, so that none is 0.
const PACKED: u64 = 1 << 32;

/// The place of a country as a number.
pub(super) fn packed(country: &str) -> Option<u64> {
    let place = COUNTRIES.binary_search_by_key(&country, |(code, ..)| code).ok()?;
    let (_, north, east) = COUNTRIES[place];
    Some(PACKED | u64::from(north.cast_unsigned()) << 16 | u64::from(east.cast_unsigned()))
}

fn radians(packed: u64) -> (f64, f64) {
    let degrees = |bits: u64| f64::from((bits as u16).cast_signed()).to_radians();
    (degrees(packed >> 16), degrees(packed))
}

/// How far two places are apart at least: along the great circle (haversine), less the slack.
pub(super) fn distance_km(left: u64, right: u64) -> f64 {
    let ((left_north, left_east), (right_north, right_east)) = (radians(left), radians(right));
    let half = |angle: f64| (angle / 2.0).sin().powi(2);
    let chord = half(right_north - left_north) + left_north.cos() * right_north.cos() * half(right_east - left_east);
    (2.0 * EARTH_RADIUS_KM * chord.sqrt().min(1.0).asin() - SLACK_KM).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_sorted_and_lie_apart() {
        assert!(COUNTRIES.is_sorted_by_key(|(code, ..)| *code));
        let km = |left: &str, right: &str| distance_km(packed(left).unwrap(), packed(right).unwrap());
        assert_eq!(km("FR", "BE"), 0.0);
        assert_eq!(km("FR", "FR"), 0.0);
        assert!((3_000.0..3_200.0).contains(&km("FR", "NG")), "{}", km("FR", "NG"));
        assert!((8_000.0..9_000.0).contains(&km("BR", "DE")), "{}", km("BR", "DE"));
        assert_eq!(packed("XX"), None);
    }
}
