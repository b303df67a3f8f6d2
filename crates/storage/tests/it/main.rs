//! The engine through its port: durability across restarts, and the suites that every log store passes.
#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod backup;
mod conformance;
mod durability;
mod faults;
mod inspect;
mod lifecycle;
mod many_fields;
mod pages;
mod scrub;
