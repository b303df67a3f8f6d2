//! Runs the public REST tests of OpenSearch and Elasticsearch, written in their YAML dialect, against a server.
//!
//! What it is: a reader of the dialect ([`suite`]), of the descriptions of calls ([`api`]), and a runner ([`runner`]) that sends what a
//! section says and compares the answers. What it is not: the tests themselves, which stay in the folder that one names; nor anything that
//! knows the server: every server gets the same requests, and a section passes only by its answers.

pub mod api;
pub mod assertion;
pub mod client;
pub mod path;
pub mod pattern;
pub mod reasons;
pub mod runner;
pub mod stash;
pub mod suite;
pub mod table;
pub mod version;
pub mod yaml;

#[cfg(test)]
mod tests;

pub use api::Apis;
pub use client::{Answer, HttpClient, Outgoing, Transport};
pub use reasons::Reasons;
pub use runner::{Outcome, Reset, Runner, SectionResult};
pub use suite::Suite;
pub use version::Version;
