//! Who comes: customers that return with the same device and card, guests, robots.
//! Not a session. Invariant: the same seed and customer number give the same person on every day.

use vigie_domain::time::{NANOS_PER_DAY, Timestamp};

use crate::countries::{Country, HOME, hosting_address};
use crate::dice::{Dice, Purpose};

/// How many registered customers the shop has.
const CUSTOMERS: u64 = 24_000;

/// What is known of a card: never its number.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) bin: &'static str,
    pub(crate) network: &'static str,
    pub(crate) last4: String,
    pub(crate) hash: String,
    /// Where it was issued.
    pub(crate) country: &'static str,
}

impl Card {
    /// A card issued in that country.
    pub(crate) fn issued_in(country: &Country, dice: &mut Dice) -> Self {
        let &(bin, network) = dice.pick(country.issuers);
        Self { bin, network, last4: format!("{:04}", dice.below(10_000)), hash: dice.hex(40), country: country.code }
    }
}

/// One person or robot.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) user_id: Option<String>,
    pub(crate) country: &'static Country,
    pub(crate) city: &'static str,
    pub(crate) address: String,
    pub(crate) billing: &'static str,
    pub(crate) shipping: &'static str,
    pub(crate) device_id: String,
    pub(crate) user_agent: &'static str,
    pub(crate) card: Card,
    pub(crate) email_hash: String,
    pub(crate) email_domain: &'static str,
    pub(crate) created_at: Timestamp,
}

const BROWSERS: &[(u32, &str)] = &[
    (
        30,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    ),
    (
        22,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    ),
    (
        20,
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
    ),
    (
        9,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    ),
    (9, "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"),
    (
        6,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
    ),
    (4, "BoutiqueApp/5.12.0 (iOS 18.6; iPhone16,1)"),
];

const ROBOTS: &[(u32, &str)] = &[
    (5, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    (3, "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"),
    (2, "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"),
    (1, "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"),
];

/// What scripts call themselves.
pub(crate) const SCRIPTS: &[&str] = &[
    "python-requests/2.32.3",
    "Go-http-client/2.0",
    "curl/8.9.1",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/139.0.0.0 Safari/537.36",
];

const MAIL_DOMAINS: &[(u32, &str)] =
    &[(40, "gmail.com"), (15, "orange.fr"), (12, "outlook.com"), (10, "free.fr"), (8, "gmx.de"), (6, "yahoo.com")];

impl Visitor {
    /// Somebody of a country, not registered.
    pub(crate) fn guest_of(country: &'static Country, dice: &mut Dice) -> Self {
        Self {
            user_id: None,
            country,
            city: *dice.pick(country.cities),
            address: country.address(dice),
            billing: country.code,
            shipping: country.code,
            device_id: format!("d-{}", dice.hex(16)),
            user_agent: *dice.weighted(BROWSERS),
            card: Card::issued_in(country, dice),
            email_hash: dice.hex(40),
            email_domain: *dice.weighted(MAIL_DOMAINS),
            created_at: Timestamp::from_seconds(0),
        }
    }

    /// A registered customer, the same whenever the number is the same.
    fn customer(seed: u64, number: u64) -> Self {
        let mut dice = Dice::new(seed, Purpose::Visitor, number);
        let country = dice.weighted(&HOME);
        let mut visitor = Self::guest_of(country, &mut dice);
        visitor.user_id = Some(format!("u-{}", 100_000 + number));
        let age = dice.below(2_000) as i64 * NANOS_PER_DAY + dice.below(86_400_000) as i64 * 1_000_000;
        // 2018-01-01: the shop opened.
        visitor.created_at = Timestamp::from_seconds(1_514_764_800).saturating_add_nanos(age);
        visitor
    }

    /// Whoever comes next: few customers come often, most come rarely, a third are guests.
    pub(crate) fn arriving(seed: u64, dice: &mut Dice, now: Timestamp) -> Self {
        if dice.chance(0.33) {
            let country = dice.weighted(&HOME);
            let mut guest = Self::guest_of(country, dice);
            guest.created_at = now;
            return guest;
        }
        let throw = dice.unit();
        let mut customer = Self::customer(seed, (throw * throw * CUSTOMERS as f64) as u64);
        // Some are out and about: another address of the same country.
        if dice.chance(0.15) {
            customer.address = customer.country.address(dice);
        }
        customer.created_at = customer.created_at.min(now.saturating_add_nanos(-60 * NANOS_PER_DAY));
        customer
    }

    /// A registered customer for sure.
    pub(crate) fn returning(seed: u64, dice: &mut Dice, now: Timestamp) -> Self {
        let mut customer = Self::customer(seed, dice.below(CUSTOMERS));
        customer.created_at = customer.created_at.min(now.saturating_add_nanos(-60 * NANOS_PER_DAY));
        customer
    }

    /// A robot of a search engine.
    pub(crate) fn robot(dice: &mut Dice) -> Self {
        let country = dice.weighted(&HOME);
        let mut robot = Self::guest_of(country, dice);
        robot.address = hosting_address(dice);
        robot.user_agent = *dice.weighted(ROBOTS);
        robot
    }

    /// Registers now under a new number that no customer has.
    pub(crate) fn register(&mut self, dice: &mut Dice, now: Timestamp) {
        self.user_id = Some(format!("u-{}", 200_000 + dice.below(700_000)));
        self.created_at = now;
    }
}
