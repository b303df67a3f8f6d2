//! That the automaton finds what the library's engine finds, for expressions and texts of every kind.

use proptest::prelude::*;
use regex::Regex;

use super::cache::Cache;
use super::{Tagged, Unsure};
use crate::stages::grok::engine::Place;

/// What both find for every group of an expression. What the automaton is not sure of counts as agreed.
fn agree(expression: &str, text: &str) -> Option<Vec<Place>> {
    let regex = Regex::new(expression).unwrap();
    let groups: Vec<usize> = (1..regex.captures_len()).collect();
    let expected = regex.captures(text).map(|found| {
        let place = |group: &usize| found.get(*group).map(|found| (found.start(), found.end()));
        groups.iter().map(place).collect::<Vec<_>>()
    });
    let tagged = Tagged::new(expression, &groups).unwrap();
    // Once to learn the steps, once to take them.
    for _ in 0..2 {
        if let Ok(found) = tagged.search(text) {
            assert_eq!(found, expected, "{expression:?} in {text:?}");
        }
    }
    expected
}

/// That it is also sure.
fn sure(expression: &str, text: &str, expected: Option<&[&str]>) {
    let found = agree(expression, text);
    let shown = |at: &Place| at.map_or("-", |(start, end)| &text[start..end]);
    let texts: Option<Vec<&str>> = found.map(|places| places.iter().map(shown).collect());
    assert_eq!(texts.as_deref(), expected, "{expression:?} in {text:?}");
    let groups: Vec<usize> = (1..Regex::new(expression).unwrap().captures_len()).collect();
    assert!(Tagged::new(expression, &groups).unwrap().search(text).is_ok(), "{expression:?} in {text:?}");
}

#[test]
fn the_most_wanted_way_is_found() {
    sure("(a|ab)(c|bcd)(d*)", "xabcd", Some(&["a", "bcd", ""]));
    sure("(a+)(a*)", "baaa", Some(&["aaa", ""]));
    sure("(a+?)(a*)", "baaa", Some(&["a", "aa"]));
    sure("(?:(a)|(b))+", "abab", Some(&["a", "b"]));
    sure("(a*)*", "", Some(&[""]));
    sure("^(?:(x)|y)*$", "xyxy", Some(&["x"]));
    sure("(.*) (.*?) ([^ ]*)$", "one two three four", Some(&["one two", "three", "four"]));
    sure("(é+)|(ü)", "aéé", Some(&["éé", "-"]));
    sure("(b)", "aaa", None);
    sure("()", "é", Some(&[""]));
}

#[test]
fn places_are_looked_at() {
    sure(r"\b(\w+)\b", " ab_1 ", Some(&["ab_1"]));
    sure(r"(?m)^(\d+)$", "x\n12\ny", Some(&["12"]));
    sure(r"^(\d+)$", "x\n12\ny", None);
    sure(r"a\B(b)", "ab", Some(&["b"]));
    sure(r"a\b(b?)$", "a", Some(&[""]));
    // Whether é is a character of a word is not known here.
    assert_eq!(Tagged::new(r"a\b(.*)", &[1]).unwrap().search("aé"), Err(Unsure::Text));
    assert!(Tagged::new(r"a\b{start}(b)", &[1]).is_none());
}

#[test]
fn too_many_states_are_given_up() {
    // Which of the last twenty characters were an a: a million states.
    let expression = "(a)[ab]{20}$";
    let tagged = Tagged::new(expression, &[1]).unwrap();
    let mut text = String::new();
    let mut seed = 1_u32;
    let mut ended = Ok(None);
    for _ in 0..200_000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push(if seed & (1 << 24) == 0 { 'a' } else { 'b' });
    }
    for _ in 0..3 {
        ended = tagged.search(&text);
    }
    assert_eq!(ended, Err(Unsure::Expression));
    assert!(tagged.caches.lock().unwrap().is_empty());
}

#[test]
fn states_that_are_worth_it_begin_anew() {
    let tagged = Tagged::new("^(.*)x(.*)$", &[1, 2]).unwrap();
    let mut cache = Cache::new(&tagged.program);
    let text = "a".repeat(100_000) + "x";
    let found = cache.search(&tagged.program, &text);
    assert_eq!(cache.begin_anew(), Unsure::Text);
    assert_eq!(cache.search(&tagged.program, &text), found);
    // Next to nothing was searched for these states.
    let mut cache = Cache::new(&tagged.program);
    assert_eq!(cache.search(&tagged.program, "a"), Ok(None));
    assert_eq!(cache.begin_anew(), Unsure::Expression);
}

fn expressions() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "b", ".", "[ab]", "[^a]", "\\w", "\\d", "\\s", "\\b", "\\B", "^", "$", "(?m:^)", "(?m:$)", "é", "1", " ",
        "\\S",
    ]);
    let leaf = piece.prop_map(str::to_owned).boxed();
    leaf.prop_recursive(5, 40, 4, |inner| {
        let sign = prop::sample::select(vec!["*", "+", "?", "*?", "+?", "??", "{1,3}", "{2,}", "{0,2}?"]);
        prop_oneof![
            (inner.clone(), sign).prop_map(|(inner, sign)| format!("(?:{inner}){sign}")),
            inner.clone().prop_map(|inner| format!("({inner})")),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|all| all.concat()),
            prop::collection::vec(inner, 1..4).prop_map(|all| format!("(?:{})", all.join("|"))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn it_finds_what_the_library_finds(
        expression in expressions(),
        texts in prop::collection::vec("[ab1 é\\n]{0,12}", 1..6),
    ) {
        for text in &texts {
            agree(&expression, text);
        }
    }
}
