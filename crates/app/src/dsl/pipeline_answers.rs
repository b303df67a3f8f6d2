//! Aggregations of others' answers, computed from the finished answer.

use std::cmp::Ordering;

use serde_json::{Map, Value as Json, json};

use super::bucket_formula::BucketFormula;
use super::pipelines::{Gap, Moving, OfBuckets, Path, Pipeline, PipelineKind};
use super::shape::Asked;

/// Adds to the answers of a level what is computed from them, the innermost first.
pub(super) fn add(asked: &[Asked], pipelines: &[Pipeline], answers: &mut Map<String, Json>) {
    for one in asked {
        let Some(answer) = answers.get_mut(&one.name) else { continue };
        match answer.get_mut("buckets") {
            Some(Json::Array(buckets)) => {
                let mut of_all: Vec<&mut Json> = buckets.iter_mut().collect();
                add_below(one, &mut of_all);
            }
            Some(Json::Object(buckets)) => {
                let mut of_all: Vec<&mut Json> = buckets.values_mut().collect();
                add_below(one, &mut of_all);
            }
            _ => add_below(one, &mut [answer]),
        }
        for pipeline in &one.pipelines {
            let Some(buckets) = answer.get_mut("buckets") else { continue };
            match &pipeline.kind {
                PipelineKind::Sort { by, from, size } => sort(buckets, by, *from, *size, pipeline.gap),
                PipelineKind::Select(of) => select(buckets, of, pipeline.gap),
                _ => {}
            }
        }
    }
    for pipeline in pipelines {
        if let PipelineKind::OfBuckets(of) = pipeline.kind
            && let Some((sibling, path)) = pipeline.path.names.split_first()
        {
            let path = Path { names: path.to_vec(), number: pipeline.path.number.clone() };
            let value = of_buckets(of, answers.get(sibling), &path, pipeline.gap);
            answers.insert(pipeline.name.clone(), value);
        }
    }
}

fn add_below(asked: &Asked, buckets: &mut [&mut Json]) {
    for bucket in buckets.iter_mut() {
        if let Json::Object(bucket) = bucket {
            add(&asked.children, &asked.pipelines, bucket);
        }
    }
    for pipeline in &asked.pipelines {
        let values: Vec<Option<f64>> =
            buckets.iter().map(|bucket| value_at(bucket, &pipeline.path, pipeline.gap)).collect();
        let found = match &pipeline.kind {
            PipelineKind::Derivative { unit_ms } => derivatives(&values, buckets, *unit_ms),
            PipelineKind::CumulativeSum => cumulative_sums(&values),
            PipelineKind::SerialDifference { lag } => serial_differences(&values, *lag),
            PipelineKind::Moving { function, window, shift } => moving(&values, *function, *window, *shift),
            PipelineKind::Script(of) => buckets.iter().map(|bucket| computed(bucket, of, pipeline.gap)).collect(),
            PipelineKind::Sort { .. } | PipelineKind::Select(_) | PipelineKind::OfBuckets(_) => continue,
        };
        for (bucket, value) in buckets.iter_mut().zip(found) {
            if let (Json::Object(bucket), Some(value)) = (&mut **bucket, value) {
                bucket.insert(pipeline.name.clone(), value);
            }
        }
    }
}

/// The number at the path, from a bucket on; `None` where there is a gap.
fn value_at(bucket: &Json, path: &Path, gap: Gap) -> Option<f64> {
    let is_count = path.names.first().is_some_and(|name| name == "_count");
    let found = number_at(bucket, path).filter(|number| number.is_finite());
    let is_gap = !is_count && bucket["doc_count"].as_u64() == Some(0);
    match (found.filter(|_| !is_gap), gap) {
        (None, Gap::Zero) => Some(0.0),
        (found, _) => found,
    }
}

fn number_at(bucket: &Json, path: &Path) -> Option<f64> {
    let mut at = bucket;
    for name in &path.names {
        match name.as_str() {
            "_count" => return at["doc_count"].as_f64(),
            "_key" => return at["key"].as_f64(),
            "_bucket_count" => return at["buckets"].as_array().map(|buckets| buckets.len() as f64),
            name => at = at.get(name)?,
        }
    }
    match path.number.as_deref() {
        None | Some("value") => at.get("value")?.as_f64(),
        Some("_count" | "doc_count") => at["doc_count"].as_f64(),
        Some(number) => {
            let percent =
                || number.parse().map_or(Json::Null, |percent: f64| at["values"][format!("{percent:?}")].clone());
            at.get(number).cloned().unwrap_or_else(percent).as_f64()
        }
    }
}

fn derivatives(values: &[Option<f64>], buckets: &[&mut Json], unit_ms: Option<f64>) -> Vec<Option<Json>> {
    let mut computed = vec![None; values.len()];
    for place in 1..values.len() {
        let change = values[place].zip(values[place - 1]).map(|(value, before)| value - before);
        let mut value = json!({ "value": change });
        if let Some(unit_ms) = unit_ms {
            let [key, before] = [place, place - 1].map(|place| buckets[place]["key"].as_f64().unwrap_or_default());
            value["normalized_value"] = json!(change.map(|change| change / ((key - before) / unit_ms)));
        }
        computed[place] = Some(value);
    }
    computed
}

fn cumulative_sums(values: &[Option<f64>]) -> Vec<Option<Json>> {
    let mut sum = 0.0;
    let mut add = |value: &Option<f64>| {
        sum += value.unwrap_or_default();
        Some(json!({ "value": sum }))
    };
    values.iter().map(&mut add).collect()
}

/// What each bucket has more than the one `lag` before it; nothing where either has a gap.
fn serial_differences(values: &[Option<f64>], lag: usize) -> Vec<Option<Json>> {
    let before = std::iter::repeat_n(&None, lag).chain(values);
    let difference = |(value, before): (&Option<f64>, &Option<f64>)| Some(json!({"value": (*value)? - (*before)?}));
    values.iter().zip(before).map(difference).collect()
}

/// What the function makes of the values before each bucket that has one, gaps left out.
fn moving(values: &[Option<f64>], function: Moving, window: usize, shift: i64) -> Vec<Option<Json>> {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let border = |place: i64| usize::try_from(place.max(0)).unwrap_or_default().min(known.len());
    let mut place: i64 = 0;
    let mut next = |value: &Option<f64>| {
        (*value)?;
        let behind = place.saturating_add(shift);
        let (from, to) = (border(behind.saturating_sub_unsigned(window as u64)), border(behind));
        place += 1;
        Some(json!({ "value": moved(&known[from.min(to)..to], function) }))
    };
    values.iter().map(&mut next).collect()
}

/// The functions of Elasticsearch's `MovingFunctions`; `None` for what they have no number for.
fn moved(values: &[f64], function: Moving) -> Option<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    match function {
        Moving::Sum => Some(values.iter().sum()),
        Moving::Max => values.iter().copied().reduce(f64::max),
        Moving::Min => values.iter().copied().reduce(f64::min),
        Moving::UnweightedAvg => (!values.is_empty()).then_some(mean),
        Moving::StdDev => {
            let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
            (!values.is_empty()).then(|| (squares / count).sqrt())
        }
        Moving::LinearWeightedAvg => {
            let sum: f64 = (1..).zip(values).map(|(weight, value)| f64::from(weight) * value).sum();
            // The weights begin at 1, as they do there.
            let weights = 1.0 + count * (count + 1.0) / 2.0;
            (!values.is_empty()).then_some(sum / weights)
        }
        Moving::Ewma { alpha } => values.iter().copied().reduce(|mean, value| value * alpha + mean * (1.0 - alpha)),
    }
}

/// The numbers of a bucket that a formula names; `None` where there is a gap.
fn inputs(bucket: &Json, of: &BucketFormula, gap: Gap) -> Vec<Option<f64>> {
    let found = of.inputs.iter().map(|path| value_at(bucket, path, gap));
    found.chain(of.constants.iter().copied().map(Some)).collect()
}

/// What a formula makes of a bucket; nothing where a number is missing.
fn computed(bucket: &Json, of: &BucketFormula, gap: Gap) -> Option<Json> {
    let values: Vec<f64> = inputs(bucket, of, gap).into_iter().collect::<Option<_>>()?;
    let value = of.formula.number(&values);
    Some(json!({"value": value.is_finite().then_some(value)}))
}

/// Keeps the buckets of which a formula says yes; a number that is missing is no number, and compares with none.
fn select(buckets: &mut Json, of: &BucketFormula, gap: Gap) {
    let is_kept = |bucket: &Json| {
        let values: Vec<f64> = inputs(bucket, of, gap).into_iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        of.formula.says_yes(&values)
    };
    match buckets {
        Json::Array(list) => list.retain(is_kept),
        Json::Object(named) => named.retain(|_, bucket| is_kept(bucket)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// Puts buckets in order and keeps some; those without a number come last.
fn sort(buckets: &mut Json, by: &[(Path, bool)], from: usize, size: Option<usize>, gap: Gap) {
    let size = size.unwrap_or(usize::MAX);
    let order = |left: &Json, right: &Json| {
        for (path, is_ascending) in by {
            let ordering = match (sort_value(left, path, gap), sort_value(right, path, gap)) {
                (Some(left), Some(right)) if *is_ascending => compare(&left, &right),
                (Some(left), Some(right)) => compare(&right, &left),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        Ordering::Equal
    };
    match buckets {
        Json::Array(list) => {
            list.sort_by(order);
            *list = std::mem::take(list).into_iter().skip(from).take(size).collect();
        }
        Json::Object(named) => {
            let mut list: Vec<(String, Json)> = std::mem::take(named).into_iter().collect();
            list.sort_by(|(_, left), (_, right)| order(left, right));
            *named = list.into_iter().skip(from).take(size).collect();
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn sort_value(bucket: &Json, path: &Path, gap: Gap) -> Option<Json> {
    if path.names.first().is_some_and(|name| name == "_key") {
        return bucket.get("key").cloned();
    }
    value_at(bucket, path, gap).map(Json::from)
}

fn compare(left: &Json, right: &Json) -> Ordering {
    match (left, right) {
        (Json::String(left), Json::String(right)) => left.cmp(right),
        _ => left.as_f64().unwrap_or_default().total_cmp(&right.as_f64().unwrap_or_default()),
    }
}

fn of_buckets(of: OfBuckets, sibling: Option<&Json>, path: &Path, gap: Gap) -> Json {
    let buckets: Vec<(String, &Json)> = match sibling.and_then(|sibling| sibling.get("buckets")) {
        Some(Json::Array(list)) => list.iter().map(|bucket| (key_text(bucket), bucket)).collect(),
        Some(Json::Object(named)) => named.iter().map(|(name, bucket)| (name.clone(), bucket)).collect(),
        _ => Vec::new(),
    };
    let values: Vec<(&str, f64)> =
        buckets.iter().filter_map(|(key, bucket)| Some((key.as_str(), value_at(bucket, path, gap)?))).collect();
    let numbers = || values.iter().map(|(_, value)| *value);
    let (sum, count) = (numbers().sum::<f64>(), values.len());
    let mean = (count > 0).then(|| sum / count as f64);
    let (min, max) = (numbers().reduce(f64::min), numbers().reduce(f64::max));
    let named = |best: Option<f64>| {
        let keys: Vec<&str> = values.iter().filter(|(_, value)| Some(*value) == best).map(|(key, _)| *key).collect();
        json!({"value": best, "keys": keys})
    };
    match of {
        OfBuckets::Avg => json!({ "value": mean }),
        OfBuckets::Sum => json!({ "value": sum }),
        OfBuckets::Min => named(min),
        OfBuckets::Max => named(max),
        OfBuckets::Stats => json!({"count": count, "min": min, "max": max, "avg": mean, "sum": sum}),
    }
}

fn key_text(bucket: &Json) -> String {
    match (bucket.get("key_as_string"), &bucket["key"]) {
        (Some(Json::String(text)), _) | (None, Json::String(text)) => text.clone(),
        (_, key) => key.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(values: Vec<Option<Json>>) -> Vec<Option<f64>> {
        values.into_iter().map(|value| value.and_then(|value| value["value"].as_f64())).collect()
    }

    #[test]
    fn functions_move_over_the_values_before_each_bucket() {
        let values = [Some(1.0), Some(5.0), None, Some(3.0)];
        let check = |function: Moving, shift: i64, expected: [Option<f64>; 4]| {
            assert_eq!(shown(moving(&values, function, 2, shift)), expected, "{function:?} {shift}");
        };
        check(Moving::Sum, 0, [Some(0.0), Some(1.0), None, Some(6.0)]);
        check(Moving::Sum, 1, [Some(1.0), Some(6.0), None, Some(8.0)]);
        check(Moving::Sum, -1, [Some(0.0), Some(0.0), None, Some(1.0)]);
        check(Moving::Max, 0, [None, Some(1.0), None, Some(5.0)]);
        check(Moving::Min, 1, [Some(1.0), Some(1.0), None, Some(3.0)]);
        check(Moving::UnweightedAvg, 1, [Some(1.0), Some(3.0), None, Some(4.0)]);
        check(Moving::StdDev, 1, [Some(0.0), Some(2.0), None, Some(1.0)]);
        check(Moving::LinearWeightedAvg, 1, [Some(0.5), Some(2.75), None, Some(2.75)]);
        check(Moving::Ewma { alpha: 0.5 }, 1, [Some(1.0), Some(3.0), None, Some(4.0)]);
    }

    #[test]
    fn serial_differences_leave_out_what_has_nothing_before_it() {
        let values = [Some(1.0), Some(5.0), None, Some(3.0), Some(9.0)];
        let check = |lag: usize, expected: [Option<f64>; 5]| {
            assert_eq!(shown(serial_differences(&values, lag)), expected, "{lag}");
        };
        check(1, [None, Some(4.0), None, None, Some(6.0)]);
        check(2, [None, None, None, Some(-2.0), None]);
        check(3, [None, None, None, Some(2.0), Some(4.0)]);
        check(9, [None; 5]);
    }

    #[test]
    fn gaps_are_passed_over_or_nothing() {
        let path = Path::read("a");
        let empty = json!({"key": 1, "doc_count": 0, "a": {"value": 3.0}});
        assert_eq!((value_at(&empty, &path, Gap::Skip), value_at(&empty, &path, Gap::Zero)), (None, Some(0.0)));
        assert_eq!(value_at(&empty, &Path::read("_count"), Gap::Skip), Some(0.0));
        let full = json!({"doc_count": 1, "p": {"values": {"99.0": 7.5}}, "s": {"max": 2.0}, "f": {"doc_count": 4, "a": {"value": 1.5}}});
        let at = |text: &str| value_at(&full, &Path::read(text), Gap::Skip);
        assert_eq!((at("p[99]"), at("p.99.0"), at("s.max"), at("f>a")), (Some(7.5), Some(7.5), Some(2.0), Some(1.5)));
        assert_eq!((at("f>_count"), at("s.min"), at("nothing")), (Some(4.0), None, None));
    }
}
