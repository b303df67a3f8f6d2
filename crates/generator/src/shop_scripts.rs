//! What honest visitors do: browse and buy, order elsewhere, crawl; and jobs that fail by themselves.
//! Not attacks. Invariant: nobody pays without a checkout, or checks out without a cart.

use vigie_domain::time::{Day, Timestamp};

use crate::catalog::{PRODUCTS, SEARCHES};
use crate::dice::Dice;
use crate::incidents::DayPlan;
use crate::session::{Channel, Outcome, Script, Session, Size, Step};
use crate::visitors::Visitor;

/// Share of viewing visits with something in the cart.
const CART: f64 = 0.38;
/// Share of those that start a checkout: 21 % of viewing visits.
const CHECKOUT: f64 = 0.21 / CART;
/// Share of checkouts that are paid: 18 % of viewing visits, when four in a hundred payments fail for good.
const PAID: f64 = 0.18 / 0.21 / 0.96;

const LANDINGS: &[(u32, &str)] = &[
    (40, "/"),
    (12, "/category/chaussures"),
    (14, "/category/mode"),
    (14, "/category/electronique"),
    (10, "/category/maison"),
    (10, "/promotions"),
];

/// A product: some sell far better than others.
pub(crate) fn any_product(dice: &mut Dice) -> u16 {
    let throw = dice.unit();
    (throw * throw * PRODUCTS as f64) as u16
}

fn pause(dice: &mut Dice) -> u64 {
    (dice.skewed(11_000.0, 0.7) as u64).clamp(1_500, 90_000)
}

/// Whoever comes next, and what for.
pub(crate) fn visit(seed: u64, mut dice: Dice, now: Timestamp) -> Session {
    match dice.below(100) {
        0..55 => browsing(seed, dice, now),
        55..91 => direct_order(seed, dice, now),
        91..94 => crawling(dice, now),
        _ => failing_job(dice, now),
    }
}

fn browsing(seed: u64, mut dice: Dice, now: Timestamp) -> Session {
    let mut visitor = Visitor::arriving(seed, &mut dice, now);
    let mut script = Script::default();
    let landing = *dice.weighted(LANDINGS);
    script.then(0, Step::Page(landing));
    if dice.chance(0.28) {
        if visitor.user_id.is_none() {
            visitor.created_at = now;
        }
        return Session::new(dice, visitor, now, script);
    }
    if dice.chance(0.35) {
        let page = *dice.weighted(LANDINGS);
        script.then(pause(&mut dice), Step::Page(page));
    }
    if dice.chance(0.5) {
        script.then(pause(&mut dice), Step::Search(dice.below(SEARCHES.len() as u64) as u16));
    }
    let mut last = any_product(&mut dice);
    for _ in 0..dice.between(1, 4) {
        last = any_product(&mut dice);
        script.then(pause(&mut dice), Step::View(last));
    }
    if dice.chance(CART) {
        shopping(&mut dice, &visitor, &mut script, last);
    }
    Session::new(dice, visitor, now, script)
}

fn shopping(dice: &mut Dice, visitor: &Visitor, script: &mut Script, first: u16) {
    script.then(pause(dice), Step::AddToCart(first));
    if dice.chance(0.35) {
        let second = any_product(dice);
        script.then(pause(dice), Step::View(second));
        script.then(pause(dice), Step::AddToCart(second));
        if dice.chance(0.3) {
            script.then(pause(dice), Step::RemoveFromCart);
        }
    }
    if !dice.chance(CHECKOUT) {
        if dice.chance(0.5) {
            script.then(pause(dice), Step::Abandon);
        }
        return;
    }
    if visitor.user_id.is_some() {
        if dice.chance(0.12) {
            script.then(pause(dice), Step::LoginFailed);
        }
        script.then(pause(dice), Step::Login);
    } else if dice.chance(0.3) {
        script.then(pause(dice), Step::NewAccount);
        script.also(Step::Register);
    }
    script.then(pause(dice), Step::CheckoutStart);
    if dice.chance(0.08) {
        let code = *dice.pick(&["BIENVENUE10", "ETE10", "FIDELE10"]);
        script.then(pause(dice), Step::Coupon(code));
    }
    script.then(pause(dice), Step::Checkout);
    if !dice.chance(PAID) {
        script.then(pause(dice), Step::Abandon);
        return;
    }
    if dice.chance(0.07) {
        script.then(1_500, Step::Pay(Channel::Web, Size::Basket, Outcome::Declined));
        script.then(pause(dice), Step::NewCard);
    }
    script.then(1_500, Step::Pay(Channel::Web, Size::Basket, Outcome::Usual));
    script.then(4_000, Step::Page("/order/thanks"));
    script.then(30_000, Step::Ship);
    if dice.chance(0.2) {
        script.also(Step::Logout);
    }
}

/// Orders that need no visit: the marketplace, the app, renewals; and refunds of earlier orders.
fn direct_order(seed: u64, mut dice: Dice, now: Timestamp) -> Session {
    let visitor = Visitor::returning(seed, &mut dice, now);
    let channel = *dice.weighted(&[(45, Channel::Marketplace), (30, Channel::App), (25, Channel::Subscription)]);
    let refund = dice.chance(0.09);
    let outcome = if refund { Outcome::Refunded } else { Outcome::Usual };
    let mut script = Script::default();
    script.then(0, Step::Pay(channel, Size::Basket, outcome));
    if dice.chance(0.25) && !refund {
        script.then(20_000, Step::Pay(channel, Size::Cents(dice.between(490, 2_990)), Outcome::Usual));
    }
    if !refund && dice.chance(0.5) {
        script.then(25_000, Step::Ship);
    }
    let basket = (0..dice.between(1, 2)).map(|_| (any_product(&mut dice), 1)).collect();
    let mut session = Session::new(dice, visitor, now, script);
    session.basket = basket;
    session.session_id = None;
    session
}

fn crawling(mut dice: Dice, now: Timestamp) -> Session {
    let visitor = Visitor::robot(&mut dice);
    let mut script = Script::default();
    for _ in 0..dice.between(3, 8) {
        script.then(dice.between(900, 6_000), Step::Crawl(any_product(&mut dice)));
    }
    let mut session = Session::new(dice, visitor, now, script);
    session.session_id = None;
    session
}

fn failing_job(mut dice: Dice, now: Timestamp) -> Session {
    let visitor = Visitor::robot(&mut dice);
    let mut script = Script::default();
    for _ in 0..dice.between(1, 3) {
        script.then(dice.between(500, 20_000), Step::JobFailure);
    }
    Session::new(dice, visitor, now, script)
}

/// The pulse of one host at that instant.
pub(crate) fn pulse(mut dice: Dice, at: Timestamp) -> Session {
    let visitor = Visitor::robot(&mut dice);
    let mut script = Script::default();
    script.then(0, Step::Pulse);
    Session::new(dice, visitor, at, script)
}

/// What the operators do on a day, without what lies before `from`.
pub(crate) fn operations(mut dice: Dice, plan: &DayPlan, from: Timestamp) -> Session {
    let visitor = Visitor::robot(&mut dice);
    let start = Day(plan.day.0).start();
    let at_ms = (plan.deployment.from.as_millis() - start.as_millis()).unsigned_abs();
    let mut script = Script::default();
    script.then(at_ms, Step::DeploymentStart);
    script.then(45_000, Step::DeploymentEnd);
    let since_start = from.as_millis() - start.as_millis();
    script.steps.retain(|(offset, _)| i64::from(*offset) >= since_start);
    Session::new(dice, visitor, start, script)
}
