//! The way to a payment: product seen, put into the cart, on the way to the till, paid.

use vigie_domain::aggregation::Aggregation;
use vigie_domain::query::Query;
use vigie_domain::{Result, Scope, TimeRange, Timestamp};

use super::answers::Answers;
use super::behaviour::{Carts, behaviour};
use super::timeline::{Granularity, Timeline};
use super::{Analytics, AnalyticsInput, any, completed_payments, filters};

/// The step at which a cart is filled.
const CART: &str = "add_to_cart";
/// The last step.
const PAID: &str = "paid";

/// One step on the way to a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunnelStep {
    /// What was done.
    pub action: &'static str,
    /// Distinct visitors who did it: sessions, or users where no session is named.
    pub users: u64,
}

/// How far visitors came in a period.
#[derive(Clone, Debug)]
pub struct Funnel {
    /// The period.
    pub range: TimeRange,
    /// How long the time of a cohort is.
    pub granularity: Granularity,
    /// The steps.
    pub steps: Vec<FunnelStep>,
    /// Those of the period before.
    pub previous: Vec<FunnelStep>,
    /// The steps of those who were there in each span of time.
    pub cohorts: Vec<Cohort>,
    /// Carts and what became of them.
    pub carts: Carts,
}

/// Visitors of one span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cohort {
    /// Its first instant.
    pub start: Timestamp,
    /// How far they came.
    pub steps: Vec<FunnelStep>,
}

impl Analytics {
    /// How far visitors came in a period, all of them and those of each span of time.
    ///
    /// # Errors
    /// When the query, a time, the granularity or the zone cannot be read, or what the store answers.
    pub async fn funnel(&self, scope: &Scope, input: &AnalyticsInput) -> Result<Funnel> {
        let (query, range) = self.selection(input)?;
        let timeline = Timeline::new(range, input.granularity.as_deref(), input.timezone.as_deref())?;
        let questions = vec![question(), timeline.question().with(question())];
        let (current, previous) = tokio::try_join!(
            self.count(scope, &query, range, questions),
            self.count(scope, &query, range.previous(), vec![question()]),
        )?;
        let answers = Answers::new(&current.answers);
        let steps = read(answers);
        let cohorts = timeline.read(answers).map(|span| Cohort { start: span.start, steps: read(span.answers) });
        Ok(Funnel {
            range,
            granularity: timeline.granularity,
            previous: read(Answers::new(&previous.answers)),
            cohorts: cohorts.collect(),
            carts: carts(&steps),
            steps,
        })
    }
}

/// The steps, each with the events that tell of it.
fn steps() -> Vec<(&'static str, Query)> {
    vec![
        ("view_product", behaviour().and(any("action", &["view_product", "product_view"]))),
        (CART, behaviour().and(Query::equals("action", "add_to_cart"))),
        ("checkout", behaviour().and(any("action", &["checkout", "checkout_start"]))),
        (PAID, completed_payments()),
    ]
}

pub(super) fn question() -> Aggregation {
    filters("funnel", steps())
        .with(Aggregation::cardinality("sessions", "session_id"))
        .with(Aggregation::cardinality("users", "user_id"))
}

/// All steps are counted alike. Sessions are better than users: many visitors never sign in, and payments that
/// belong to no visit, such as renewals, name a user all the same.
pub(super) fn read(answers: Answers<'_>) -> Vec<FunnelStep> {
    let distinct = |action: &str, counted: &str| answers.within("funnel", action).cardinality(counted);
    let has_sessions = steps().iter().any(|(action, _)| distinct(action, "sessions") > 0);
    let counted = if has_sessions { "sessions" } else { "users" };
    steps().into_iter().map(|(action, _)| FunnelStep { action, users: distinct(action, counted) }).collect()
}

/// What became of the carts of those who came so far.
pub(super) fn carts(steps: &[FunnelStep]) -> Carts {
    let users = |action: &str| steps.iter().find(|step| step.action == action).map_or(0, |step| step.users);
    Carts { filled: users(CART), paid: users(PAID) }
}
