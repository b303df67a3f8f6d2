//! Aggregations by looking at every event: plain, slow and easy to believe.

use std::collections::{BTreeMap, BTreeSet};

use vigie_domain::aggregation::{
    Aggregation, AggregationAnswer, AggregationKind, AskedField, BUCKETS_MAX, Bucket, RankKey, Ranked, Ranking, Stats,
    TUPLES_PER_EVENT_MAX, TimeSpans, Tuples, cmp_keys, for_each_tuple, percentile_of_sorted, tuple_count,
};
use vigie_domain::event::pseudo_fields;
use vigie_domain::query::{Matcher, Scalar};
use vigie_domain::{Error, ErrorKind, Result, Scope, Timestamp, Value};

use crate::linear_store::Row;

/// Answers every question over the rows, within the bound of all buckets together.
pub(crate) fn answer_all(
    questions: &[Aggregation],
    rows: &[&Row],
    scope: &Scope,
) -> Result<Vec<(String, AggregationAnswer)>> {
    let answers = unbounded(questions, rows, scope)?;
    let count: usize = answers.iter().map(|(_, answer)| bucket_count(answer)).sum();
    if count > BUCKETS_MAX { Err(too_many(count as i128)) } else { Ok(answers) }
}

fn bucket_count(answer: &AggregationAnswer) -> usize {
    let AggregationAnswer::Buckets { buckets, .. } = answer else { return 0 };
    let below = |bucket: &Bucket| bucket.children.iter().map(|(_, answer)| bucket_count(answer)).sum::<usize>();
    buckets.iter().map(|bucket| 1 + below(bucket)).sum()
}

fn too_many(count: i128) -> Error {
    Error::new(ErrorKind::TooLarge, format!("{count} buckets are more than {BUCKETS_MAX}"))
}

fn unbounded(questions: &[Aggregation], rows: &[&Row], scope: &Scope) -> Result<Vec<(String, AggregationAnswer)>> {
    questions.iter().map(|question| Ok((question.name.clone(), answer(question, rows, scope)?))).collect()
}

fn answer(question: &Aggregation, rows: &[&Row], scope: &Scope) -> Result<AggregationAnswer> {
    Ok(match &question.kind {
        AggregationKind::Terms { field, size, order, filter } => {
            let test = filter.compile().map_err(Error::invalid)?;
            let mut groups = by_value(rows, field, scope);
            groups.retain(|(key, _)| test.passes(key));
            groups.sort_by(|(left_key, left), (right_key, right)| {
                order.compare(|| cmp_keys(left_key, right_key), left.len() as u64, right.len() as u64)
            });
            let hidden = groups.split_off((*size).min(groups.len()));
            let other_count = hidden.iter().map(|(_, rows)| rows.len() as u64).sum();
            let buckets = groups.into_iter().map(|(key, rows)| bucket(question, key, &rows, scope));
            AggregationAnswer::Buckets { buckets: buckets.collect::<Result<_>>()?, other_count }
        }
        AggregationKind::DateHistogram { interval_ns, offset_ns } => {
            histogram(question, rows, [*interval_ns, *offset_ns], scope)?
        }
        AggregationKind::CalendarHistogram(spans) => {
            let mut groups: BTreeMap<Timestamp, Vec<&Row>> = BTreeMap::new();
            rows.iter().for_each(|row| groups.entry(spans.start_of(row.event.timestamp)).or_default().push(row));
            let buckets =
                groups.into_iter().map(|(start, rows)| bucket(question, Value::Int(start.as_nanos()), &rows, scope));
            AggregationAnswer::Buckets { buckets: buckets.collect::<Result<_>>()?, other_count: 0 }
        }
        AggregationKind::Histogram { field, spans } => {
            let mut groups: BTreeMap<i64, Vec<&Row>> = BTreeMap::new();
            for row in rows {
                let places: BTreeSet<i64> =
                    numbers(&[*row], field, scope).into_iter().map(|number| spans.place_of(number)).collect();
                places.into_iter().for_each(|place| groups.entry(place).or_default().push(row));
            }
            let buckets = groups.into_iter().map(|(place, rows)| bucket(question, Value::Int(place), &rows, scope));
            AggregationAnswer::Buckets { buckets: buckets.collect::<Result<_>>()?, other_count: 0 }
        }
        AggregationKind::InstantHistogram { field, spans } => instants(question, (field, spans), rows, scope)?,
        AggregationKind::Tuples(tuples) => combinations(question, tuples, rows, scope)?,
        AggregationKind::Filters(filters) => {
            let buckets = filters.iter().map(|(name, query)| {
                let matcher = Matcher::compile(query, scope, Timestamp::default())?;
                let matching: Vec<&Row> =
                    rows.iter().copied().filter(|row| matcher.matches(&row.event, &row.id())).collect();
                bucket(question, Value::text(name), &matching, scope)
            });
            AggregationAnswer::Buckets { buckets: buckets.collect::<Result<_>>()?, other_count: 0 }
        }
        AggregationKind::Cardinality { field } => {
            AggregationAnswer::Cardinality { count: by_value(rows, field, scope).len() as u64 }
        }
        AggregationKind::Stats { field }
        | AggregationKind::Percentiles { field, .. }
        | AggregationKind::PercentileRanks { field, .. }
        | AggregationKind::MedianAbsoluteDeviation { field } => of_numbers(&question.kind, numbers(rows, field, scope)),
        AggregationKind::Top { ranking, size } => {
            let mut ranked: Vec<Ranked> = rows.iter().map(|row| ranked(row, ranking, scope)).collect();
            ranked.retain(|event| ranking.is_after(&event.values, event.position.sequence));
            ranked.sort_by(|left, right| ranking.compare(left, right));
            let mut first: Vec<Ranked> = Vec::new();
            for event in ranked {
                if first.iter().all(|other| ranking.compare_distinct(other, &event).is_ne()) {
                    first.push(event);
                }
            }
            first.truncate(*size);
            AggregationAnswer::Top(first)
        }
        AggregationKind::WeightedMean { field, weight } => weighted_mean(rows, [field, weight], scope),
    })
}

fn instants(
    question: &Aggregation,
    (field, spans): (&AskedField, &TimeSpans),
    rows: &[&Row],
    scope: &Scope,
) -> Result<AggregationAnswer> {
    let mut groups: BTreeMap<i64, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let found = values(row, field, scope);
        let instants = found.iter().filter_map(Scalar::from_value).filter_map(|scalar| field.instant_of(scalar));
        let starts: BTreeSet<i64> = instants.map(|at| spans.start_of(at).as_nanos()).collect();
        starts.into_iter().for_each(|start| groups.entry(start).or_default().push(row));
    }
    let buckets = groups.into_iter().map(|(start, rows)| bucket(question, Value::Int(start), &rows, scope));
    Ok(AggregationAnswer::Buckets { buckets: buckets.collect::<Result<_>>()?, other_count: 0 })
}

fn combinations(question: &Aggregation, tuples: &Tuples, rows: &[&Row], scope: &Scope) -> Result<AggregationAnswer> {
    let mut groups = by_tuple(rows, tuples, scope)?;
    groups.sort_by(|(left_key, left), (right_key, right)| {
        tuples.order.compare((left_key, left.len() as u64), (right_key, right.len() as u64))
    });
    let hidden = groups.split_off(tuples.size.min(groups.len()));
    let other_count = hidden.iter().map(|(_, rows)| rows.len() as u64).sum();
    let buckets = groups.into_iter().map(|(key, rows)| bucket(question, Value::List(key), &rows, scope));
    Ok(AggregationAnswer::Buckets { buckets: buckets.collect::<Result<_>>()?, other_count })
}

/// The answer to what is asked of all numbers.
fn of_numbers(kind: &AggregationKind, mut numbers: Vec<f64>) -> AggregationAnswer {
    let sorted = |numbers: &mut Vec<f64>| numbers.sort_by(f64::total_cmp);
    sorted(&mut numbers);
    let median = |numbers: &[f64]| percentile_of_sorted(numbers, 50.0);
    match kind {
        AggregationKind::Percentiles { percents, .. } => {
            let value = |percent: &f64| (*percent, percentile_of_sorted(&numbers, *percent));
            AggregationAnswer::Percentiles(percents.iter().map(value).collect())
        }
        AggregationKind::PercentileRanks { values, .. } => {
            let rank = |value: &f64| {
                let below = numbers.iter().filter(|number| **number <= *value).count();
                (*value, (!numbers.is_empty()).then(|| below as f64 * 100.0 / numbers.len() as f64))
            };
            AggregationAnswer::Percentiles(values.iter().map(rank).collect())
        }
        AggregationKind::MedianAbsoluteDeviation { .. } => {
            AggregationAnswer::Number(median(&numbers).and_then(|middle| {
                let mut deviations = numbers.iter().map(|number| (number - middle).abs()).collect();
                sorted(&mut deviations);
                median(&deviations)
            }))
        }
        _ => AggregationAnswer::Stats(Stats {
            count: numbers.len() as u64,
            sum: numbers.iter().sum(),
            min: numbers.first().copied(),
            max: numbers.last().copied(),
            sum_of_squares: numbers.iter().map(|number| number * number).sum(),
        }),
    }
}

fn ranked(row: &Row, ranking: &Ranking, scope: &Scope) -> Ranked {
    let value = |key: &RankKey| {
        let values = values(row, &key.field, scope);
        key.counting(
            &mut values.iter().filter_map(Scalar::from_value).map(|scalar| key.field.value_of(scalar)).collect(),
        )
    };
    Ranked { values: ranking.all_keys().map(value).collect(), position: row.position() }
}

fn weighted_mean(rows: &[&Row], [field, weight]: [&AskedField; 2], scope: &Scope) -> AggregationAnswer {
    let (mut sum, mut weights) = (0.0, 0.0);
    for row in rows {
        if let [weight] = numbers(&[*row], weight, scope)[..] {
            let numbers = numbers(&[*row], field, scope);
            sum += numbers.iter().map(|number| number * weight).sum::<f64>();
            weights += numbers.len() as f64 * weight;
        }
    }
    AggregationAnswer::Number(Some(sum / weights).filter(|mean| mean.is_finite()))
}

fn histogram(question: &Aggregation, rows: &[&Row], sizes: [i64; 2], scope: &Scope) -> Result<AggregationAnswer> {
    let [interval, offset] = sizes.map(i128::from);
    let mut groups: BTreeMap<i128, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let nanos = i128::from(row.event.timestamp.as_nanos());
        let start = (nanos - offset).div_euclid(interval) * interval + offset;
        let start = start.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        groups.entry(start).or_default().push(row);
    }
    let (Some(first), Some(last)) = (groups.keys().next().copied(), groups.keys().next_back().copied()) else {
        return Ok(AggregationAnswer::Buckets { buckets: Vec::new(), other_count: 0 });
    };
    let count = (last - first) / interval + 1;
    if count > BUCKETS_MAX as i128 {
        return Err(too_many(count));
    }
    let buckets = (0..count).map(|index| {
        let start = first + index * interval;
        let rows = groups.get(&start).map_or(&[][..], Vec::as_slice);
        bucket(question, Value::Int(start as i64), rows, scope)
    });
    Ok(AggregationAnswer::Buckets { buckets: buckets.collect::<Result<_>>()?, other_count: 0 })
}

fn bucket(question: &Aggregation, key: Value, rows: &[&Row], scope: &Scope) -> Result<Bucket> {
    Ok(Bucket { key, count: rows.len() as u64, children: unbounded(&question.children, rows, scope)? })
}

/// The values of a field in a row, each as often as it is there; if there is none, what stands for it.
fn values(row: &Row, field: &AskedField, scope: &Scope) -> Vec<Value> {
    let found = stored(row, &field.name, scope);
    if found.is_empty() { field.missing.iter().cloned().collect() } else { found }
}

fn stored(row: &Row, field: &str, scope: &Scope) -> Vec<Value> {
    if scope.hides(field) {
        return Vec::new();
    }
    match field {
        pseudo_fields::TIMESTAMP => vec![Value::text(row.event.timestamp.to_string())],
        pseudo_fields::INGESTED_AT => vec![Value::text(row.event.ingested_at.to_string())],
        pseudo_fields::ID => vec![Value::text(row.id().0)],
        pseudo_fields::LOG_TYPE => vec![Value::text(row.event.log_type.as_str())],
        _ => {
            let mut found = Vec::new();
            row.event.for_each_leaf(&mut |name, value| {
                if name == field && !matches!(value, Value::Null) && value.is_scalar() {
                    found.push(value.clone());
                }
            });
            found
        }
    }
}

fn by_value<'a>(rows: &[&'a Row], field: &AskedField, scope: &Scope) -> Vec<(Value, Vec<&'a Row>)> {
    let mut groups: Vec<(Value, Vec<&Row>)> = Vec::new();
    for row in rows {
        let mut seen: Vec<Value> = Vec::new();
        for value in values(row, field, scope) {
            if seen.contains(&value) {
                continue;
            }
            match groups.iter_mut().find(|(key, _)| *key == value) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((value.clone(), vec![*row])),
            }
            seen.push(value);
        }
    }
    groups
}

type Groups<'a> = Vec<(Vec<Value>, Vec<&'a Row>)>;

fn by_tuple<'a>(rows: &[&'a Row], tuples: &Tuples, scope: &Scope) -> Result<Groups<'a>> {
    let mut groups: Groups<'a> = Vec::new();
    for row in rows {
        let mut lists = Vec::new();
        for key in &tuples.keys {
            let mut list = Vec::new();
            values(row, &key.field, scope)
                .iter()
                .filter_map(Scalar::from_value)
                .for_each(|scalar| key.add(scalar, &mut list));
            key.complete(&mut list);
            lists.push(list);
        }
        if tuple_count(&lists) > TUPLES_PER_EVENT_MAX {
            return Err(Error::new(ErrorKind::TooLarge, "too many combinations in one event"));
        }
        for_each_tuple(&lists, &mut |tuple| match groups.iter_mut().find(|(key, _)| key == tuple) {
            _ if !tuples.order.takes(tuple) => {}
            Some((_, rows)) => rows.push(row),
            None => groups.push((tuple.to_vec(), vec![*row])),
        });
    }
    Ok(groups)
}

fn numbers(rows: &[&Row], field: &AskedField, scope: &Scope) -> Vec<f64> {
    rows.iter().flat_map(|row| values(row, field, scope)).filter_map(|value| value.as_f64()).collect()
}
