//! Where words stand to one another in a text: near, in order, before, within. As Elasticsearch's `intervals` has it.
//!
//! Source: C. Clarke and G. Cormack, "Shortest-substring retrieval and ranking" (2000), as Lucene's `IntervalsSource` reads it: of
//! intervals within one another the shortest count.

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::glob::glob_matches;
use super::matcher::{check_pattern, malformed};
use super::tokens;
use super::value_pattern::{FuzzyTest, compile_regexp};
use crate::error::Result;

/// Words of a text that are looked at; those behind do not count.
const WORDS_MAX: usize = 20_000;

/// Stretches of a text that are looked for, from word to word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Intervals {
    /// One word, folded.
    Word(String),
    /// One word that a pattern with `*` and `?` fits.
    Wildcard(String),
    /// One folded word that an expression fits as a whole.
    Regexp(String),
    /// One word with mistakes in it.
    Fuzzy {
        /// The word.
        word: String,
        /// How many signs may be left out, added or taken for others.
        mistakes_max: u8,
        /// Signs at the beginning that must be as they are.
        exact_prefix: usize,
        /// Whether two signs that changed places are one mistake.
        swaps_count_once: bool,
    },
    /// The shortest stretch with all of these in it.
    All {
        /// What must be in it.
        parts: Vec<Intervals>,
        /// Whether one must stand behind the other, in this order.
        is_ordered: bool,
        /// How many words may stand between them in all; `None` for any number.
        gaps_max: Option<usize>,
    },
    /// Any of these.
    Any(Vec<Intervals>),
    /// Those that stand so to any of the others, or to none.
    Related {
        /// Which are meant.
        of: Box<Intervals>,
        /// How they stand to the others.
        relation: IntervalRelation,
        /// The others.
        to: Box<Intervals>,
    },
}

/// How one stretch of a text stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IntervalRelation {
    /// The other lies in it.
    Containing,
    /// It lies in the other.
    Within,
    /// They have words in common.
    Overlapping,
    /// It ends before the other begins.
    Before,
    /// It begins behind the end of the other.
    After,
    /// No other lies in it.
    NotContaining,
    /// It lies in no other.
    NotWithin,
    /// It has no word in common with any other.
    NotOverlapping,
}

impl Intervals {
    /// The words of a text, one behind the other or in any order. Without words in it, nothing is found.
    pub fn of_words(text: &str, is_ordered: bool, gaps_max: Option<usize>) -> Self {
        let mut words: Vec<Self> = tokens::words(text).into_iter().map(Self::Word).collect();
        match words.pop() {
            Some(only) if words.is_empty() => only,
            Some(last) => {
                words.push(last);
                Self::All { parts: words, is_ordered, gaps_max }
            }
            None => Self::Any(Vec::new()),
        }
    }

    /// How many conditions there are, and how many of them are patterns, expressions or words with mistakes.
    pub(super) fn counts(&self) -> (usize, usize) {
        let sum = |parts: &[Self]| {
            parts.iter().map(Self::counts).fold((0, 0), |(all, patterns), (more, also)| (all + more, patterns + also))
        };
        match self {
            Self::Word(_) => (1, 0),
            Self::Wildcard(_) | Self::Regexp(_) | Self::Fuzzy { .. } => (1, 1),
            Self::All { parts, .. } | Self::Any(parts) => sum(parts),
            Self::Related { of, to, .. } => {
                let ((all, patterns), (more, also)) = (of.counts(), to.counts());
                (all + more, patterns + also)
            }
        }
    }

    /// Adds folded words that every text must have to be found.
    fn add_needed(&self, words: &mut Vec<String>) {
        match self {
            Self::Word(word) => words.push(word.clone()),
            Self::All { parts, .. } => parts.iter().for_each(|part| part.add_needed(words)),
            Self::Related { of, relation, to } => {
                of.add_needed(words);
                if !relation.is_negative() {
                    to.add_needed(words);
                }
            }
            Self::Any(parts) => {
                if let [only] = parts.as_slice() {
                    only.add_needed(words);
                }
            }
            Self::Wildcard(_) | Self::Regexp(_) | Self::Fuzzy { .. } => {}
        }
    }
}

impl IntervalRelation {
    const fn is_negative(self) -> bool {
        matches!(self, Self::NotContaining | Self::NotWithin | Self::NotOverlapping)
    }

    /// Whether it stands so to any of the others, or to none where that is asked.
    fn holds(self, one: Interval, others: &Others) -> bool {
        let stands = match self {
            Self::Containing | Self::NotContaining => {
                others.earliest_last_from(one.first).is_some_and(|last| last <= one.last)
            }
            Self::Within | Self::NotWithin => others.latest_last_up_to(one.first).is_some_and(|last| last >= one.last),
            Self::Overlapping | Self::NotOverlapping => {
                others.latest_last_up_to(one.last).is_some_and(|last| last >= one.first)
            }
            Self::Before => others.firsts.last().is_some_and(|first| *first > one.last),
            Self::After => others.earliest_last_from(0).is_some_and(|last| last < one.first),
        };
        stands != self.is_negative()
    }
}

/// Stretches that others are compared with, so that each comparison takes one look-up however many there are.
struct Others {
    /// Their first words, ascending.
    firsts: Vec<usize>,
    /// The latest last word of each and those before it.
    latest: Vec<usize>,
    /// The earliest last word of each and those behind it.
    earliest: Vec<usize>,
}

impl Others {
    fn of(mut intervals: Vec<Interval>) -> Self {
        intervals.sort_unstable_by_key(|interval| interval.first);
        let firsts = intervals.iter().map(|interval| interval.first).collect();
        let mut latest: Vec<usize> = intervals.iter().map(|interval| interval.last).collect();
        let mut earliest = latest.clone();
        for place in 1..intervals.len() {
            latest[place] = latest[place].max(latest[place - 1]);
        }
        for place in (1..intervals.len()).rev() {
            earliest[place - 1] = earliest[place - 1].min(earliest[place]);
        }
        Self { firsts, latest, earliest }
    }

    /// The latest last word of those that begin there or before.
    fn latest_last_up_to(&self, first: usize) -> Option<usize> {
        let count = self.firsts.partition_point(|own| *own <= first);
        count.checked_sub(1).map(|place| self.latest[place])
    }

    /// The earliest last word of those that begin there or behind.
    fn earliest_last_from(&self, first: usize) -> Option<usize> {
        self.earliest.get(self.firsts.partition_point(|own| *own < first)).copied()
    }
}

/// Decides whether a text has such stretches.
#[derive(Debug)]
pub(super) struct IntervalsTest {
    asked: Compiled,
    /// Folded words that it must have.
    pub(super) needed: Vec<String>,
}

#[derive(Debug)]
enum Compiled {
    Word(String),
    Wildcard(String),
    Regexp(Regex),
    Fuzzy(FuzzyTest),
    All { parts: Vec<(Compiled, usize)>, is_ordered: bool, gaps_max: Option<usize> },
    Any(Vec<Compiled>),
    Related { of: Box<Compiled>, relation: IntervalRelation, to: Box<Compiled> },
}

/// From word to word, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interval {
    first: usize,
    last: usize,
    /// Words in it that were looked for.
    width: usize,
}

impl IntervalsTest {
    /// Makes ready what is looked for in the field.
    pub(super) fn new(asked: &Intervals, field: &str) -> Result<Self> {
        let mut needed = Vec::new();
        asked.add_needed(&mut needed);
        needed.sort_unstable();
        needed.dedup();
        Ok(Self { asked: compile(asked, field)?, needed })
    }

    /// Whether the text has what is looked for.
    pub(super) fn matches(&self, text: &str) -> bool {
        let words: Vec<String> =
            tokens::raw_words(text).map(tokens::fold).filter(|word| !word.is_empty()).take(WORDS_MAX).collect();
        let has_all = || self.needed.iter().all(|needed| words.contains(needed));
        has_all() && !self.asked.find(&words).is_empty()
    }
}

fn compile(asked: &Intervals, field: &str) -> Result<Compiled> {
    let all = |parts: &[Intervals]| parts.iter().map(|part| compile(part, field)).collect::<Result<Vec<_>>>();
    Ok(match asked {
        Intervals::Word(word) => Compiled::Word(word.clone()),
        Intervals::Wildcard(pattern) => {
            check_pattern(pattern, field)?;
            Compiled::Wildcard(tokens::fold(pattern))
        }
        Intervals::Regexp(pattern) => {
            Compiled::Regexp(compile_regexp(pattern).map_err(|words| malformed(field, words))?)
        }
        Intervals::Fuzzy { word, mistakes_max, exact_prefix, swaps_count_once } => {
            Compiled::Fuzzy(FuzzyTest::new(&tokens::fold(word), *mistakes_max, *exact_prefix, *swaps_count_once))
        }
        // In order, what is named twice stands behind itself anyway.
        Intervals::All { parts, is_ordered: true, gaps_max } => {
            let parts = all(parts)?.into_iter().map(|part| (part, 1)).collect();
            Compiled::All { parts, is_ordered: true, gaps_max: *gaps_max }
        }
        Intervals::All { parts, is_ordered: false, gaps_max } => {
            let mut counted: Vec<(&Intervals, usize)> = Vec::new();
            for part in parts {
                match counted.iter_mut().find(|(known, _)| *known == part) {
                    Some((_, count)) => *count += 1,
                    None => counted.push((part, 1)),
                }
            }
            let parts =
                counted.into_iter().map(|(part, count)| Ok((compile(part, field)?, count))).collect::<Result<_>>()?;
            Compiled::All { parts, is_ordered: false, gaps_max: *gaps_max }
        }
        Intervals::Any(parts) => Compiled::Any(all(parts)?),
        Intervals::Related { of, relation, to } => Compiled::Related {
            of: Box::new(compile(of, field)?),
            relation: *relation,
            to: Box::new(compile(to, field)?),
        },
    })
}

impl Compiled {
    /// The stretches of the text, by their first word.
    fn find(&self, words: &[String]) -> Vec<Interval> {
        let each = |passes: &dyn Fn(&str) -> bool| {
            let places = words.iter().enumerate().filter(|(_, word)| passes(word));
            places.map(|(place, _)| Interval { first: place, last: place, width: 1 }).collect()
        };
        match self {
            Self::Word(wanted) => each(&|word| word == wanted),
            Self::Wildcard(pattern) => each(&|word| glob_matches(pattern, word)),
            Self::Regexp(regexp) => each(&|word| regexp.is_match(word)),
            Self::Fuzzy(fuzzy) => each(&|word| fuzzy.matches(word)),
            Self::All { parts, is_ordered, gaps_max } => {
                let found = parts.iter().map(|(part, count)| repeated(part.find(words), *count)).collect::<Vec<_>>();
                let all = if *is_ordered { ordered(&found) } else { unordered(&found) };
                let gaps = |interval: &Interval| (interval.last - interval.first + 1).saturating_sub(interval.width);
                all.into_iter().filter(|interval| gaps_max.is_none_or(|max| gaps(interval) <= max)).collect()
            }
            Self::Any(parts) => {
                let mut found: Vec<Interval> = parts.iter().flat_map(|part| part.find(words)).collect();
                found.sort_unstable_by_key(|interval| (interval.first, interval.last));
                found.dedup();
                found
            }
            Self::Related { of, relation, to } => {
                let others = Others::of(to.find(words));
                of.find(words).into_iter().filter(|one| relation.holds(*one, &others)).collect()
            }
        }
    }
}

/// Stretches of so many of these, each behind the one before.
fn repeated(found: Vec<Interval>, count: usize) -> Vec<Interval> {
    (1..count).fold(found.clone(), |chains, _| ordered(&[chains, found.clone()]))
}

/// The shortest stretches with one of each list, each behind the one of the list before.
fn ordered(lists: &[Vec<Interval>]) -> Vec<Interval> {
    let Some((first, rest)) = lists.split_first() else { return Vec::new() };
    let mut chains = first.clone();
    for list in rest {
        chains.sort_unstable_by_key(|chain| chain.last);
        let mut waiting = chains.iter().peekable();
        // The chain so far that begins last.
        let mut best: Option<Interval> = None;
        let mut longer = Vec::with_capacity(list.len());
        for next in list {
            while let Some(chain) = waiting.next_if(|chain| chain.last < next.first) {
                let is_better = best.is_none_or(|best| (chain.first, chain.width) >= (best.first, best.width));
                best = if is_better { Some(*chain) } else { best };
            }
            longer.extend(best.map(|chain| Interval {
                first: chain.first,
                last: next.last,
                width: chain.width + next.width,
            }));
        }
        chains = longer;
    }
    shortest(chains)
}

/// The shortest stretches with one of each list in it.
fn unordered(lists: &[Vec<Interval>]) -> Vec<Interval> {
    let mut ends: Vec<(usize, Interval)> = lists
        .iter()
        .enumerate()
        .flat_map(|(list, found)| found.iter().map(move |interval| (list, *interval)))
        .collect();
    ends.sort_unstable_by_key(|(_, interval)| (interval.last, interval.first));
    let mut latest: Vec<Option<Interval>> = vec![None; lists.len()];
    let mut found = Vec::new();
    for (list, interval) in ends {
        let known = &mut latest[list];
        if known.is_none_or(|known| interval.first >= known.first) {
            *known = Some(interval);
        }
        let Some(parts) = latest.iter().copied().collect::<Option<Vec<Interval>>>() else { continue };
        let first = parts.iter().map(|part| part.first).min().unwrap_or(interval.first);
        found.push(Interval { first, last: interval.last, width: parts.iter().map(|part| part.width).sum() });
    }
    shortest(found)
}

/// Those that no other lies in, by their first word.
fn shortest(mut found: Vec<Interval>) -> Vec<Interval> {
    found.sort_unstable_by(|left, right| (left.first, right.last).cmp(&(right.first, left.last)).reverse());
    // From the last first word on; of those with one first word the one that ends first comes first.
    let mut kept: Vec<Interval> = Vec::new();
    for interval in found {
        if kept.last().is_none_or(|inner| interval.last < inner.last) {
            kept.push(interval);
        }
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const RHYME: &str = "Some like it hot, some like it cold, some like it in the pot nine days old";

    fn check(asked: &Intervals, text: &str, expected: bool) {
        assert_eq!(IntervalsTest::new(asked, "title").unwrap().matches(text), expected, "{asked:?} in {text}");
    }

    fn words(text: &str, is_ordered: bool, gaps_max: Option<usize>) -> Intervals {
        Intervals::of_words(text, is_ordered, gaps_max)
    }

    fn related(of: &str, relation: IntervalRelation, to: &str) -> Intervals {
        let any_gap = |text| Box::new(words(text, true, None));
        Intervals::Related { of: any_gap(of), relation, to: any_gap(to) }
    }

    #[test]
    fn words_stand_in_order_or_not_and_near() {
        check(&words("hot", false, None), RHYME, true);
        check(&words("warm", false, None), RHYME, false);
        check(&words("", false, None), RHYME, false);
        check(&words("cold hot", false, None), RHYME, true);
        check(&words("cold hot", true, None), RHYME, false);
        check(&words("hot cold", true, Some(2)), RHYME, false);
        check(&words("hot cold", true, Some(3)), RHYME, true);
        check(&words("like it HOT", true, Some(0)), RHYME, true);
        check(&words("hot it like", false, Some(0)), RHYME, true);
        check(&words("some some some", false, None), RHYME, true);
        check(&words("pot pot", false, None), RHYME, false);
        check(&words("some some", false, Some(3)), RHYME, true);
        check(&words("some some", false, Some(2)), RHYME, false);
    }

    #[test]
    fn parts_are_intervals_themselves() {
        let phrase = |text| words(text, true, Some(0));
        let all = |parts: Vec<Intervals>, is_ordered, gaps_max| Intervals::All { parts, is_ordered, gaps_max };
        check(&all(vec![phrase("like it"), phrase("pot nine")], true, Some(2)), RHYME, true);
        check(&all(vec![phrase("like it"), phrase("pot nine")], true, Some(1)), RHYME, false);
        let any = Intervals::Any(vec![phrase("hot"), phrase("cold some")]);
        check(&all(vec![any.clone(), phrase("like")], true, Some(0)), RHYME, true);
        check(&all(vec![phrase("it"), any], true, Some(0)), RHYME, true);
        check(&Intervals::Any(Vec::new()), RHYME, false);
        check(&Intervals::Wildcard("c?L*".into()), RHYME, true);
        check(&Intervals::Regexp("[cg]old".into()), RHYME, true);
        let fuzzy = |word: &str| Intervals::Fuzzy {
            word: word.into(),
            mistakes_max: 1,
            exact_prefix: 0,
            swaps_count_once: true,
        };
        check(&fuzzy("nien"), RHYME, true);
        check(&fuzzy("niten"), RHYME, false);
    }

    #[test]
    fn one_stands_to_the_other() {
        use IntervalRelation as R;
        check(&related("some cold", R::Containing, "like"), RHYME, true);
        check(&related("hot cold", R::Containing, "nine"), RHYME, false);
        check(&related("hot cold", R::NotContaining, "some"), RHYME, false);
        check(&related("hot cold", R::NotContaining, "nine"), RHYME, true);
        check(&related("it", R::Within, "hot cold"), RHYME, true);
        check(&related("nine", R::Within, "hot cold"), RHYME, false);
        check(&related("nine", R::NotWithin, "hot cold"), RHYME, true);
        check(&related("hot some", R::Overlapping, "some cold"), RHYME, true);
        check(&related("hot some", R::NotOverlapping, "nine"), RHYME, true);
        check(&related("cold", R::Before, "nine"), RHYME, true);
        check(&related("nine", R::Before, "cold"), RHYME, false);
        check(&related("nine", R::After, "cold"), RHYME, true);
        check(&related("nine", R::NotContaining, "warm"), RHYME, true);
    }

    #[test]
    fn a_look_up_finds_what_comparing_with_each_does() {
        use IntervalRelation as R;
        let stretch = |number: usize| Interval { first: number % 6, last: number % 6 + number / 6 % 4, width: 1 };
        let stands = |relation: R, one: Interval, other: Interval| match relation {
            R::Containing | R::NotContaining => one.first <= other.first && other.last <= one.last,
            R::Within | R::NotWithin => other.first <= one.first && one.last <= other.last,
            R::Overlapping | R::NotOverlapping => one.first <= other.last && other.first <= one.last,
            R::Before => one.last < other.first,
            R::After => other.last < one.first,
        };
        let positive = [R::Containing, R::Within, R::Overlapping, R::Before, R::After];
        let relations = positive.into_iter().chain([R::NotContaining, R::NotWithin, R::NotOverlapping]);
        for pair in 0..24 * 24 {
            let pair = vec![stretch(pair % 24), stretch(pair / 24)];
            let others = Others::of(pair.clone());
            for (one, relation) in (0..24).flat_map(|one| relations.clone().map(move |relation| (one, relation))) {
                let one = stretch(one);
                let expected = pair.iter().any(|other| stands(relation, one, *other)) != relation.is_negative();
                assert_eq!(relation.holds(one, &others), expected, "{relation:?} {one:?} {pair:?}");
            }
        }
        let none = Others::of(Vec::new());
        assert!(R::NotWithin.holds(stretch(0), &none) && !R::After.holds(stretch(0), &none));
    }

    #[test]
    fn what_must_be_there_is_known() {
        let needed = |asked: &Intervals| IntervalsTest::new(asked, "title").unwrap().needed.join(" ");
        assert_eq!(needed(&related("Hot cold", IntervalRelation::Before, "nine")), "cold hot nine");
        assert_eq!(needed(&related("hot", IntervalRelation::NotWithin, "nine")), "hot");
        assert_eq!(needed(&Intervals::Any(vec![words("a", true, None), words("b", true, None)])), "");
        assert_eq!(words("a b", true, None).counts(), (2, 0));
    }

    #[test]
    fn the_shortest_are_those_that_a_look_at_every_stretch_finds() {
        // Every word of a small alphabet in every text of eight words of it.
        for number in 0..6_561_u32 {
            let text: Vec<usize> = (0..8).map(|place| (number / 3_u32.pow(place) % 3) as usize).collect();
            let lists: Vec<Vec<Interval>> = (0..3)
                .map(|word| {
                    let places = (0..8).filter(|place| text[*place] == word);
                    places.map(|place| Interval { first: place, last: place, width: 1 }).collect()
                })
                .collect();
            let has_all = |first: usize, last: usize| (0..3).all(|word| text[first..=last].contains(&word));
            let mut expected = Vec::new();
            for first in 0..8 {
                for last in first..8 {
                    let is_shortest = has_all(first, last)
                        && (first == last || !has_all(first + 1, last) && !has_all(first, last - 1));
                    expected.extend(is_shortest.then_some((first, last)));
                }
            }
            let found: Vec<_> = unordered(&lists).iter().map(|found| (found.first, found.last)).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
