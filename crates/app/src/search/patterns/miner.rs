//! Tells templates of messages from one another.
//!
//! Source: He, Zhu, Zheng, Lyu, "Drain: An Online Log Parsing Approach with Fixed Depth Tree" (2017): messages are told apart by their number of
//! words and their first word, then by how many words they share with a template. The tree's further levels are left out.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use vigie_domain::Timestamp;
use vigie_domain::query::tokens;

/// What stands for words that differ.
pub const OPEN: &str = "<*>";
/// Words of a message that are looked at; the rest of a longer one is left open.
const WORDS_MAX: usize = 60;
/// Share of words that a message must have in common with a template to be one of it.
const ALIKE: f64 = 0.7;
/// Templates that are kept of one sort; more are counted with the last.
const TEMPLATES_MAX: usize = 200;
/// Points of a pattern's course: as many as spans that are looked at, for within one only its end may be.
pub(super) const TREND_POINTS: usize = 20;
/// Phrases by which a pattern is asked for: the longest of its fixed words.
const PHRASES_MAX: usize = 4;

/// One message that was looked at, and what it stands for.
pub(super) struct Sample<'a> {
    pub(super) message: &'a str,
    pub(super) level: &'a str,
    pub(super) service: &'a str,
    /// Its place in the range, 0 up to but not including 1.
    pub(super) place: f64,
    pub(super) at: Timestamp,
    /// How many events it stands for.
    pub(super) weight: f64,
}

/// Messages that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// The words, `<*>` where they differ.
    pub template: String,
    /// Events: counted, or estimated where not every event was looked at.
    pub count: u64,
    /// The latest message of it that was looked at.
    pub example: String,
    /// When that was.
    pub latest: Timestamp,
    /// Events by level.
    pub levels: BTreeMap<String, u64>,
    /// Events by service.
    pub services: BTreeMap<String, u64>,
    /// Events over the range, in twenty equal spans.
    pub trend: Vec<u64>,
    /// A query that finds its events: those whose message has its fixed words in these phrases.
    pub query: Option<String>,
}

struct Group {
    words: Vec<String>,
    weight: f64,
    example: String,
    latest: Timestamp,
    levels: BTreeMap<String, f64>,
    services: BTreeMap<String, f64>,
    trend: Vec<f64>,
}

/// The patterns of these messages, the most frequent first.
pub(super) fn mine<'a>(samples: impl Iterator<Item = Sample<'a>>) -> Vec<Pattern> {
    let mut miner = Miner::default();
    samples.for_each(|sample| miner.add(&sample));
    // Templates that were told apart when they were made may have become the same since.
    let mut groups: BTreeMap<Vec<String>, Group> = BTreeMap::new();
    for group in miner.groups {
        match groups.entry(group.words.clone()) {
            Entry::Vacant(place) => drop(place.insert(group)),
            Entry::Occupied(mut known) => known.get_mut().join(group),
        }
    }
    let mut patterns: Vec<Pattern> = groups.into_values().map(Group::into_pattern).collect();
    patterns.sort_by(|left, right| right.count.cmp(&left.count).then_with(|| left.template.cmp(&right.template)));
    patterns
}

#[derive(Default)]
struct Miner {
    groups: Vec<Group>,
    /// Groups of messages with so many words that begin alike.
    sorts: HashMap<(usize, String), Vec<usize>>,
    /// The group of masked words that were seen before.
    known: HashMap<Vec<String>, usize>,
}

impl Miner {
    fn add(&mut self, sample: &Sample<'_>) {
        let words = masked(sample.message);
        let place = match self.known.get(&words) {
            Some(place) => *place,
            None => self.place_of(words),
        };
        self.groups[place].count(sample);
    }

    /// The group that the words belong to: one that is alike, else one of their own.
    fn place_of(&mut self, words: Vec<String>) -> usize {
        let sort = self.sorts.entry((words.len(), words.first().cloned().unwrap_or_default())).or_default();
        let alike = |place: &usize| (*place, alike(&self.groups[*place].words, &words));
        let best = sort.iter().map(alike).max_by(|left, right| left.1.total_cmp(&right.1));
        let place = match best {
            Some((place, share)) if share >= ALIKE || sort.len() >= TEMPLATES_MAX => {
                generalize(&mut self.groups[place].words, &words);
                place
            }
            _ => {
                sort.push(self.groups.len());
                self.groups.push(Group::of(words.clone()));
                self.groups.len() - 1
            }
        };
        self.known.insert(words, place);
        place
    }
}

impl Group {
    fn of(words: Vec<String>) -> Self {
        Self {
            words,
            weight: 0.0,
            example: String::new(),
            latest: Timestamp::MIN,
            levels: BTreeMap::new(),
            services: BTreeMap::new(),
            trend: vec![0.0; TREND_POINTS],
        }
    }

    fn count(&mut self, sample: &Sample<'_>) {
        self.weight += sample.weight;
        for (counts, value) in [(&mut self.levels, sample.level), (&mut self.services, sample.service)] {
            if !value.is_empty() {
                *counts.entry(value.to_owned()).or_default() += sample.weight;
            }
        }
        let point = (sample.place * TREND_POINTS as f64) as usize;
        self.trend[point.min(TREND_POINTS - 1)] += sample.weight;
        if self.example.is_empty() || sample.at > self.latest {
            sample.message.clone_into(&mut self.example);
            self.latest = sample.at;
        }
    }

    fn join(&mut self, other: Self) {
        self.weight += other.weight;
        for (counts, more) in [(&mut self.levels, other.levels), (&mut self.services, other.services)] {
            more.into_iter().for_each(|(name, sum)| *counts.entry(name).or_default() += sum);
        }
        self.trend.iter_mut().zip(other.trend).for_each(|(sum, more)| *sum += more);
        if other.latest > self.latest {
            (self.example, self.latest) = (other.example, other.latest);
        }
    }

    fn into_pattern(self) -> Pattern {
        let rounded =
            |counts: BTreeMap<String, f64>| counts.into_iter().map(|(name, sum)| (name, whole(sum))).collect();
        Pattern {
            query: query_of(&self.words),
            template: self.words.join(" "),
            count: whole(self.weight),
            example: self.example,
            latest: self.latest,
            levels: rounded(self.levels),
            services: rounded(self.services),
            trend: self.trend.into_iter().map(whole).collect(),
        }
    }
}

fn whole(sum: f64) -> u64 {
    sum.round() as u64
}

/// The words of a message, with every run of letters and digits that has a digit in it left open.
fn masked(message: &str) -> Vec<String> {
    let mut words = message.split_whitespace();
    let mut masked: Vec<String> = words.by_ref().take(WORDS_MAX).map(masked_word).collect();
    if words.next().is_some() {
        masked.push(OPEN.to_owned());
    }
    masked
}

fn masked_word(word: &str) -> String {
    let is_inner = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '@');
    let mut masked = String::with_capacity(word.len());
    let mut rest = word;
    while !rest.is_empty() {
        let end = rest.find(|letter| !is_inner(letter)).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        let is_open = run.contains(|letter: char| letter.is_numeric() || letter == '@');
        // The full stop behind a word is none of it.
        let core = run.trim_end_matches('.');
        masked.push_str(if is_open { OPEN } else { run });
        if is_open {
            masked.push_str(&run[core.len()..]);
        }
        let sign = behind.chars().next();
        masked.extend(sign);
        rest = &behind[sign.map_or(0, char::len_utf8)..];
    }
    masked
}

/// Which share of the words is the same; an open one is like any.
fn alike(template: &[String], words: &[String]) -> f64 {
    let same = template.iter().zip(words).filter(|(left, right)| left == right).count();
    same as f64 / template.len().max(1) as f64
}

fn generalize(template: &mut [String], words: &[String]) {
    for (open, word) in template.iter_mut().zip(words) {
        if open != word {
            OPEN.clone_into(open);
        }
    }
}

/// The longest runs of fixed words as phrases of the message; `None` when nothing is fixed.
fn query_of(template: &[String]) -> Option<String> {
    let mut runs: Vec<Vec<String>> = vec![Vec::new()];
    for word in template {
        for (place, piece) in word.split(OPEN).enumerate() {
            if place > 0 {
                runs.push(Vec::new());
            }
            if let Some(run) = runs.last_mut() {
                run.extend(tokens::raw_words(piece).map(str::to_owned));
            }
        }
    }
    runs.retain(|run| !run.is_empty());
    let mut longest: Vec<usize> = (0..runs.len()).collect();
    longest.sort_by_key(|place| std::cmp::Reverse(runs[*place].len()));
    longest.truncate(PHRASES_MAX);
    longest.sort_unstable();
    let phrases: Vec<String> =
        longest.into_iter().map(|place| format!("message:\"{}\"", runs[place].join(" "))).collect();
    (!phrases.is_empty()).then(|| phrases.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples<'a>(messages: &'a [&'a str]) -> impl Iterator<Item = Sample<'a>> {
        let count = messages.len() as f64;
        messages.iter().enumerate().map(move |(place, message)| Sample {
            message,
            level: "INFO",
            service: if place % 2 == 0 { "pay" } else { "" },
            place: place as f64 / count,
            at: Timestamp::from_seconds(i64::try_from(place).unwrap()),
            weight: 1.0,
        })
    }

    #[test]
    fn what_has_digits_is_left_open() {
        let check = |word: &str, expected: &str| assert_eq!(masked_word(word), expected, "{word}");
        check("payment", "payment");
        check("o-3139b80c5673", "<*>");
        check("user=u-17,", "user=<*>,");
        check("10.0.0.1:8080", "<*>:<*>");
        check("/product/P-1000", "/product/<*>");
        check("anna@example.com", "<*>");
        check("12.", "<*>.");
        check("(été)", "(été)");
        check("", "");
    }

    #[test]
    fn messages_that_are_alike_are_one_pattern() {
        let patterns = mine(samples(&[
            "payment of 12.50 EUR for order o-1 is completed",
            "payment of 9 EUR for order o-2 is completed",
            "payment of 7 USD for order o-3 is completed",
            "cache is warm",
            "job newsletter failed at attempt 5",
            "job stock-sync failed at attempt 2",
        ]));
        let found: Vec<_> = patterns.iter().map(|pattern| (pattern.template.as_str(), pattern.count)).collect();
        let expected = [
            ("payment of <*> <*> for order <*> is completed", 3),
            ("job <*> failed at attempt <*>", 2),
            ("cache is warm", 1),
        ];
        assert_eq!(found, expected);
        let first = &patterns[0];
        assert_eq!(first.example, "payment of 7 USD for order o-3 is completed");
        assert_eq!((first.services.get("pay"), first.levels.get("INFO")), (Some(&2), Some(&3)));
        assert_eq!(first.trend.iter().sum::<u64>(), 3);
        let query = "message:\"payment of\" AND message:\"for order\" AND message:\"is completed\"";
        assert_eq!(first.query.as_deref(), Some(query));
    }

    #[test]
    fn weights_count_for_what_was_not_looked_at() {
        let weighted = samples(&["a b", "a b", "c"]).map(|sample| Sample { weight: 2.5, ..sample });
        let patterns = mine(weighted);
        assert_eq!(patterns.iter().map(|pattern| pattern.count).collect::<Vec<_>>(), [5, 3]);
    }

    #[test]
    fn odd_messages_are_borne() {
        let long = "word ".repeat(500);
        let patterns = mine(samples(&["", "   ", "42", &long, "\u{0}\u{FFFD} ü"]));
        assert_eq!(patterns.len(), 4);
        assert!(patterns.iter().any(|pattern| pattern.template == "<*>" && pattern.query.is_none()));
        let many: Vec<String> = (0..2_000).map(|n: u32| char::from_u32(0x4e00 + n).unwrap().to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(mine(samples(&many)).iter().map(|pattern| pattern.count).sum::<u64>(), 2_000);
    }

    #[test]
    fn templates_that_become_the_same_are_one_pattern() {
        let word = |n: usize, place: u32| char::from_u32(0x4e00 + u32::try_from(n).unwrap() * 3 + place).unwrap();
        let begun = |n: usize| format!("go {} {}", word(n, 0), word(n, 1));
        // As many templates as are kept, none like another, so that what follows has to join one of them: two lose their words one by one.
        let mut messages: Vec<String> = (0..TEMPLATES_MAX).map(|n| format!("{} {}", begun(n), word(n, 2))).collect();
        for (n, last) in [(3, "q"), (7, "r")] {
            messages.extend([format!("{} x", begun(n)), format!("go {} y z", word(n, 0)), format!("go {last} 1 2")]);
        }
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        let patterns = mine(samples(&messages));
        let templates: std::collections::HashSet<&str> =
            patterns.iter().map(|pattern| pattern.template.as_str()).collect();
        assert_eq!(templates.len(), patterns.len());
        assert_eq!(patterns.iter().map(|pattern| pattern.count).sum::<u64>(), messages.len() as u64);
    }
}
