//! Every operation that a life makes on its disk fails once, and the life goes on as well as it can.

use super::disk::{Disk, Fault, Kind, Plan, PowerCut};
use super::life::{Life, Story, check, check_bytes};

/// A life makes so many operations of a kind at most.
const OPERATIONS_MAX: usize = 2_000;

/// One life in which the operation of that number fails; `None` when it does not come to it.
async fn live_with(kind: Kind, number: usize, fault: Fault) -> Option<Result<(), String>> {
    let disk = Disk::new();
    disk.set(Plan::Fail { kind, number, fault, lasts: false });
    let Story { promises, wrong, .. } = Life::live(&disk).await;
    let failed = disk.failed().first()?.clone();
    let what = |what: String| format!("{number}, {failed}: {what}");
    if !wrong.is_empty() {
        return Some(Err(what(format!("answered wrongly: {wrong:?}"))));
    }
    for (end, left) in [("", disk.contents()), ("after a power cut ", disk.contents().after(PowerCut::All))] {
        let disk = Disk::with(left);
        let checked = check(&disk, &promises).await;
        if let Err(error) = checked.map(drop).and_then(|()| check_bytes(&disk)) {
            return Some(Err(what(format!("{end}{error}"))));
        }
    }
    Some(Ok(()))
}

/// Lets every operation of the kind fail, or only each of so many.
async fn check_every(kind: Kind, fault: Fault, step: usize) {
    let (mut failures, mut count) = (Vec::new(), 0);
    for number in (0..OPERATIONS_MAX).step_by(step) {
        let Some(result) = live_with(kind, number, fault).await else { break };
        failures.extend(result.err());
        count += 1;
    }
    assert!(count > 20, "only {count} operations failed");
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}

#[tokio::test]
async fn no_failing_change_costs_what_was_acknowledged() {
    check_every(Kind::Change, Fault::Io, 1).await;
}

#[tokio::test]
async fn nor_does_a_disk_that_is_full_in_the_middle_of_a_write() {
    check_every(Kind::Change, Fault::HalfWritten, 3).await;
}

#[tokio::test]
async fn nor_does_a_file_that_cannot_be_opened() {
    check_every(Kind::Open, Fault::Io, 2).await;
}

#[tokio::test]
async fn nor_does_a_block_that_cannot_be_read() {
    check_every(Kind::Read, Fault::Io, 7).await;
}
