//! What is different in a selection: values that its events have more often than the other events of the range have, or than
//! those of the period before had.
//!
//! Every event is counted, nothing is a sample. Of each field the most frequent values are compared: what few events have
//! tells little of all. What may be chance is left out.

use std::collections::BTreeSet;

use vigie_domain::aggregation::{
    Aggregation, AggregationAnswer, AggregationKind, Bucket, KeyFilter, KeySet, TermsOrder, cmp_keys,
};
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::ports::{AggregateRequest, AggregateResult, FieldInfo, ScanStats, Selection};
use vigie_domain::query::Query;
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Error, ErrorKind, Result, Scope, TimeRange, Value};

use super::Search;
use crate::significance::{Share, growth, standard_errors_apart};
use crate::time_range::AskedRange;

/// Fields that are compared in one request.
pub const DIFFERENCES_FIELDS_MAX: usize = 40;
/// Differences shown unless the caller says otherwise.
pub const DIFFERENCES_DEFAULT: usize = 20;
/// Differences shown at most.
pub const DIFFERENCES_MAX: usize = 200;
/// The period that is looked at when nothing is asked for.
const DEFAULT_NS: i64 = NANOS_PER_DAY;
/// Values of a field that are compared: the most frequent.
const VALUES_COMPARED: usize = 100;
/// Events that a value must have.
const LEAST_COUNT: u64 = 3;
/// Standard errors that two shares must lie apart: by chance one of 740 values would.
const LEAST_APART: f64 = 3.0;
/// Fields whose values mostly belong to few events: comparing them costs much and tells little.
const OF_SINGLE_EVENTS: [&str; 6] = ["trace_id", "span_id", "request_id", "session_id", "transaction_id", "order_id"];
/// Fields that are counted at once; fewer when they take more memory than one question may.
const FIELDS_AT_ONCE: usize = 10;

/// What the events are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Against {
    /// The events of the range that do not match.
    #[default]
    Others,
    /// Those that match in the period of the same length before.
    Before,
}

impl Against {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Others => "others",
            Self::Before => "before",
        }
    }

    /// The one of that name.
    ///
    /// # Errors
    /// `Invalid` when there is none.
    pub fn parse(name: &str) -> Result<Self> {
        [Self::Others, Self::Before].into_iter().find(|one| one.name() == name).ok_or_else(|| {
            Error::invalid_field("against", format!("\"against\" is \"{name}\"; use \"others\" or \"before\""))
        })
    }
}

/// What a caller asks for.
#[derive(Clone, Debug, Default)]
pub struct DifferencesInput {
    /// What was typed; empty means every event.
    pub query: String,
    /// The events' own time; the last day when nothing is said.
    pub range: AskedRange,
    /// What they are compared with.
    pub against: Against,
    /// The fields that are compared; when none is named, those of the range whose values are few words.
    pub fields: Vec<String>,
    /// Differences at most; 20 unless said.
    pub size: Option<usize>,
}

/// A value that is more frequent here.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Canonical name of the field.
    pub field: String,
    /// The value.
    pub value: Value,
    /// Of how many of the events.
    pub here: Share,
    /// Of how many of those that they are compared with.
    pub elsewhere: Share,
    /// By how much its share grew, times how often it grew.
    pub score: f64,
}

/// What is different, and between what.
#[derive(Clone, Debug)]
pub struct Differences {
    /// The range that was looked at.
    pub range: TimeRange,
    /// The most striking first.
    pub differences: Vec<Difference>,
    /// Events that match.
    pub total: u64,
    /// Events that they are compared with.
    pub elsewhere_total: u64,
    /// Fields that were compared.
    pub fields: Vec<String>,
    /// Fields with too many values to be counted, even alone.
    pub too_large: Vec<String>,
    /// What it cost.
    pub stats: ScanStats,
}

/// The events that are looked at, and those that they are compared with, which hold them too unless they are of the period before.
struct Sides {
    here: Selection,
    elsewhere: Selection,
    against: Against,
}

impl Search {
    /// What is different in the events that match.
    ///
    /// # Errors
    /// `Malformed` when the query or a time cannot be read; `Invalid` for too many fields or differences.
    pub async fn differences(&self, scope: &Scope, input: &DifferencesInput) -> Result<Differences> {
        let size = input.size.unwrap_or(DIFFERENCES_DEFAULT);
        if !(1..=DIFFERENCES_MAX).contains(&size) {
            let message = format!("\"size\" is {size}; ask for 1 to {DIFFERENCES_MAX} differences");
            return Err(Error::invalid_field("size", message));
        }
        let here = self.selection(&input.query, &input.range, Some(DEFAULT_NS))?;
        let range = here.range;
        let fields = match input.fields.is_empty() {
            true => comparable(self.store.fields(scope, range).await?, &here.query, input.against),
            false => named(&input.fields)?,
        };
        let elsewhere = match input.against {
            Against::Others => Selection { query: Query::All, range },
            Against::Before => Selection { query: here.query.clone(), range: range.previous() },
        };
        let sides = Sides { here, elsewhere, against: input.against };
        let mut found = Differences {
            range,
            differences: Vec::new(),
            total: 0,
            elsewhere_total: 0,
            fields: Vec::new(),
            too_large: Vec::new(),
            stats: ScanStats::default(),
        };
        self.compare_all(scope, &sides, fields, &mut found).await?;
        found.differences.sort_by(|left, right| {
            let by_name = || left.field.cmp(&right.field).then_with(|| cmp_keys(&left.value, &right.value));
            right.score.total_cmp(&left.score).then_with(by_name)
        });
        found.differences.truncate(size);
        Ok(found)
    }

    /// Compares the fields, some at once: fewer when they take too much memory, and a field that does so alone is left out and named.
    async fn compare_all(
        &self,
        scope: &Scope,
        sides: &Sides,
        mut waiting: Vec<String>,
        found: &mut Differences,
    ) -> Result<()> {
        let mut at_once = FIELDS_AT_ONCE;
        while !waiting.is_empty() {
            let batch: Vec<String> = waiting.iter().take(at_once).cloned().collect();
            match self.compare(scope, sides, &batch, found).await {
                Ok(()) => {
                    waiting.drain(..batch.len());
                    found.fields.extend(batch);
                }
                Err(error) if error.kind == ErrorKind::TooLarge && batch.len() > 1 => at_once = batch.len().div_ceil(2),
                Err(error) if error.kind == ErrorKind::TooLarge => found.too_large.push(waiting.remove(0)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn compare(&self, scope: &Scope, sides: &Sides, fields: &[String], found: &mut Differences) -> Result<()> {
        let frequent = |field: &String| Aggregation::terms(field, field, VALUES_COMPARED);
        let here = self.counted(scope, &sides.here, fields.iter().map(frequent).collect(), &mut found.stats).await?;
        let same = |field: &String| {
            let values = buckets_of(&here, field).iter().map(|bucket| bucket.key.clone()).collect();
            let filter = KeyFilter { includes: Some(KeySet::Values(values)), excludes: None };
            let (size, order) = (VALUES_COMPARED, TermsOrder::SmallestKeyFirst);
            Aggregation::leaf(field, AggregationKind::Terms { field: field.into(), size, order, filter })
        };
        let aggregations = fields.iter().map(same).collect();
        let elsewhere = self.counted(scope, &sides.elsewhere, aggregations, &mut found.stats).await?;
        found.total = here.total;
        found.elsewhere_total = sides.elsewhere_count(elsewhere.total, here.total);
        for field in fields {
            let others = buckets_of(&elsewhere, field);
            let buckets = buckets_of(&here, field).iter().filter(|bucket| bucket.count >= LEAST_COUNT);
            for bucket in buckets {
                let at = others.binary_search_by(|other| cmp_keys(&other.key, &bucket.key));
                let count = sides.elsewhere_count(at.map_or(0, |at| others[at].count), bucket.count);
                let here = Share { count: bucket.count, total: found.total };
                let elsewhere = Share { count, total: found.elsewhere_total };
                let score = growth(here, elsewhere);
                if score > 0.0 && standard_errors_apart(here, elsewhere) >= LEAST_APART {
                    let (field, value) = (field.clone(), bucket.key.clone());
                    found.differences.push(Difference { field, value, here, elsewhere, score });
                }
            }
        }
        Ok(())
    }

    async fn counted(
        &self,
        scope: &Scope,
        selection: &Selection,
        aggregations: Vec<Aggregation>,
        cost: &mut ScanStats,
    ) -> Result<AggregateResult> {
        let request = AggregateRequest { selection: selection.clone(), aggregations };
        let result = self.store.aggregate(scope, &request).await?;
        cost.rows_scanned += result.stats.rows_scanned;
        cost.bytes_read += result.stats.bytes_read;
        Ok(result)
    }
}

impl Sides {
    /// How many of those that were counted are other events.
    fn elsewhere_count(&self, counted: u64, here: u64) -> u64 {
        match self.against {
            Against::Others => counted.saturating_sub(here),
            Against::Before => counted,
        }
    }
}

fn buckets_of<'r>(result: &'r AggregateResult, field: &str) -> &'r [Bucket] {
    match result.answer(field) {
        Some(AggregationAnswer::Buckets { buckets, .. }) => buckets,
        _ => &[],
    }
}

/// The fields that are worth comparing unless some are named: those that tell events into groups, the known ones first. What
/// the query asks of a field all of its events have, and not the others: that is no news.
fn comparable(fields: Vec<FieldInfo>, query: &Query, against: Against) -> Vec<String> {
    let mut asked = BTreeSet::new();
    if against == Against::Others {
        add_fields(query, &mut asked);
    }
    let is_comparable = |field: &FieldInfo| {
        let is_of_groups = matches!(field.kind, FieldKind::Keyword | FieldKind::Bool | FieldKind::Ip);
        is_of_groups && !OF_SINGLE_EVENTS.contains(&field.name.as_str()) && !asked.contains(field.name.as_str())
    };
    let (known, others): (Vec<FieldInfo>, Vec<FieldInfo>) =
        fields.into_iter().filter(is_comparable).partition(|field| mapping::kind_of(&field.name).is_some());
    known.into_iter().chain(others).map(|field| field.name).take(DIFFERENCES_FIELDS_MAX).collect()
}

fn add_fields<'q>(query: &'q Query, names: &mut BTreeSet<&'q str>) {
    match query {
        Query::And(parts) | Query::Or(parts) => parts.iter().for_each(|part| add_fields(part, names)),
        Query::Not(part) => add_fields(part, names),
        Query::Field { field, .. } => drop(names.insert(field)),
        Query::All | Query::Nothing | Query::FreeText(_) => {}
    }
}

/// The canonical names of the fields that a caller named, each once.
fn named(asked: &[String]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for name in asked.iter().map(|name| mapping::canonical(name.trim()).to_owned()) {
        if mapping::kind_of(&name) == Some(FieldKind::Instant) {
            let message = format!("\"{name}\" holds instants, of which each is its own; leave it out");
            return Err(Error::invalid_field("fields", message));
        }
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() > DIFFERENCES_FIELDS_MAX {
        let message =
            format!("\"fields\" names {}; at most {DIFFERENCES_FIELDS_MAX} are compared at once", names.len());
        return Err(Error::invalid_field("fields", message));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::test_shop::{Shop, event};

    /// An hour of 200 events, every fourth of which is an error, nearly always of one service; and the hour before, in which one in fifty was.
    async fn shop() -> Shop {
        let body = |number: i64, is_error: bool| -> Json {
            let service = if is_error && number % 40 != 0 { "payment" } else { ["cart", "web"][(number % 2) as usize] };
            let level = if is_error { "error" } else { "info" };
            json!({"level": level, "service": service, "region": "eu", "trace_id": format!("t{number}"), "points": number})
        };
        let now = (0..200).map(|number| event(3_500 - number, &body(number, number % 4 == 0)));
        let before = (200..400).map(|number| event(3_600 + number, &body(number, number % 50 == 0)));
        Shop::with(&now.chain(before).collect::<Vec<_>>()).await
    }

    fn input(query: &str, against: Against) -> DifferencesInput {
        let range = AskedRange { from: Some("now-1h".into()), ..AskedRange::default() };
        DifferencesInput { query: query.into(), range, against, ..DifferencesInput::default() }
    }

    fn told(found: &Differences) -> Vec<(String, String, [u64; 4])> {
        let one = |one: &Difference| {
            let counts = [one.here.count, one.here.total, one.elsewhere.count, one.elsewhere.total];
            (one.field.clone(), one.value.as_text().unwrap().to_owned(), counts)
        };
        found.differences.iter().map(one).collect()
    }

    #[tokio::test]
    async fn values_that_the_others_seldom_have_stand_out() {
        let shop = shop().await;
        let found = shop.search.differences(&shop.scope, &input("level:error", Against::Others)).await.unwrap();
        assert_eq!((found.total, found.elsewhere_total), (50, 150));
        let told = told(&found);
        let payment = ("service".to_owned(), "payment".to_owned(), [45, 50, 0, 150]);
        assert!(told.contains(&payment), "{told:?}");
        let is_news = |field: &str| !["trace_id", "region", "level"].contains(&field);
        assert!(told.iter().all(|(field, ..)| is_news(field)), "{told:?}");
        assert!(found.fields.contains(&"service".to_owned()) && !found.fields.contains(&"points".to_owned()));
        let all = shop.search.differences(&shop.scope, &input("", Against::Others)).await.unwrap();
        assert_eq!((all.total, all.elsewhere_total, all.differences.len()), (200, 0, 0), "there are no others");
    }

    #[tokio::test]
    async fn values_that_were_rare_before_stand_out() {
        let shop = shop().await;
        let found = shop.search.differences(&shop.scope, &input("", Against::Before)).await.unwrap();
        assert_eq!((found.total, found.elsewhere_total), (200, 200));
        let names: Vec<_> = told(&found).into_iter().map(|(field, value, _)| format!("{field} {value}")).collect();
        assert!(
            names.contains(&"level ERROR".to_owned()) && names.contains(&"service payment".to_owned()),
            "{names:?}"
        );
        assert!(found.differences.is_sorted_by(|left, right| left.score >= right.score));
        let one = DifferencesInput {
            size: Some(1),
            fields: vec!["service.name".into(), " service".into()],
            ..input("", Against::Before)
        };
        let one = shop.search.differences(&shop.scope, &one).await.unwrap();
        assert_eq!((one.differences.len(), one.fields), (1, vec!["service".to_owned()]));
    }

    #[tokio::test]
    async fn what_is_hidden_or_seldom_is_not_told() {
        let shop = shop().await;
        let hiding = Scope { hidden_fields: vec!["service".into()], ..Scope::main() };
        let found = shop.search.differences(&hiding, &input("level:error", Against::Others)).await.unwrap();
        assert!(found.differences.iter().all(|one| one.field != "service"));
        let named = DifferencesInput { fields: vec!["service".into()], ..input("level:error", Against::Others) };
        assert!(shop.search.differences(&hiding, &named).await.unwrap().differences.is_empty());
        let few = shop.search.differences(&shop.scope, &input("points:<2", Against::Others)).await.unwrap();
        assert!(few.total == 2 && few.differences.is_empty(), "two events tell nothing");
    }

    #[tokio::test]
    async fn what_cannot_be_asked_is_refused_by_name() {
        let shop = shop().await;
        let check = async |input: DifferencesInput, field: &str| {
            let error = shop.search.differences(&shop.scope, &input).await.unwrap_err();
            assert_eq!(error.details[0].field, field, "{error}");
        };
        let usual = || input("", Against::Others);
        check(DifferencesInput { size: Some(0), ..usual() }, "size").await;
        check(DifferencesInput { size: Some(DIFFERENCES_MAX + 1), ..usual() }, "size").await;
        check(DifferencesInput { fields: (0..41).map(|n| format!("f{n}")).collect(), ..usual() }, "fields").await;
        check(DifferencesInput { fields: vec!["@timestamp".into()], ..usual() }, "fields").await;
        check(input("level:(", Against::Others), "query").await;
        assert_eq!(Against::parse("yesterday").unwrap_err().details[0].field, "against");
        assert_eq!(Against::parse(Against::Before.name()).unwrap(), Against::Before);
    }
}
