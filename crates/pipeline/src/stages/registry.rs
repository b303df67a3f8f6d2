//! The stages that there are: a new one is one file and one line here.

use super::error::PipelineError;
use super::options::Options;
use super::{
    Stage, bin_lookup, convert, csv, date, digest, disposable_email, dissect, fields, flow, grok, json, kv, list,
    lookup, redact, script, text, whereabouts,
};

/// Makes a stage of its keys.
pub(super) type Build = fn(&mut Options) -> Result<Box<dyn Stage>, PipelineError>;

/// Every stage: its `type` and how it is made.
pub(super) const STAGES: &[(&str, Build)] = &[
    ("add", fields::add),
    ("bin_lookup", bin_lookup::build),
    ("capitalize", text::capitalize),
    ("clone", flow::clone),
    ("convert", convert::build),
    ("copy", fields::copy),
    ("csv", csv::build),
    ("date", date::build),
    ("dedupe", flow::dedupe),
    ("disposable_email", disposable_email::build),
    ("dissect", dissect::build),
    ("drop", flow::drop),
    ("fingerprint", digest::fingerprint),
    ("geoip", whereabouts::geoip),
    ("grok", grok::build),
    ("hash", digest::hash),
    ("join", list::join),
    ("json", json::build),
    ("kv", kv::build),
    ("lowercase", text::lowercase),
    ("match", grok::form::build),
    ("merge", list::merge),
    ("redact", redact::build),
    ("remove", fields::remove),
    ("rename", fields::rename),
    ("replace", text::replace),
    ("sample", flow::sample),
    ("script", script::build),
    ("split", list::split),
    ("tag", fields::tag),
    ("translate", lookup::translate),
    ("trim", text::trim),
    ("unnest", flow::unnest),
    ("uppercase", text::uppercase),
    ("url_decode", text::url_decode),
    ("user_agent", whereabouts::user_agent),
];

/// The `type` of every stage, in order of the alphabet.
pub fn stage_kinds() -> impl Iterator<Item = &'static str> {
    STAGES.iter().map(|(kind, _)| *kind)
}
