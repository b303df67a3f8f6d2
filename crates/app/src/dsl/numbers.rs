//! Answers that are numbers, in Elasticsearch's shape.

use serde_json::{Value as Json, json};
use vigie_domain::aggregation::{AggregationAnswer, Bucket, Stats};

use super::shape::{Asked, Metric, Shape};

/// The answer to what has no buckets.
pub(super) fn number(shape: &Shape, answer: Option<&AggregationAnswer>) -> Json {
    let stats = if let Some(AggregationAnswer::Stats(stats)) = answer { *stats } else { Stats::default() };
    match shape {
        Shape::Metric(metric) => json!({"value": metric_of(&stats, *metric)}),
        Shape::Percentiles { is_keyed } => {
            let values =
                if let Some(AggregationAnswer::Percentiles(values)) = answer { values.as_slice() } else { &[] };
            let values = if *is_keyed {
                Json::Object(values.iter().map(|(percent, value)| (format!("{percent:?}"), json!(value))).collect())
            } else {
                Json::Array(values.iter().map(|(percent, value)| json!({"key": percent, "value": value})).collect())
            };
            json!({ "values": values })
        }
        Shape::Cardinality => {
            let count = if let Some(AggregationAnswer::Cardinality { count }) = answer { *count } else { 0 };
            json!({ "value": count })
        }
        Shape::Number => {
            json!({"value": if let Some(AggregationAnswer::Number(value)) = answer { *value } else { None }})
        }
        Shape::ExtendedStats { sigma } => extended(&stats, *sigma),
        _ => json!({
            "count": stats.count, "min": stats.min, "max": stats.max, "avg": stats.mean(), "sum": stats.sum,
        }),
    }
}

fn metric_of(stats: &Stats, metric: Metric) -> Json {
    match metric {
        Metric::Sum => json!(stats.sum),
        Metric::Min => json!(stats.min),
        Metric::Max => json!(stats.max),
        Metric::Avg => json!(stats.mean()),
    }
}

/// The numbers of `extended_stats`, with the older name of each spread beside those that say of what it is.
fn extended(stats: &Stats, sigma: f64) -> Json {
    let (variance, of_sample) = (stats.variance(), stats.variance_of_sample());
    // Of one number, the spread of a sample is undefined and written as Elasticsearch does.
    let shown = |value: Option<f64>| match value {
        None if stats.count > 0 => json!("NaN"),
        value => json!(value),
    };
    let bound = |variance: Option<f64>, sign: f64| {
        shown(stats.mean().zip(variance).map(|(mean, variance)| mean + sign * sigma * variance.sqrt()))
    };
    let [deviation, deviation_of_sample] = [variance, of_sample].map(|variance| variance.map(f64::sqrt));
    json!({
        "count": stats.count, "min": stats.min, "max": stats.max, "avg": stats.mean(), "sum": stats.sum,
        "sum_of_squares": (stats.count > 0).then_some(stats.sum_of_squares),
        "variance": variance, "variance_population": variance, "variance_sampling": shown(of_sample),
        "std_deviation": deviation, "std_deviation_population": deviation,
        "std_deviation_sampling": shown(deviation_of_sample),
        "std_deviation_bounds": {
            "upper": bound(variance, 1.0), "lower": bound(variance, -1.0),
            "upper_population": bound(variance, 1.0), "lower_population": bound(variance, -1.0),
            "upper_sampling": bound(of_sample, 1.0), "lower_sampling": bound(of_sample, -1.0),
        },
    })
}

/// The number of that name by which buckets are put in order.
fn number_of_stats(stats: &Stats, name: &str) -> Option<f64> {
    match name {
        "count" => Some(stats.count as f64),
        "sum" => Some(stats.sum),
        "min" => Some(stats.min.unwrap_or(f64::INFINITY)),
        "max" => Some(stats.max.unwrap_or(f64::NEG_INFINITY)),
        "avg" => stats.mean(),
        "sum_of_squares" => Some(stats.sum_of_squares),
        "variance" | "variance_population" => stats.variance(),
        "variance_sampling" => stats.variance_of_sample(),
        "std_deviation" | "std_deviation_population" => stats.variance().map(f64::sqrt),
        "std_deviation_sampling" => stats.variance_of_sample().map(f64::sqrt),
        _ => None,
    }
}

/// The number by which buckets are put in order: the metric below them at that path, and which of its numbers.
pub(super) fn number_of(bucket: &Bucket, asked: &Asked, path: &[String], number: Option<&str>) -> Option<f64> {
    let (name, rest) = path.split_first()?;
    let (_, answer) = bucket.children.iter().find(|(known, _)| known == name)?;
    let child = asked.children.iter().find(|child| child.name == *name)?;
    if !rest.is_empty() {
        let AggregationAnswer::Buckets { buckets, .. } = answer else { return None };
        return number_of(buckets.first()?, child, rest, number);
    }
    let shape = &child.shape;
    match answer {
        AggregationAnswer::Stats(stats) => match (shape, number) {
            (Shape::Metric(Metric::Sum), _) | (Shape::Stats, Some("sum")) => Some(stats.sum),
            // Of nothing, the smallest number is the largest there is, and the other way round; of a mean there is none.
            (Shape::Metric(Metric::Min), _) | (Shape::Stats, Some("min")) => Some(stats.min.unwrap_or(f64::INFINITY)),
            (Shape::Metric(Metric::Max), _) | (Shape::Stats, Some("max")) => {
                Some(stats.max.unwrap_or(f64::NEG_INFINITY))
            }
            (Shape::Metric(Metric::Avg), _) | (Shape::Stats, Some("avg")) => stats.mean(),
            (Shape::Stats, Some("count")) => Some(stats.count as f64),
            (Shape::ExtendedStats { .. }, Some(number)) => number_of_stats(stats, number),
            _ => None,
        },
        AggregationAnswer::Number(value) => *value,
        AggregationAnswer::Top(_) => None,
        AggregationAnswer::Cardinality { count } => Some(*count as f64),
        AggregationAnswer::Buckets { buckets, .. } => buckets.first().map(|bucket| bucket.count as f64),
        AggregationAnswer::Percentiles(values) => {
            let wanted: f64 = number?.parse().ok()?;
            values.iter().find(|(percent, _)| (percent - wanted).abs() < 1e-9).and_then(|(_, value)| *value)
        }
    }
}
