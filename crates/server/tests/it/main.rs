//! The server from outside: routes, callers, problems, pages, connections, command line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are not marked as tests and stop at the first surprise as well"
)]

mod agent;
mod aggregations;
mod api_keys;
mod app;
mod auth_flow;
mod backups;
mod binary;
mod command_line;
mod connections;
mod conventions;
mod demo;
mod differences;
mod documents;
mod elasticsearch;
mod elasticsearch_async;
mod elasticsearch_client;
mod elasticsearch_deletion;
mod elasticsearch_indices;
mod elasticsearch_search;
mod export;
mod facets;
mod fraud;
mod grafana;
mod house;
mod kill;
mod logs;
mod numbers;
mod otlp_input;
mod performance;
mod permissions;
mod pipelines;
mod problems;
mod push;
mod query_help;
mod redaction;
mod searches;
mod shop;
mod sql;
mod stages;
mod tail;
mod uploads;
mod whole_lines;
