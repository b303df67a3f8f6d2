//! The order of hits: by time, which is read off the end where they are, or by values of other fields, which is a ranking.

use serde_json::{Map, Value as Json, json};
use vigie_domain::aggregation::{AskedField, RankKey, RankMode, Ranking};
use vigie_domain::event::pseudo_fields;
use vigie_domain::mapping::FieldKind;
use vigie_domain::ports::SortOrder;
use vigie_domain::{Position, Result, Timestamp, Value};

use super::SCORE;
use super::fields::value_of;
use super::instants::{DateForm, instant};
use super::place::Place;
use super::query::Field;

/// Keys of one order.
const KEYS_MAX: usize = 32;
/// Number from which on a sort value is nanoseconds and not milliseconds.
const NANOS_MIN: u64 = 100_000_000_000_000_000;
const NANOS_PER_MILLI: i64 = 1_000_000;

/// The order of hits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sort {
    /// What was named, in this order; values of each are said of every hit, to go on behind.
    columns: Vec<Column>,
    /// What hits are put in order by; empty when it is time alone.
    keys: Vec<RankKey>,
    /// Of time and of arrival.
    pub(super) order: SortOrder,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Column {
    /// The same of every hit.
    Score,
    /// The event's own time, written as text or not.
    Time { is_text: bool },
    /// Its number in the log.
    Number,
    /// The key at that place, instants written as text or not.
    Key { place: usize, is_text: bool },
}

/// Behind what a page begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum After {
    /// A position in time order.
    Position(Position),
    /// Values and perhaps a number in the log.
    Values(Vec<Value>, Option<u64>),
}

impl Sort {
    /// Newest first, and no values are said.
    pub(super) fn unless_said() -> Self {
        Self { columns: Vec::new(), keys: Vec::new(), order: SortOrder::NewestFirst }
    }

    /// Reads `sort`.
    ///
    /// # Errors
    /// `Malformed` when it cannot be read, or has something that is not there.
    pub(super) fn read(json: Option<&Json>, now: Timestamp, place: &Place) -> Result<Self> {
        let mut sort = Self::unless_said();
        let Some(json) = json.filter(|json| !json.is_null()) else { return Ok(sort) };
        let items = place.one_or_many(json).into_iter().map(|(place, json)| keys(json, now, &place));
        let keys: Vec<AskedKey> = items.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        if keys.len() > KEYS_MAX {
            return Err(place.wrong(&format!("at most {KEYS_MAX} keys fit there, found {}", keys.len())));
        }
        let others = || keys.iter().filter(|asked| !matches!(asked, AskedKey::Score));
        let is_time_alone = match others().collect::<Vec<_>>().as_slice() {
            [] | [AskedKey::Arrival(_)] => true,
            [AskedKey::Field(key, _)] | [AskedKey::Field(key, _), AskedKey::Arrival(_)] => {
                key.field.name == pseudo_fields::TIMESTAMP
            }
            _ => false,
        };
        let order_of = |is_ascending: bool| if is_ascending { SortOrder::OldestFirst } else { SortOrder::NewestFirst };
        if !is_time_alone {
            sort.order = SortOrder::OldestFirst;
        }
        for (number, asked) in keys.iter().enumerate() {
            match asked {
                AskedKey::Score => sort.columns.push(Column::Score),
                AskedKey::Field(key, is_text) if is_time_alone => {
                    sort.order = order_of(key.is_ascending);
                    sort.columns.push(Column::Time { is_text: *is_text });
                }
                AskedKey::Field(key, is_text) => {
                    sort.columns.push(Column::Key { place: sort.keys.len(), is_text: *is_text });
                    sort.keys.push(key.clone());
                }
                AskedKey::Arrival(is_ascending) => {
                    if number + 1 < keys.len() {
                        return Err(place.item(number).wrong("must be the last key: no two events are equal in it"));
                    }
                    if !is_time_alone || sort.columns.iter().all(|column| *column == Column::Score) {
                        sort.order = order_of(*is_ascending);
                    }
                    if is_time_alone && !sort.columns.iter().any(|column| matches!(column, Column::Time { .. })) {
                        sort.columns.push(Column::Time { is_text: false });
                    }
                    sort.columns.push(Column::Number);
                }
            }
        }
        if sort.columns.iter().all(|column| *column == Column::Score) {
            sort.columns.clear();
        }
        Ok(sort)
    }

    /// Whether values are said of each hit, and no score.
    pub(super) fn is_said(&self) -> bool {
        !self.columns.is_empty()
    }

    /// Whether it is by that field and nothing else, but for what tells equal events apart.
    pub(super) fn is_by(&self, field: &AskedField) -> bool {
        matches!(self.keys.as_slice(), [key] if key.field.name == field.name)
    }

    /// Whether the score is among the keys.
    pub(super) fn has_score(&self) -> bool {
        self.columns.contains(&Column::Score)
    }

    /// Says the number in the log too, so that events with equal values are told apart.
    pub(super) fn tell_apart(&mut self) {
        if self.is_said() && !self.columns.contains(&Column::Number) {
            self.columns.push(Column::Number);
        }
    }

    /// The ranking that it is, unless it is by time alone.
    pub(super) fn ranking(&self, after: Option<&After>) -> Option<Ranking> {
        let after = match after {
            Some(After::Values(values, number)) => Some((values.clone(), *number)),
            Some(After::Position(_)) | None => None,
        };
        let is_latest_first = self.order == SortOrder::NewestFirst;
        (!self.keys.is_empty()).then(|| Ranking { is_latest_first, after, ..Ranking::by(self.keys.clone()) })
    }

    /// The same as a ranking, also by time alone.
    pub(super) fn as_ranking(&self) -> Ranking {
        let is_ascending = self.order == SortOrder::OldestFirst;
        let by_time = || Ranking {
            is_latest_first: !is_ascending,
            ..Ranking::by(vec![RankKey::new(pseudo_fields::TIMESTAMP, is_ascending)])
        };
        self.ranking(None).unwrap_or_else(by_time)
    }

    /// What is said of a hit, to go on behind; `values` are those of its keys.
    pub(super) fn values(&self, at: Position, values: &[Value]) -> Vec<Json> {
        let one = |column: &Column| match column {
            Column::Score => json!(SCORE),
            Column::Time { is_text } => instant_of(at.timestamp, *is_text),
            Column::Number => Json::from(at.sequence),
            Column::Key { place, is_text } => shown(&self.keys[*place], values.get(*place), *is_text),
        };
        self.columns.iter().map(one).collect()
    }

    /// The same, instants written as text whatever the format.
    pub(super) fn values_as_text(&self, at: Position, values: &[Value]) -> Vec<Json> {
        let as_text = |column: &Column| match *column {
            Column::Time { .. } => Column::Time { is_text: true },
            Column::Key { place, .. } => Column::Key { place, is_text: true },
            Column::Score | Column::Number => *column,
        };
        Self { columns: self.columns.iter().map(as_text).collect(), ..self.clone() }.values(at, values)
    }

    /// How many values are said of each hit.
    pub(super) fn values_count(&self) -> usize {
        self.columns.len()
    }

    /// Reads `search_after`, the values of a hit.
    ///
    /// # Errors
    /// `Malformed` when it is none of this order.
    pub(super) fn after(&self, json: &Json, now: Timestamp) -> Result<After> {
        let place = Place::of("search_after");
        let sent = json.as_array().filter(|values| !values.is_empty());
        let sent = sent.ok_or_else(|| place.wrong("must be the [sort] of a hit, a list of its values"))?;
        if !self.keys.is_empty() && sent.len() != self.columns.len() {
            let (found, columns) = (sent.len(), self.columns.len());
            return Err(place.wrong(&format!("search_after has {found} value(s) but sort has {columns}")));
        }
        let columns =
            if self.columns.is_empty() { vec![Column::Time { is_text: false }] } else { self.columns.clone() };
        // Time alone can also be gone on behind with the number in the log, as of a point in time.
        let columns = if self.keys.is_empty() && columns.last() != Some(&Column::Number) {
            columns.into_iter().chain([Column::Number]).collect()
        } else {
            columns
        };
        let wrong = || place.wrong("must be the [sort] of a hit");
        let number = |json: &Json| json.as_i64().or_else(|| json.as_str().and_then(|text| text.parse().ok()));
        let (mut time, mut sequence, mut values) = (None, None, Vec::new());
        if sent.len() > columns.len() {
            return Err(wrong());
        }
        for (item, (json, column)) in sent.iter().zip(&columns).enumerate() {
            let place = place.item(item);
            match column {
                Column::Score => {}
                Column::Time { .. } => time = Some(time_in(json, now, &place)?),
                Column::Number => {
                    sequence = Some(number(json).and_then(|number| u64::try_from(number).ok()).ok_or_else(wrong)?);
                }
                Column::Key { place: key, .. } => values.push(read_back(&self.keys[*key], json, now, &place)?),
            }
        }
        if !self.keys.is_empty() {
            return Ok(After::Values(values, sequence));
        }
        // Behind every event of that instant, unless a number is said.
        let last = if self.order == SortOrder::NewestFirst { 0 } else { u64::MAX };
        Ok(After::Position(Position { timestamp: time.ok_or_else(wrong)?, sequence: sequence.unwrap_or(last) }))
    }
}

/// A key as it was asked.
enum AskedKey {
    Score,
    /// Arrival, and whether what came first is first.
    Arrival(bool),
    /// A field, and whether instants are written as text.
    Field(RankKey, bool),
}

/// The keys that an item names: a field, or those of an object in their order.
fn keys(json: &Json, now: Timestamp, place: &Place) -> Result<Vec<AskedKey>> {
    let none = Map::new();
    if let Json::String(text) = json {
        let (name, order) = text.split_once(':').map_or((text.as_str(), None), |(name, order)| (name, Some(order)));
        return Ok(vec![key((name, order.map(str::to_owned)), &none, now, place)?]);
    }
    let one = |(name, inner): (&String, &Json)| match inner {
        Json::Object(settings) => {
            let order = settings.get("order").map(|json| place.text(json)).transpose()?;
            key((name.as_str(), order), settings, now, place)
        }
        order => key((name.as_str(), Some(place.text(order)?)), &none, now, place),
    };
    place.object(json)?.iter().map(one).collect()
}

/// The key of that name, with the order and the settings that are said.
fn key(
    (name, order): (&str, Option<String>),
    settings: &Map<String, Json>,
    now: Timestamp,
    place: &Place,
) -> Result<AskedKey> {
    let place = place.key(name);
    let is_ascending = match order.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("asc") => Some(true),
        Some("desc") => Some(false),
        Some(other) => return Err(place.wrong(&format!("must be asc or desc, found {other}"))),
    };
    match name {
        "_score" => return Ok(AskedKey::Score),
        "_doc" | "_shard_doc" | "_seq_no" => return Ok(AskedKey::Arrival(is_ascending.unwrap_or(true))),
        "_geo_distance" | "_script" => return Err(place.missing("an order by a distance or a script")),
        _ => {}
    }
    let known = ["order", "missing", "mode", "format"];
    place.check_keys(settings, &known, &["unmapped_type", "ignore_unmapped", "numeric_type"])?;
    let mut key = RankKey::new(Field::new(name, &place).asked(), is_ascending.unwrap_or(true));
    match settings.get("missing") {
        None | Some(Json::Null) => {}
        Some(Json::String(text)) if text == "_last" => {}
        Some(Json::String(text)) if text == "_first" => key.is_missing_first = true,
        Some(json) => key.field.missing = Some(value_of(&key.field, json, now, &place.key("missing"))?),
    }
    if let Some(json) = settings.get("mode") {
        key.mode = mode(&key.field, &place.key("mode").text(json)?, &place.key("mode"))?;
    }
    let is_text = match settings.get("format").map(|json| place.key("format").text(json)).transpose()?.as_deref() {
        None | Some("epoch_millis") => false,
        Some("strict_date_optional_time" | "strict_date_optional_time_nanos" | "date_optional_time" | "date_time") => {
            true
        }
        Some(other) => return Err(place.missing(&format!("the date format [{other}]"))),
    };
    Ok(AskedKey::Field(key, is_text))
}

fn mode(field: &AskedField, name: &str, place: &Place) -> Result<RankMode> {
    let is_of_numbers = matches!(field.kind(), None | Some(FieldKind::Int | FieldKind::Float | FieldKind::Decimal));
    match name {
        "min" => Ok(RankMode::Min),
        "max" => Ok(RankMode::Max),
        "sum" if is_of_numbers => Ok(RankMode::Sum),
        "avg" if is_of_numbers => Ok(RankMode::Mean),
        "median" if is_of_numbers => Ok(RankMode::Median),
        "sum" | "avg" | "median" => Err(place.wrong(&format!("[{}] holds no numbers; use min or max", field.name))),
        other => Err(place.wrong(&format!("must be min, max, sum, avg or median, found {other}"))),
    }
}

/// Milliseconds, or nanoseconds when it has more of them.
fn instant_of(at: Timestamp, is_text: bool) -> Json {
    let nanos = at.as_nanos();
    match is_text {
        true => Json::from(at.to_string()),
        false if nanos % NANOS_PER_MILLI == 0 => Json::from(nanos / NANOS_PER_MILLI),
        false => Json::from(nanos),
    }
}

fn time_in(json: &Json, now: Timestamp, place: &Place) -> Result<Timestamp> {
    let number = json.as_i64().or_else(|| json.as_str().and_then(|text| text.parse::<i64>().ok()));
    match number {
        Some(nanos) if nanos.unsigned_abs() >= NANOS_MIN => Ok(Timestamp::from_nanos(nanos)),
        _ => instant(json, DateForm::Usual, now, place),
    }
}

/// A value as Elasticsearch shows it; where there is none, the number that comes last or first.
fn shown(key: &RankKey, value: Option<&Value>, is_text: bool) -> Json {
    let kind = key.field.kind();
    let is_largest = key.is_ascending != key.is_missing_first;
    match value {
        Some(Value::Int(nanos)) if key.field.is_of_instants() => instant_of(Timestamp::from_nanos(*nanos), is_text),
        Some(Value::Int(number)) if matches!(kind, Some(FieldKind::Float | FieldKind::Decimal)) => {
            json!(*number as f64)
        }
        None | Some(Value::Null) => match kind {
            _ if key.field.is_of_instants() && is_text => Json::Null,
            Some(FieldKind::Int | FieldKind::Bool | FieldKind::Instant) => {
                Json::from(if is_largest { i64::MAX } else { i64::MIN })
            }
            Some(FieldKind::Float | FieldKind::Decimal) => {
                Json::from(if is_largest { "Infinity" } else { "-Infinity" })
            }
            Some(FieldKind::Keyword | FieldKind::Text | FieldKind::Ip) | None => Json::Null,
        },
        Some(value) => value.to_json(),
    }
}

/// A value that was shown, as it is compared.
fn read_back(key: &RankKey, json: &Json, now: Timestamp, place: &Place) -> Result<Value> {
    let ends = [json!(i64::MAX), json!(i64::MIN), json!("Infinity"), json!("-Infinity")];
    let is_of_texts = matches!(key.field.kind(), None | Some(FieldKind::Keyword | FieldKind::Text | FieldKind::Ip));
    if json.is_null() || (!is_of_texts && ends.contains(json)) {
        return Ok(Value::Null);
    }
    if key.field.is_of_instants() {
        return Ok(Value::Int(time_in(json, now, place)?.as_nanos()));
    }
    value_of(&key.field, json, now, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: Json) -> Result<Sort> {
        Sort::read(Some(&json), Timestamp::default(), &Place::of("sort"))
    }

    #[test]
    fn orders_by_time_alone_are_told_from_rankings() {
        let check = |json: Json, expected: Option<(usize, SortOrder)>, values: usize| {
            let sort = read(json.clone()).unwrap();
            let ranking = sort.ranking(None).map(|ranking| (ranking.keys.len(), sort.order));
            assert_eq!(ranking, expected, "{json}");
            assert_eq!(sort.columns.len(), values, "{json}");
        };
        check(json!("@timestamp"), None, 1);
        check(json!(["_score"]), None, 0);
        check(json!(["_score", {"@timestamp": "desc"}]), None, 2);
        check(json!([{"@timestamp": "desc"}, {"_doc": "asc"}]), None, 2);
        check(json!({"@timestamp": {"order": "desc"}, "_doc": "desc"}), None, 2);
        check(json!([{"amount": "desc", "service": "asc"}]), Some((2, SortOrder::OldestFirst)), 2);
        check(json!("_doc"), None, 2);
        check(json!({"amount": "desc"}), Some((1, SortOrder::OldestFirst)), 1);
        check(json!(["service:asc", {"amount": {"order": "desc"}}, "_score"]), Some((2, SortOrder::OldestFirst)), 3);
        check(json!(["@timestamp", "amount", {"_doc": "desc"}]), Some((2, SortOrder::NewestFirst)), 3);
    }

    #[test]
    fn what_is_no_order_is_refused() {
        let check = |json: Json, words: &str| {
            let error = read(json.clone()).unwrap_err();
            assert!(error.message.contains(words), "{json}: {}", error.message);
        };
        check(json!({"amount": "up"}), "[sort.amount] must be asc or desc, found up");
        check(json!({"amount": {"mode": "first"}}), "must be min, max, sum, avg or median");
        check(json!({"service": {"mode": "avg"}}), "[service] holds no numbers");
        check(json!({"amount": {"missing": "x"}}), "[sort.amount.missing] must be a number");
        check(json!({"amount": {"nested": {}}}), "[nested] is not there");
        check(json!({"_script": {}}), "an order by a distance or a script");
        check(json!(["_doc", "amount"]), "must be the last key");
        check(json!({"@timestamp": {"format": "dd"}}), "the date format [dd]");
        check(json!(vec!["a"; KEYS_MAX + 1]), "at most 32 keys");
    }

    #[test]
    fn values_of_a_hit_are_read_back() {
        let at = Position { timestamp: Timestamp::from_nanos(5_000_001), sequence: 9 };
        let check = |sort: Json, values: &[Value], expected: Json, after: After| {
            let sort = read(sort).unwrap();
            let said = Json::Array(sort.values(at, values));
            assert_eq!(said, expected);
            assert_eq!(sort.after(&said, Timestamp::default()).unwrap(), after, "{said}");
        };
        let values = |values: &[Value], number: Option<u64>| After::Values(values.to_vec(), number);
        check(json!("amount"), &[Value::Int(5)], json!([5.0]), values(&[Value::Int(5)], None));
        check(json!(["amount", "_doc"]), &[Value::Null], json!(["Infinity", 9]), values(&[Value::Null], Some(9)));
        check(json!({"quantity": "desc"}), &[Value::Null], json!([i64::MIN]), values(&[Value::Null], None));
        check(json!(["service"]), &[Value::Null], json!([null]), values(&[Value::Null], None));
        let day = Value::Int(86_400_000_000_000);
        let text = json!({"account_created_at": {"format": "strict_date_optional_time"}});
        check(
            text,
            std::slice::from_ref(&day),
            json!(["1970-01-02T00:00:00.000Z"]),
            values(std::slice::from_ref(&day), None),
        );
        let by_time = read(json!(["_score", "@timestamp"])).unwrap();
        let said =
            Json::Array(by_time.values(Position { timestamp: Timestamp::from_nanos(i64::MAX), sequence: 9 }, &[]));
        let behind = Position { timestamp: Timestamp::from_nanos(i64::MAX), sequence: u64::MAX };
        assert_eq!(by_time.after(&said, Timestamp::default()).unwrap(), After::Position(behind));
        let error = read(json!(["amount", "service"])).unwrap().after(&json!([1]), Timestamp::default()).unwrap_err();
        assert!(error.message.contains("search_after has 1 value(s) but sort has 2"));
    }
}
