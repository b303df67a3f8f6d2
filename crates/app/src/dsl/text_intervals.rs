//! Where words stand to one another: `intervals`, and the older queries of spans.

use serde_json::{Map, Value as Json};
use vigie_domain::Result;
use vigie_domain::query::{IntervalRelation, Intervals, Predicate, Query, compile_regexp, tokens};

use super::patterns::{expression, mistaken};
use super::place::Place;
use super::query::{Field, escaped, needed, of_field};

/// Queries of spans.
const SPANS: [&str; 7] =
    ["span_term", "span_near", "span_or", "span_not", "span_multi", "span_containing", "span_within"];
/// Keys that change the score alone.
const PASSED_OVER: &[&str] = &["boost", "_name"];

/// Reads `intervals`.
///
/// # Errors
/// `Malformed` for what cannot be read or is not there.
pub(super) fn intervals(json: &Json, place: &Place) -> Result<Query> {
    let object = place.object(json)?;
    let mut fields = object.iter().filter(|(key, _)| !PASSED_OVER.contains(&key.as_str()));
    let (Some((name, rule)), None) = (fields.next(), fields.next()) else {
        return Err(place.wrong("must name one field"));
    };
    let place = place.key(name);
    let field = text_field(name, &place)?;
    let rule: Map<String, Json> =
        place.object(rule)?.clone().into_iter().filter(|(key, _)| !PASSED_OVER.contains(&key.as_str())).collect();
    let found = of_rule(&Json::Object(rule), &place)?;
    Ok(Query::Field { field: field.name, predicate: Predicate::Intervals(found) })
}

/// The field, when its values are searched by their words.
fn text_field(name: &str, place: &Place) -> Result<Field> {
    let field = Field::check(name, place)?;
    if field.is_text() {
        return Ok(field);
    }
    Err(place.wrong(&format!("\"{name}\" is compared as a whole and has no words; use a field of the type text")))
}

fn of_rule(json: &Json, place: &Place) -> Result<Intervals> {
    place.check_depth()?;
    let (kind, inner) = place.only(json)?;
    let place = place.key(kind);
    let object = place.object(inner)?;
    let flag = |key: &str| object.get(key).map_or(Ok(false), |json| place.key(key).flag(json));
    let found = match kind {
        "match" => {
            place.check_keys(object, &["query", "max_gaps", "ordered", "analyzer", "filter", "mode"], &[])?;
            check_standard(object, &place)?;
            let text = place.key("query").text(needed(object, "query", &place)?)?;
            Intervals::of_words(&text, is_ordered(object, &place)?, gaps_max(object, "max_gaps", &place)?)
        }
        "all_of" => {
            place.check_keys(object, &["intervals", "max_gaps", "ordered", "filter", "mode"], &[])?;
            let (is_ordered, gaps_max) = (is_ordered(object, &place)?, gaps_max(object, "max_gaps", &place)?);
            Intervals::All { parts: rules(object, &place)?, is_ordered, gaps_max }
        }
        "any_of" => {
            place.check_keys(object, &["intervals", "filter"], &[])?;
            Intervals::Any(rules(object, &place)?)
        }
        "prefix" => {
            place.check_keys(object, &["prefix", "analyzer"], &[])?;
            check_standard(object, &place)?;
            let prefix = place.key("prefix").text(needed(object, "prefix", &place)?)?;
            Intervals::Wildcard(format!("{}*", escaped(&tokens::fold(&prefix))))
        }
        "wildcard" => {
            place.check_keys(object, &["pattern", "analyzer"], &["max_expansions"])?;
            check_standard(object, &place)?;
            Intervals::Wildcard(place.key("pattern").text(needed(object, "pattern", &place)?)?)
        }
        "regexp" => {
            let known = ["pattern", "case_insensitive", "flags", "flags_value"];
            place.check_keys(object, &known, &["max_expansions", "max_determinized_states"])?;
            let text = place.key("pattern").text(needed(object, "pattern", &place)?)?;
            let read = expression(&text, Some(object), &place)?;
            // Words are folded, so that case never counts.
            let pattern = if flag("case_insensitive")? { format!("(?i:{read})") } else { read };
            compile_regexp(&pattern).map_err(|words| place.wrong(&words))?;
            Intervals::Regexp(pattern)
        }
        "fuzzy" => {
            place.check_keys(object, &["term", "prefix_length", "transpositions", "fuzziness", "analyzer"], &[])?;
            check_standard(object, &place)?;
            let word = place.key("term").text(needed(object, "term", &place)?)?;
            fuzzy_word(word, Some(object), &place)?
        }
        other => return Err(place.missing(&format!("the rule [{other}] of [intervals]"))),
    };
    match object.get("filter") {
        None => Ok(found),
        Some(filter) => related(found, filter, &place.key("filter")),
    }
}

fn rules(object: &Map<String, Json>, place: &Place) -> Result<Vec<Intervals>> {
    let list = place.key("intervals").one_or_many(needed(object, "intervals", place)?);
    list.into_iter().map(|(place, json)| of_rule(json, &place)).collect()
}

fn check_standard(object: &Map<String, Json>, place: &Place) -> Result<()> {
    match object.get("analyzer") {
        Some(json) if *json != "standard" => Err(place.missing(&format!("[analyzer] of {json}"))),
        _ => Ok(()),
    }
}

/// Whether parts follow one another; `mode` is what OpenSearch calls it too.
fn is_ordered(object: &Map<String, Json>, place: &Place) -> Result<bool> {
    match object.get("mode").map(|json| place.key("mode").text(json)).transpose()?.as_deref() {
        None => object.get("ordered").map_or(Ok(false), |json| place.key("ordered").flag(json)),
        Some("ordered") => Ok(true),
        // Its parts may have words in common; those that may not are another mode.
        Some("unordered") => Ok(false),
        Some(other) => Err(place.missing(&format!("[mode] of \"{other}\""))),
    }
}

/// How many words may stand between; -1 for any number.
fn gaps_max(object: &Map<String, Json>, key: &str, place: &Place) -> Result<Option<usize>> {
    match object.get(key) {
        None => Ok(None),
        Some(json) if *json == -1 => Ok(None),
        Some(json) => place.key(key).count(json).map(Some),
    }
}

fn related(of: Intervals, filter: &Json, place: &Place) -> Result<Intervals> {
    let (kind, inner) = place.only(filter)?;
    let place = place.key(kind);
    let relation = match kind {
        "containing" => IntervalRelation::Containing,
        "contained_by" => IntervalRelation::Within,
        "overlapping" => IntervalRelation::Overlapping,
        "before" => IntervalRelation::Before,
        "after" => IntervalRelation::After,
        "not_containing" => IntervalRelation::NotContaining,
        "not_contained_by" => IntervalRelation::NotWithin,
        "not_overlapping" => IntervalRelation::NotOverlapping,
        other => return Err(place.missing(&format!("the filter [{other}] of [intervals]"))),
    };
    Ok(Intervals::Related { of: Box::new(of), relation, to: Box::new(of_rule(inner, &place)?) })
}

fn fuzzy_word(word: String, settings: Option<&Map<String, Json>>, place: &Place) -> Result<Intervals> {
    let (mistakes_max, exact_prefix, swaps_count_once) = mistaken(&word, settings, place)?;
    Ok(Intervals::Fuzzy { word, mistakes_max, exact_prefix, swaps_count_once })
}

/// Whether the query is one of spans.
pub(super) fn is_span(kind: &str) -> bool {
    SPANS.contains(&kind)
}

/// Reads a query of spans.
///
/// # Errors
/// `Malformed` for what cannot be read or is not there.
pub(super) fn span(kind: &str, json: &Json, place: &Place) -> Result<Query> {
    let (field, found) = of_span(kind, json, place)?;
    Ok(Query::Field { field: text_field(&field, place)?.name, predicate: Predicate::Intervals(found) })
}

/// The field of a query of spans, and what is looked for there.
fn of_span(kind: &str, json: &Json, place: &Place) -> Result<(String, Intervals)> {
    place.check_depth()?;
    let object = place.object(json)?;
    let inner = |key: &str| {
        let place = place.key(key);
        let (kind, json) = place.only(needed(object, key, &place)?)?;
        of_span(kind, json, &place.key(kind))
    };
    let pair = |of: &str, relation: IntervalRelation, to: &str| {
        let ((field, of), (other, to)) = (inner(of)?, inner(to)?);
        check_same(&field, &other, place)?;
        Ok((field, Intervals::Related { of: Box::new(of), relation, to: Box::new(to) }))
    };
    match kind {
        "span_term" => {
            let (name, value, _) = of_field(json, place, &["value", "term"], &[])?;
            let word = place.key(&name).text(value)?;
            Ok((name, Intervals::Word(tokens::fold(&word))))
        }
        "span_near" => {
            place.check_keys(object, &["clauses", "slop", "in_order"], PASSED_OVER)?;
            let (field, parts) = clauses(object, place)?;
            let is_ordered = object.get("in_order").map_or(Ok(true), |json| place.key("in_order").flag(json))?;
            let gaps_max = Some(gaps_max(object, "slop", place)?.unwrap_or_default());
            Ok((field, Intervals::All { parts, is_ordered, gaps_max }))
        }
        "span_or" => {
            place.check_keys(object, &["clauses"], PASSED_OVER)?;
            let (field, parts) = clauses(object, place)?;
            Ok((field, Intervals::Any(parts)))
        }
        "span_not" => {
            place.check_keys(object, &["include", "exclude"], PASSED_OVER)?;
            pair("include", IntervalRelation::NotOverlapping, "exclude")
        }
        "span_containing" => {
            place.check_keys(object, &["big", "little"], PASSED_OVER)?;
            pair("big", IntervalRelation::Containing, "little")
        }
        "span_within" => {
            place.check_keys(object, &["big", "little"], PASSED_OVER)?;
            pair("little", IntervalRelation::Within, "big")
        }
        "span_multi" => {
            place.check_keys(object, &["match"], PASSED_OVER)?;
            let place = place.key("match");
            let (kind, json) = place.only(needed(object, "match", &place)?)?;
            multi(kind, json, &place.key(kind))
        }
        other => Err(place.missing(&format!("[{other}]"))),
    }
}

fn clauses(object: &Map<String, Json>, place: &Place) -> Result<(String, Vec<Intervals>)> {
    let list = place.key("clauses").one_or_many(needed(object, "clauses", place)?);
    let mut found: Option<(String, Vec<Intervals>)> = None;
    for (place, json) in list {
        let (kind, json) = place.only(json)?;
        let (field, part) = of_span(kind, json, &place.key(kind))?;
        match &mut found {
            None => found = Some((field, vec![part])),
            Some((known, parts)) => {
                check_same(known, &field, &place)?;
                parts.push(part);
            }
        }
    }
    found.ok_or_else(|| place.wrong("must have at least one of [clauses]"))
}

fn check_same(field: &str, other: &str, place: &Place) -> Result<()> {
    if field == other {
        return Ok(());
    }
    Err(place.wrong(&format!("clauses must have the same field, and name \"{field}\" and \"{other}\"")))
}

/// A word by a pattern.
fn multi(kind: &str, json: &Json, place: &Place) -> Result<(String, Intervals)> {
    let known = ["fuzziness", "prefix_length", "transpositions", "flags", "max_expansions"];
    let (name, value, settings) = of_field(json, place, &["value", "prefix", "wildcard"], &known)?;
    let place = place.key(&name);
    let text = place.text(value)?;
    let found = match kind {
        "prefix" => Intervals::Wildcard(format!("{}*", escaped(&tokens::fold(&text)))),
        "wildcard" => Intervals::Wildcard(text),
        "regexp" => Intervals::Regexp(expression(&text, settings, &place)?),
        "fuzzy" => fuzzy_word(text, settings, &place)?,
        other => return Err(place.missing(&format!("[{other}] within [span_multi]"))),
    };
    Ok((name, found))
}
