//! Matching: an engine whose time grows with the text alone where that gives the same result, else one that goes back.
//!
//! Look-around of one character and atomic groups are left out of the fast expression and asked at the end, where they stood.
//! Without them the expression finds no less, and its first way through is the first of all: if that one keeps to what was
//! left out, it is also the first way of the whole expression. If it does not, the engine that goes back decides.
//! The fast expression is searched by a tagged automaton; the library's engine is asked where that one cannot be sure.

use fancy_regex::Regex as CarefulRegex;
use regex::Regex;

use super::expand::group_name;
use super::plan::{Check, Plan};
use super::tagged::Tagged;
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
    tagged: Option<Tagged>,
    regex: Regex,
    /// Groups of the captures, and then those where something was left out.
    groups: Vec<usize>,
    /// What was left out.
    checks: Vec<Check>,
}

/// Where a group lies in a text, if it took part.
pub(super) type Place = Option<(usize, usize)>;

/// How a search ended.
#[derive(Debug, PartialEq)]
pub(super) enum Search {
    /// Where each capture lies.
    Found(Vec<Place>),
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
        let Some(mut places) = fast.search(text) else { return Search::Nothing };
        let checked = places.split_off(self.capture_count);
        if fast.checks.iter().zip(checked).all(|(check, place)| place.is_none_or(|at| check.holds(text, at))) {
            return Search::Found(places);
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
        let captures = (0..capture_count).map(|number| group_of(&group_name(number)));
        let groups = captures.chain(plan.checks.iter().map(|(name, _)| group_of(name)));
        let groups = groups.collect::<Option<Vec<_>>>()?;
        let checks = plan.checks.into_iter().map(|(_, check)| check).collect();
        Some(Self { tagged: Tagged::new(&plan.expression, &groups), regex, groups, checks })
    }

    /// Where the groups lie; `None` when the text is not of this form.
    fn search(&self, text: &str) -> Option<Vec<Place>> {
        if let Some(Ok(found)) = self.tagged.as_ref().map(|tagged| tagged.search(text)) {
            return found;
        }
        let mut locations = self.regex.capture_locations();
        self.regex.captures_read(&mut locations, text)?;
        Some(self.groups.iter().map(|group| locations.get(*group)).collect())
    }
}
