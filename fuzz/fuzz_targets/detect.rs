#![no_main]

use libfuzzer_sys::fuzz_target;

// The library that reads Parquet panics on some damaged files, which is caught: only what is not caught may end the run.
fuzz_target!(
    init: std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))),
    |bytes: &[u8]| vigie_fuzzing::targets::detect(bytes)
);
