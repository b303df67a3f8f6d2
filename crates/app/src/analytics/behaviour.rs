//! What visitors do: their actions, where, what they look for, and how many carts are left behind.

use vigie_domain::aggregation::Aggregation;
use vigie_domain::query::Query;
use vigie_domain::{Result, Scope, TimeRange, Timestamp};

use super::answers::Answers;
use super::timeline::{Granularity, Timeline};
use super::{Analytics, AnalyticsInput, funnel};

/// Values shown of each field.
const TOP: usize = 20;

/// What visitors did in a period.
#[derive(Clone, Debug)]
pub struct UserBehavior {
    /// The period.
    pub range: TimeRange,
    /// How long a point of the timeline is.
    pub granularity: Granularity,
    /// The numbers of the period.
    pub current: Visits,
    /// Those of the period before.
    pub previous: Visits,
    /// What was done, the most frequent first.
    pub actions: Vec<(String, u64)>,
    /// Where.
    pub pages: Vec<(String, u64)>,
    /// From where visitors came.
    pub referrers: Vec<(String, u64)>,
    /// What was looked for.
    pub searches: Vec<(String, u64)>,
    /// With what: browsers.
    pub browsers: Vec<(String, u64)>,
    /// With what: kinds of device.
    pub devices: Vec<(String, u64)>,
    /// Over time.
    pub timeline: Vec<VisitPoint>,
    /// Carts and what became of them.
    pub carts: Carts,
}

/// Visits in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visits {
    /// Actions.
    pub actions: u64,
    /// Distinct sessions.
    pub sessions: u64,
    /// Distinct users.
    pub users: u64,
}

/// Visits of one span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitPoint {
    /// Its first instant.
    pub start: Timestamp,
    /// In numbers.
    pub visits: Visits,
}

/// Carts of a period. A cart is a visitor who put something into it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carts {
    /// Visitors who put something into a cart.
    pub filled: u64,
    /// Visitors who paid.
    pub paid: u64,
}

impl Carts {
    /// Carts that were left behind: those that were filled, less those that were paid.
    pub const fn abandoned(self) -> u64 {
        self.filled.saturating_sub(self.paid)
    }

    /// Their share, 0 to 1; `None` when no cart was filled.
    pub fn abandonment_rate(self) -> Option<f64> {
        (self.filled > 0).then(|| self.abandoned() as f64 / self.filled as f64)
    }
}

impl Analytics {
    /// What visitors did in a period.
    ///
    /// # Errors
    /// When the query, a time, the granularity or the zone cannot be read, or what the store answers.
    pub async fn user_behavior(&self, scope: &Scope, input: &AnalyticsInput) -> Result<UserBehavior> {
        let (query, range) = self.selection(input)?;
        let timeline = Timeline::new(range, input.granularity.as_deref(), input.timezone.as_deref())?;
        let behaviour = behaviour().and(query.clone());
        let top = |name: &str, field: &str| Aggregation::terms(name, field, TOP);
        let lists = [
            top("actions", "action"),
            top("pages", "page"),
            top("referrers", "referrer"),
            top("searches", "search_query"),
            top("browsers", "user_agent.name"),
            top("devices", "user_agent.device"),
        ];
        let over_time = visit_questions().into_iter().fold(timeline.question(), Aggregation::with);
        let questions = visit_questions().into_iter().chain(lists).chain([over_time]).collect();
        let visitors = self.visitors(scope, &query, range).await?;
        let (current, previous, steps) = tokio::try_join!(
            self.count(scope, &behaviour, range, questions),
            self.count(scope, &behaviour, range.previous(), visit_questions()),
            self.count(scope, &query, range, vec![visitors.question()]),
        )?;
        let answers = Answers::new(&current.answers);
        let points = timeline.read(answers);
        let points = points.map(|span| VisitPoint { start: span.start, visits: visits(span.count, span.answers) });
        Ok(UserBehavior {
            range,
            granularity: timeline.granularity,
            current: visits(current.total, answers),
            previous: visits(previous.total, Answers::new(&previous.answers)),
            actions: answers.counts("actions"),
            pages: answers.counts("pages"),
            referrers: answers.counts("referrers"),
            searches: answers.counts("searches"),
            browsers: answers.counts("browsers"),
            devices: answers.counts("devices"),
            timeline: points.collect(),
            carts: funnel::carts(&funnel::read(Answers::new(&steps.answers))),
        })
    }
}

/// What visitors did.
pub(super) fn behaviour() -> Query {
    Query::equals("log_type", "user_behavior")
}

fn visit_questions() -> Vec<Aggregation> {
    vec![Aggregation::cardinality("sessions", "session_id"), Aggregation::cardinality("users", "user_id")]
}

fn visits(actions: u64, answers: Answers<'_>) -> Visits {
    Visits { actions, sessions: answers.cardinality("sessions"), users: answers.cardinality("users") }
}
