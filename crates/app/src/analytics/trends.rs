//! The shop's main numbers over time, beside those of the period before.

use vigie_domain::aggregation::Aggregation;
use vigie_domain::query::Query;
use vigie_domain::{Result, Scope, TimeRange, Timestamp};

use super::answers::Answers;
use super::period::PeriodStats;
use super::timeline::{Granularity, Timeline};
use super::{Analytics, AnalyticsInput, period};

/// The main numbers over time.
#[derive(Clone, Debug)]
pub struct Trends {
    /// The period.
    pub range: TimeRange,
    /// How long a point is.
    pub granularity: Granularity,
    /// The numbers of the period.
    pub current: PeriodStats,
    /// Those of the period of equal length before.
    pub previous: PeriodStats,
    /// The period's points.
    pub points: Vec<TrendPoint>,
    /// Those of the period before.
    pub previous_points: Vec<TrendPoint>,
}

/// The numbers of one span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct TrendPoint {
    /// Its first instant.
    pub start: Timestamp,
    /// Its numbers.
    pub stats: PeriodStats,
}

impl Analytics {
    /// The main numbers of a period over time, and those of the period before.
    ///
    /// # Errors
    /// When the query, a time, the granularity or the zone cannot be read, or what the store answers.
    pub async fn trends(&self, scope: &Scope, input: &AnalyticsInput) -> Result<Trends> {
        let (query, range) = self.selection(input)?;
        let timeline = Timeline::new(range, input.granularity.as_deref(), input.timezone.as_deref())?;
        let before = timeline.over(range.previous())?;
        let ((current, points), (previous, previous_points)) = tokio::try_join!(
            self.points(scope, &query, range, &timeline),
            self.points(scope, &query, range.previous(), &before),
        )?;
        Ok(Trends { range, granularity: timeline.granularity, current, previous, points, previous_points })
    }

    async fn points(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        timeline: &Timeline,
    ) -> Result<(PeriodStats, Vec<TrendPoint>)> {
        let over_time = period::questions().into_iter().fold(timeline.question(), Aggregation::with);
        let questions = period::questions().into_iter().chain([over_time]).collect();
        let result = self.count(scope, query, range, questions).await?;
        let answers = Answers::new(&result.answers);
        let spans = timeline.read(answers);
        let points =
            spans.map(|span| TrendPoint { start: span.start, stats: period::read(span.count, span.answers) }).collect();
        Ok((period::read(result.total, answers), points))
    }
}
