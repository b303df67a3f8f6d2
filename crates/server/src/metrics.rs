//! What Vigie counts about itself, for Prometheus: base units, route templates as labels.
//!
//! No label ever holds a user, an address, a path as it was asked for, or the name of an index.

mod inputs;
mod tails;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use vigie_app::dead_letters::DeadLetters;
use vigie_app::tail::Tails;
use vigie_domain::ports::QueryNumbers;
use vigie_inputs::Inputs;

/// Upper bounds of the request duration buckets, in seconds; 0.2 is the promise.
const DURATION_BUCKETS_S: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Every metric, and the registry that writes them.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RequestLabels, Histogram, fn() -> Histogram>,
    connections: Gauge,
    accepted: Counter,
    deduplicated: Counter,
    rejected: Counter,
    redactions: Family<RedactionLabels, Counter>,
    start_time: Gauge<f64, AtomicU64>,
}

/// Tells what questions cost now.
pub type QueryWatch = Arc<dyn Fn() -> QueryNumbers + Send + Sync>;

/// Numbers that the store keeps itself.
struct Queries(QueryWatch);

impl fmt::Debug for Queries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queries")
    }
}

impl Collector for Queries {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let numbers = (self.0)();
        let mut gauge = |name: &str, help: &str, bytes: usize| {
            let gauge = ConstGauge::new(bytes as i64);
            gauge.encode(encoder.encode_descriptor(name, help, Some(&Unit::Bytes), gauge.metric_type())?)
        };
        gauge("query_memory", "Memory that questions under way hold", numbers.held_bytes)?;
        gauge("query_kept", "Partial answers of parts that are kept", numbers.kept_bytes)?;
        let mut counter = |name: &str, help: &str, count: u64| {
            let counter = ConstCounter::new(count);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
        };
        counter("query_kept_hits", "Partial answers of parts that were kept when asked for", numbers.kept_hits)?;
        counter("query_kept_misses", "Partial answers of parts that were not", numbers.kept_misses)?;
        counter("query_kept_evictions", "Partial answers that had to go for others", numbers.kept_evictions)
    }
}

/// Values that are kept in the overflow column because a bound of their index was reached, since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct OverflowNumbers {
    /// It had as many dynamic columns as it may.
    pub columns: u64,
    /// They were nested too deep.
    pub depth: u64,
}

/// Tells how many these are now.
pub type OverflowWatch = Arc<dyn Fn() -> OverflowNumbers + Send + Sync>;

/// Numbers that the store keeps itself.
struct Overflow(OverflowWatch);

impl fmt::Debug for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Overflow")
    }
}

impl Collector for Overflow {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let OverflowNumbers { columns, depth } = (self.0)();
        let help = "Values written to the overflow column because their index had as many columns as it may, or for their depth";
        let counter = ConstCounter::new(0_u64);
        let mut family = encoder.encode_descriptor("overflow_fields", help, None, counter.metric_type())?;
        for (reason, count) in [("columns", columns), ("depth", depth)] {
            ConstCounter::new(count).encode(family.encode_family(&[("reason", reason)])?)?;
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RedactionLabels {
    kind: String,
    source: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("vigie");
        let requests = Family::<RequestLabels, Counter>::default();
        let durations = Family::new_with_constructor((|| Histogram::new(DURATION_BUCKETS_S)) as fn() -> Histogram);
        let connections = Gauge::default();
        let (accepted, deduplicated, rejected) = (Counter::default(), Counter::default(), Counter::default());
        let redactions = Family::<RedactionLabels, Counter>::default();
        let start_time = Gauge::<f64, AtomicU64>::default();
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("http_requests", "Requests answered, by route template and status class", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from the request's head to the answer's head",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register("http_connections", "Open connections", connections.clone());
        registry.register("events_accepted", "Events that are durable and were not stored before", accepted.clone());
        registry.register("events_deduplicated", "Events that had been stored before", deduplicated.clone());
        registry.register("events_rejected", "Input records that no event could be made of", rejected.clone());
        registry.register("redactions", "What was taken out because it may never be stored", redactions.clone());
        registry.register_with_unit(
            "process_start_time",
            "When this process started, since 1970",
            Unit::Seconds,
            start_time.clone(),
        );
        registry.register("build", "What runs", build);
        Self { registry, requests, durations, connections, accepted, deduplicated, rejected, redactions, start_time }
    }

    /// Tells what questions cost whenever the metrics are asked for.
    pub fn watch_queries(&mut self, numbers: QueryWatch) {
        self.registry.register_collector(Box::new(Queries(numbers)));
    }

    /// Tells what the inputs count whenever the metrics are asked for.
    pub fn watch_inputs(&mut self, inputs: Arc<Inputs>, letters: DeadLetters) {
        self.registry.register_collector(Box::new(inputs::InputNumbers::new(inputs, letters)));
    }

    /// Tells what live tails did whenever the metrics are asked for.
    pub fn watch_tails(&mut self, tails: Arc<Tails>) {
        self.registry.register_collector(Box::new(tails::TailWatch(tails)));
    }

    /// Tells what exceeded bounds whenever the metrics are asked for.
    pub fn watch_overflow(&mut self, numbers: OverflowWatch) {
        self.registry.register_collector(Box::new(Overflow(numbers)));
    }

    /// Notes when the process started.
    pub fn record_start(&self, at: vigie_domain::Timestamp) {
        self.start_time.set(at.as_millis() as f64 / 1_000.0);
    }

    /// Counts one answered request. `route` is a template, never a path as it was asked for.
    pub fn record_request(&self, method: &Method, route: &str, status: StatusCode, duration: Duration) {
        let labels =
            RequestLabels { method: method_label(method), route: route.to_owned(), status: status_class(status) };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&labels).observe(duration.as_secs_f64());
    }

    /// Counts what became of records that came in.
    pub fn record_ingest(&self, accepted: u64, deduplicated: u64, rejected: u64) {
        self.accepted.inc_by(accepted);
        self.deduplicated.inc_by(deduplicated);
        self.rejected.inc_by(rejected);
    }

    /// Counts what was taken out of records that came in by one way, by its kind.
    pub fn record_redactions<'k>(&self, source: &'static str, counts: impl IntoIterator<Item = (&'k str, u64)>) {
        for (kind, count) in counts {
            self.redactions.get_or_create(&RedactionLabels { kind: kind.to_owned(), source }).inc_by(count);
        }
    }

    /// Counts one more open connection until the guard is dropped.
    pub fn connection_opened(&self) -> ConnectionGuard {
        self.connections.inc();
        ConnectionGuard(self.connections.clone())
    }

    /// The metrics in OpenMetrics text.
    ///
    /// # Errors
    /// When a metric cannot be written; a bug.
    pub fn encode(&self) -> vigie_domain::Result<String> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)
            .map_err(|error| vigie_domain::Error::internal(format!("the metrics could not be written: {error}")))?;
        Ok(text)
    }
}

/// An open connection.
#[derive(Debug)]
pub struct ConnectionGuard(Gauge);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Methods that a client makes up must not become label values.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_written() {
        let metrics = Metrics::new();
        metrics.record_ingest(7, 2, 1);
        metrics.record_request(&Method::GET, "/api/logs/{id}", StatusCode::OK, Duration::from_millis(150));
        metrics.record_redactions("http", [("card", 2), ("cvv", 1)]);
        metrics.record_redactions("http", [("card", 1)]);
        let open = metrics.connection_opened();
        let text = metrics.encode().unwrap();
        for line in [
            "vigie_events_accepted_total 7",
            "vigie_events_deduplicated_total 2",
            "vigie_events_rejected_total 1",
            "vigie_redactions_total{kind=\"card\",source=\"http\"} 3",
            "vigie_http_connections 1",
            "vigie_http_requests_total{method=\"GET\",route=\"/api/logs/{id}\",status=\"2xx\"} 1",
            "vigie_http_request_duration_seconds_bucket{le=\"0.1\",method=\"GET\",route=\"/api/logs/{id}\",status=\"2xx\"} 0",
            "vigie_http_request_duration_seconds_bucket{le=\"0.2\",method=\"GET\",route=\"/api/logs/{id}\",status=\"2xx\"} 1",
            "vigie_build_info{version=",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        drop(open);
        assert!(metrics.encode().unwrap().contains("vigie_http_connections 0"));
    }

    #[test]
    fn what_questions_cost_is_asked_when_it_is_wanted() {
        let mut metrics = Metrics::new();
        let numbers = QueryNumbers { held_bytes: 1, kept_bytes: 2, kept_hits: 3, kept_misses: 4, kept_evictions: 5 };
        metrics.watch_queries(Arc::new(move || numbers));
        let text = metrics.encode().unwrap();
        for line in [
            "vigie_query_memory_bytes 1",
            "vigie_query_kept_bytes 2",
            "vigie_query_kept_hits_total 3",
            "vigie_query_kept_misses_total 4",
            "vigie_query_kept_evictions_total 5",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn made_up_methods_are_one_label() {
        assert_eq!(method_label(&Method::from_bytes(b"GREET").unwrap()), "other");
    }
}
