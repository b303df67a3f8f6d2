//! Elasticsearch's aggregations become the one aggregation tree; what is asked beyond it (order by a metric, buckets of nothing) is
//! done with its answer, in `answer`.

use serde_json::{Map, Value as Json};
use vigie_domain::aggregation::{Aggregation, AggregationAnswer, AggregationKind};
use vigie_domain::query::{Query, QueryCost};
use vigie_domain::{Result, TimeRange, Timestamp};

use super::answer::{self, Found};
use super::auto_spans::{self, Edges};
use super::fields;
use super::histogram;
use super::metrics;
use super::pipelines::{self, Pipeline};
use super::place::Place;
use super::query::{needed, query};
use super::sampler::{self, Sample};
use super::shape::{Asked, KindName, Shape, check_order};
use super::significant::{self, Background};
use super::{composite, ranges, terms, top_hits, top_metrics};
use super::{pipeline_answers, typed_keys};

/// Queries of a matrix, whose pairs are counted too.
const ADJACENT_MAX: usize = 100;
/// Aggregations of one request.
const ASKED_MAX: usize = 200;
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
    ("multi_terms", "multi_terms"),
    ("composite", "composite"),
    ("top_hits", "top_hits"),
    ("top_metrics", "top_metrics"),
    ("adjacency_matrix", "adjacency_matrix"),
    ("global", "global"),
    ("ip_range", "ip_range"),
    ("auto_date_histogram", "auto_date_histogram"),
    ("sampler", "sampler"),
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

impl Level {
    /// The answers in Elasticsearch's shape, and what is computed from them.
    ///
    /// # Errors
    /// `TooLarge` when what was asked cannot be told exactly, or has too many buckets.
    pub(super) fn shown(
        &self,
        answers: &[(String, AggregationAnswer)],
        total: u64,
        found: &Found,
        has_typed_keys: bool,
    ) -> Result<Map<String, Json>> {
        let mut shown = answer::all(&self.asked, answers, total, found)?;
        pipeline_answers::add(&self.asked, &self.pipelines, &mut shown);
        Ok(if has_typed_keys { typed_keys::typed(&self.asked, &self.pipelines, shown) } else { shown })
    }
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
    /// What is asked of every event of the indices.
    pub(super) elsewhere: Vec<Aggregation>,
    /// The first and last instants of the fields whose spans are as wide as it takes.
    pub(super) edges: Vec<Edges>,
    /// The newest events of which aggregations are asked.
    pub(super) samples: Vec<Sample>,
    /// What significant values are compared with.
    pub(super) backgrounds: Vec<Background>,
}

impl Reader {
    /// Nothing read yet.
    pub(super) fn new(now: Timestamp, range: TimeRange, cost: QueryCost) -> Self {
        Self {
            now,
            range,
            count: 0,
            cost,
            elsewhere: Vec::new(),
            edges: Vec::new(),
            samples: Vec::new(),
            backgrounds: Vec::new(),
        }
    }

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
            match kind {
                "global" if parent.is_some() => {
                    return Err(place.key(kind).wrong("must stand at the top: it counts every event of the indices"));
                }
                "global" => self.elsewhere.push(question),
                "sampler" if parent.is_some() => {
                    let words = "it within another aggregation, whose buckets would each have events of their own,";
                    return Err(place.key(kind).missing(words));
                }
                "auto_date_histogram" if parent.is_some() => {
                    return Err(place
                        .key(kind)
                        .missing("it within another aggregation, whose buckets would each have spans of their own,"));
                }
                _ => level.questions.push(question),
            }
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
        check_passed_over(name, &object[asked_kind], &inner)?;
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
            "terms" => terms::terms(json, self.now, place),
            "multi_terms" => terms::multi_terms(json, self.now, place),
            "rare_terms" => terms::rare_terms(json, self.now, place),
            "significant_terms" => {
                let at = self.backgrounds.len();
                let (shape, kind, background) = significant::read(json, self.now, at, place)?;
                self.cost = self.cost.plus(background.query.cost());
                self.backgrounds.push(background);
                Ok((shape, kind))
            }
            "composite" => composite::read(json, self.now, self.range, place),
            "top_hits" => top_hits::read(json, self.now, place),
            "top_metrics" => top_metrics::read(json, self.now, place),
            "adjacency_matrix" => self.adjacency(json, place),
            "global" => {
                place.check_keys(place.object(json)?, &[], &[])?;
                Ok((Shape::Single, AggregationKind::Filters(vec![(String::new(), Query::All)])))
            }
            "ip_range" => ranges::of_addresses(json, place),
            "auto_date_histogram" => auto_spans::read(json, self.now, &self.edges, place),
            "sampler" => sampler::read(json, &self.samples, place),
            "date_histogram" => histogram::of_time(json, self.now, self.range, place),
            "histogram" => histogram::of_numbers(json, place),
            "filter" => {
                let filter = query(json, self.now, place)?;
                Ok((Shape::Single, AggregationKind::Filters(vec![(String::new(), filter)])))
            }
            "filters" => self.filters(json, place),
            "missing" => {
                let object = place.object(json)?;
                place.check_keys(object, &["field", "missing"], PASSED_OVER)?;
                let field = fields::of_values(object, self.now, place)?;
                // No event lacks a value for which another stands.
                let without = || Query::Not(Box::new(Query::exists(field.name)));
                let filter = if field.missing.is_some() { Query::Nothing } else { without() };
                Ok((Shape::Single, AggregationKind::Filters(vec![(String::new(), filter)])))
            }
            "value_count" => {
                let object = place.object(json)?;
                place.check_keys(object, &["field", "missing"], PASSED_OVER)?;
                let field = fields::of_values(object, self.now, place)?;
                let filter = if field.missing.is_some() { Query::All } else { Query::exists(field.name) };
                Ok((Shape::ValueCount, AggregationKind::Filters(vec![(String::new(), filter)])))
            }
            "range" => ranges::of_values(json, self.now, place, false),
            "date_range" => ranges::of_values(json, self.now, place, true),
            "cardinality" => {
                let object = place.object(json)?;
                place.check_keys(object, &["field", "missing"], PASSED_OVER)?;
                let field = fields::of_values(object, self.now, place)?;
                Ok((Shape::Cardinality, AggregationKind::Cardinality { field }))
            }
            metric if metrics::is_one(metric) => metrics::read(metric, json, place),
            other => Err(place.missing(&format!("the aggregation [{other}]"))),
        }
    }

    fn adjacency(&mut self, json: &Json, place: &Place) -> Result<(Shape, AggregationKind)> {
        let object = place.object(json)?;
        place.check_keys(object, &["filters", "separator", "show_only_intersecting"], &[])?;
        let is_of_pairs = object
            .get("show_only_intersecting")
            .map_or(Ok(false), |json| place.key("show_only_intersecting").flag(json))?;
        let separator = object.get("separator").map_or(Ok("&".to_owned()), |json| place.key("separator").text(json))?;
        let of_filters = place.key("filters");
        let named = of_filters.object(needed(object, "filters", place)?)?;
        if !(1..=ADJACENT_MAX).contains(&named.len()) {
            return Err(of_filters.wrong(&format!("must have 1 to {ADJACENT_MAX} queries, found {}", named.len())));
        }
        let one = |(name, json): (&String, &Json)| Ok((name.clone(), query(json, self.now, &of_filters.key(name))?));
        let mut single = named.iter().map(one).collect::<Result<Vec<(String, Query)>>>()?;
        single.sort_by(|left, right| left.0.cmp(&right.0));
        let mut filters = if is_of_pairs { Vec::new() } else { single.clone() };
        for (number, (name, first)) in single.iter().enumerate() {
            let pairs = single[number + 1..].iter();
            filters.extend(
                pairs.map(|(other, second)| (format!("{name}{separator}{other}"), first.clone().and(second.clone()))),
            );
        }
        let names = filters.iter().map(|(name, _)| name.clone()).collect();
        Ok((Shape::Adjacency { names }, AggregationKind::Filters(filters)))
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
}

/// Refuses what no sketch could be made by, though none is: who sends it is mistaken, and is told in Elasticsearch's words.
fn check_passed_over(name: &str, json: &Json, place: &Place) -> Result<()> {
    let number = |path: &str| json.pointer(path).and_then(Json::as_f64);
    if let Some(found) = number("/precision_threshold").filter(|found| *found < 0.0) {
        let words = format!("[precisionThreshold] must be greater than or equal to 0. Found [{found}] in [{name}]");
        return Err(place.key("precision_threshold").wrong(&words));
    }
    if let Some(found) = number("/compression").or(number("/tdigest/compression")).filter(|found| *found <= 0.0) {
        let words = format!("[compression] must be greater than 0. Found [{found:.1}] in [{name}]");
        return Err(place.key("compression").wrong(&words));
    }
    let digits = json.pointer("/hdr/number_of_significant_value_digits");
    if digits.is_some_and(|digits| !digits.as_f64().is_some_and(|found| (0.0..=5.0).contains(&found))) {
        return Err(place.key("hdr").wrong("[numberOfSignificantValueDigits] must be between 0 and 5"));
    }
    Ok(())
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
        ("terms", AggregationKind::Terms { field, .. }) => KindName::TermsOf(field.name.clone()),
        ("rare_terms", AggregationKind::Terms { field, .. }) => KindName::RareOf(field.name.clone()),
        ("significant_terms", AggregationKind::Terms { field, .. }) => KindName::SignificantOf(field.name.clone()),
        (asked, _) => {
            KindName::Known(KIND_NAMES.iter().find(|(name, _)| *name == asked).map_or("", |(_, shown)| *shown))
        }
    }
}

pub(super) fn least_count(object: &Map<String, Json>, unless_said: u64, place: &Place) -> Result<u64> {
    object.get("min_doc_count").map_or(Ok(unless_said), |json| Ok(place.key("min_doc_count").count(json)? as u64))
}

pub(super) fn keyed(object: &Map<String, Json>, unless_said: bool, place: &Place) -> Result<bool> {
    object.get("keyed").map_or(Ok(unless_said), |json| place.key("keyed").flag(json))
}
