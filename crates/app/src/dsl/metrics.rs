//! Metrics: what of numbers is asked for.

use serde_json::Value as Json;
use vigie_domain::Result;
use vigie_domain::aggregation::AggregationKind;

use super::aggregation::{PASSED_OVER, keyed};
use super::fields;
use super::histogram::number;
use super::place::Place;
use super::query::needed;
use super::shape::{Metric, Shape};

/// Percentiles unless said.
const PERCENTS: [f64; 7] = [1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0];
/// Percentiles, or values whose ranks are asked for.
const PERCENTS_MAX: usize = 1_000;
/// Standard deviations of the bounds of `extended_stats` unless said.
const SIGMA: f64 = 2.0;

/// Whether it is a metric of numbers.
pub(super) fn is_one(kind: &str) -> bool {
    matches!(
        kind,
        "avg"
            | "sum"
            | "min"
            | "max"
            | "stats"
            | "extended_stats"
            | "percentiles"
            | "percentile_ranks"
            | "median_absolute_deviation"
            | "weighted_avg"
    )
}

/// Reads a metric of that kind.
///
/// # Errors
/// `Malformed` when it cannot be read, or has something that is not there.
pub(super) fn read(kind: &str, json: &Json, place: &Place) -> Result<(Shape, AggregationKind)> {
    let stats = |shape| Ok((shape, AggregationKind::Stats { field: fields::only_numbers(json, place)? }));
    match kind {
        "avg" => stats(Shape::Metric(Metric::Avg)),
        "sum" => stats(Shape::Metric(Metric::Sum)),
        "min" => stats(Shape::Metric(Metric::Min)),
        "max" => stats(Shape::Metric(Metric::Max)),
        "stats" => stats(Shape::Stats),
        "extended_stats" => extended_stats(json, place),
        "percentiles" => percentiles(json, place),
        "percentile_ranks" => percentile_ranks(json, place),
        "median_absolute_deviation" => {
            Ok((Shape::Number, AggregationKind::MedianAbsoluteDeviation { field: fields::only_numbers(json, place)? }))
        }
        "weighted_avg" => weighted_mean(json, place),
        other => Err(place.missing(&format!("the aggregation [{other}]"))),
    }
}

fn extended_stats(json: &Json, place: &Place) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    place.check_keys(object, &["field", "missing", "sigma"], PASSED_OVER)?;
    let sigma = object.get("sigma").map_or(Ok(SIGMA), |json| number(json, &place.key("sigma")))?;
    if sigma < 0.0 {
        return Err(place.key("sigma").wrong(&format!("must not be below 0, found {sigma}")));
    }
    let field = fields::of_numbers(object, place)?;
    Ok((Shape::ExtendedStats { sigma }, AggregationKind::Stats { field }))
}

fn percentiles(json: &Json, place: &Place) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    place.check_keys(object, &["field", "missing", "percents", "keyed"], PASSED_OVER)?;
    let percents = match object.get("percents") {
        None => PERCENTS.to_vec(),
        Some(json) => numbers(json, &place.key("percents"))?,
    };
    if percents.is_empty() {
        return Err(place.key("percents").wrong("must have a number from 0 to 100 at least"));
    }
    if let Some(at) = percents.iter().position(|percent| !(0.0..=100.0).contains(percent)) {
        return Err(place.key("percents").item(at).wrong("must be a number from 0 to 100"));
    }
    let field = fields::of_numbers(object, place)?;
    let shape = Shape::Percentiles { is_keyed: keyed(object, true, place)? };
    Ok((shape, AggregationKind::Percentiles { field, percents }))
}

fn percentile_ranks(json: &Json, place: &Place) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    place.check_keys(object, &["field", "missing", "values", "keyed"], PASSED_OVER)?;
    let values = numbers(needed(object, "values", place)?, &place.key("values"))?;
    let field = fields::of_numbers(object, place)?;
    let shape = Shape::Percentiles { is_keyed: keyed(object, true, place)? };
    Ok((shape, AggregationKind::PercentileRanks { field, values }))
}

fn numbers(json: &Json, place: &Place) -> Result<Vec<f64>> {
    let list = place.one_or_many(json);
    if list.len() > PERCENTS_MAX {
        return Err(place.wrong(&format!("at most {PERCENTS_MAX} numbers fit there, found {}", list.len())));
    }
    list.into_iter().map(|(place, json)| number(json, &place)).collect()
}

fn weighted_mean(json: &Json, place: &Place) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    place.check_keys(object, &["value", "weight"], PASSED_OVER)?;
    let [field, weight] =
        ["value", "weight"].map(|key| fields::only_numbers(needed(object, key, place)?, &place.key(key)));
    Ok((Shape::Number, AggregationKind::WeightedMean { field: field?, weight: weight? }))
}
