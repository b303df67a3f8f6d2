//! A little fuzzing on every change: each target gets valid inputs, every beginning of them and thousands of changed ones. It must
//! not panic, and not take more memory than its input explains.
//!
//! What is found here or by libFuzzer becomes a test beside the code that was wrong.
#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod mutate;

use std::alloc::System;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use mutate::Mutator;
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAlloc, PeakMemAllocTrait};
use vigie_fuzzing::{TARGETS, Target};

#[global_allocator]
static MEMORY: &PeakMemAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Changed inputs for each target.
const CHANGED: usize = 500;
/// Beginnings of one input at most, spread evenly over a long one.
const BEGINNINGS_MAX: usize = 1_000;
/// Bytes that a target may take whatever it is given: tables of decoders, blocks that are read at once.
const FREE_BYTES: usize = 8 * 1024 * 1024;
/// Bytes that it may take for each byte that it is given.
const BYTES_PER_BYTE: usize = 1_024;

/// Bytes as they can be put into a test.
fn shown(bytes: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 2_000;
    let rest = if bytes.len() > SHOWN_BYTES_MAX { " …" } else { "" };
    format!("{} bytes: b\"{}\"{rest}", bytes.len(), bytes[..bytes.len().min(SHOWN_BYTES_MAX)].escape_ascii())
}

/// Runs the target; what is wrong, if something is.
fn try_out(target: &Target, bytes: &[u8]) -> Result<(), String> {
    MEMORY.reset_peak_memory();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes)));
    let peak_bytes = MEMORY.get_peak_memory();
    if outcome.is_err() {
        return Err(format!("{} panics on {}", target.name, shown(bytes)));
    }
    let peak_bytes_max = FREE_BYTES + BYTES_PER_BYTE * bytes.len();
    if peak_bytes > peak_bytes_max {
        return Err(format!(
            "{} takes {peak_bytes} bytes, more than {peak_bytes_max}, for {}",
            target.name,
            shown(bytes)
        ));
    }
    Ok(())
}

/// Everything that the target is given.
fn inputs(target: &Target) -> impl Iterator<Item = Vec<u8>> {
    let seeds = target.seeds().unwrap();
    assert!(!seeds.is_empty() && seeds.iter().all(|seed| !seed.is_empty()), "{} has an empty input", target.name);
    let beginnings: Vec<Vec<u8>> = seeds
        .iter()
        .flat_map(|seed| {
            (0..=seed.len()).rev().step_by(seed.len() / BEGINNINGS_MAX + 1).map(|end| seed[..end].to_vec())
        })
        .collect();
    let mut mutator = Mutator::of(target.name);
    beginnings.into_iter().chain((0..CHANGED).map(move |_| mutator.next(&seeds)))
}

/// One test, since memory is counted for the whole process.
#[test]
fn no_target_panics_or_takes_more_memory_than_its_input_explains() {
    // Whatever is made once for all is made before anything is counted.
    TARGETS.iter().for_each(|target| (target.run)(b"{}"));
    let wrong: Vec<String> =
        TARGETS.iter().filter_map(|target| inputs(target).find_map(|bytes| try_out(target, &bytes).err())).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

#[test]
fn every_target_has_its_program_and_no_other_has() {
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let files = std::fs::read_dir(fuzz_folder().join("fuzz_targets")).unwrap();
    let programs: BTreeSet<String> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(programs, names);
    let manifest = std::fs::read_to_string(fuzz_folder().join("Cargo.toml")).unwrap();
    for name in names {
        let program = std::fs::read_to_string(fuzz_folder().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("vigie_fuzzing::targets::{name}(bytes)")), "{name} runs something else");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} is not in fuzz/Cargo.toml");
    }
}
