//! What live tails did, asked whenever the metrics are.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use vigie_app::tail::Tails;

/// Numbers that the tails keep themselves.
pub(super) struct TailWatch(pub(super) Arc<Tails>);

impl fmt::Debug for TailWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TailWatch")
    }
}

impl Collector for TailWatch {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let numbers = self.0.numbers();
        let open = ConstGauge::new(numbers.open as i64);
        open.encode(encoder.encode_descriptor("tails", "Live tails that are open", None, open.metric_type())?)?;
        let mut counter = |name: &str, help: &str, count: u64| {
            let counter = ConstCounter::new(count);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
        };
        counter("tail_events_sent", "Events that live tails sent", numbers.sent)?;
        counter("tail_events_sampled_out", "Events that live tails left out by sampling", numbers.sampled_out)?;
        counter("tail_events_dropped", "Events that live tails could not look at or had no room for", numbers.dropped)
    }
}
