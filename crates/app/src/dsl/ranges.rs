//! Buckets between bounds: of numbers, of instants, of addresses.

use std::cmp::Ordering;
use std::net::IpAddr;

use serde_json::{Value as Json, json};
use vigie_domain::aggregation::AggregationKind;
use vigie_domain::mapping::FieldKind;
use vigie_domain::query::{Bound, Predicate, Query};
use vigie_domain::{Result, Timestamp};

use super::aggregation::{PASSED_OVER, keyed};
use super::fields::field;
use super::instants::{DateForm, End, bound, instant};
use super::place::Place;
use super::query::Field;
use super::shape::{RangeShape, Shape};

/// What comes first of the addresses that stand for those of version 4.
const MAPPED: &str = "::ffff:0:0";

/// Ranges of addresses, by their ends or by networks.
///
/// # Errors
/// `Malformed` when it cannot be read, or has something that is not there.
pub(super) fn of_addresses(json: &Json, place: &Place) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    place.check_keys(object, &["field", "ranges", "keyed"], PASSED_OVER)?;
    let field = field(object, place)?;
    if field.kind() != Some(FieldKind::Ip) {
        return Err(place.wrong(&format!("\"{}\" holds no addresses; ask for a field such as client_ip", field.name)));
    }
    let list =
        object.get("ranges").and_then(Json::as_array).ok_or_else(|| place.wrong("must have [ranges], a list"))?;
    let mut ranges = Vec::new();
    for (number, json) in list.iter().enumerate() {
        let place = place.key("ranges").item(number);
        let asked = place.object(json)?;
        place.check_keys(asked, &["from", "to", "mask", "key"], &[])?;
        let text =
            |key: &str| asked.get(key).filter(|json| !json.is_null()).map(|json| place.key(key).text(json)).transpose();
        let (query, name, ends) = match (text("mask")?, text("from")?, text("to")?) {
            (Some(mask), None, None) => network(&field, &mask, &place.key("mask"))?,
            (None, from, to) => between(&field, [from, to], &place)?,
            _ => return Err(place.wrong("must have either [mask] or [from] and [to]")),
        };
        let number = |end: IpAddr| match end {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        };
        let order = (ends[0].1.map(number), ends[1].1.map_or(u128::MAX, number));
        let bounds = ends.into_iter().filter_map(|(name, end)| Some((name, json!(end?.to_string())))).collect();
        ranges.push((order, query, RangeShape { key: text("key")?.unwrap_or(name), bounds }));
    }
    Ok(in_order(ranges, keyed(object, false, place)?))
}

/// The buckets of these ranges in their order: by where they begin, then by where they end.
fn in_order<O: PartialOrd>(mut ranges: Vec<(O, Query, RangeShape)>, is_keyed: bool) -> (Shape, AggregationKind) {
    ranges.sort_by(|(left, ..), (right, ..)| left.partial_cmp(right).unwrap_or(Ordering::Equal));
    let (mut shapes, mut filters) = (Vec::with_capacity(ranges.len()), Vec::with_capacity(ranges.len()));
    for (number, (_, query, shape)) in ranges.into_iter().enumerate() {
        filters.push((number.to_string(), query));
        shapes.push(shape);
    }
    (Shape::Ranges { ranges: shapes, is_keyed }, AggregationKind::Filters(filters))
}

/// A query, the key of its bucket, and the ends that are shown of it.
type Range = (Query, String, [(&'static str, Option<IpAddr>); 2]);

fn between(field: &Field, ends: [Option<String>; 2], place: &Place) -> Result<Range> {
    let address = |text: &String| {
        text.parse::<IpAddr>().map_err(|_| place.wrong(&format!("\"{text}\" is no address such as 10.0.0.7")))
    };
    let [from, to] = [ends[0].as_ref().map(address).transpose()?, ends[1].as_ref().map(address).transpose()?];
    let shown = |end: Option<IpAddr>| end.map_or("*".to_owned(), |end| end.to_string());
    let name = format!("{}-{}", shown(from), shown(to));
    let predicate = match (from, to) {
        (None, None) => Predicate::Exists,
        _ => Predicate::Range {
            lower: from.map_or(Bound::Open, |end| Bound::Inclusive(end.to_string())),
            upper: to.map_or(Bound::Open, |end| Bound::Exclusive(end.to_string())),
        },
    };
    Ok((field.passing(predicate), name, [("from", from), ("to", to)]))
}

fn network(field: &Field, mask: &str, place: &Place) -> Result<Range> {
    let read = |text: &str| text.parse().map(Predicate::Network).ok();
    let predicate = read(mask).filter(|_| mask.contains('/'));
    let Some(Predicate::Network(network)) = predicate else {
        return Err(place.wrong(&format!("\"{mask}\" is no network such as 10.0.0.0/8")));
    };
    let of = |predicate: Predicate| field.passing(predicate);
    // Addresses of version 4 are among those of version 6.
    let holds_mapped =
        MAPPED.parse::<IpAddr>().is_ok_and(|first| network.prefix_len() <= 96 && network.contains(&first));
    let of_version_4 = read("0.0.0.0/0").filter(|_| holds_mapped).map(of);
    let query = Query::any([of(Predicate::Network(network))].into_iter().chain(of_version_4).collect());
    let first = Some(network.network()).filter(|first| !first.is_unspecified());
    let behind = match network.broadcast() {
        IpAddr::V4(last) => u32::from(last).checked_add(1).map(|next| IpAddr::V4(next.into())),
        IpAddr::V6(last) => u128::from(last).checked_add(1).map(|next| IpAddr::V6(next.into())),
    };
    Ok((query.unwrap_or(Query::Nothing), mask.to_owned(), [("from", first), ("to", behind)]))
}

/// Ranges of numbers or of instants.
///
/// # Errors
/// As `of_addresses`.
pub(super) fn of_values(
    json: &Json,
    now: Timestamp,
    place: &Place,
    is_of_dates: bool,
) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    place.check_keys(object, &["field", "ranges", "keyed", "format"], PASSED_OVER)?;
    let field = field(object, place)?;
    if is_of_dates != (field.kind() == Some(FieldKind::Instant)) {
        let name = &field.name;
        return Err(
            place.wrong(&format!("\"{name}\" is asked for by [date_range] if it holds instants, and else by [range]"))
        );
    }
    let form = DateForm::read(object.get("format"), place)?;
    let list =
        object.get("ranges").and_then(Json::as_array).ok_or_else(|| place.wrong("must have [ranges], a list"))?;
    let mut ranges = Vec::new();
    for (number, json) in list.iter().enumerate() {
        let place = place.key("ranges").item(number);
        let asked = place.object(json)?;
        place.check_keys(asked, &["from", "to", "key"], &[])?;
        let (mut names, mut bounds, mut shown) = (Vec::new(), Vec::new(), Vec::new());
        let mut order = [f64::NEG_INFINITY, f64::INFINITY];
        for (place_of_end, (key, as_text, end)) in
            [("from", "from_as_string", End::From), ("to", "to_as_string", End::Before)].into_iter().enumerate()
        {
            let Some(json) = asked.get(key).filter(|json| !json.is_null()) else {
                names.push("*".to_owned());
                bounds.push(Bound::Open);
                continue;
            };
            let place = place.key(key);
            if is_of_dates {
                let at = instant(json, form, now, &place)?;
                order[place_of_end] = at.as_millis() as f64;
                shown.extend([(key, Json::from(at.as_millis() as f64)), (as_text, Json::from(at.to_string()))]);
                names.push(at.to_string());
                bounds.push(bound(json, end, form, now, &place)?);
            } else {
                let number: f64 = place.text(json)?.parse().map_err(|_| place.wrong("must be a number"))?;
                order[place_of_end] = number;
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
        let [lower, upper] = <[Bound; 2]>::try_from(bounds).map_err(|_| place.wrong("must have at most two ends"))?;
        let predicate = match (&lower, &upper) {
            (Bound::Open, Bound::Open) => Predicate::Exists,
            _ => Predicate::Range { lower, upper },
        };
        let shape = RangeShape { key: key.unwrap_or_else(|| names.join("-")), bounds: shown };
        ranges.push((order, field.passing(predicate), shape));
    }
    Ok(in_order(ranges, keyed(object, false, place)?))
}
