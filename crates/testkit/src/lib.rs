//! One conformance suite per port, doubles that pass them, and generators for property tests.
//!
//! A development dependency only: nothing of it is in the binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "suites are tests that other crates run: they stop at the first surprise"
)]

mod aggregation_cases;
mod deletion_cases;
pub mod differential;
pub mod generate;
mod linear_aggregation;
mod linear_store;
pub mod log_store_suite;
mod memory_metadata;
pub mod metadata_suite;
pub mod notifier_suite;
mod recording_notifier;
pub mod rest_tests;
mod source_cases;
pub mod tls;

pub use linear_store::LinearStore;
pub use memory_metadata::MemoryMetadataStore;
pub use recording_notifier::RecordingNotifier;
