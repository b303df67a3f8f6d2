//! The table of what passed, by folder, and the list of what did not.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::runner::{Outcome, SectionResult};

#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    differs: usize,
    skipped: usize,
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        let count = match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed(_) => &mut self.failed,
            Outcome::Differs { .. } => &mut self.differs,
            Outcome::Skipped(_) => &mut self.skipped,
        };
        *count += 1;
    }

    fn line(&self, name: &str) -> String {
        let run = self.passed + self.failed + self.differs;
        let share = (self.passed * 100).checked_div(run).map_or_else(|| "-".to_owned(), |share| format!("{share} %"));
        let Self { passed, failed, differs, skipped } = self;
        format!("{name:<28} {passed:>7} {failed:>7} {differs:>8} {skipped:>8} {share:>6}\n")
    }
}

/// Sections by folder: passed, failed, failed for a documented difference, left out; and the share of those run that passed.
pub fn by_folder(results: &[SectionResult]) -> String {
    let (mut folders, mut all) = (BTreeMap::<&str, Counts>::new(), Counts::default());
    for result in results {
        folders.entry(result.folder()).or_default().add(&result.outcome);
        all.add(&result.outcome);
    }
    let mut out =
        format!("{:<28} {:>7} {:>7} {:>8} {:>8} {:>6}\n", "folder", "passed", "failed", "differs", "skipped", "share");
    folders.iter().for_each(|(name, counts)| out.push_str(&counts.line(name)));
    out + &all.line("all")
}

/// The share of the sections run that passed, rounded down; 100 when none was run.
pub fn percent_passed(results: &[SectionResult]) -> usize {
    let run = results.iter().filter(|result| !matches!(result.outcome, Outcome::Skipped(_))).count();
    let passed = results.iter().filter(|result| result.outcome == Outcome::Passed).count();
    (passed * 100).checked_div(run).unwrap_or(100)
}

/// Every section that did not pass, with what was otherwise; those left out on demand.
pub fn not_passed(results: &[SectionResult], with_skipped: Skipped) -> String {
    let mut out = String::new();
    for result in results {
        let _ = match &result.outcome {
            Outcome::Passed => Ok(()),
            Outcome::Failed(what) => writeln!(out, "failed   {}\n         {what}", result.name),
            Outcome::Differs { reason, what } => writeln!(out, "differs  {}: {reason}\n         {what}", result.name),
            Outcome::Skipped(why) if with_skipped == Skipped::Shown => writeln!(out, "skipped  {}: {why}", result.name),
            Outcome::Skipped(_) => Ok(()),
        };
    }
    out
}

/// Whether sections that were left out are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// They are.
    Shown,
    /// They are only counted.
    Counted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_counted() {
        let result = |name: &str, outcome: Outcome| SectionResult { name: name.to_owned(), outcome };
        let differs = Outcome::Differs { reason: "logs do not change".to_owned(), what: "step 1".to_owned() };
        let results = [
            result("get/10: a", Outcome::Passed),
            result("get/10: b", Outcome::Failed("step 2: no".to_owned())),
            result("update/1: c", differs),
            result("update/1: d", Outcome::Skipped("version".to_owned())),
        ];
        let table = by_folder(&results);
        let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["get", "1", "1", "0", "0", "50", "%"]);
        assert_eq!(lines[2], ["update", "0", "0", "1", "1", "0", "%"]);
        assert_eq!(lines[3], ["all", "1", "1", "1", "1", "33", "%"]);
        assert!(not_passed(&results, Skipped::Shown).contains("skipped  update/1: d: version"));
        assert!(!not_passed(&results, Skipped::Counted).contains("skipped"));
    }
}
