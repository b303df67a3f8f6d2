//! Matching: an engine whose time grows with the text alone where that gives the same result, else one that goes back.
//!
//! Look-around of one character and atomic groups are left out of the fast expression and asked at the end, where they stood.
//! Without them the expression finds no less, and its first way through is the first of all: if that one keeps to what was
//! left out, it is also the first way of the whole expression. If it does not, the engine that goes back decides.

use fancy_regex::Regex as CarefulRegex;
use regex::Regex;

use super::expand::group_name;
use super::plan::{Check, Plan};
use crate::stages::text;

/// Steps back of one search, after which it is given up.
const BACKTRACK_MAX: usize = 200_000;

/// An expression made ready.
#[derive(Debug)]
pub(super) struct Engine {
    fast: Option<Fast>,
    careful: CarefulRegex,
    capture_count: usize,
}

#[derive(Debug)]
struct Fast {
    regex: Regex,
    /// Groups of the captures.
    groups: Vec<usize>,
    /// What was left out, and the group where it stood.
    checks: Vec<(usize, Check)>,
}

/// How a search ended.
#[derive(Debug, PartialEq)]
pub(super) enum Search {
    /// Where each capture lies, if it took part.
    Found(Vec<Option<(usize, usize)>>),
    /// The text is not of this form.
    Nothing,
    /// It took more steps than it may.
    GivenUp,
}

impl Engine {
    /// Makes an expression with so many captures ready.
    ///
    /// # Errors
    /// In words, when it is none or takes too much memory.
    pub(super) fn new(expression: &str, capture_count: usize) -> Result<Self, String> {
        let fast = Plan::of(expression).and_then(|plan| Fast::new(plan, capture_count));
        let mut builder = fancy_regex::RegexBuilder::new(expression);
        builder.backtrack_limit(BACKTRACK_MAX).delegate_size_limit(text::PATTERN_SIZE_MAX);
        builder.delegate_dfa_size_limit(text::PATTERN_SIZE_MAX);
        let careful = builder.build().map_err(|error| format!("the pattern is no expression: {error}"))?;
        Ok(Self { fast, careful, capture_count })
    }

    /// Whether the fast engine is asked first.
    #[cfg(test)]
    pub(super) const fn is_fast(&self) -> bool {
        self.fast.is_some()
    }

    /// Searches the text.
    pub(super) fn search(&self, text: &str) -> Search {
        let Some(fast) = &self.fast else { return self.search_carefully(text) };
        let mut locations = fast.regex.capture_locations();
        if fast.regex.captures_read(&mut locations, text).is_none() {
            return Search::Nothing;
        }
        if fast.checks.iter().all(|(group, check)| locations.get(*group).is_none_or(|at| check.holds(text, at))) {
            return Search::Found(fast.groups.iter().map(|group| locations.get(*group)).collect());
        }
        self.search_carefully(text)
    }

    /// Whether the text is of this form; a search that is given up has found nothing.
    pub(super) fn is_match(&self, text: &str) -> bool {
        match &self.fast {
            Some(fast) if fast.checks.is_empty() => fast.regex.is_match(text),
            Some(_) | None => matches!(self.search(text), Search::Found(_)),
        }
    }

    /// Searches the text with the engine that goes back.
    pub(super) fn search_carefully(&self, text: &str) -> Search {
        match self.careful.captures(text) {
            Err(_) => Search::GivenUp,
            Ok(None) => Search::Nothing,
            Ok(Some(captures)) => {
                let place = |number| captures.name(&group_name(number)).map(|found| (found.start(), found.end()));
                Search::Found((0..self.capture_count).map(place).collect())
            }
        }
    }
}

impl Fast {
    /// `None` when the expression means something else here, or nothing.
    fn new(plan: Plan, capture_count: usize) -> Option<Self> {
        let regex = text::regex(&plan.expression).ok()?;
        let group_of = |name: &str| regex.capture_names().position(|known| known == Some(name));
        let groups = (0..capture_count).map(|number| group_of(&group_name(number))).collect::<Option<Vec<_>>>()?;
        let checks = plan.checks.into_iter().map(|(name, check)| Some((group_of(&name)?, check)));
        let checks = checks.collect::<Option<Vec<_>>>()?;
        Some(Self { regex, groups, checks })
    }
}
