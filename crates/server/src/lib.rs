//! The server as a library: what `main.rs` starts and the integration tests drive.
//!
//! Nothing below it knows HTTP, the environment or which store is in use.

pub mod cli;
pub mod config;
pub mod demo;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod outside;
pub mod readiness;
pub mod wire;
