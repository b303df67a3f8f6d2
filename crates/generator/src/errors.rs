//! Error events: calls that fail, problems that were handled, background jobs that die.
//! Not the decision whether a call fails. Invariant: every error names its type, message and endpoint or job.

use vigie_domain::time::Timestamp;

use crate::line::{Correlation, Exchange, Service};
use crate::requests::Call;
use crate::session::{Opening, Scene, Session};
use crate::stacks::failure;

/// The error of a call that failed.
pub(crate) fn failed_call(
    session: &mut Session,
    scene: &mut Scene<'_>,
    failed: (&Exchange<'_>, Service, Timestamp),
    correlation: &Correlation,
) {
    let (exchange, service, at) = failed;
    let failure = failure(&mut session.dice, service, exchange.status == 504);
    // A new version that fails also runs out of memory now and then.
    let fatal = scene.plan.is_failing(service, scene.at) && session.dice.chance(0.03);
    let level = if fatal { "FATAL" } else { "ERROR" };
    let message = format!("{} {} failed: {}", exchange.method, exchange.path, failure.message);
    let mut line = session.open(scene.plan, &Opening { service, at, log_type: "error", level, message: &message });
    line.correlate(correlation);
    line.client(&session.visitor.address, session.visitor.user_agent);
    line.exchange(exchange);
    line.int("error_code", 5_000 + u64::from(exchange.status % 100) * 10 + failure.error_type.len() as u64 % 10);
    line.text("error_type", failure.error_type);
    line.text("error_message", &failure.message);
    line.text("stack_trace", &failure.stack);
    session.put(scene, line);
}

/// A problem that was noticed and handled: the visitor hardly sees it.
pub(crate) fn handled(session: &mut Session, scene: &mut Scene<'_>, call: &Call, correlation: &Correlation) {
    let millis = session.dice.between(50, 900);
    let (error_type, code, status, message) = match session.dice.below(5) {
        0 => ("ValidationError", 4_001, 422, "field \"postal_code\" does not fit the country".to_owned()),
        1 => (
            "StaleCacheWarning",
            4_102,
            200,
            format!("cache entry of {} was {millis} s old, read from the source", call.path),
        ),
        2 => (
            "RetryableError",
            4_203,
            200,
            format!("attempt 1 of {} took {millis} ms too long, attempt 2 succeeded", call.path),
        ),
        3 => ("OutOfStockError", 4_304, 409, format!("only {} left in warehouse LIL-2", session.dice.below(3))),
        _ => ("RateLimitError", 4_405, 429, format!("{} asked {} times in a minute", call.path, millis)),
    };
    let service = call.service;
    let at = scene.after_ms(millis as f64);
    let level = if session.dice.chance(0.85) { "WARN" } else { "ERROR" };
    let mut line = session.open(scene.plan, &Opening { service, at, log_type: "error", level, message: &message });
    line.correlate(correlation);
    line.client(&session.visitor.address, session.visitor.user_agent);
    line.exchange(&Exchange { method: call.method, path: &call.path, status });
    line.int("error_code", code);
    line.text("error_type", error_type);
    line.text("error_message", &message);
    session.put(scene, line);
}

/// A background job that died; nobody was waiting for it.
pub(crate) fn job_failure(session: &mut Session, scene: &mut Scene<'_>) {
    let jobs = [
        (Service::Inventory, "stock-sync"),
        (Service::Shipping, "label-printing"),
        (Service::Payment, "settlement-import"),
        (Service::Catalog, "price-feed"),
        (Service::Web, "newsletter"),
        (Service::Search, "reindex"),
    ];
    let &(service, job) = session.dice.pick(&jobs);
    let timeout = session.dice.chance(0.4);
    let failure = failure(&mut session.dice, service, timeout);
    let attempt = session.dice.between(1, 5);
    let fatal = session.dice.chance(0.008);
    let message = format!("job {job} failed at attempt {attempt}: {}", failure.message);
    let level = if fatal { "FATAL" } else { "ERROR" };
    let opening = Opening { service, at: scene.at, log_type: "error", level, message: &message };
    let mut line = session.open(scene.plan, &opening);
    line.text("trace_id", &session.dice.hex(32));
    line.text("job", job);
    line.int("attempt", attempt);
    line.int("error_code", 6_000 + attempt);
    line.text("error_type", failure.error_type);
    line.text("error_message", &failure.message);
    line.text("stack_trace", &failure.stack);
    session.put(scene, line);
}
