//! Counting events: what was asked becomes the closed aggregation tree, within bounds that hold before the store is asked.
//!
//! Every refusal names its place as it stands in the request, such as `aggregations.by_hour.date_histogram.interval`.

use std::collections::{BTreeMap, BTreeSet};

use vigie_domain::aggregation::{Aggregation, AggregationKind, BUCKETS_MAX, Tuples};
use vigie_domain::error::ErrorDetail;
use vigie_domain::ports::{AggregateRequest, AggregateResult};
use vigie_domain::query::{Query, QueryCost};
use vigie_domain::{Error, Result, Scope, TimeRange, Timestamp, mapping};

use super::{Search, parse_query};
use crate::analytics::interval;
use crate::time_range::AskedRange;

/// Questions below one another.
pub const DEPTH_MAX: usize = 4;
/// Questions of one request.
pub const QUESTIONS_MAX: usize = 32;
/// Bytes of a name.
pub const NAME_BYTES_MAX: usize = 100;
/// Buckets of a terms question.
pub const TERMS_MAX: usize = 10_000;
/// Queries of a filters question.
pub const FILTERS_MAX: usize = 100;
/// Shares of a percentiles question.
pub const PERCENTS_MAX: usize = 20;

/// What a caller asks for.
#[derive(Clone, Debug, Default)]
pub struct AggregateInput {
    /// What was typed; empty means every event.
    pub query: String,
    /// Fields and the values of which an event must have one.
    pub filters: BTreeMap<String, Vec<String>>,
    /// The events' own time; all of it unless said.
    pub range: AskedRange,
    /// The questions.
    pub questions: Vec<AskedQuestion>,
}

/// One named question as it was asked.
#[derive(Clone, Debug)]
pub struct AskedQuestion {
    /// The name under which its answer is found.
    pub name: String,
    /// The question.
    pub kind: AskedKind,
    /// Asked of each of its buckets.
    pub children: Vec<AskedQuestion>,
}

/// What is asked, in the words of the caller.
#[derive(Clone, Debug)]
pub enum AskedKind {
    /// The most frequent values of a field.
    Terms {
        /// The field or an alias.
        field: String,
        /// How many values.
        size: usize,
    },
    /// Events per span of time.
    DateHistogram {
        /// Width of a span, such as `1h`.
        interval: String,
        /// By how much spans begin later, or earlier with a `-`, such as `-30m`.
        offset: Option<String>,
    },
    /// Events that match each query.
    Filters(Vec<(String, String)>),
    /// Count, sum, minimum, maximum.
    Stats {
        /// The field or an alias.
        field: String,
    },
    /// Distinct values.
    Cardinality {
        /// The field or an alias.
        field: String,
    },
    /// Values below which a share lies.
    Percentiles {
        /// The field or an alias.
        field: String,
        /// Shares in percent.
        percents: Vec<f64>,
    },
}

/// Questions and their answers.
#[derive(Clone, Debug)]
pub struct Aggregated {
    /// What was asked of the store.
    pub questions: Vec<Aggregation>,
    /// What it answered.
    pub result: AggregateResult,
}

impl Search {
    /// Answers about every event that matches.
    ///
    /// # Errors
    /// `Malformed` when a query, time or interval cannot be read; `Invalid` past a bound; `TooLarge` when the store
    /// would make too many buckets.
    pub async fn aggregate(&self, scope: &Scope, input: &AggregateInput) -> Result<Aggregated> {
        let selection = self.selection_within(&input.query, &input.filters, &input.range)?;
        let cost = selection.query.cost();
        let mut reader = Reader { now: (self.clock)(), range: selection.range, count: 0, cost };
        let questions = reader.questions(&input.questions, &Place { path: String::new(), depth: 1, buckets: 1 })?;
        let request = AggregateRequest { selection, aggregations: questions };
        let result = self.store.aggregate(scope, &request).await?;
        Ok(Aggregated { questions: request.aggregations, result })
    }
}

/// Where a question stands.
struct Place {
    /// Of the questions around it: `aggregations.NAME.`, once per level.
    path: String,
    /// 1 for the outermost.
    depth: usize,
    /// How many buckets it may be asked of.
    buckets: usize,
}

struct Reader {
    now: Timestamp,
    range: TimeRange,
    /// Questions so far.
    count: usize,
    /// What deciding the query and the filters so far takes.
    cost: QueryCost,
}

impl Reader {
    fn questions(&mut self, asked: &[AskedQuestion], place: &Place) -> Result<Vec<Aggregation>> {
        let path = format!("{}aggregations", place.path);
        if !asked.is_empty() && place.depth > DEPTH_MAX {
            return Err(invalid(&path, format!("questions go at most {DEPTH_MAX} deep; leave out this level")));
        }
        self.count += asked.len();
        if self.count > QUESTIONS_MAX {
            return Err(invalid(&path, format!("at most {QUESTIONS_MAX} questions fit in a request; ask in several")));
        }
        let mut names = BTreeSet::new();
        for question in asked {
            check_name(&path, &question.name)?;
            if !names.insert(&question.name) {
                return Err(invalid(&path, format!("the name \"{}\" stands twice; choose another", question.name)));
            }
        }
        asked.iter().map(|question| self.question(question, place)).collect()
    }

    fn question(&mut self, asked: &AskedQuestion, place: &Place) -> Result<Aggregation> {
        let path = format!("{}aggregations.{}", place.path, asked.name);
        let kind = self.kind(&asked.kind, &path, place)?;
        let Some(buckets) = self.buckets_of(&kind, &path, place)? else {
            return if asked.children.is_empty() {
                Ok(Aggregation::leaf(&asked.name, kind))
            } else {
                let words =
                    "numbers have no buckets to ask further; ask under \"terms\", \"date_histogram\" or \"filters\"";
                Err(invalid(&format!("{path}.aggregations"), words.to_owned()))
            };
        };
        let within = Place { path: format!("{path}."), depth: place.depth + 1, buckets };
        Ok(Aggregation { name: asked.name.clone(), kind, children: self.questions(&asked.children, &within)? })
    }

    fn kind(&mut self, asked: &AskedKind, path: &str, place: &Place) -> Result<AggregationKind> {
        Ok(match asked {
            AskedKind::Terms { field, size } => {
                let field = canonical(field, &format!("{path}.terms"))?;
                if !(1..=TERMS_MAX).contains(size) {
                    let message = format!("\"size\" is {size}; ask for 1 to {TERMS_MAX} values");
                    return Err(invalid(&format!("{path}.terms.size"), message));
                }
                AggregationKind::terms(field, *size)
            }
            AskedKind::DateHistogram { interval, offset } => {
                self.histogram(interval, offset.as_deref(), &format!("{path}.date_histogram"), place)?
            }
            AskedKind::Filters(queries) => self.filters(queries, &format!("{path}.filters"))?,
            AskedKind::Stats { field } => {
                AggregationKind::Stats { field: canonical(field, &format!("{path}.stats"))?.into() }
            }
            AskedKind::Cardinality { field } => {
                AggregationKind::Cardinality { field: canonical(field, &format!("{path}.cardinality"))?.into() }
            }
            AskedKind::Percentiles { field, percents } => {
                let field = canonical(field, &format!("{path}.percentiles"))?;
                if percents.is_empty() || percents.len() > PERCENTS_MAX {
                    let message = format!("name 1 to {PERCENTS_MAX} shares in percent, for example [50, 95, 99]");
                    return Err(invalid(&format!("{path}.percentiles.percents"), message));
                }
                if let Some(wrong) = percents.iter().find(|percent| !(0.0..=100.0).contains(*percent)) {
                    let message = format!("{wrong} is no share in percent; use 0 to 100");
                    return Err(invalid(&format!("{path}.percentiles.percents"), message));
                }
                AggregationKind::Percentiles { field: field.into(), percents: percents.clone() }
            }
        })
    }

    fn histogram(&self, interval: &str, offset: Option<&str>, path: &str, place: &Place) -> Result<AggregationKind> {
        let Some(interval_ns) = interval::parse(interval) else {
            let message = format!("\"{interval}\" is no interval; use such as 30s, 5m, 1h, 1d or 1w");
            return Err(malformed(&format!("{path}.interval"), message));
        };
        let offset_ns = offset.map_or(Ok(0), |text| read_offset(text, interval_ns, &format!("{path}.offset")))?;
        let is_open = self.range.from == Timestamp::MIN || self.range.to == Timestamp::MAX;
        if is_open && place.depth > 1 {
            let message =
                "a histogram within buckets is made in each of them; bound it with \"date_from\" and \"date_to\"";
            return Err(invalid(path, message.to_owned()));
        }
        Ok(AggregationKind::DateHistogram { interval_ns, offset_ns: interval::offset_of(interval_ns) + offset_ns })
    }

    fn filters(&mut self, queries: &[(String, String)], path: &str) -> Result<AggregationKind> {
        if queries.is_empty() || queries.len() > FILTERS_MAX {
            let message = format!("name 1 to {FILTERS_MAX} queries, for example {{\"failed\": \"level:error\"}}");
            return Err(invalid(path, message));
        }
        let read = |(name, text): &(String, String)| {
            check_name(path, name)?;
            let place = format!("{path}.{name}");
            let query = parse_query(text, self.now).map_err(|error| at(error, &place))?;
            self.cost = self.cost.plus(query.cost());
            match self.cost.excess() {
                Some(words) => Err(invalid(&place, format!("the request has too much to decide with this: {words}"))),
                None => Ok((name.clone(), query)),
            }
        };
        Ok(AggregationKind::Filters(queries.iter().map(read).collect::<Result<Vec<(String, Query)>>>()?))
    }

    /// How many buckets the question makes at most, those around it included; `None` for numbers.
    fn buckets_of(&self, kind: &AggregationKind, path: &str, place: &Place) -> Result<Option<usize>> {
        let made = match kind {
            AggregationKind::Terms { size, .. } | AggregationKind::Tuples(Tuples { size, .. }) => *size,
            AggregationKind::Filters(queries) => queries.len(),
            AggregationKind::DateHistogram { interval_ns, .. } => self.spans(*interval_ns),
            AggregationKind::CalendarHistogram(_)
            | AggregationKind::InstantHistogram { .. }
            | AggregationKind::Histogram { .. } => 1,
            AggregationKind::Stats { .. }
            | AggregationKind::Cardinality { .. }
            | AggregationKind::Percentiles { .. }
            | AggregationKind::PercentileRanks { .. }
            | AggregationKind::MedianAbsoluteDeviation { .. }
            | AggregationKind::WeightedMean { .. }
            | AggregationKind::Top { .. } => {
                return Ok(None);
            }
        };
        let buckets = made.saturating_mul(place.buckets);
        if buckets > BUCKETS_MAX {
            let message = format!(
                "this could make {buckets} buckets, at most {BUCKETS_MAX} are allowed; ask for fewer, a wider interval or a shorter time range"
            );
            return Err(invalid(path, message));
        }
        Ok(Some(buckets))
    }

    /// Spans of that width that the range touches. Of an open range nobody knows before the store has looked; it
    /// holds the same bound.
    fn spans(&self, interval_ns: i64) -> usize {
        if self.range.from == Timestamp::MIN || self.range.to == Timestamp::MAX {
            return 1;
        }
        let length_ns = i128::from(self.range.to.as_nanos()) - i128::from(self.range.from.as_nanos());
        usize::try_from(length_ns / i128::from(interval_ns) + 2).unwrap_or(usize::MAX)
    }
}

fn check_name(path: &str, name: &str) -> Result<()> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(invalid(path, format!("a name has 1 to {NAME_BYTES_MAX} bytes, \"{name}\" has {}", name.len())));
    }
    Ok(())
}

fn canonical(field: &str, path: &str) -> Result<String> {
    if field.is_empty() {
        return Err(invalid(&format!("{path}.field"), "name the field, for example \"service\"".to_owned()));
    }
    Ok(mapping::canonical(field).to_owned())
}

fn read_offset(text: &str, interval_ns: i64, path: &str) -> Result<i64> {
    let (sign, width) = text.strip_prefix('-').map_or((1, text), |width| (-1, width));
    let Some(offset_ns) = interval::parse(width) else {
        return Err(malformed(path, format!("\"{text}\" is no offset; use such as 30m or -1h")));
    };
    if offset_ns >= interval_ns {
        return Err(invalid(path, format!("the offset \"{text}\" must be shorter than the interval")));
    }
    Ok(sign * offset_ns)
}

/// The same error, with the place in its words and details.
fn at(mut error: Error, path: &str) -> Error {
    error.message = format!("\"{path}\": {}", error.message);
    for detail in &mut error.details {
        path.clone_into(&mut detail.field);
    }
    error
}

fn invalid(path: &str, message: String) -> Error {
    placed(Error::invalid(format!("\"{path}\": {message}")), path, message)
}

fn malformed(path: &str, message: String) -> Error {
    placed(Error::malformed(format!("\"{path}\": {message}")), path, message)
}

fn placed(error: Error, path: &str, message: String) -> Error {
    error.with_detail(ErrorDetail { field: path.to_owned(), span: None, message })
}
