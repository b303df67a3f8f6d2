//! Asks two stores the same and compares the answers.

use vigie_domain::aggregation::{Aggregation, AggregationAnswer, Ranked};
use vigie_domain::ports::{AggregateRequest, Fields, Lines, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::{Scope, mapping};

/// Relative difference that sums of floats may have: they are added in another order.
const TOLERANCE: f64 = 1e-9;

/// Panics when two stores answer differently in either order: the total, the first 40 hits, and a page from among them.
pub async fn assert_same_search(left: &dyn LogStore, right: &dyn LogStore, selection: &Selection) {
    let scope = Scope::main();
    for order in [SortOrder::NewestFirst, SortOrder::OldestFirst] {
        let whole = SearchRequest {
            selection: selection.clone(),
            order,
            after: None,
            skip: 0,
            limit: 40,
            count_total: true,
            fields: Fields::All,
        };
        let expected = left.search(&scope, &whole).await.unwrap();
        let found = right.search(&scope, &whole).await.unwrap();
        assert_eq!(found.total, expected.total, "total of {}", selection.query);
        assert_eq!(found.hits, expected.hits, "hits of {}", selection.query);
        let names = expected.hits.iter().flat_map(|hit| &hit.source).map(|(name, _)| mapping::canonical(name));
        let some = SearchRequest { fields: Fields::only(names.step_by(3).take(4)), ..whole.clone() };
        let of_some = left.search(&scope, &some).await.unwrap();
        assert_eq!(right.search(&scope, &some).await.unwrap().hits, of_some.hits, "{:?}", some.fields);
        let middle = expected.hits.get(expected.hits.len() / 2).map(|hit| hit.position);
        let page = SearchRequest { after: middle, skip: 1, limit: 3, count_total: false, ..whole };
        let expected = left.search(&scope, &page).await.unwrap();
        let lines = Lines::of(expected.hits.clone()).unwrap();
        assert_eq!(right.search(&scope, &page).await.unwrap().hits, expected.hits, "page of {}", selection.query);
        assert_eq!(right.lines(&scope, &page).await.unwrap(), lines, "lines of {}", selection.query);
    }
}

/// Panics when two stores with the same events answer a question differently.
pub async fn assert_same_answer(
    left: &dyn LogStore,
    right: &dyn LogStore,
    selection: &Selection,
    question: &Aggregation,
) {
    let request = AggregateRequest { selection: selection.clone(), aggregations: vec![question.clone()] };
    let expected = left.aggregate(&Scope::main(), &request).await;
    let found = right.aggregate(&Scope::main(), &request).await;
    match (expected, found) {
        (Ok(expected), Ok(found)) => {
            assert_eq!(found.total, expected.total, "total of {}", selection.query);
            let is_same = is_same_answer(&expected.answers[0].1, &found.answers[0].1);
            assert!(is_same, "{question:?} of {}:\nexpected {expected:?}\nfound    {found:?}", selection.query);
        }
        (Err(expected), Err(found)) => assert_eq!(found.kind, expected.kind),
        (expected, found) => panic!("{question:?}: expected {expected:?}, found {found:?}"),
    }
}

fn is_same_number(left: f64, right: f64) -> bool {
    left == right || (left - right).abs() <= TOLERANCE * left.abs().max(right.abs())
}

fn is_same_answer(left: &AggregationAnswer, right: &AggregationAnswer) -> bool {
    match (left, right) {
        (AggregationAnswer::Stats(left), AggregationAnswer::Stats(right)) => {
            (left.count, left.min, left.max) == (right.count, right.min, right.max)
                && is_same_number(left.sum, right.sum)
                && is_same_number(left.sum_of_squares, right.sum_of_squares)
        }
        (
            AggregationAnswer::Buckets { buckets: left, other_count: left_others },
            AggregationAnswer::Buckets { buckets: right, other_count: right_others },
        ) => {
            let is_same_bucket = |left: &vigie_domain::aggregation::Bucket,
                                  right: &vigie_domain::aggregation::Bucket| {
                let children = left.children.iter().zip(&right.children);
                (&left.key, left.count, left.children.len()) == (&right.key, right.count, right.children.len())
                    && children.into_iter().all(|((_, left), (_, right))| is_same_answer(left, right))
            };
            left_others == right_others
                && left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| is_same_bucket(left, right))
        }
        (AggregationAnswer::Percentiles(left), AggregationAnswer::Percentiles(right)) => {
            let is_same = |left: Option<f64>, right: Option<f64>| match (left, right) {
                (Some(left), Some(right)) => is_same_number(left, right),
                (left, right) => left == right,
            };
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left.1, right.1))
        }
        (AggregationAnswer::Top(left), AggregationAnswer::Top(right)) => {
            // Sums of values may differ in their last places, so only where events stand is compared exactly.
            let places = |events: &[Ranked]| events.iter().map(|event| event.position).collect::<Vec<_>>();
            places(left) == places(right)
        }
        (AggregationAnswer::Number(Some(left)), AggregationAnswer::Number(Some(right))) => {
            is_same_number(*left, *right)
        }
        (left, right) => left == right,
    }
}
