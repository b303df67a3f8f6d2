//! What became of a configuration: what was not translated, and what is worth knowing, each with its line.

use serde::Serialize;

use super::tree::Place;

/// Findings that are kept; more are counted.
const FINDINGS_MAX: usize = 10_000;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// It is not in the pipeline.
    NotTranslated,
    /// It is, and behaves or lies differently; or Vigie does it without being told.
    Note,
}

/// One thing to know about the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Line of the configuration, counted from 1.
    pub line: u32,
    /// How much it matters.
    pub kind: FindingKind,
    /// The plugin, or `if`.
    pub plugin: String,
    /// Its option, when it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    /// Why, and what to do instead.
    pub reason: String,
}

/// Where a finding belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Where<'p> {
    pub(super) place: Place,
    pub(super) plugin: &'p str,
}

/// Findings in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Something is not in the pipeline.
    pub(super) fn left(&mut self, at: Where<'_>, option: Option<&str>, reason: impl Into<String>) {
        self.add(FindingKind::NotTranslated, at, option, reason.into());
    }

    /// Something is worth knowing.
    pub(super) fn note(&mut self, at: Where<'_>, option: Option<&str>, reason: impl Into<String>) {
        self.add(FindingKind::Note, at, option, reason.into());
    }

    fn add(&mut self, kind: FindingKind, at: Where<'_>, option: Option<&str>, reason: String) {
        let (line, plugin) = (at.place.line, at.plugin.to_owned());
        let finding = Finding { line, kind, plugin, option: option.map(str::to_owned), reason };
        if self.findings.len() < FINDINGS_MAX && !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// All of them by line.
    pub(super) fn into_findings(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| finding.line);
        self.findings
    }
}
