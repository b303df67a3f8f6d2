//! Fraud detection: what is known of a transaction when it arrives. The models that learn from it are `crates/fraud`.

pub mod features;
