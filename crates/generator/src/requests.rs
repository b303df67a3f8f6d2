//! What people do and what it costs the servers: behaviour events and performance events.
//! Not payments. Invariant: the events of one request share trace and request id.

use crate::catalog::{Product, SEARCHES, product};
use crate::errors;
use crate::line::{Correlation, Exchange, Line, Service};
use crate::session::{Opening, Scene, Session, Step};

/// Share of calls that fail on any day.
const FAILURES: f64 = 0.012;
/// Share of calls that fail while their service is failing.
const FAILURES_IN_SPELL: f64 = 0.3;
/// Share of steps that meet a problem which was handled.
const HANDLED: f64 = 0.064;

/// A call to a service.
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    /// Status when all goes well.
    pub(crate) status: u16,
}

/// What a step is called, where it happens and what it asks of the servers.
struct Action {
    name: &'static str,
    page: String,
    product: Option<Product>,
    search: Option<&'static str>,
    quantity: Option<u64>,
    call: Call,
}

fn action(name: &'static str, page: String, call: (Service, &'static str, &str, u16)) -> Action {
    let (service, method, path, status) = call;
    let call = Call { service, method, path: path.to_owned(), status };
    Action { name, page, product: None, search: None, quantity: None, call }
}

fn action_of(session: &mut Session, step: Step) -> Option<Action> {
    use Service::{Auth, Cart, Catalog, Search, Web};
    let plain = |name, page: &str, call| action(name, page.to_owned(), call);
    Some(match step {
        Step::Page(page) => plain("page_view", page, (Web, "GET", page, 200)),
        Step::Search(number) => {
            let text = SEARCHES[usize::from(number) % SEARCHES.len()];
            let mut found = plain("search", "/search", (Search, "GET", "/api/search", 200));
            found.search = Some(text);
            found
        }
        Step::View(number) => {
            let seen = product(number);
            let path = format!("/api/products/{}", seen.id);
            let mut view = action("product_view", format!("/product/{}", seen.id), (Catalog, "GET", &path, 200));
            view.product = Some(seen);
            view
        }
        Step::AddToCart(number) => {
            let quantity = if session.dice.chance(0.85) { 1 } else { session.dice.between(2, 4) };
            session.basket.push((number, quantity));
            let taken = product(number);
            let page = format!("/product/{}", taken.id);
            let mut add = action("add_to_cart", page, (Cart, "POST", "/api/cart/items", 201));
            (add.product, add.quantity) = (Some(taken), Some(quantity));
            add
        }
        Step::RemoveFromCart => {
            let (number, quantity) = session.basket.pop()?;
            let mut remove = plain("remove_from_cart", "/cart", (Cart, "DELETE", "/api/cart/items", 204));
            (remove.product, remove.quantity) = (Some(product(number)), Some(quantity));
            remove
        }
        Step::Abandon => plain("cart_abandoned", "/cart", (Cart, "GET", "/api/cart", 200)),
        Step::CheckoutStart => plain("checkout_start", "/checkout", (Cart, "GET", "/api/cart", 200)),
        Step::Checkout => plain("checkout", "/checkout/confirm", (Cart, "POST", "/api/checkout", 200)),
        Step::Coupon(code) => {
            session.coupon = Some(code);
            plain("coupon_applied", "/checkout", (Cart, "POST", "/api/cart/coupon", 200))
        }
        Step::Register => plain("register", "/register", (Auth, "POST", "/api/auth/register", 201)),
        Step::Login => plain("login", "/login", (Auth, "POST", "/api/auth/login", 200)),
        Step::LoginFailed => plain("login_failed", "/login", (Auth, "POST", "/api/auth/login", 401)),
        Step::Logout => plain("logout", "/", (Auth, "POST", "/api/auth/logout", 204)),
        Step::ChangePassword => plain("password_change", "/account", (Auth, "PUT", "/api/auth/password", 204)),
        Step::ChangeAddress => plain("address_change", "/account", (Auth, "PUT", "/api/account/address", 200)),
        Step::Crawl(number) => {
            let page = format!("/product/{}", product(number).id);
            let call = (Web, "GET", page.as_str(), if session.dice.chance(0.04) { 404 } else { 200 });
            action("page_view", page.clone(), call)
        }
        _ => return None,
    })
}

/// Does one step of a visitor: what the page reports, and the calls behind it.
pub(crate) fn act(session: &mut Session, scene: &mut Scene<'_>, step: Step) {
    let Some(action) = action_of(session, step) else { return };
    let correlation = session.correlation();
    // Robots run no script, so the page reports nothing of them.
    if !matches!(step, Step::Crawl(_)) {
        report(session, scene, &action, &correlation);
    }
    if session.dice.chance(0.53) || matches!(step, Step::Crawl(_)) {
        call(session, scene, &action.call, &correlation);
    }
    if session.dice.chance(0.07) {
        let page = Call { service: Service::Web, method: "GET", path: action.page.clone(), status: 200 };
        call(session, scene, &page, &correlation);
    }
    if session.dice.chance(HANDLED) {
        errors::handled(session, scene, &action.call, &correlation);
    }
}

fn report(session: &mut Session, scene: &mut Scene<'_>, action: &Action, correlation: &Correlation) {
    let message = match (&action.product, action.search) {
        (_, Some(text)) => format!("search for \"{text}\" gave {} results", session.dice.below(60)),
        (Some(product), _) => format!("{} {} ({})", action.name, product.id, product.name),
        _ => format!("{} on {}", action.name, action.page),
    };
    let failed = action.name == "login_failed";
    let service = if action.call.service == Service::Auth { Service::Auth } else { Service::Web };
    let level = if failed { "WARN" } else { "INFO" };
    let opening = Opening { service, at: scene.at, log_type: "user_behavior", level, message: &message };
    let mut line = session.open(scene.plan, &opening);
    line.correlate(correlation);
    line.client(&session.visitor.address, session.visitor.user_agent);
    line.text("action", action.name);
    line.text("page", &action.page);
    line.text("device_id", &session.visitor.device_id);
    line.text("language", session.visitor.country.language);
    if let Some(product) = &action.product {
        line.text("product_id", &product.id);
        line.text("category", product.category);
        line.money("price", product.price_cents);
    }
    if let Some(quantity) = action.quantity {
        line.int("quantity", quantity);
    }
    if let Some(text) = action.search {
        line.text("search_query", text);
    }
    if let ("coupon_applied", Some(code)) = (action.name, session.coupon) {
        line.text("coupon", code);
    }
    if failed {
        line.text("reason", if session.dice.chance(0.9) { "wrong_password" } else { "unknown_user" });
    }
    if matches!(action.name, "register" | "login" | "login_failed") {
        line.text("ip_country", session.visitor.country.code);
        line.text("email_hash", &session.visitor.email_hash);
        line.text("email_domain", session.visitor.email_domain);
    }
    if action.name == "page_view" && session.dice.chance(0.5) {
        let from = session.dice.pick(&[
            "https://www.google.com/",
            "https://www.bing.com/",
            "https://www.instagram.com/",
            "newsletter",
        ]);
        line.text("referrer", from);
    }
    line.int("duration_ms", session.dice.skewed(14_000.0, 0.8) as u64);
    session.put(scene, line);
}

/// One call as the service that answers it logs it, and its error if it fails.
pub(crate) fn call(session: &mut Session, scene: &mut Scene<'_>, call: &Call, correlation: &Correlation) {
    let spell = scene.plan.is_failing(call.service, scene.at);
    let outage = call.service == Service::Payment && scene.plan.is_outage(scene.at);
    let share = if outage {
        0.85
    } else if spell {
        FAILURES_IN_SPELL
    } else {
        FAILURES
    };
    let fails = call.status < 400 && session.dice.chance(share);
    let timeout = outage || fails && session.dice.chance(0.25);
    let status = match (fails, timeout) {
        (false, _) => call.status,
        (true, true) => 504,
        (true, false) => *session.dice.pick(&[500, 500, 502, 503]),
    };
    let database_ms = session.dice.skewed(9.0, 0.7) * scene.plan.database_slowness(scene.at);
    let own_ms = session.dice.skewed(own_time_ms(call.service), 0.6) * scene.plan.slowness(call.service, scene.at);
    let wait_ms = if fails && timeout { session.dice.between(10_000, 30_000) as f64 } else { 0.0 };
    let took_ms = database_ms + own_ms + wait_ms;
    let exchange = Exchange { method: call.method, path: &call.path, status };
    let level = match (status, took_ms) {
        (500.., _) => "ERROR",
        (400.., _) | (_, 1_000.0..) => "WARN",
        _ if session.dice.chance(0.15) => "DEBUG",
        _ => "INFO",
    };
    let message = format!("{} {} answered {status} in {took_ms:.0} ms", call.method, call.path);
    let at = scene.after_ms(took_ms);
    let opening = Opening { service: call.service, at, log_type: "performance", level, message: &message };
    let mut line = session.open(scene.plan, &opening);
    line.correlate(correlation);
    line.client(&session.visitor.address, session.visitor.user_agent);
    line.exchange(&exchange);
    line.tenths("response_time_ms", took_ms);
    database(session, &mut line, call.service, database_ms);
    line.int("bytes_sent", if status >= 400 { 310 } else { session.dice.skewed(9_000.0, 0.9) as u64 });
    session.put(scene, line);
    if fails {
        errors::failed_call(session, scene, (&exchange, call.service, at), correlation);
    }
}

fn own_time_ms(service: Service) -> f64 {
    match service {
        Service::Payment => 240.0,
        Service::Search => 85.0,
        Service::Auth => 110.0,
        Service::Web => 60.0,
        _ => 35.0,
    }
}

fn database(session: &mut Session, line: &mut Line, service: Service, took_ms: f64) {
    let (kind, table) = match service {
        Service::Catalog => ("SELECT", "products"),
        Service::Cart => ("UPDATE", "cart_items"),
        Service::Payment => ("INSERT", "payments"),
        Service::Auth => ("SELECT", "users"),
        Service::Inventory => ("UPDATE", "stock"),
        Service::Shipping => ("INSERT", "parcels"),
        Service::Search => ("SELECT", "search_documents"),
        Service::Web => {
            line.flag("cache_hit", session.dice.chance(0.8));
            return;
        }
    };
    line.tenths("db_query_time_ms", took_ms);
    line.text("db_query_type", kind);
    line.text("db_table", table);
}
