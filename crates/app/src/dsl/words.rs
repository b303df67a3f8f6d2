//! Queries by words: `match` and its like, and those that are typed.

use serde_json::{Map, Value as Json};
use vigie_domain::query::{DefaultOperator, Intervals, Predicate, Query, TextPattern, parse_lucene, tokens};
use vigie_domain::{Result, Timestamp};

use super::place::Place;
use super::query::{Field, at_least, check_setting, equal, escaped, minimum, needed, of_field};

/// How the words of a text must be found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    Words,
    Phrase,
    PhrasePrefix,
    WordsPrefix,
}

/// Where words are looked for.
enum Where {
    Anywhere,
    In(Field),
}

impl Where {
    fn words(&self, words: &str) -> Query {
        match self {
            Self::Anywhere => Query::FreeText(TextPattern::Words(words.to_owned())),
            Self::In(field) => field.passing(Predicate::Equals(words.to_owned())),
        }
    }

    fn pattern(&self, pattern: &TextPattern) -> Query {
        match (self, pattern) {
            (Self::Anywhere, pattern) => Query::FreeText(pattern.clone()),
            (Self::In(_), TextPattern::Words(words)) => self.words(words),
            (Self::In(field), TextPattern::Wildcard(pattern)) => field.passing(Predicate::Wildcard(pattern.clone())),
        }
    }

    fn beginning_with(&self, word: &str) -> Query {
        self.pattern(&TextPattern::Wildcard(format!("{}*", escaped(&tokens::fold(word)))))
    }
}

/// Settings of queries by words, beside the text.
const MATCH_KEYS: &[&str] =
    &["operator", "minimum_should_match", "zero_terms_query", "slop", "fuzziness", "lenient", "analyzer"];
/// Those that change nothing here.
const MATCH_PASSED_OVER: &[&str] = &[
    "boost",
    "_name",
    "max_expansions",
    "prefix_length",
    "fuzzy_transpositions",
    "fuzzy_rewrite",
    "auto_generate_synonyms_phrase_query",
    "cutoff_frequency",
    "tie_breaker",
];

pub(super) fn matching(json: &Json, place: &Place, how: Match) -> Result<Query> {
    let known: Vec<&str> = MATCH_KEYS.iter().chain(MATCH_PASSED_OVER).copied().collect();
    let (name, value, settings) = of_field(json, place, &["query"], &known)?;
    let place = place.key(&name);
    let field = Field::new(&name, &place);
    if field.is_whole {
        return Field::check(&name, &place).map(|_| Query::Nothing);
    }
    match_in(&Where::In(field), value, how, settings, &place)
}

fn match_in(
    place_of: &Where,
    value: &Json,
    how: Match,
    settings: Option<&Map<String, Json>>,
    place: &Place,
) -> Result<Query> {
    check_setting(settings, "slop", |json| *json == 0, place)?;
    check_setting(settings, "fuzziness", |json| *json == 0 || *json == "0", place)?;
    check_setting(settings, "analyzer", |json| *json == "standard", place)?;
    check_setting(settings, "zero_terms_query", |json| *json == "none", place)?;
    let text = place.text(value)?;
    if let Where::In(field) = place_of
        && !field.is_text()
    {
        return equal(field, value, place);
    }
    let words: Vec<&str> = tokens::raw_words(&text).collect();
    let Some((last, before)) = words.split_last() else { return Ok(Query::Nothing) };
    match how {
        Match::Phrase => return Ok(place_of.words(&text)),
        Match::PhrasePrefix if before.is_empty() => return Ok(place_of.beginning_with(last)),
        Match::PhrasePrefix => return phrase_prefix(place_of, last, before, place),
        Match::Words | Match::WordsPrefix => {}
    }
    let mut queries: Vec<Query> = before.iter().map(|word| place_of.words(word)).collect();
    queries.push(if how == Match::WordsPrefix { place_of.beginning_with(last) } else { place_of.words(last) });
    let wanted = match settings.and_then(|settings| settings.get("minimum_should_match")) {
        _ if operator(settings, "operator", place)? == DefaultOperator::And => queries.len(),
        Some(json) => minimum(json, queries.len(), place)?.max(1),
        None => 1,
    };
    Ok(at_least(wanted, queries, place)?.unwrap_or(Query::All))
}

/// Words one behind the other, the last of which need only begin so.
fn phrase_prefix(place_of: &Where, last: &str, before: &[&str], place: &Place) -> Result<Query> {
    let Where::In(field) = place_of else {
        return Err(place.missing("[match_phrase_prefix] of several words in all fields"));
    };
    let mut parts: Vec<Intervals> = before.iter().map(|word| Intervals::Word(tokens::fold(word))).collect();
    parts.push(Intervals::Wildcard(format!("{}*", escaped(&tokens::fold(last)))));
    let near = Intervals::All { parts, is_ordered: true, gaps_max: Some(0) };
    Ok(Query::Field { field: field.name.clone(), predicate: Predicate::Intervals(near) })
}

fn operator(settings: Option<&Map<String, Json>>, key: &str, place: &Place) -> Result<DefaultOperator> {
    match settings.and_then(|settings| settings.get(key)) {
        None => Ok(DefaultOperator::Or),
        Some(json) if json.as_str().is_some_and(|text| text.eq_ignore_ascii_case("and")) => Ok(DefaultOperator::And),
        Some(json) if json.as_str().is_some_and(|text| text.eq_ignore_ascii_case("or")) => Ok(DefaultOperator::Or),
        Some(json) => Err(place.key(key).wrong(&format!("must be and or or, found {json}"))),
    }
}

/// Where to look for words by the names of fields: all of them when there are none, or one is `*`.
fn places(settings: &Map<String, Json>, place: &Place) -> Result<Vec<Where>> {
    let Some(fields) = settings.get("fields") else {
        return Ok(match settings.get("default_field") {
            None => vec![Where::Anywhere],
            Some(json) => vec![place_named(&place.key("default_field").text(json)?, place)?],
        });
    };
    let names = place.key("fields").one_or_many(fields);
    let places =
        names.into_iter().map(|(place, json)| place_named(&place.text(json)?, &place)).collect::<Result<Vec<_>>>()?;
    let is_anywhere = places.is_empty() || places.iter().any(|place| matches!(place, Where::Anywhere));
    Ok(if is_anywhere { vec![Where::Anywhere] } else { places })
}

fn place_named(name: &str, place: &Place) -> Result<Where> {
    let name = name.split_once('^').map_or(name, |(name, _)| name);
    match name {
        "*" | "_all" => Ok(Where::Anywhere),
        pattern if pattern.contains('*') => Err(place.missing(&format!("a pattern of fields such as [{pattern}]"))),
        name => Ok(Where::In(Field::new(name.strip_suffix(".keyword").unwrap_or(name), place))),
    }
}

pub(super) fn multi_match(json: &Json, place: &Place) -> Result<Query> {
    let settings = place.object(json)?;
    let known: Vec<&str> = MATCH_KEYS.iter().chain(&["query", "fields", "type"]).copied().collect();
    place.check_keys(settings, &known, MATCH_PASSED_OVER)?;
    let value = needed(settings, "query", place)?;
    let how = match settings.get("type").map(|json| place.key("type").text(json)).transpose()?.as_deref() {
        None | Some("best_fields" | "most_fields") => Match::Words,
        Some("phrase") => Match::Phrase,
        Some("phrase_prefix") => Match::PhrasePrefix,
        Some("bool_prefix") => Match::WordsPrefix,
        Some(other) => return Err(place.missing(&format!("[type] {other}"))),
    };
    let queries = places(settings, place)?.into_iter().map(|found| match_in(&found, value, how, Some(settings), place));
    Ok(Query::any(queries.collect::<Result<_>>()?).unwrap_or(Query::Nothing))
}

pub(super) fn query_string(json: &Json, now: Timestamp, place: &Place) -> Result<Query> {
    let settings = place.object(json)?;
    let known =
        ["query", "default_operator", "default_field", "fields", "minimum_should_match", "time_zone", "fuzziness"];
    let passed_over = [
        "boost",
        "_name",
        "analyze_wildcard",
        "allow_leading_wildcard",
        "lenient",
        "auto_generate_synonyms_phrase_query",
        "enable_position_increments",
        "fuzzy_max_expansions",
        "fuzzy_prefix_length",
        "fuzzy_transpositions",
        "max_determinized_states",
        "phrase_slop",
        "rewrite",
        "tie_breaker",
        "type",
        "escape",
    ];
    place.check_keys(settings, &known, &passed_over)?;
    for key in ["minimum_should_match", "fuzziness"] {
        check_setting(Some(settings), key, |_| false, place)?;
    }
    check_setting(Some(settings), "time_zone", |json| matches!(json.as_str(), Some("UTC" | "Z" | "+00:00")), place)?;
    let text = place.key("query").text(needed(settings, "query", place)?)?;
    let parsed = parse_lucene(&text, operator(Some(settings), "default_operator", place)?);
    let query = parsed.map_err(|error| {
        let (start, end) = error.span;
        place
            .key("query")
            .wrong(&format!("Failed to parse query [{text}]: {} (characters {start} to {end})", error.message))
    })?;
    let query = query.resolved(now).map_err(|error| place.key("query").wrong(&error.to_string()))?;
    Ok(within(query, &places(settings, place)?))
}

/// The query with each word that names no field looked for at any of the places.
fn within(query: Query, places: &[Where]) -> Query {
    let all = |queries: Vec<Query>| queries.into_iter().map(|query| within(query, places)).collect();
    match query {
        Query::FreeText(pattern) => {
            Query::any(places.iter().map(|place| place.pattern(&pattern)).collect()).unwrap_or(Query::Nothing)
        }
        Query::And(queries) => Query::And(all(queries)),
        Query::Or(queries) => Query::Or(all(queries)),
        Query::Not(query) => Query::Not(Box::new(within(*query, places))),
        other => other,
    }
}

/// Words alone: its signs (`+ | - " * ( ) ~`) mean other things than those of `query_string`.
pub(super) fn simple_query_string(json: &Json, place: &Place) -> Result<Query> {
    let settings = place.object(json)?;
    let known = ["query", "fields", "default_operator", "minimum_should_match", "flags"];
    place.check_keys(
        settings,
        &known,
        &["boost", "_name", "lenient", "analyze_wildcard", "auto_generate_synonyms_phrase_query"],
    )?;
    check_setting(Some(settings), "minimum_should_match", |_| false, place)?;
    let text = place.key("query").text(needed(settings, "query", place)?)?;
    if text.contains(['+', '|', '-', '"', '*', '(', ')', '~', '\\']) {
        return Err(place
            .wrong("signs in [simple_query_string] are not there in Vigie; use [query_string] with AND, OR and NOT"));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_and = operator(Some(settings), "default_operator", place)? == DefaultOperator::And;
    let places = places(settings, place)?;
    let mut queries = Vec::with_capacity(words.len());
    for word in words {
        let found =
            places.iter().map(|found| match_in(found, &Json::String(word.to_owned()), Match::Words, None, place));
        queries.extend(Query::any(found.collect::<Result<_>>()?));
    }
    let wanted = if is_and { queries.len() } else { 1 };
    Ok(at_least(wanted, queries, place)?.unwrap_or(Query::Nothing))
}
