//! What is answered and what is read as JSON: one file per subject. No logic beyond shapes.

pub mod aggregations;
pub mod analytics;
pub mod api_keys;
pub mod dashboard;
pub mod differences;
pub mod events;
pub mod facets;
pub mod fraud;
pub mod fraud_backtest;
pub mod fraud_cases;
pub mod fraud_entities;
pub mod fraud_lists;
pub mod fraud_models;
pub mod fraud_rules;
pub mod logs;
pub mod parameters;
pub mod patterns;
pub mod performance;
pub mod pipelines;
pub mod search;
pub mod searches;
pub mod shop;
pub mod sql;
pub mod tail;
pub mod trends;
pub mod uploads;
