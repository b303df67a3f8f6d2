//! What inputs and dead letters count themselves, read whenever the metrics are asked for.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use vigie_app::dead_letters::DeadLetters;
use vigie_inputs::{InputState, Inputs};

/// A count and its labels.
type Labelled<const N: usize> = ([(&'static str, &'static str); N], u64);

/// The numbers of all inputs.
pub(super) struct InputNumbers {
    inputs: Arc<Inputs>,
    letters: DeadLetters,
}

impl InputNumbers {
    pub(super) const fn new(inputs: Arc<Inputs>, letters: DeadLetters) -> Self {
        Self { inputs, letters }
    }
}

impl fmt::Debug for InputNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InputNumbers")
    }
}

impl Collector for InputNumbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let states = self.inputs.states();
        let outcomes: Vec<_> = states.iter().flat_map(outcomes_of).collect();
        counters(&mut encoder, "input_events", "Records of inputs, received and what became of them", &outcomes)?;
        let cuts: Vec<_> = states.iter().flat_map(cuts_of).collect();
        counters(&mut encoder, "input_cuts", "Connections of inputs that were cut off", &cuts)?;
        let redactions: Vec<_> = states.iter().flat_map(redactions_of).collect();
        let help = "Card numbers and secrets taken out of records of inputs";
        counters(&mut encoder, "input_redactions", help, &redactions)?;
        let bytes: Vec<_> = states.iter().map(|state| ([("input", state.name)], state.numbers.bytes)).collect();
        counters(&mut encoder, "input_bytes", "Bytes that inputs received, unpacked", &bytes)?;
        let lost: Vec<_> = states.iter().map(|state| ([("input", state.name)], state.numbers.lost_datagrams)).collect();
        counters(&mut encoder, "input_lost_datagrams", "Datagrams that the system threw away", &lost)?;
        let open: Vec<_> = states.iter().map(|state| ([("input", state.name)], state.numbers.connections)).collect();
        gauges(&mut encoder, "input_connections", "Open connections of inputs", &open)?;
        let letters = self.letters.numbers();
        let help = "Records that are kept because they could not be stored";
        let kept = ConstGauge::new(letters.count as i64);
        kept.encode(encoder.encode_descriptor("dead_letters", help, None, kept.metric_type())?)?;
        let help = "Dead letters that had to go for others";
        let dropped = ConstCounter::new(letters.dropped);
        dropped.encode(encoder.encode_descriptor("dead_letters_dropped", help, None, dropped.metric_type())?)
    }
}

fn outcomes_of(state: &InputState) -> Vec<Labelled<2>> {
    let numbers = &state.numbers;
    let counts = [
        ("received", numbers.received),
        ("stored", numbers.stored),
        ("deduplicated", numbers.deduplicated),
        ("dead_lettered", numbers.dead_lettered),
        ("dropped", numbers.dropped),
        ("refused", numbers.refused),
        ("unaccounted", numbers.unaccounted()),
    ];
    counts.map(|(outcome, count)| ([("input", state.name), ("outcome", outcome)], count)).into()
}

fn cuts_of(state: &InputState) -> Vec<Labelled<2>> {
    let cuts = state.numbers.cuts.iter();
    cuts.map(|(reason, count)| ([("input", state.name), ("reason", reason.as_str())], *count)).collect()
}

fn redactions_of(state: &InputState) -> Vec<Labelled<2>> {
    let redactions = state.numbers.redactions.iter();
    redactions.map(|(kind, count)| ([("input", state.name), ("kind", kind.as_str())], count)).collect()
}

fn counters<const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    counts: &[Labelled<N>],
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    counts.iter().try_for_each(|(labels, count)| ConstCounter::new(*count).encode(family.encode_family(labels)?))
}

fn gauges<const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    counts: &[Labelled<N>],
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    counts.iter().try_for_each(|(labels, count)| ConstGauge::new(*count as i64).encode(family.encode_family(labels)?))
}
