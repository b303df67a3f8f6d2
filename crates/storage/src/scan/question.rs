//! An aggregation made ready to be asked of columns.

use std::ops::Range;
use std::sync::Arc;

use vigie_domain::aggregation::{Aggregation, AggregationKind, AskedField, KeyBy, TermsOrder};
use vigie_domain::event::pseudo_fields;
use vigie_domain::query::Matcher;
use vigie_domain::{Error, Scope, Timestamp, Value};

use super::filter::{add_field_needs, add_needs};
use super::partial::Partial;
use super::{ColumnNeeds, asked_text};
use crate::chunk::column_names;
use crate::chunk::physical::canonical_of;
use crate::error::StorageError;
use crate::part::{Part, PartIndex};

/// A field asked about, on behalf of a caller.
pub struct AskedOf {
    /// Its name, unless it is hidden.
    pub(super) name: Option<String>,
    /// What stands for its values in events that have none.
    pub(super) missing: Option<Value>,
}

impl AskedOf {
    fn new(field: &AskedField, scope: &Scope) -> Self {
        Self { name: (!scope.hides(&field.name)).then(|| field.name.clone()), missing: field.missing.clone() }
    }
}

/// A question made ready: filters compiled, hidden fields without values.
pub struct Question {
    pub(super) asked: Aggregation,
    /// The fields asked about, that of weights behind that of values.
    pub(super) fields: Vec<AskedOf>,
    pub(super) filters: Vec<Matcher>,
    pub(super) children: Vec<Arc<Question>>,
    /// What is asked, as text.
    pub(super) text: Arc<str>,
}

/// Refuses keys that cannot be made.
fn check_keys(asked: &Aggregation) -> Result<(), Error> {
    let invalid = |words: String| Err(Error::invalid(format!("\"{}\": {words}", asked.name)));
    match &asked.kind {
        AggregationKind::Terms { filter, .. } => match filter.compile() {
            Ok(_) => Ok(()),
            Err(words) => invalid(words),
        },
        AggregationKind::InstantHistogram { spans, .. } if !spans.are_valid() => {
            invalid("the interval must be above 0".to_owned())
        }
        AggregationKind::Tuples(tuples) if tuples.keys.is_empty() => invalid("name one field at least".to_owned()),
        AggregationKind::Tuples(tuples) => {
            let are_valid = |by: &KeyBy| match by {
                KeyBy::Value => true,
                KeyBy::Numbers(spans) => spans.are_valid(),
                KeyBy::Times(spans) => spans.are_valid(),
            };
            match tuples.keys.iter().all(|key| are_valid(&key.by)) {
                true => Ok(()),
                false => invalid("every interval must be above 0".to_owned()),
            }
        }
        _ => Ok(()),
    }
}

impl Question {
    /// Makes the question ready.
    ///
    /// # Errors
    /// When a filter cannot be read, or a metric has questions below it.
    pub fn new(asked: &Aggregation, scope: &Scope, now: Timestamp) -> Result<Self, Error> {
        let is_metric = matches!(
            asked.kind,
            AggregationKind::Stats { .. }
                | AggregationKind::Cardinality { .. }
                | AggregationKind::Percentiles { .. }
                | AggregationKind::PercentileRanks { .. }
                | AggregationKind::MedianAbsoluteDeviation { .. }
                | AggregationKind::WeightedMean { .. }
                | AggregationKind::Top { .. }
        );
        if is_metric && !asked.children.is_empty() {
            return Err(Error::invalid(format!("the metric \"{}\" cannot have aggregations below it", asked.name)));
        }
        if let AggregationKind::DateHistogram { interval_ns: ..=0, .. } = asked.kind {
            return Err(Error::invalid(format!("the interval of \"{}\" must be above 0", asked.name)));
        }
        check_keys(asked)?;
        if let AggregationKind::Histogram { spans, .. } = &asked.kind
            && !spans.are_valid()
        {
            return Err(Error::invalid(format!("the interval of \"{}\" must be above 0", asked.name)));
        }
        let asked_of = |field: &AskedField| AskedOf::new(field, scope);
        let fields = match &asked.kind {
            AggregationKind::Terms { field, .. }
            | AggregationKind::Histogram { field, .. }
            | AggregationKind::InstantHistogram { field, .. }
            | AggregationKind::Stats { field }
            | AggregationKind::Cardinality { field }
            | AggregationKind::Percentiles { field, .. }
            | AggregationKind::PercentileRanks { field, .. }
            | AggregationKind::MedianAbsoluteDeviation { field } => vec![asked_of(field)],
            AggregationKind::WeightedMean { field, weight } => vec![asked_of(field), asked_of(weight)],
            AggregationKind::Tuples(tuples) => tuples.keys.iter().map(|key| asked_of(&key.field)).collect(),
            AggregationKind::Top { ranking, .. } => ranking.all_keys().map(|key| asked_of(&key.field)).collect(),
            AggregationKind::DateHistogram { .. }
            | AggregationKind::CalendarHistogram(_)
            | AggregationKind::Filters(_) => Vec::new(),
        };
        let filters = match &asked.kind {
            AggregationKind::Filters(filters) => {
                filters.iter().map(|(_, query)| Matcher::compile(query, scope, now)).collect::<Result<_, _>>()?
            }
            _ => Vec::new(),
        };
        let child = |child: &Aggregation| Self::new(child, scope, now).map(Arc::new);
        let children = asked.children.iter().map(child).collect::<Result<_, _>>()?;
        Ok(Self { asked: asked.clone(), fields, filters, children, text: asked_text::of_question(asked).into() })
    }

    /// The first field asked about.
    pub(super) fn field(&self) -> Option<&AskedOf> {
        self.fields.first()
    }

    /// The partial answer before any event was seen.
    pub(super) fn empty(&self) -> Partial {
        Partial::empty(&self.asked.kind)
    }

    /// Whether what is counted of the part is small beside the part: not so when nearly every row has a value of its own.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub(super) fn is_worth_keeping(&self, part: &Part) -> Result<bool, StorageError> {
        let Some(index) = part.index()? else { return Ok(true) };
        Ok(self.makes_few_keys(&index))
    }

    fn makes_few_keys(&self, index: &PartIndex) -> bool {
        let is_by_value =
            matches!(self.asked.kind, AggregationKind::Terms { .. } | AggregationKind::Cardinality { .. });
        let own = self.field().and_then(|field| field.name.as_deref());
        let is_of_field = |name: &str| own == Some(canonical_of(name));
        // Of each part as many events would be kept as of all, and combinations are many.
        if matches!(self.asked.kind, AggregationKind::Top { .. } | AggregationKind::Tuples(_)) {
            return false;
        }
        let has_few = !is_by_value
            || index.columns.iter().filter(|column| is_of_field(&column.name)).all(|column| column.has_dictionary);
        has_few && self.children.iter().all(|child| child.makes_few_keys(index))
    }

    /// Adds the columns that counting needs.
    pub(super) fn add_needs(&self, needs: &mut ColumnNeeds<'_>) {
        if matches!(self.asked.kind, AggregationKind::DateHistogram { .. } | AggregationKind::CalendarHistogram(_)) {
            needs.add_own(column_names::TIMESTAMP);
        }
        if matches!(self.asked.kind, AggregationKind::Top { .. }) {
            needs.add_own(column_names::TIMESTAMP);
            needs.add_own(column_names::SEQUENCE);
        }
        for field in self.fields.iter().filter_map(|field| field.name.as_ref()) {
            add_field_needs(field, Some(field), &|name| name == field, needs);
        }
        self.filters.iter().for_each(|filter| add_needs(filter, needs));
        self.children.iter().for_each(|child| child.add_needs(needs));
    }

    /// Whether it asks for the most frequent values of a field and nothing of each.
    pub(super) fn is_of_most_frequent(&self) -> bool {
        let is_so = match &self.asked.kind {
            AggregationKind::Terms { order, filter, .. } => *order == TermsOrder::MostFirst && filter.takes_all(),
            _ => false,
        };
        is_so && self.children.is_empty()
    }

    /// A histogram of time with some of its children.
    pub(super) fn with_children(&self, places: &[usize]) -> Self {
        let asked = Aggregation {
            children: places.iter().map(|place| self.asked.children[*place].clone()).collect(),
            ..self.asked.clone()
        };
        let text = asked_text::of_question(&asked).into();
        let children = places.iter().map(|place| self.children[*place].clone()).collect();
        Self { asked, fields: Vec::new(), filters: Vec::new(), children, text }
    }

    /// Whether every event is in one of its buckets, and in one only.
    pub(super) const fn has_every_event_once(&self) -> bool {
        matches!(self.asked.kind, AggregationKind::DateHistogram { .. } | AggregationKind::CalendarHistogram(_))
    }

    /// Whether partial answers of spans are summed with less work than counting takes: not so where each has keys of its own.
    pub(super) fn is_cheap_to_sum(&self) -> bool {
        let is_cheap = match self.asked.kind {
            AggregationKind::Filters(_)
            | AggregationKind::Stats { .. }
            | AggregationKind::Cardinality { .. }
            | AggregationKind::Percentiles { .. }
            | AggregationKind::PercentileRanks { .. }
            | AggregationKind::MedianAbsoluteDeviation { .. }
            | AggregationKind::WeightedMean { .. } => true,
            AggregationKind::Terms { .. }
            | AggregationKind::Tuples(_)
            | AggregationKind::DateHistogram { .. }
            | AggregationKind::CalendarHistogram(_)
            | AggregationKind::Histogram { .. }
            | AggregationKind::InstantHistogram { .. }
            | AggregationKind::Top { .. } => false,
        };
        is_cheap && self.children.iter().all(|child| child.is_cheap_to_sum())
    }

    /// Whether pages whose times lie in one span are counted by their number of rows alone.
    pub(super) fn counts_pages(&self) -> bool {
        let is_by_page = match &self.asked.kind {
            AggregationKind::DateHistogram { .. } | AggregationKind::CalendarHistogram(_) => true,
            AggregationKind::Terms { .. } => {
                self.field().is_some_and(|field| field.name.as_deref() == Some(pseudo_fields::LOG_TYPE))
            }
            AggregationKind::Histogram { .. }
            | AggregationKind::InstantHistogram { .. }
            | AggregationKind::Tuples(_)
            | AggregationKind::Filters(_)
            | AggregationKind::Stats { .. }
            | AggregationKind::Cardinality { .. }
            | AggregationKind::Percentiles { .. }
            | AggregationKind::PercentileRanks { .. }
            | AggregationKind::MedianAbsoluteDeviation { .. }
            | AggregationKind::WeightedMean { .. }
            | AggregationKind::Top { .. } => false,
        };
        is_by_page && self.children.is_empty()
    }

    /// The span that holds the instant, for a histogram of time: its start and the first nanosecond behind it.
    pub(super) fn span_of(&self, nanos: i64) -> Option<Range<i128>> {
        match &self.asked.kind {
            AggregationKind::DateHistogram { interval_ns, offset_ns } => {
                let (interval, offset) = (i128::from(*interval_ns), i128::from(*offset_ns));
                let start = (i128::from(nanos) - offset).div_euclid(interval) * interval + offset;
                Some(start..start + interval)
            }
            AggregationKind::CalendarHistogram(spans) => {
                let start = spans.start_of(Timestamp::from_nanos(nanos));
                Some(start.as_nanos().into()..spans.next_of(start).as_nanos().into())
            }
            AggregationKind::Terms { .. }
            | AggregationKind::Histogram { .. }
            | AggregationKind::InstantHistogram { .. }
            | AggregationKind::Tuples(_)
            | AggregationKind::Filters(_)
            | AggregationKind::Stats { .. }
            | AggregationKind::Cardinality { .. }
            | AggregationKind::Percentiles { .. }
            | AggregationKind::PercentileRanks { .. }
            | AggregationKind::MedianAbsoluteDeviation { .. }
            | AggregationKind::WeightedMean { .. }
            | AggregationKind::Top { .. } => None,
        }
    }
}
