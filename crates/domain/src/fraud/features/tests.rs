//! The windows against a straightforward, quadratic reference, in order and out of it, and through snapshots.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::Timestamp;
use crate::time::{NANOS_PER_DAY, NANOS_PER_SECOND};

const NANOS_PER_HOUR: i64 = 3_600 * NANOS_PER_SECOND;
const ROOMY: Bounds = Bounds { keys_max: 100, kept_max: 1_000 };
/// Few enough that most of a stream is kept by the hour.
const TIGHT: Bounds = Bounds { keys_max: 100, kept_max: 5 };

#[derive(Clone, Copy, Debug)]
struct Seen {
    key: u64,
    occurrence: Occurrence,
    is_fraud: bool,
    is_usual: bool,
}

/// Streams of 60 days on three keys in order of time, with ties and bursts.
fn streams() -> impl Strategy<Value = Vec<Seen>> {
    let gap = prop_oneof![Just(0), 1..60_i64, 60..7_200_i64, 40_000..200_000_i64];
    let one = (gap, 0..3_u64, -5_000..5_000_000_i64, 0..4_u64, any::<bool>(), any::<bool>());
    proptest::collection::vec(one, 1..120).prop_map(|rows| {
        let mut second = 1_530_000_000;
        let mut stream = Vec::new();
        for (id, (gap, key, parts, item, is_fraud, is_usual)) in rows.into_iter().enumerate() {
            second += gap;
            let at = Timestamp::from_seconds(second);
            let occurrence = Occurrence { at, id: id as u64, amount: Amount::from_parts(parts), item };
            stream.push(Seen { key, occurrence, is_fraud, is_usual });
        }
        stream
    })
}

/// The same events, each up to the accepted lateness later than it should come.
fn disturbed(stream: &[Seen], lateness: &[i64]) -> Vec<Seen> {
    let arrival = |(seen, late): (&Seen, &i64)| (seen.occurrence.at.as_nanos() + late % LATENESS_NANOS_MAX, *seen);
    let mut arrivals: Vec<(i64, Seen)> = stream.iter().zip(lateness.iter().cycle()).map(arrival).collect();
    arrivals.sort_by_key(|(arrives, _)| *arrives);
    arrivals.into_iter().map(|(_, seen)| seen).collect()
}

fn filled(stream: &[Seen], bounds: Bounds) -> Windows {
    let mut windows = Windows::new(bounds);
    for seen in stream {
        assert_eq!(windows.insert(seen.key, seen.occurrence), Admission::Added);
    }
    mark_all(&mut windows, stream);
    windows
}

fn mark_all(windows: &mut Windows, stream: &[Seen]) {
    for seen in stream.iter().filter(|seen| seen.is_fraud) {
        assert!(windows.mark_fraud(seen.key, (seen.occurrence.at, seen.occurrence.id), seen.is_usual));
    }
}

fn bytes_of(windows: &Windows) -> Vec<u8> {
    let mut bytes = Vec::new();
    windows.write_snapshot(&mut bytes);
    bytes
}

/// Counts one by one what lies in `(after, end]`.
fn reference(stream: &[Seen], key: u64, (after, end): (i64, i64)) -> (Totals, usize) {
    let (mut totals, mut items) = (Totals::default(), BTreeSet::new());
    for seen in stream.iter().filter(|seen| seen.key == key) {
        let at = seen.occurrence.at.as_nanos();
        if at > after && at <= end {
            totals.count += 1;
            totals.amount_parts += i128::from(seen.occurrence.amount.parts());
            totals.fraud_count += u32::from(seen.is_fraud);
            totals.usual_fraud_count += u32::from(seen.is_fraud && seen.is_usual);
            items.insert(seen.occurrence.item);
        }
    }
    (totals, items.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn windows_equal_the_reference(stream in streams()) {
        let mut windows = Windows::new(ROOMY);
        for (place, seen) in stream.iter().enumerate() {
            windows.insert(seen.key, seen.occurrence);
            let history = windows.history(seen.key).unwrap();
            let known: Vec<Seen> = stream[..=place].iter().map(|seen| Seen { is_fraud: false, ..*seen }).collect();
            let now = seen.occurrence.at;
            for window in Window::ALL {
                let range = (now.as_nanos() - window.nanos(), now.as_nanos());
                let (totals, distinct) = reference(&known, seen.key, range);
                prop_assert_eq!(history.window(window, now), WindowTotals { totals, is_exact: true });
                prop_assert_eq!(history.distinct_count(window, now), (distinct, true));
            }
        }
    }

    #[test]
    fn windows_behind_the_delay_of_labels_equal_the_reference(stream in streams()) {
        let windows = filled(&stream, ROOMY);
        let newest = stream.last().unwrap().occurrence.at;
        for window in Window::ALL {
            let end = newest.saturating_add_nanos(-LABEL_DELAY_NANOS);
            for key in 0..3 {
                let Some(history) = windows.history(key) else { continue };
                let (totals, _) = reference(&stream, key, (end.as_nanos() - window.nanos(), end.as_nanos()));
                prop_assert_eq!(history.window(window, end).totals, totals);
            }
        }
    }

    #[test]
    fn late_events_lead_to_the_state_of_the_ordered_stream(
        stream in streams(),
        lateness in proptest::collection::vec(0..LATENESS_NANOS_MAX, 1..20),
    ) {
        for bounds in [ROOMY, TIGHT] {
            let (ordered, late) = (filled(&stream, bounds), {
                let mut windows = Windows::new(bounds);
                for seen in disturbed(&stream, &lateness) {
                    prop_assert_eq!(windows.insert(seen.key, seen.occurrence), Admission::Added);
                }
                mark_all(&mut windows, &stream);
                windows
            });
            prop_assert_eq!(&ordered, &late);
            prop_assert_eq!(bytes_of(&ordered), bytes_of(&late));
        }
    }

    #[test]
    fn a_restored_state_goes_on_as_if_nothing_had_happened(
        stream in streams(),
        cut in 0..120_usize,
        lateness in proptest::collection::vec(0..LATENESS_NANOS_MAX, 1..20),
    ) {
        for bounds in [ROOMY, TIGHT] {
            let arrivals = disturbed(&stream, &lateness);
            let (mut undisturbed, mut restored) = (Windows::new(bounds), Windows::new(bounds));
            for (place, seen) in arrivals.iter().enumerate() {
                if place == cut {
                    let bytes = bytes_of(&restored);
                    restored = Windows::read_snapshot(&mut bytes.as_slice(), bounds).unwrap();
                }
                for windows in [&mut undisturbed, &mut restored] {
                    windows.insert(seen.key, seen.occurrence);
                    if seen.is_fraud {
                        windows.mark_fraud(seen.key, (seen.occurrence.at, seen.occurrence.id), seen.is_usual);
                    }
                }
                let (left, right) = (undisturbed.history(seen.key).unwrap(), restored.history(seen.key).unwrap());
                for window in Window::ALL {
                    prop_assert_eq!(left.window(window, seen.occurrence.at), right.window(window, seen.occurrence.at));
                }
            }
            prop_assert_eq!(bytes_of(&undisturbed), bytes_of(&restored));
        }
    }

    #[test]
    fn past_the_bound_windows_count_up_to_an_hour_too_much(stream in streams()) {
        let windows = filled(&stream, TIGHT);
        for key in 0..3 {
            let Some(history) = windows.history(key) else { continue };
            let now = history.newest_at().unwrap();
            for window in Window::ALL {
                let after = now.as_nanos() - window.nanos();
                let (exact, distinct) = reference(&stream, key, (after, now.as_nanos()));
                let hour_start = after.div_euclid(NANOS_PER_HOUR) * NANOS_PER_HOUR;
                let (most, _) = reference(&stream, key, (hour_start - 1, now.as_nanos()));
                let told = history.window(window, now);
                prop_assert!(told.totals.count >= exact.count && told.totals.count <= most.count);
                prop_assert!(!told.is_exact || told.totals == exact);
                let (told_distinct, is_exact) = history.distinct_count(window, now);
                prop_assert!(told_distinct <= distinct && (!is_exact || told_distinct == distinct));
            }
        }
    }

    #[test]
    fn bytes_that_are_no_snapshot_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Windows::read_snapshot(&mut bytes.as_slice(), ROOMY);
    }
}

fn occurrence(second: i64, id: u64) -> Occurrence {
    Occurrence { at: Timestamp::from_seconds(second), id, amount: Amount::from_parts(10_000), item: id }
}

#[test]
fn a_snapshot_cut_anywhere_is_refused() {
    let mut windows = Windows::new(TIGHT);
    for id in 0..20 {
        windows.insert(1, occurrence(1_000 * id as i64, id));
    }
    let bytes = bytes_of(&windows);
    for length in 0..bytes.len() {
        assert!(Windows::read_snapshot(&mut &bytes[..length], TIGHT).is_err(), "{length}");
    }
    let mut rest = bytes.as_slice();
    assert_eq!(Windows::read_snapshot(&mut rest, TIGHT).unwrap(), windows);
    assert!(rest.is_empty());
}

#[test]
fn an_event_that_is_too_late_changes_nothing() {
    let mut windows = Windows::new(ROOMY);
    windows.insert(1, occurrence(10_000, 1));
    let before = windows.clone();
    assert_eq!(windows.insert(2, occurrence(10_000 - 301, 2)), Admission::TooLate);
    assert_eq!(windows, before);
    assert_eq!(windows.insert(2, occurrence(10_000 - 300, 2)), Admission::Added);
}

#[test]
fn the_same_event_again_changes_nothing() {
    let mut windows = Windows::new(ROOMY);
    assert_eq!(windows.insert(1, occurrence(10_000, 1)), Admission::Added);
    let before = windows.clone();
    assert_eq!(windows.insert(1, occurrence(10_000, 1)), Admission::Known);
    assert_eq!(windows, before);
}

#[test]
fn a_second_label_of_the_same_event_is_told_and_not_counted() {
    let mut windows = Windows::new(ROOMY);
    let seen = occurrence(10_000, 1);
    windows.insert(1, seen);
    assert!(windows.mark_fraud(1, (seen.at, seen.id), true));
    assert!(!windows.mark_fraud(1, (seen.at, seen.id), false));
    assert!(!windows.mark_fraud(1, (seen.at, 2), false));
    assert!(!windows.mark_fraud(2, (seen.at, seen.id), false));
    assert_eq!(windows.history(1).unwrap().through(seen.at).fraud_count, 1);
}

#[test]
fn keys_and_what_each_holds_stay_within_their_bounds() {
    let bounds = Bounds { keys_max: 16, kept_max: 10 };
    let mut windows = Windows::new(bounds);
    for id in 0..2_000 {
        windows.insert(id % 40, occurrence(7_200 * id as i64, id));
        assert!(windows.key_count() <= 16);
    }
    for id in 2_000..3_000 {
        windows.insert(7, occurrence(7_200 * id as i64, id));
    }
    let history = windows.history(7).unwrap();
    assert_eq!(history.kept.len(), 10);
    let reach_hours = window::REACH_NANOS / NANOS_PER_HOUR + 1;
    let hour_count = history.hours.as_ref().map_or(0, |hours| hours.by_hour().len());
    assert!((1..=reach_hours as usize).contains(&hour_count), "{hour_count}");
}

#[test]
fn the_newest_key_is_spared_when_there_are_too_many() {
    let mut windows = Windows::new(Bounds { keys_max: 3, kept_max: 10 });
    for key in 0..4 {
        windows.insert(key, occurrence(1_000 * key as i64, key));
    }
    let left: Vec<bool> = (0..4).map(|key| windows.history(key).is_some()).collect();
    assert_eq!(left, [false, true, true, true]);
}

#[test]
fn what_lies_before_the_reach_still_counts_over_a_lifetime() {
    let mut windows = Windows::new(ROOMY);
    let day = NANOS_PER_DAY / NANOS_PER_SECOND;
    for id in 0..100 {
        windows.insert(1, occurrence(day * id as i64, id));
    }
    let history = windows.history(1).unwrap();
    assert!(history.kept.len() < 50, "{}", history.kept.len());
    assert_eq!(history.through(Timestamp::from_seconds(day * 99)).count, 100);
    assert_eq!(history.through(Timestamp::from_seconds(day * 98)).count, 99);
}
