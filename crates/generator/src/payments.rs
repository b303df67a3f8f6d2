//! Orders and their money: transaction events, the fraud check of a payment, the parcel.
//! Not what people click. Invariant: an order's events share its order id; an amount is never 0.

use vigie_domain::time::{NANOS_PER_DAY, Timestamp};

use crate::catalog::product;
use crate::line::{Correlation, Line, Service};
use crate::requests::{Call, call};
use crate::session::{Channel, Opening, Outcome, Scene, Session, Size};

/// Share of payments whose fraud check is logged although nothing is odd.
const LOGGED_CHECKS: f64 = 0.17;
/// Share of payments that the issuer declines.
const DECLINES: f64 = 0.045;

/// One payment under way.
struct Payment {
    transaction_id: String,
    order_id: String,
    cents: u64,
    currency: &'static str,
    method: &'static str,
    channel: Channel,
}

fn payment(session: &mut Session, channel: Channel, size: Size, refund: bool) -> Payment {
    let country = session.visitor.country;
    let basket: u64 = session.basket.iter().map(|(number, quantity)| product(*number).price_cents * quantity).sum();
    let discounted = if session.coupon.is_some() { basket * 9 / 10 } else { basket };
    let cents = match size {
        Size::Basket => discounted.max(990),
        Size::Cents(cents) => cents,
    };
    // A refund names the order that it takes back.
    let known = if refund { session.order_id.take() } else { None };
    let order_id = known.unwrap_or_else(|| format!("o-{}", session.dice.hex(12)));
    session.order_id = Some(order_id.clone());
    let method = match channel {
        Channel::Marketplace => "marketplace",
        Channel::Subscription => "sepa_debit",
        _ if session.attack.is_some() => "card",
        _ => *session.dice.weighted(&[
            (68, "card"),
            (17, "paypal"),
            (8, "apple_pay"),
            (5, "bancontact"),
            (2, "gift_card"),
        ]),
    };
    Payment {
        transaction_id: format!("tx-{}", session.dice.hex(14)),
        order_id,
        cents,
        currency: country.currency,
        method,
        channel,
    }
}

/// One payment from the order to its end.
pub(crate) fn pay(session: &mut Session, scene: &mut Scene<'_>, order: (Channel, Size, Outcome)) {
    let (channel, size, outcome) = order;
    let payment = payment(session, channel, size, outcome == Outcome::Refunded);
    let correlation = session.correlation();
    let status = match outcome {
        Outcome::Declined => "declined",
        Outcome::Completed => "completed",
        Outcome::Refunded => "refunded",
        Outcome::Usual if scene.plan.is_outage(scene.at) && session.dice.chance(0.7) => "failed",
        Outcome::Usual if session.dice.chance(DECLINES) => "declined",
        Outcome::Usual if session.dice.chance(0.012) => "failed",
        Outcome::Usual => "completed",
    };
    if session.dice.chance(if session.attack.is_none() { 0.7 } else { 0.3 }) {
        let path = if status == "refunded" { "/api/refunds" } else { "/api/payments" };
        let call_of = Call { service: Service::Payment, method: "POST", path: path.to_owned(), status: 200 };
        call(session, scene, &call_of, &correlation);
    }
    if !matches!(status, "refunded") && session.attack.is_none() {
        transaction(session, scene, (&payment, "pending", scene.at), &correlation);
    }
    let check_at = scene.after_ms(session.dice.skewed(90.0, 0.4));
    let flagged = session.attack.is_some() && session.dice.chance(0.75);
    if flagged || session.dice.chance(LOGGED_CHECKS) {
        check(session, scene, (&payment, flagged, check_at), &correlation);
    }
    let done_at = check_at.saturating_add_nanos(session.dice.between(80, 2_500) as i64 * 1_000_000);
    transaction(session, scene, (&payment, status, done_at), &correlation);
}

fn transaction(
    session: &mut Session,
    scene: &mut Scene<'_>,
    what: (&Payment, &'static str, Timestamp),
    correlation: &Correlation,
) {
    let (payment, status, at) = what;
    let amount = format!("{}.{:02} {}", payment.cents / 100, payment.cents % 100, payment.currency);
    let message = match status {
        "declined" => format!("payment of {amount} for order {} was declined by the issuer", payment.order_id),
        "failed" => format!("payment of {amount} for order {} failed: the provider did not answer", payment.order_id),
        other => format!("payment of {amount} for order {} is {other}", payment.order_id),
    };
    let level = match status {
        "failed" => "ERROR",
        "declined" => "WARN",
        _ => "INFO",
    };
    let opening = Opening { service: Service::Payment, at, log_type: "transaction", level, message: &message };
    let mut line = session.open(scene.plan, &opening);
    line.correlate(correlation);
    if payment.channel != Channel::Subscription {
        line.client(&session.visitor.address, session.visitor.user_agent);
        line.text("ip_country", session.visitor.country.code);
    }
    line.text("transaction_id", &payment.transaction_id);
    line.text("order_id", &payment.order_id);
    line.text("merchant_id", "boutique");
    line.money("amount", payment.cents);
    line.text("currency", payment.currency);
    line.text("payment_method", payment.method);
    line.text("status", status);
    line.text("transaction_type", if status == "refunded" { "refund" } else { kind_of(payment.channel) });
    if status == "declined" {
        let reason = *session.dice.pick(&["insufficient_funds", "do_not_honor", "incorrect_cvc", "expired_card"]);
        line.text("decline_reason", reason);
    }
    goods(session, &mut line);
    person(session, &mut line, payment);
    session.put(scene, line);
}

fn kind_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Web => "purchase",
        Channel::App => "app_purchase",
        Channel::Marketplace => "marketplace_order",
        Channel::Subscription => "renewal",
    }
}

fn goods(session: &Session, line: &mut Line) {
    if session.basket.is_empty() {
        return;
    }
    let quantity = session.basket.iter().map(|(_, quantity)| quantity).sum();
    line.int("quantity", quantity);
    line.objects("items", &session.basket, |line, (number, quantity)| {
        let product = product(*number);
        line.text("product_id", &product.id);
        line.text("name", &product.name);
        line.text("category", product.category);
        line.int("quantity", *quantity);
        line.money("price", product.price_cents);
    });
    if let Some(code) = session.coupon {
        line.text("coupon", code);
    }
}

fn person(session: &Session, line: &mut Line, payment: &Payment) {
    let visitor = &session.visitor;
    if matches!(payment.method, "card" | "apple_pay" | "bancontact") {
        line.text("card_bin", visitor.card.bin);
        line.text("card_last4", &visitor.card.last4);
        line.text("card_hash", &visitor.card.hash);
        line.text("card_network", visitor.card.network);
        line.text("card_country", visitor.card.country);
    }
    if matches!(payment.channel, Channel::Web | Channel::App) {
        line.text("device_id", &visitor.device_id);
    }
    line.text("email_hash", &visitor.email_hash);
    line.text("email_domain", visitor.email_domain);
    line.text("billing_country", visitor.billing);
    line.text("shipping_country", visitor.shipping);
    line.text("location", visitor.city);
    if visitor.user_id.is_some() {
        line.instant("account_created_at", visitor.created_at);
    }
}

/// What the shop's own first check would say of an attack; it does not know its name.
fn indicators_of(attack: &str) -> &'static [&'static str] {
    match attack {
        "card_testing" => &["rapid_transactions", "small_amounts", "multiple_cards"],
        "velocity" => &["rapid_transactions"],
        "country_mismatch" => &["ip_mismatch", "suspicious_location"],
        "impossible_travel" => &["suspicious_location", "impossible_travel"],
        "disposable_email" => &["disposable_email"],
        "account_takeover" => &["multiple_failed_attempts", "new_device", "suspicious_location"],
        "refund_abuse" => &["many_refunds"],
        "promo_abuse" => &["coupon_reuse", "shared_device"],
        "bot_scraper" => &["automation"],
        "amount_outlier" => &["high_amount", "unusual_amount"],
        "new_account_high_value" => &["high_amount", "new_account"],
        "shared_device" => &["shared_device", "multiple_cards"],
        _ => &["night_purchase", "high_amount"],
    }
}

fn check(session: &mut Session, scene: &mut Scene<'_>, what: (&Payment, bool, Timestamp), correlation: &Correlation) {
    let (payment, flagged, at) = what;
    let score = if flagged { session.dice.between(48, 99) } else { (session.dice.unit().powi(2) * 46.0) as u64 };
    let decision = match score {
        80.. => "block",
        45.. => "review",
        _ => "allow",
    };
    let indicators = match session.attack {
        Some(attack) if flagged => indicators_of(attack),
        _ if score > 25 && payment.cents > 50_000 => &["high_amount"],
        _ if score > 32 => &["suspicious_location"],
        _ => &[],
    };
    let message = format!("payment {} scored {score}: {decision}", payment.transaction_id);
    let level = if flagged { "WARN" } else { "INFO" };
    let opening = Opening { service: Service::Payment, at, log_type: "fraud", level, message: &message };
    let mut line = session.open(scene.plan, &opening);
    line.correlate(correlation);
    line.client(&session.visitor.address, session.visitor.user_agent);
    line.text("transaction_id", &payment.transaction_id);
    line.money("amount", payment.cents);
    line.text("currency", payment.currency);
    line.int("fraud_score", score);
    line.flag("fraud_detected", flagged);
    line.text("decision", decision);
    line.list("fraud_indicators", indicators);
    line.text("model_version", "shop-check-7");
    line.text("device_id", &session.visitor.device_id);
    session.put(scene, line);
}

/// The parcel of the last order: stock is taken, a label is printed.
pub(crate) fn ship(session: &mut Session, scene: &mut Scene<'_>) {
    let correlation = session.correlation();
    let order = session.order_id.clone().unwrap_or_default();
    let stock =
        Call { service: Service::Inventory, method: "POST", path: "/api/stock/reservations".to_owned(), status: 201 };
    call(session, scene, &stock, &correlation);
    if session.dice.chance(0.5) {
        let path = format!("/api/parcels/{order}");
        let label = Call { service: Service::Shipping, method: "PUT", path, status: 200 };
        call(session, scene, &label, &correlation);
    }
}

/// An account of that age, for a visitor of an attack.
pub(crate) fn days_before(now: Timestamp, days: i64) -> Timestamp {
    now.saturating_add_nanos(-days * NANOS_PER_DAY)
}
