//! Elasticsearch's aggregations become the one aggregation tree; what is asked beyond it (order by a metric, buckets of nothing) is
//! done with its answer, in `answer`.

use serde_json::{Map, Value as Json};
use vigie_domain::aggregation::{Aggregation, AggregationKind};
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::query::{Bound, Predicate, Query, QueryCost};
use vigie_domain::{Result, TimeRange, Timestamp};

use super::histogram;
use super::instants::{DateForm, End, bound, instant};
use super::metrics;
use super::pipelines::{self, Pipeline};
use super::place::Place;
use super::query::{canonical, query};
use super::shape::{Asked, KindName, OrderBy, RangeShape, Shape, check_order, orders};

/// Aggregations of one request.
const ASKED_MAX: usize = 200;
/// Buckets of a terms aggregation.
pub(super) const TERMS_MAX: usize = 10_000;
/// Distance from which distinct values are counted exactly anyway, and other settings that change nothing here.
pub(super) const PASSED_OVER: &[&str] = &[
    "precision_threshold",
    "execution_hint",
    "collect_mode",
    "shard_size",
    "show_term_doc_count_error",
    "tdigest",
    "hdr",
    "rehash",
    "shard_min_doc_count",
    "value_type",
    "compression",
];

/// Names by which aggregations are asked, and those by which typed clients know their answers.
const KIND_NAMES: &[(&str, &str)] = &[
    ("date_histogram", "date_histogram"),
    ("histogram", "histogram"),
    ("filter", "filter"),
    ("filters", "filters"),
    ("missing", "missing"),
    ("value_count", "value_count"),
    ("range", "range"),
    ("date_range", "date_range"),
    ("avg", "avg"),
    ("sum", "sum"),
    ("min", "min"),
    ("max", "max"),
    ("stats", "stats"),
    ("cardinality", "cardinality"),
    ("percentiles", "tdigest_percentiles"),
    ("percentile_ranks", "tdigest_percentile_ranks"),
    ("extended_stats", "extended_stats"),
    ("median_absolute_deviation", "median_absolute_deviation"),
    ("weighted_avg", "weighted_avg"),
];

/// Aggregations that stand beside one another.
#[derive(Default)]
pub(super) struct Level {
    /// How their answers are shown.
    pub(super) asked: Vec<Asked>,
    /// What is computed from the answers, in this order.
    pub(super) pipelines: Vec<Pipeline>,
    /// What the store is asked.
    pub(super) questions: Vec<Aggregation>,
}

/// Reads aggregations.
pub(super) struct Reader {
    /// Now.
    pub(super) now: Timestamp,
    /// The time of the events that are asked for.
    pub(super) range: TimeRange,
    /// How many were read.
    pub(super) count: usize,
    /// What deciding the query and the filters so far takes.
    pub(super) cost: QueryCost,
}

impl Reader {
    /// What stands under `aggs`, which are those of a bucket of the parent.
    ///
    /// # Errors
    /// `Malformed` when it cannot be read, or has something that is not there.
    pub(super) fn all(&mut self, json: &Json, parent: Option<&Shape>, place: &Place) -> Result<Level> {
        place.check_depth()?;
        let object = place.object(json)?;
        self.count += object.len();
        if self.count > ASKED_MAX {
            return Err(place.wrong(&format!("at most {ASKED_MAX} aggregations fit in a request; ask in several")));
        }
        let mut level = Level::default();
        for (name, json) in object {
            let place = place.key(name);
            let object = place.object(json)?;
            let kind = kind_in(object, &place)?;
            if pipelines::is_one(kind) {
                level.pipelines.push(pipelines::read(name, kind, &object[kind], &place.key(kind))?);
                continue;
            }
            let (asked, question) = self.one(name, object, kind, &place)?;
            level.asked.push(asked);
            level.questions.push(question);
        }
        level.pipelines = pipelines::in_order(level.pipelines, &level.asked, parent, place)?;
        Ok(level)
    }

    fn one(
        &mut self,
        name: &str,
        object: &Map<String, Json>,
        asked_kind: &str,
        place: &Place,
    ) -> Result<(Asked, Aggregation)> {
        let below = object.get("aggs").or_else(|| object.get("aggregations"));
        let inner = place.key(asked_kind);
        let (shape, kind) = self.kind(asked_kind, &object[asked_kind], &inner)?;
        if let AggregationKind::Filters(filters) = &kind {
            self.cost = filters.iter().map(|(_, filter)| filter.cost()).fold(self.cost, QueryCost::plus);
            if let Some(words) = self.cost.excess() {
                return Err(inner.wrong(&format!("with the query and the filters before it, {words}")));
            }
        }
        let level = match below {
            None => Level::default(),
            Some(below) => self.all(below, Some(&shape), &place.key("aggs"))?,
        };
        let is_empty = level.asked.is_empty() && level.pipelines.is_empty();
        if !is_empty && !shape.has_buckets() && !matches!(shape, Shape::Single) {
            return Err(inner.wrong("a metric cannot have aggregations below it"));
        }
        check_order(&shape, &level.asked, &inner)?;
        let asked = Asked {
            name: name.to_owned(),
            kind_name: kind_name(asked_kind, &kind),
            shape,
            meta: object.get("meta").cloned(),
            children: level.asked,
            pipelines: level.pipelines,
        };
        Ok((asked, Aggregation { name: name.to_owned(), kind, children: level.questions }))
    }

    fn kind(&mut self, kind: &str, json: &Json, place: &Place) -> Result<(Shape, AggregationKind)> {
        match kind {
            "terms" => terms(json, place),
            "date_histogram" => histogram::of_time(json, self.now, self.range, place),
            "histogram" => histogram::of_numbers(json, place),
            "filter" => {
                let filter = query(json, self.now, place)?;
                Ok((Shape::Single, AggregationKind::Filters(vec![(String::new(), filter)])))
            }
            "filters" => self.filters(json, place),
            "missing" => {
                let field = only_field(json, place)?;
                let filter = Query::Not(Box::new(Query::exists(field)));
                Ok((Shape::Single, AggregationKind::Filters(vec![(String::new(), filter)])))
            }
            "value_count" => {
                let filter = Query::exists(only_field(json, place)?);
                Ok((Shape::ValueCount, AggregationKind::Filters(vec![(String::new(), filter)])))
            }
            "range" => self.ranges(json, place, false),
            "date_range" => self.ranges(json, place, true),
            "cardinality" => Ok((Shape::Cardinality, AggregationKind::Cardinality { field: only_field(json, place)? })),
            metric if metrics::is_one(metric) => metrics::read(metric, json, place),
            other => Err(place.missing(&format!("the aggregation [{other}]"))),
        }
    }

    fn filters(&mut self, json: &Json, place: &Place) -> Result<(Shape, AggregationKind)> {
        let object = place.object(json)?;
        place.check_keys(object, &["filters", "other_bucket", "other_bucket_key"], &["keyed"])?;
        let place_of = place.key("filters");
        let (mut filters, is_keyed) = match object.get("filters") {
            Some(Json::Object(named)) => {
                let one =
                    |(name, json): (&String, &Json)| Ok((name.clone(), query(json, self.now, &place_of.key(name))?));
                (named.iter().map(one).collect::<Result<Vec<_>>>()?, true)
            }
            Some(Json::Array(list)) => {
                let one = |(number, json): (usize, &Json)| {
                    Ok((number.to_string(), query(json, self.now, &place_of.item(number))?))
                };
                (list.iter().enumerate().map(one).collect::<Result<Vec<_>>>()?, false)
            }
            _ => return Err(place.wrong("must have [filters], an object or a list of queries")),
        };
        let other_key =
            object.get("other_bucket_key").map(|json| place.key("other_bucket_key").text(json)).transpose()?;
        let has_other =
            object.get("other_bucket").map_or(Ok(other_key.is_some()), |json| place.key("other_bucket").flag(json))?;
        if has_other {
            let any = Query::any(filters.iter().map(|(_, query)| query.clone()).collect()).unwrap_or(Query::Nothing);
            filters.push((other_key.unwrap_or_else(|| "_other_".to_owned()), Query::Not(Box::new(any))));
        }
        let names = filters.iter().map(|(name, _)| name.clone()).collect();
        Ok((Shape::Filters { names, is_keyed }, AggregationKind::Filters(filters)))
    }

    fn ranges(&mut self, json: &Json, place: &Place, is_of_dates: bool) -> Result<(Shape, AggregationKind)> {
        let object = place.object(json)?;
        place.check_keys(object, &["field", "ranges", "keyed", "format"], PASSED_OVER)?;
        let field = field(object, place)?;
        if is_of_dates != (mapping::kind_of(&field) == Some(FieldKind::Instant)) {
            return Err(place.wrong(&format!(
                "\"{field}\" is asked for by [date_range] if it holds instants, and else by [range]"
            )));
        }
        let form = DateForm::read(object.get("format"), place)?;
        let list =
            object.get("ranges").and_then(Json::as_array).ok_or_else(|| place.wrong("must have [ranges], a list"))?;
        let (mut shapes, mut filters) = (Vec::new(), Vec::new());
        for (number, json) in list.iter().enumerate() {
            let place = place.key("ranges").item(number);
            let asked = place.object(json)?;
            place.check_keys(asked, &["from", "to", "key"], &[])?;
            let (mut names, mut bounds, mut shown) = (Vec::new(), Vec::new(), Vec::new());
            for (key, as_text, end) in [("from", "from_as_string", End::From), ("to", "to_as_string", End::Before)] {
                let Some(json) = asked.get(key).filter(|json| !json.is_null()) else {
                    names.push("*".to_owned());
                    bounds.push(Bound::Open);
                    continue;
                };
                let place = place.key(key);
                if is_of_dates {
                    let at = instant(json, form, self.now, &place)?;
                    shown.extend([(key, Json::from(at.as_millis() as f64)), (as_text, Json::from(at.to_string()))]);
                    names.push(at.to_string());
                    bounds.push(bound(json, end, form, self.now, &place)?);
                } else {
                    let number: f64 = place.text(json)?.parse().map_err(|_| place.wrong("must be a number"))?;
                    shown.push((key, Json::from(number)));
                    names.push(format!("{number:?}"));
                    bounds.push(if end == End::From {
                        Bound::Inclusive(number.to_string())
                    } else {
                        Bound::Exclusive(number.to_string())
                    });
                }
            }
            let key = asked.get("key").map(|json| place.key("key").text(json)).transpose()?;
            let [lower, upper] =
                <[Bound; 2]>::try_from(bounds).map_err(|_| place.wrong("must have at most two ends"))?;
            let predicate = match (&lower, &upper) {
                (Bound::Open, Bound::Open) => Predicate::Exists,
                _ => Predicate::Range { lower, upper },
            };
            filters.push((number.to_string(), Query::Field { field: field.clone(), predicate }));
            shapes.push(RangeShape { key: key.unwrap_or_else(|| names.join("-")), bounds: shown });
        }
        Ok((
            Shape::Ranges { ranges: shapes, is_keyed: keyed(object, false, place)? },
            AggregationKind::Filters(filters),
        ))
    }
}

/// The only kind that an aggregation names.
fn kind_in<'j>(object: &'j Map<String, Json>, place: &Place) -> Result<&'j str> {
    let mut kinds = object.keys().filter(|key| !matches!(key.as_str(), "aggs" | "aggregations" | "meta"));
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) => Ok(kind),
        _ => Err(place.wrong("must have one kind of aggregation, beside [aggs] and [meta]")),
    }
}

/// The name of an answer's kind, which mostly is the name by which it is asked.
fn kind_name(asked: &str, kind: &AggregationKind) -> KindName {
    match (asked, kind) {
        ("terms", AggregationKind::Terms { field, .. }) => KindName::TermsOf(field.clone()),
        (asked, _) => {
            KindName::Known(KIND_NAMES.iter().find(|(name, _)| *name == asked).map_or("", |(_, shown)| *shown))
        }
    }
}

pub(super) fn field(object: &Map<String, Json>, place: &Place) -> Result<String> {
    match object.get("field").and_then(Json::as_str) {
        Some(name) if !name.is_empty() => Ok(canonical(name, place)),
        _ => Err(place.wrong("must have [field], the name of one")),
    }
}

/// The field of an aggregation that says nothing else.
pub(super) fn only_field(json: &Json, place: &Place) -> Result<String> {
    let object = place.object(json)?;
    place.check_keys(object, &["field"], PASSED_OVER)?;
    field(object, place)
}

fn terms(json: &Json, place: &Place) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    place.check_keys(object, &["field", "size", "order", "min_doc_count"], PASSED_OVER)?;
    let field = field(object, place)?;
    let size = object.get("size").map_or(Ok(10), |json| place.key("size").count(json))?;
    if !(1..=TERMS_MAX).contains(&size) {
        return Err(place.key("size").wrong(&format!("must be from 1 to {TERMS_MAX}, found {size}")));
    }
    let order = orders(object.get("order"), place)?;
    let least_count = least_count(object, 1, place)?;
    if least_count == 0 {
        return Err(place.missing("[min_doc_count] 0, which lists values that no event has,"));
    }
    let is_by_count =
        matches!(order.as_slice(), [] | [(OrderBy::Count, false)] | [(OrderBy::Count, false), (OrderBy::Key, true)]);
    let is_instant = mapping::kind_of(&field) == Some(FieldKind::Instant);
    // In another order every value must be known before the first can be told.
    let asked_size = if is_by_count { size } else { TERMS_MAX };
    Ok((Shape::Terms { size, order, least_count, is_instant }, AggregationKind::Terms { field, size: asked_size }))
}

pub(super) fn least_count(object: &Map<String, Json>, unless_said: u64, place: &Place) -> Result<u64> {
    object.get("min_doc_count").map_or(Ok(unless_said), |json| Ok(place.key("min_doc_count").count(json)? as u64))
}

pub(super) fn keyed(object: &Map<String, Json>, unless_said: bool, place: &Place) -> Result<bool> {
    object.get("keyed").map_or(Ok(unless_said), |json| place.key("keyed").flag(json))
}
