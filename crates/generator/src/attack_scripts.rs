//! What each kind of attack does, step by step.
//! Not how it is found. Invariant: every session made here carries its label, and every kind but the scraper pays.

use vigie_domain::time::Timestamp;

use crate::countries::{ABROAD, Country, HOME, hosting_address};
use crate::dice::Dice;
use crate::payments::days_before;
use crate::session::{Channel, Outcome, Script, Session, Size, Step};
use crate::shop_scripts::any_product;
use crate::visitors::{SCRIPTS, Visitor};

const PROVIDERS_OF_THROWAWAY_MAIL: &[&str] =
    &["mailinator.com", "yopmail.com", "guerrillamail.com", "10minutemail.com"];

/// Minutes of the day (UTC).
const NIGHT_BEGINS: u64 = 23 * 60;
const NIGHT_ENDS: u64 = 4 * 60 + 30;

fn abroad(dice: &mut Dice) -> &'static Country {
    &ABROAD[dice.place(ABROAD.len())]
}

fn web(cents: u64, outcome: Outcome) -> Step {
    Step::Pay(Channel::Web, Size::Cents(cents), outcome)
}

/// The session of an attack of that kind.
pub(crate) fn attack(seed: u64, kind: &'static str, mut dice: Dice, now: Timestamp) -> Session {
    let mut visitor = Visitor::returning(seed, &mut dice, now);
    let mut script = Script::default();
    match kind {
        "card_testing" => card_testing(&mut dice, &mut visitor, &mut script),
        "velocity" => velocity(&mut dice, &mut script),
        "country_mismatch" => country_mismatch(&mut dice, &mut visitor, &mut script),
        "impossible_travel" => impossible_travel(&mut dice, &mut script),
        "disposable_email" => disposable_email(&mut dice, &mut visitor, &mut script),
        "account_takeover" => account_takeover(&mut dice, &mut script),
        "refund_abuse" => refund_abuse(&mut dice, &mut script),
        "promo_abuse" => promo_abuse(&mut dice, &mut script),
        "bot_scraper" => bot_scraper(&mut dice, &mut visitor, &mut script),
        "amount_outlier" => amount_outlier(&mut dice, &mut script),
        "new_account_high_value" => new_account_high_value(&mut dice, &mut script),
        "shared_device" => shared_device(&mut dice, &mut script),
        _ => night_risk(&mut dice, &mut visitor, (&mut script, now)),
    }
    let basket = vec![(any_product(&mut dice), 1)];
    let mut session = Session::new(dice, visitor, now, script);
    session.basket = basket;
    session.attack = Some(kind);
    session
}

/// Many cards, tiny amounts, most declined, one device and address.
fn card_testing(dice: &mut Dice, visitor: &mut Visitor, script: &mut Script) {
    visitor.address = hosting_address(dice);
    visitor.user_agent = *dice.pick(SCRIPTS);
    visitor.user_id = None;
    for _ in 0..dice.between(10, 16) {
        script.then(dice.between(2_000, 9_000), Step::NewCard);
        let outcome = if dice.chance(0.8) { Outcome::Declined } else { Outcome::Completed };
        script.also(web(dice.between(50, 199), outcome));
    }
}

/// One customer, one card, order after order.
fn velocity(dice: &mut Dice, script: &mut Script) {
    script.then(0, Step::Login);
    for _ in 0..dice.between(6, 10) {
        script.then(dice.between(5_000, 25_000), web(dice.between(4_000, 18_000), Outcome::Completed));
    }
}

/// Card of one country, address of another, parcel to a third.
fn country_mismatch(dice: &mut Dice, visitor: &mut Visitor, script: &mut Script) {
    let (first, second) = (abroad(dice), &HOME[dice.place(HOME.len())].1);
    visitor.user_id = None;
    script.then(0, Step::MoveTo(first));
    script.also(Step::ShipTo(second));
    script.also(Step::Page("/"));
    for _ in 0..dice.between(2, 3) {
        script.then(dice.between(15_000, 40_000), web(dice.between(15_000, 60_000), Outcome::Completed));
    }
}

/// The same account at home, and minutes later on another continent.
fn impossible_travel(dice: &mut Dice, script: &mut Script) {
    script.then(0, Step::Login);
    script.then(20_000, web(dice.between(2_500, 9_000), Outcome::Completed));
    script.then(dice.between(240_000, 900_000), Step::MoveTo(&ABROAD[dice.place(3)]));
    script.also(Step::Login);
    script.then(30_000, web(dice.between(12_000, 45_000), Outcome::Completed));
}

/// Accounts with throw-away mail that order at once.
fn disposable_email(dice: &mut Dice, visitor: &mut Visitor, script: &mut Script) {
    visitor.email_domain = *dice.pick(PROVIDERS_OF_THROWAWAY_MAIL);
    for _ in 0..dice.between(2, 4) {
        script.then(dice.between(10_000, 60_000), Step::NewAccount);
        script.also(Step::Register);
        script.then(dice.between(9_000, 30_000), web(dice.between(6_000, 25_000), Outcome::Completed));
    }
}

/// Failed logins, success, new device and country, changes, payment.
fn account_takeover(dice: &mut Dice, script: &mut Script) {
    script.then(0, Step::MoveTo(abroad(dice)));
    script.also(Step::NewDevice);
    for _ in 0..dice.between(6, 14) {
        script.then(dice.between(800, 3_000), Step::LoginFailed);
    }
    script.then(2_000, Step::Login);
    script.then(15_000, Step::ChangePassword);
    script.then(12_000, Step::ChangeAddress);
    script.also(Step::ShipTo(abroad(dice)));
    for _ in 0..2 {
        script.then(25_000, web(dice.between(30_000, 120_000), Outcome::Completed));
    }
}

/// Buys, and wants the money back, again and again.
fn refund_abuse(dice: &mut Dice, script: &mut Script) {
    script.then(0, Step::Login);
    for _ in 0..dice.between(3, 5) {
        let cents = dice.between(8_000, 30_000);
        script.then(dice.between(20_000, 60_000), web(cents, Outcome::Completed));
        script.then(dice.between(30_000, 90_000), web(cents, Outcome::Refunded));
    }
}

/// One device, many new accounts, the same welcome coupon.
fn promo_abuse(dice: &mut Dice, script: &mut Script) {
    for _ in 0..dice.between(4, 6) {
        script.then(dice.between(15_000, 45_000), Step::NewAccount);
        script.also(Step::Register);
        script.then(8_000, Step::Coupon("BIENVENUE10"));
        script.then(9_000, web(dice.between(2_000, 6_000), Outcome::Completed));
    }
}

/// Product after product, several a second, from a server for hire.
fn bot_scraper(dice: &mut Dice, visitor: &mut Visitor, script: &mut Script) {
    visitor.address = hosting_address(dice);
    visitor.user_agent = *dice.pick(SCRIPTS);
    visitor.user_id = None;
    for number in 0..dice.between(40, 70) {
        script.then(dice.between(120, 450), Step::View(number as u16 * 3));
    }
}

/// A customer of small orders who suddenly spends a fortune.
fn amount_outlier(dice: &mut Dice, script: &mut Script) {
    script.then(0, Step::Login);
    for _ in 0..3 {
        script.then(dice.between(20_000, 60_000), web(dice.between(1_500, 4_500), Outcome::Completed));
    }
    script.then(120_000, web(dice.between(250_000, 480_000), Outcome::Completed));
}

/// Registers and spends a great deal within minutes.
fn new_account_high_value(dice: &mut Dice, script: &mut Script) {
    script.then(0, Step::NewCard);
    script.also(Step::NewDevice);
    script.also(Step::NewAccount);
    script.also(Step::Register);
    for _ in 0..2 {
        script.then(dice.between(40_000, 120_000), web(dice.between(90_000, 220_000), Outcome::Completed));
    }
}

/// One device, several accounts, several cards.
fn shared_device(dice: &mut Dice, script: &mut Script) {
    for _ in 0..dice.between(4, 7) {
        script.then(dice.between(20_000, 50_000), Step::NewAccount);
        script.also(Step::NewCard);
        script.also(Step::Login);
        script.then(12_000, web(dice.between(5_000, 22_000), Outcome::Completed));
    }
}

/// A young account, a new device and great sums, in the night; whoever comes by day waits for it.
fn night_risk(dice: &mut Dice, visitor: &mut Visitor, when: (&mut Script, Timestamp)) {
    let (script, now) = when;
    visitor.created_at = days_before(now, 2);
    let minute = (now.as_seconds().rem_euclid(86_400) / 60).unsigned_abs();
    let wait = if (NIGHT_ENDS..NIGHT_BEGINS).contains(&minute) { NIGHT_BEGINS - minute + dice.below(30) } else { 0 };
    script.then(wait * 60_000, Step::Login);
    script.also(Step::NewDevice);
    script.also(Step::ShipTo(&HOME[dice.place(HOME.len())].1));
    for _ in 0..dice.between(2, 3) {
        script.then(dice.between(15_000, 50_000), web(dice.between(60_000, 150_000), Outcome::Completed));
    }
}
