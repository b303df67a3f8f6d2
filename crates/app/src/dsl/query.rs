//! Elasticsearch's query language becomes the one syntax tree. What changes only the score is read and passed over, because hits
//! come in time order; what would change which events match and is not there is refused.

use serde_json::{Map, Value as Json};
use vigie_domain::aggregation::AskedField;
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::query::{Bound, Intervals, Predicate, Query};
use vigie_domain::{Result, Timestamp};

use super::instants::{DateForm, End, bound};
use super::patterns::{any_case, expression_of, fuzzy, ignores_case, regexp};
use super::place::Place;
use super::text_intervals::{intervals, is_span, span};
use super::words::{Match, matching, multi_match, query_string, simple_query_string};

/// Keys that change the score alone, or only what is said of a query.
const SCORE_KEYS: &[&str] = &["boost", "_name"];
/// Queries that Elasticsearch has and Vigie has not.
const MISSING: &[&str] = &[
    "nested",
    "has_child",
    "has_parent",
    "parent_id",
    "function_score",
    "script",
    "script_score",
    "knn",
    "more_like_this",
    "percolate",
    "rank_feature",
    "distance_feature",
    "pinned",
    "wrapper",
    "terms_set",
    "combined_fields",
    "geo_bounding_box",
    "geo_distance",
    "geo_polygon",
    "geo_shape",
    "geo_grid",
    "shape",
    "span_first",
    "field_masking_span",
    "semantic",
    "sparse_vector",
    "text_expansion",
    "rule",
];

/// A field as it was named.
pub(super) struct Field {
    /// Canonical name.
    pub(super) name: String,
    /// Whether whole values of a field that is searched by words are meant, by the suffix `.keyword`.
    pub(super) is_whole: bool,
    /// What a mapping takes its values for.
    mapped: Option<FieldKind>,
    /// Whether no value of it can be asked for.
    is_excluded: bool,
}

/// No event has a field of this name.
const EXCLUDED: &str = "_excluded";

impl Field {
    pub(super) fn new(sent: &str, place: &Place) -> Self {
        if place.types().excludes(sent) {
            return Self { name: EXCLUDED.to_owned(), is_whole: false, mapped: None, is_excluded: true };
        }
        if let Some(mapped) = place.types().get(sent) {
            return Self { name: mapped.name.clone(), is_whole: false, mapped: mapped.kind, is_excluded: false };
        }
        let base = sent.strip_suffix(".keyword").unwrap_or(sent);
        let name = mapping::canonical(base).to_owned();
        Self { is_whole: base != sent && mapping::is_text(&name), name, mapped: None, is_excluded: false }
    }

    /// What its values are taken for; `None` as they are.
    pub(super) fn kind(&self) -> Option<FieldKind> {
        mapping::kind_of(&self.name).or(self.mapped)
    }

    pub(super) fn is_text(&self) -> bool {
        self.kind() == Some(FieldKind::Text)
    }

    pub(super) fn check(sent: &str, place: &Place) -> Result<Self> {
        let field = Self::new(sent, place);
        if field.is_whole {
            let base = sent.trim_end_matches(".keyword");
            return Err(
                place.wrong(&format!("\"{base}\" is searched by its words and not as a whole; leave \".keyword\" out"))
            );
        }
        if field.name == "_index" {
            return Err(place.wrong("indices are named in the path of the request, not by [_index]"));
        }
        Ok(field)
    }

    /// The same as a field that is counted by or put in order by; whole values are meant anyway.
    pub(super) fn asked(self) -> AskedField {
        let told = self.mapped.filter(|_| mapping::kind_of(&self.name).is_none());
        AskedField { told, ..self.name.into() }
    }

    /// Words of it stand so to one another.
    pub(super) fn near(&self, intervals: Intervals) -> Query {
        match self.is_excluded {
            true => Query::Nothing,
            false => Query::Field { field: self.name.clone(), predicate: Predicate::Intervals(intervals) },
        }
    }

    pub(super) fn passing(&self, predicate: Predicate) -> Query {
        if self.is_excluded {
            return Query::Nothing;
        }
        let predicate = match self.mapped {
            Some(kind) if mapping::kind_of(&self.name).is_none() => Predicate::OfKind(kind, Box::new(predicate)),
            _ => predicate,
        };
        Query::Field { field: self.name.clone(), predicate }
    }
}

/// Reads a query.
///
/// # Errors
/// `Malformed` when it is none, or has something that is not there; the words begin with the place.
pub(super) fn query(json: &Json, now: Timestamp, place: &Place) -> Result<Query> {
    place.check_depth()?;
    let (kind, inner) = place.only(json)?;
    let place = place.key(kind);
    match kind {
        "match_all" => {
            place.check_keys(place.object(inner)?, &[], SCORE_KEYS)?;
            Ok(Query::All)
        }
        "match_none" => Ok(Query::Nothing),
        "bool" => boolean(inner, now, &place),
        "constant_score" => query(needed(place.object(inner)?, "filter", &place)?, now, &place.key("filter")),
        "dis_max" => {
            let queries = place.one_or_many(needed(place.object(inner)?, "queries", &place)?);
            let queries = queries.into_iter().map(|(place, json)| query(json, now, &place));
            Ok(Query::any(queries.collect::<Result<_>>()?).unwrap_or(Query::Nothing))
        }
        "boosting" => query(needed(place.object(inner)?, "positive", &place)?, now, &place.key("positive")),
        "term" => term(inner, &place),
        "terms" => terms(inner, &place),
        "ids" => ids(inner, &place),
        "exists" => {
            let field = place.text(needed(place.object(inner)?, "field", &place)?)?;
            // Every event has these.
            if matches!(field.as_str(), "_id" | "_index" | "_seq_no" | "_version") {
                return Ok(Query::All);
            }
            Ok(Field::new(&field, &place).passing(Predicate::Exists))
        }
        "range" => range(inner, now, &place),
        "prefix" => pattern(inner, &place, &["value"], |value| format!("{}*", escaped(value))),
        "wildcard" => pattern(inner, &place, &["value", "wildcard"], str::to_owned),
        "regexp" => regexp(inner, &place),
        "fuzzy" => fuzzy(inner, &place),
        "match" => matching(inner, &place, Match::Words),
        "match_phrase" => matching(inner, &place, Match::Phrase),
        "match_phrase_prefix" => matching(inner, &place, Match::PhrasePrefix),
        "match_bool_prefix" => matching(inner, &place, Match::WordsPrefix),
        "multi_match" => multi_match(inner, &place),
        "intervals" => intervals(inner, &place),
        kind if is_span(kind) => span(kind, inner, &place),
        "query_string" => query_string(inner, now, &place),
        "simple_query_string" => simple_query_string(inner, &place),
        known if MISSING.contains(&known) => Err(place.missing(&format!("[{known}]"))),
        unknown => {
            Err(place.wrong(&format!("unknown query [{unknown}]; docs/elasticsearch.md lists those that are there")))
        }
    }
}

pub(super) fn needed<'j>(object: &'j Map<String, Json>, key: &str, place: &Place) -> Result<&'j Json> {
    object.get(key).ok_or_else(|| place.wrong(&format!("must have [{key}]")))
}

fn boolean(json: &Json, now: Timestamp, place: &Place) -> Result<Query> {
    let object = place.object(json)?;
    place.check_keys(
        object,
        &["must", "filter", "should", "must_not", "minimum_should_match"],
        &["boost", "_name", "adjust_pure_negative"],
    )?;
    let all = |key: &str| -> Result<Vec<Query>> {
        let Some(json) = object.get(key) else { return Ok(Vec::new()) };
        place.key(key).one_or_many(json).into_iter().map(|(place, json)| query(json, now, &place)).collect()
    };
    let required = all("must")?.into_iter().chain(all("filter")?);
    let excluded = all("must_not")?.into_iter().map(|query| Query::Not(Box::new(query)));
    let should = all("should")?;
    let has_required = object.contains_key("must") || object.contains_key("filter");
    let wanted = match object.get("minimum_should_match") {
        Some(json) => minimum(json, should.len(), &place.key("minimum_should_match"))?,
        None => usize::from(!has_required && !should.is_empty()),
    };
    let optional = at_least(wanted, should, &place.key("minimum_should_match"))?;
    Ok(required.chain(optional).chain(excluded).fold(Query::All, Query::and))
}

/// How many of so many must match.
pub(super) fn minimum(json: &Json, count: usize, place: &Place) -> Result<usize> {
    let text = place.text(json)?;
    let whole = text.trim();
    if let Some(percent) = whole.strip_suffix('%').and_then(|percent| percent.parse::<i64>().ok()) {
        let share = i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(percent.abs()) / 100;
        let share = usize::try_from(share).unwrap_or(usize::MAX);
        return Ok(if percent < 0 { count.saturating_sub(share) } else { share });
    }
    match whole.parse::<i64>() {
        Ok(number) if number < 0 => {
            Ok(count.saturating_sub(usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX)))
        }
        Ok(number) => Ok(usize::try_from(number).unwrap_or(usize::MAX)),
        Err(_) => Err(place.missing("a [minimum_should_match] of several conditions")),
    }
}

/// At least so many of the queries; `None` when none has to match.
pub(super) fn at_least(wanted: usize, queries: Vec<Query>, place: &Place) -> Result<Option<Query>> {
    match wanted {
        0 => Ok(None),
        _ if wanted > queries.len() => Ok(Some(Query::Nothing)),
        1 => Ok(Query::any(queries)),
        _ if wanted == queries.len() => Ok(Some(queries.into_iter().fold(Query::All, Query::and))),
        _ => Err(place.missing("more than one and fewer than all of [should]")),
    }
}

/// The name of a field, the value that it is compared with, and the settings of a value that is written at length.
pub(super) type OfField<'j> = (String, &'j Json, Option<&'j Map<String, Json>>);

/// The field of `{"field": value}`, and the value's settings when it is written at length.
pub(super) fn of_field<'j>(json: &'j Json, place: &Place, value_keys: &[&str], known: &[&str]) -> Result<OfField<'j>> {
    let object = place.object(json)?;
    let mut fields = object.iter().filter(|(key, _)| !SCORE_KEYS.contains(&key.as_str()));
    let (Some((name, value)), None) = (fields.next(), fields.next()) else {
        return Err(place.wrong("must name one field"));
    };
    let Some(settings) = value.as_object() else { return Ok((name.clone(), value, None)) };
    let inner = place.key(name);
    let keys: Vec<&str> = value_keys.iter().chain(known).copied().collect();
    inner.check_keys(settings, &keys, &["boost", "_name", "rewrite"])?;
    let value = value_keys.iter().find_map(|key| settings.get(*key));
    let value = value.ok_or_else(|| inner.wrong(&format!("must have [{}]", value_keys[0])))?;
    Ok((name.clone(), value, Some(settings)))
}

/// Refuses a setting unless it says what is done anyway.
pub(super) fn check_setting(
    settings: Option<&Map<String, Json>>,
    key: &str,
    is_done: impl Fn(&Json) -> bool,
    place: &Place,
) -> Result<()> {
    match settings.and_then(|settings| settings.get(key)) {
        Some(json) if !is_done(json) => Err(place.missing(&format!("[{key}] of {json}"))),
        _ => Ok(()),
    }
}

fn term(json: &Json, place: &Place) -> Result<Query> {
    let (name, value, settings) = of_field(json, place, &["value"], &["case_insensitive"])?;
    let place = place.key(&name);
    let field = Field::check(&name, &place)?;
    match ignores_case(settings, &field, &place)? {
        true => expression_of(field, &any_case(&place.text(value)?, false), &place),
        false => equal(&field, value, &place),
    }
}

pub(super) fn equal(field: &Field, value: &Json, place: &Place) -> Result<Query> {
    let text = match (field.kind(), value) {
        // A number is milliseconds, not seconds.
        (Some(FieldKind::Instant), Json::Number(_)) => {
            super::instants::instant(value, DateForm::Usual, Timestamp::default(), place)?.to_string()
        }
        _ => place.text(value)?,
    };
    if field.kind() == Some(FieldKind::Ip)
        && let Ok(network) = text.parse()
        && text.contains('/')
    {
        return Ok(field.passing(Predicate::Network(network)));
    }
    Ok(field.passing(Predicate::Equals(text)))
}

fn terms(json: &Json, place: &Place) -> Result<Query> {
    let object = place.object(json)?;
    let mut fields = object.iter().filter(|(key, _)| !SCORE_KEYS.contains(&key.as_str()));
    let (Some((name, values)), None) = (fields.next(), fields.next()) else {
        return Err(place.wrong("must name one field"));
    };
    let place = place.key(name);
    let Json::Array(values) = values else {
        return Err(place.wrong("must be a list of values, or [index], [id] and [path] of the document that has it"));
    };
    let one = |(number, value)| equal(&Field::check(name, &place)?, value, &place.item(number));
    let queries = values.iter().enumerate().map(one).collect::<Result<Vec<_>>>()?;
    Ok(Query::any(queries).unwrap_or(Query::Nothing))
}

fn ids(json: &Json, place: &Place) -> Result<Query> {
    let values = place.one_or_many(needed(place.object(json)?, "values", place)?);
    let id =
        |(place, json): (Place, &Json)| Ok(Query::equals(vigie_domain::event::pseudo_fields::ID, place.text(json)?));
    Ok(Query::any(values.into_iter().map(id).collect::<Result<_>>()?).unwrap_or(Query::Nothing))
}

/// Pairs of key and end of a range.
const ENDS: [(&str, End); 4] = [("gte", End::From), ("gt", End::After), ("lte", End::To), ("lt", End::Before)];

fn range(json: &Json, now: Timestamp, place: &Place) -> Result<Query> {
    let (name, settings) = place.only(json)?;
    let place = place.key(name);
    let settings = place.object(settings)?;
    let known = ["gte", "gt", "lte", "lt", "from", "to", "include_lower", "include_upper", "format", "time_zone"];
    place.check_keys(settings, &known, &["boost", "_name", "relation"])?;
    let field = Field::check(name, &place)?;
    let (mut lower, mut upper) = (Bound::Open, Bound::Open);
    for (key, end, json) in ends(settings, &place)? {
        let place = place.key(key);
        let found = if field.kind() == Some(FieldKind::Instant) {
            let is_utc = |json: &Json| matches!(json.as_str(), Some("UTC" | "Z" | "+00:00" | "GMT" | "Etc/UTC"));
            check_setting(Some(settings), "time_zone", is_utc, &place)?;
            bound(json, end, DateForm::read(settings.get("format"), &place)?, now, &place)?
        } else {
            let text = place.text(json)?;
            if matches!(end, End::From | End::To) { Bound::Inclusive(text) } else { Bound::Exclusive(text) }
        };
        match end {
            End::From | End::After => lower = found,
            End::To | End::Before => upper = found,
        }
    }
    Ok(field.passing(match (&lower, &upper) {
        (Bound::Open, Bound::Open) => Predicate::Exists,
        _ => Predicate::Range { lower, upper },
    }))
}

/// The ends that a range names, the older `from` and `to` among them; null leaves an end open.
fn ends<'j>(settings: &'j Map<String, Json>, place: &Place) -> Result<Vec<(&'static str, End, &'j Json)>> {
    let mut ends: Vec<_> = ENDS.into_iter().filter_map(|(key, end)| Some((key, end, settings.get(key)?))).collect();
    let older = [("from", "include_lower", End::From, End::After), ("to", "include_upper", End::To, End::Before)];
    for (key, inclusion, inclusive, exclusive) in older {
        if let Some(json) = settings.get(key) {
            let is_within = settings.get(inclusion).map_or(Ok(true), |json| place.key(inclusion).flag(json))?;
            ends.push((key, if is_within { inclusive } else { exclusive }, json));
        }
    }
    ends.retain(|(_, _, json)| !json.is_null());
    Ok(ends)
}

fn pattern(json: &Json, place: &Place, value_keys: &[&str], of: impl Fn(&str) -> String) -> Result<Query> {
    let (name, value, settings) = of_field(json, place, value_keys, &["case_insensitive"])?;
    let place = place.key(&name);
    let field = Field::check(&name, &place)?;
    let pattern = of(&place.text(value)?);
    if ignores_case(settings, &field, &place)? {
        return expression_of(field, &any_case(&pattern, true), &place);
    }
    Ok(field.passing(Predicate::Wildcard(pattern)))
}

/// A text in which `*`, `?` and `\` mean themselves.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        if matches!(sign, '*' | '?' | '\\') {
            escaped.push('\\');
        }
        escaped.push(sign);
    }
    escaped
}
