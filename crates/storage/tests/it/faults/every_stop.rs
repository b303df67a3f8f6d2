//! The process is killed, or the power cut, before every change that a life makes on its disk.

use super::disk::{Contents, Disk, Fault, Kind, Moment, Plan, PowerCut};
use super::life::{Life, Promise, Story, check, check_backup, check_bytes, send_rest};

/// How long a test may be: a life makes so many changes at most.
const MOMENTS_MAX: usize = 2_000;

/// Every moment of a life, and what had been promised by then.
async fn moments_of_a_life() -> (Vec<Moment>, Vec<Promise>) {
    let disk = Disk::new();
    disk.record();
    let Story { promises, wrong, .. } = Life::live(&disk).await;
    let moments = disk.moments();
    assert!(disk.failed().is_empty() && wrong.is_empty(), "{wrong:?}");
    assert!((100..MOMENTS_MAX).contains(&moments.len()), "{} moments", moments.len());
    assert!(promises.len() > 10, "not everything of the script was done: {promises:?}");
    (moments, promises)
}

/// What is left opens, holds what was promised, takes what was not, and keeps that when the power is cut.
async fn check_left(left: Contents, promises: &[Promise]) -> Result<(), String> {
    let disk = Disk::with(left);
    let engine = check(&disk, promises).await?;
    let promises = send_rest(&engine, promises).await.map_err(|error| format!("after it: {error}"))?;
    drop(engine);
    let disk = Disk::with(disk.contents().after(PowerCut::All));
    let engine = check(&disk, &promises).await.map_err(|error| format!("after a power cut later on: {error}"))?;
    engine.flush().await;
    drop(engine);
    check_bytes(&disk)
}

/// Checks what `cut` leaves of every moment.
async fn check_every_moment(cut: impl Fn(usize, &Contents) -> Contents) {
    let (moments, promises) = moments_of_a_life().await;
    let (mut failures, mut before) = (Vec::new(), None);
    for (number, moment) in moments.iter().enumerate() {
        let left = (cut(number, &moment.contents), moment.note);
        if before.as_ref() == Some(&left) {
            continue;
        }
        let (left, _) = before.insert(left).clone();
        if let Err(what) = check_left(left, &promises[..moment.note]).await {
            failures.push(format!("before {number}, {}: {what}", moment.what));
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), moments.len(), failures.join("\n"));
}

#[tokio::test]
async fn killed_before_any_change_it_loses_and_doubles_nothing() {
    check_every_moment(|_, contents| contents.clone()).await;
}

#[tokio::test]
async fn a_power_cut_before_any_change_costs_nothing_that_was_acknowledged() {
    check_every_moment(|_, contents| contents.after(PowerCut::All)).await;
}

#[tokio::test]
async fn nor_does_a_power_cut_that_keeps_some_of_what_was_not_synced() {
    check_every_moment(|number, contents| contents.after(PowerCut::Some(number as u64))).await;
}

#[tokio::test]
async fn a_start_may_be_killed_as_well() {
    let (moments, promises) = moments_of_a_life().await;
    for (number, moment) in moments.iter().enumerate().filter(|(number, _)| number % 2 == 0) {
        let disk = Disk::with(moment.contents.clone());
        disk.set(Plan::Fail { kind: Kind::Change, number: number % 7, fault: Fault::Io, lasts: true });
        drop(super::life::open(&disk));
        let left = disk.contents().after(PowerCut::Some(number as u64));
        let found = check_left(left, &promises[..moment.note]).await;
        assert!(found.is_ok(), "before {number}, {}, and in the start after it: {found:?}", moment.what);
    }
}

#[tokio::test]
async fn a_finished_backup_is_whole_whenever_the_power_is_cut() {
    let (moments, promises) = moments_of_a_life().await;
    for (number, moment) in moments.iter().enumerate().filter(|(number, _)| number % 4 == 0) {
        let disk = Disk::with(moment.contents.after(PowerCut::All));
        let found = check_backup(&disk, &promises[..moment.note]).await;
        assert!(found.is_ok(), "before {number}, {}: {found:?}", moment.what);
    }
}
