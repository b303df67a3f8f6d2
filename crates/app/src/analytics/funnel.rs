//! The way to a payment: product seen, put into the cart, on the way to the till, paid.

use vigie_domain::aggregation::Aggregation;
use vigie_domain::ports::{Fields, SearchRequest, Selection, SortOrder};
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
        let question = self.visitors(scope, &query, range).await?.question();
        let questions = vec![question.clone(), timeline.question().with(question.clone())];
        let (current, previous) = tokio::try_join!(
            self.count(scope, &query, range, questions),
            self.count(scope, &query, range.previous(), vec![question]),
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

    /// What visitors of a period are counted by. Sessions are better than users, since many visitors never sign in; payments
    /// that belong to no visit, such as renewals, name a user all the same.
    pub(super) async fn visitors(&self, scope: &Scope, query: &Query, range: TimeRange) -> Result<Visitors> {
        let steps = Query::Or(steps().into_iter().map(|(_, step)| step).collect());
        let query = query.clone().and(steps).and(Query::exists(Visitors::Sessions.field()));
        let request = SearchRequest {
            selection: Selection { query, range },
            order: SortOrder::NewestFirst,
            after: None,
            skip: 0,
            limit: 1,
            count_total: false,
            fields: Fields::only([Visitors::Sessions.field()]),
        };
        let has_none = self.store.search(scope, &request).await?.hits.is_empty();
        Ok(if has_none { Visitors::Users } else { Visitors::Sessions })
    }
}

/// What visitors are told apart by: the same for all steps and spans of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visitors {
    /// Their visits.
    Sessions,
    /// Who they are, where no event of a step names a session.
    Users,
}

impl Visitors {
    const fn field(self) -> &'static str {
        match self {
            Self::Sessions => "session_id",
            Self::Users => "user_id",
        }
    }

    /// How many came to each step.
    pub(super) fn question(self) -> Aggregation {
        filters("funnel", steps()).with(Aggregation::cardinality("visitors", self.field()))
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

/// How many came to each step.
pub(super) fn read(answers: Answers<'_>) -> Vec<FunnelStep> {
    let users = |action: &str| answers.within("funnel", action).cardinality("visitors");
    steps().into_iter().map(|(action, _)| FunnelStep { action, users: users(action) }).collect()
}

/// What became of the carts of those who came so far.
pub(super) fn carts(steps: &[FunnelStep]) -> Carts {
    let users = |action: &str| steps.iter().find(|step| step.action == action).map_or(0, |step| step.users);
    Carts { filled: users(CART), paid: users(PAID) }
}
