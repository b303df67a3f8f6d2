//! One line a case: a rule, the values that are known, the answer.

use super::super::Slot::{Bool, Double, Instant, Int, Text, Texts};
use super::super::{EvaluationError, Rule, Slot};
use super::{NAMES, schema, slots};

const YES: Answer = Answer::Is(true);
const NO: Answer = Answer::Is(false);
const NANOS: i64 = 1_000_000_000;

#[derive(Debug, PartialEq)]
enum Answer {
    Is(bool),
    Missing(&'static str),
    Failed(String),
}

fn failed(text: &str) -> Answer {
    Answer::Failed(text.to_owned())
}

fn missing(name: &'static str) -> Answer {
    Answer::Missing(name)
}

fn check(text: &str, given: &[(&str, Slot<'_>)], expected: Answer) {
    let schema = schema();
    let rule = Rule::compile(text, &schema).unwrap_or_else(|error| panic!("{text}: {error}"));
    let answer = match rule.evaluate(&slots(&schema, given)) {
        Ok(value) => Answer::Is(value),
        Err(EvaluationError::Missing(slot)) => Answer::Missing(NAMES[slot].0),
        Err(EvaluationError::Failed(text)) => Answer::Failed(text),
    };
    assert_eq!(answer, expected, "{text} of {given:?}");
}

/// Without any value.
fn say(text: &str, expected: Answer) {
    check(text, &[], expected);
}

fn list(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn operators_bind_as_in_cel() {
    say("true || false && false", YES);
    say("(true || false) && false", NO);
    say("!false && false", NO);
    say("!(false && false)", YES);
    say("!!true", YES);
    say("1 + 2 * 3 == 7", YES);
    say("(1 + 2) * 3 == 9", YES);
    say("10 - 2 - 3 == 5", YES);
    say("10 - (2 - 3) == 11", YES);
    say("24 / 4 / 2 == 3", YES);
    say("24 / 4 * 2 == 12", YES);
    say("7 % 4 * 2 == 6", YES);
    say("-2 * 3 == -6", YES);
    say("- 2 + 5 == 3", YES);
    say("1 - -1 == 2", YES);
    say("1 < 2 == true", YES);
    say("1 + 1 in [2]", YES);
    say("false ? false : true", YES);
    say("true ? false : true || true", NO);
    say("false || true ? 1 == 1 : 1 == 2", YES);
    say("false ? true : false ? true : false", NO);
    say("false ? true : true ? true : false", YES);
    say("true // && false\n", YES);
    say("\t(\r\n true )", YES);
}

#[test]
fn ints_are_checked() {
    check("i + j == 7", &[("i", Int(3)), ("j", Int(4))], YES);
    check("i - j == -1", &[("i", Int(3)), ("j", Int(4))], YES);
    check("i * j == 12", &[("i", Int(3)), ("j", Int(4))], YES);
    check("i / j == 2", &[("i", Int(11)), ("j", Int(4))], YES);
    check("i / j == -2", &[("i", Int(-11)), ("j", Int(4))], YES);
    check("i % j == 3", &[("i", Int(11)), ("j", Int(4))], YES);
    check("i % j == -3", &[("i", Int(-11)), ("j", Int(4))], YES);
    check("i + 1 > 0", &[("i", Int(i64::MAX))], failed("\"i + 1\": the result is beyond 64 bits"));
    check("i - 1 < 0", &[("i", Int(i64::MIN))], failed("\"i - 1\": the result is beyond 64 bits"));
    check("2 * i < 0", &[("i", Int(i64::MAX))], failed("\"2 * i\": the result is beyond 64 bits"));
    check("i / j > 0", &[("i", Int(1)), ("j", Int(0))], failed("\"i / j\": division by zero"));
    check("i % j > 0", &[("i", Int(1)), ("j", Int(0))], failed("\"i % j\": division by zero"));
    check("i / -1 > 0", &[("i", Int(i64::MIN))], failed("\"i / -1\": the result is beyond 64 bits"));
    check("i % -1 == 0", &[("i", Int(i64::MIN))], failed("\"i % -1\": the result is beyond 64 bits"));
    check("-i > 0", &[("i", Int(i64::MIN))], failed("\"-i\": the result is beyond 64 bits"));
    check("-i == 5", &[("i", Int(-5))], YES);
    check("abs(i) > 0", &[("i", Int(i64::MIN))], failed("\"abs(i)\": the result is beyond 64 bits"));
    say("1 / 0 == 1", failed("\"1 / 0\": division by zero"));
    say("9223372036854775807 + 1 > 0", failed("\"9223372036854775807 + 1\": the result is beyond 64 bits"));
    say("-9223372036854775808 < 0", YES);
    say("0x10 == 16 && 0XfF == 255 && -0x1 == -1", YES);
}

#[test]
fn doubles_follow_ieee() {
    check("x / y > 1e308", &[("x", Double(1.0)), ("y", Double(0.0))], YES);
    check("x / y == x / y", &[("x", Double(0.0)), ("y", Double(0.0))], NO);
    check("x / y != x / y", &[("x", Double(0.0)), ("y", Double(0.0))], YES);
    check("x < 1.0 || x >= 1.0", &[("x", Double(f64::NAN))], NO);
    check("x < 1 || x >= 1 || x == 1", &[("x", Double(f64::NAN))], NO);
    check("x != 1", &[("x", Double(f64::NAN))], YES);
    check("x == 0.0", &[("x", Double(-0.0))], YES);
    check("x + 0.2 == 0.3", &[("x", Double(0.1))], NO);
    check("x - 0.5 == 1.0", &[("x", Double(1.5))], YES);
    check("x * y == 3.0", &[("x", Double(1.5)), ("y", Double(2.0))], YES);
    check("-x == -1.5", &[("x", Double(1.5))], YES);
    say("1.5e3 == 1500.0 && .5 == 0.5 && -2.5e-1 == -0.25", YES);
}

#[test]
fn ints_and_doubles_meet() {
    check("x == 500", &[("x", Double(500.0))], YES);
    check("x > 500", &[("x", Double(500.01))], YES);
    check("500 >= x", &[("x", Double(500.01))], NO);
    check("i < 2.5", &[("i", Int(2))], YES);
    check("i > 2.5", &[("i", Int(2))], NO);
    check("i == x", &[("i", Int(3)), ("x", Double(3.0))], YES);
    check("i == x", &[("i", Int(9_007_199_254_740_993)), ("x", Double(9_007_199_254_740_992.0))], NO);
    check("x < i", &[("i", Int(9_007_199_254_740_993)), ("x", Double(9_007_199_254_740_992.0))], YES);
    check("x <= 9007199254740993", &[("x", Double(9_007_199_254_740_992.0))], YES);
    check("x == 9223372036854775807", &[("x", Double(9_223_372_036_854_775_808.0))], NO);
    check("i <= x", &[("i", Int(1)), ("x", Double(f64::NAN))], NO);
    check("i + x == 4.5", &[("i", Int(3)), ("x", Double(1.5))], YES);
    check("x / i == 0.5", &[("i", Int(3)), ("x", Double(1.5))], YES);
    check("i / 2 == 1", &[("i", Int(3))], YES);
    check("i / 2.0 == 1.5", &[("i", Int(3))], YES);
    check("x / 0 > 1.0", &[("x", Double(1.0))], YES);
    check("(b ? 1 : 2.5) > 2", &[("b", Bool(false))], YES);
}

#[test]
fn texts_are_compared_and_searched() {
    check("s == 'FR'", &[("s", Text("FR"))], YES);
    check("s != 'FR'", &[("s", Text("FR"))], NO);
    check("s == t", &[("s", Text("a")), ("t", Text("a"))], YES);
    check("s < t", &[("s", Text("a")), ("t", Text("b"))], YES);
    check("'b' <= s", &[("s", Text("a"))], NO);
    check("s > 'Z'", &[("s", Text("a"))], YES);
    check("s >= 'é'", &[("s", Text("日"))], YES);
    check("s.contains('@')", &[("s", Text("a@b.fr"))], YES);
    check("s.contains(t)", &[("s", Text("a@b.fr")), ("t", Text("x"))], NO);
    check("s.contains('')", &[("s", Text(""))], YES);
    check("s.startsWith('tmp')", &[("s", Text("tmp123"))], YES);
    check("s.endsWith('.fr')", &[("s", Text("a@b.fr"))], YES);
    check("s.endsWith('.fr')", &[("s", Text("fr"))], NO);
    check("'a@b.fr'.endsWith(s)", &[("s", Text("b.fr"))], YES);
    check("s.lowerAscii() == 'éÀ a'", &[("s", Text("éÀ A"))], YES);
    check("s.lowerAscii().contains('gmail')", &[("s", Text("A@GMAIL.com"))], YES);
    check("s.lowerAscii() == t.lowerAscii()", &[("s", Text("Ab")), ("t", Text("aB"))], YES);
    check("s.lowerAscii() in ['fr', 'de']", &[("s", Text("DE"))], YES);
    check("s.lowerAscii().lowerAscii() == 'a'", &[("s", Text("A"))], YES);
    check("s.lowerAscii().size() == 2000", &[("s", Text(&"A".repeat(2_000)))], YES);
    check("s.lowerAscii().startsWith('aaé')", &[("s", Text(&"AAé".repeat(400)))], YES);
    say("'ABC'.lowerAscii() == 'abc'", YES);
    check("(b ? s : t) == 'two'", &[("b", Bool(false)), ("s", Text("one")), ("t", Text("two"))], YES);
    check("size(s) == 2", &[("s", Text("日本"))], YES);
    check("s.size() == 1", &[("s", Text("😀"))], YES);
    say("size('é') == 1 && ''.size() == 0", YES);
    say(r#"'\u00e9\x41\'' == "éA'""#, YES);
    say(r"r'\d' == '\\d'", YES);
}

#[test]
fn patterns_match_anywhere() {
    check("s.matches('[0-9]{3}')", &[("s", Text("ab123"))], YES);
    check("s.matches('^[0-9]{3}$')", &[("s", Text("ab123"))], NO);
    check(r"s.matches(r'\.(ru|tk)$')", &[("s", Text("x.tk"))], YES);
    check("s.matches('^.$')", &[("s", Text("日"))], YES);
    check("s.lowerAscii().matches('^ab+$')", &[("s", Text("ABBB"))], YES);
    check("s.matches('')", &[("s", Text(""))], YES);
    say("'abc'.matches('b')", YES);
}

#[test]
fn values_are_looked_up_in_lists() {
    let countries = list(&["FR", "DE"]);
    let found = &[("s", Text("DE")), ("l", Texts(&countries))][..];
    check("s in ['FR', 'DE']", found, YES);
    check("!(s in ['FR', 'IT'])", found, YES);
    check("s in l", found, YES);
    check("'IT' in l", found, NO);
    check("s in (b ? l : ['x'])", &[("b", Bool(false)), ("s", Text("x")), ("l", Texts(&countries))], YES);
    check("s in ['a','b','c','d','e','f','g','h','DE']", found, YES);
    check("s in ['a','b','c','d','e','f','g','h','i',]", found, NO);
    say("'b' in ['a', 'b']", YES);
    check("i in [1, 2, 3]", &[("i", Int(2))], YES);
    check("i in [1, 2.0, 3.5]", &[("i", Int(2))], YES);
    check("i in [-1, 0x2]", &[("i", Int(-1))], YES);
    check("i in [1.5, 1e300]", &[("i", Int(1))], NO);
    check("x in [1, 2.5]", &[("x", Double(1.0))], YES);
    check("x in [0]", &[("x", Double(-0.0))], YES);
    check("x in [-0.0, 7]", &[("x", Double(0.0))], YES);
    check("x in [9,8,7,6,5,4,3,2,1,0]", &[("x", Double(4.0))], YES);
    check("x in [9223372036854775807]", &[("x", Double(9_223_372_036_854_775_808.0))], NO);
    check("x in [1]", &[("x", Double(f64::NAN))], NO);
    say("3 in [1, 2]", NO);
    check("size(l) == 2 && l.size() == 2", found, YES);
    say("size(['a', 'b', 'c']) == 3", YES);
}

#[test]
fn loops_ask_each_text() {
    let (some, none) = (list(&["ab", "xy"]), list(&[]));
    check("l.exists(n, n.startsWith('x'))", &[("l", Texts(&some))], YES);
    check("l.all(n, n.startsWith('x'))", &[("l", Texts(&some))], NO);
    check("l.all(n, n.size() == 2)", &[("l", Texts(&some))], YES);
    check("l.exists(n, true)", &[("l", Texts(&none))], NO);
    check("l.all(n, false)", &[("l", Texts(&none))], YES);
    check("['@a.fr', '@b.fr'].exists(end, s.endsWith(end))", &[("s", Text("me@b.fr"))], YES);
    check("l.exists(n, ['yy', 'xy'].exists(o, n == o))", &[("l", Texts(&some))], YES);
    check("['a', 'b'].all(x, l.exists(y, y.startsWith(x)))", &[("l", Texts(&some))], NO);
    check("['a', 'x'].all(x, l.exists(y, y.startsWith(x)))", &[("l", Texts(&some))], YES);
    check("l.all(n, ['zz'].all(n, n == 'zz') && n != 'zz')", &[("l", Texts(&some))], YES);
    check("l.exists(s, s == 'xy')", &[("l", Texts(&some)), ("s", Text("other"))], YES);
    check("l.exists(n, n == s)", &[("l", Texts(&some))], missing("s"));
    check("l.exists(n, n == 'xy' || n == s)", &[("l", Texts(&some))], YES);
    check("l.all(n, n == 'xy' && i / 0 == 1)", &[("l", Texts(&some)), ("i", Int(1))], NO);
    check("l.exists(n, n == 'zz')", &[], missing("l"));
    check("l.exists(n, int(n) > 0)", &[("l", Texts(&some))], failed("\"int(n)\": not a number of this kind"));
}

#[test]
fn what_decides_absorbs_what_has_no_value() {
    say("b && false", NO);
    say("false && b", NO);
    say("b || true", YES);
    say("true || b", YES);
    say("b && true", missing("b"));
    say("true && b", missing("b"));
    say("b || false", missing("b"));
    check("b && c", &[("c", Bool(false))], NO);
    check("c && b", &[("c", Bool(false))], NO);
    check("b || c", &[("c", Bool(true))], YES);
    check("b || c", &[("c", Bool(false))], missing("b"));
    say("c && b", missing("b"));
    say("c || b", missing("b"));
    say("1 / 0 == 1 && false", NO);
    say("1 / 0 == 1 || true", YES);
    say("1 / 0 == 1 || b", missing("b"));
    say("b || 1 / 0 == 1", missing("b"));
    say("1 / 0 == 1 && true", failed("\"1 / 0\": division by zero"));
    say("!b", missing("b"));
    say("i / 0 > j", missing("i"));
    say("1 / 0 > j", missing("j"));
    say("b ? true : true", missing("b"));
    check("b ? c : false", &[("b", Bool(false))], NO);
    check("b ? c : false", &[("b", Bool(true))], missing("c"));
    check("(b ? 1 / 0 : 1) == 1", &[("b", Bool(false))], YES);
}

#[test]
fn names_may_be_missing() {
    say("s == 'a'", missing("s"));
    say("s != 'a'", missing("s"));
    say("s in ['a']", missing("s"));
    say("s in l", missing("s"));
    say("s.matches('a')", missing("s"));
    say("i + 1 > j", missing("i"));
    say("t == s", missing("s"));
    say("has(s)", NO);
    say("!has(s) || s == 'a'", YES);
    check("has(s) && s == 'a'", &[("s", Text("a"))], YES);
    check("has(s) && s == 'a'", &[], NO);
    check("has(transaction.amount)", &[("transaction.amount", Double(f64::NAN))], YES);
    say("s == null", YES);
    say("null == s", YES);
    say("s != null", NO);
    check("s == null", &[("s", Text(""))], NO);
    check("null != l", &[("l", Texts(&[]))], YES);
    check("i > 1", &[("i", Double(2.0))], failed("\"i\": the value is of another kind than the schema says"));
    check("s == 'a'", &[("s", Int(2))], failed("\"s\": the value is of another kind than the schema says"));
    check("(l).size() == 1", &[("l", Int(2))], failed("\"(l)\": the value is of another kind than the schema says"));
}

#[test]
fn numbers_have_functions() {
    check("abs(i) == 3", &[("i", Int(-3))], YES);
    check("abs(x) == 2.5", &[("x", Double(-2.5))], YES);
    check("min(i, j) == 3 && max(i, j) == 4", &[("i", Int(3)), ("j", Int(4))], YES);
    check("min(x, 2) == 1.5 && max(2, x) == 2.0", &[("x", Double(1.5))], YES);
    check("min(x, 1.0) == 1.0 || max(1.0, x) == 1.0", &[("x", Double(f64::NAN))], NO);
    check("int(x) == 2", &[("x", Double(2.9))], YES);
    check("int(x) == -2", &[("x", Double(-2.9))], YES);
    check("int(x) == 0", &[("x", Double(f64::NAN))], failed("\"int(x)\": not a number of this kind"));
    check("int(x) > 0", &[("x", Double(1e19))], failed("\"int(x)\": not a number of this kind"));
    check("int(s) == 42", &[("s", Text("42"))], YES);
    check("int(s) == 42", &[("s", Text("42.0"))], failed("\"int(s)\": not a number of this kind"));
    check("int(i) == 1", &[("i", Int(1))], YES);
    check("int(at) == -1", &[("at", Instant(-1))], YES);
    check("double(i) / 2 == 1.5", &[("i", Int(3))], YES);
    check("double(s) == 1.5", &[("s", Text("1.5"))], YES);
    check("double(s) == 1.5", &[("s", Text("one"))], failed("\"double(s)\": not a number of this kind"));
    check("double(x) == 1.5", &[("x", Double(1.5))], YES);
}

#[test]
fn instants_have_a_calendar_and_distances() {
    // Sunday, 2026-03-01T23:30:00Z.
    let at = &[("at", Instant(1_772_407_800 * NANOS)), ("since", Instant((1_772_407_800 - 5_400) * NANOS))][..];
    check("at == timestamp('2026-03-01T23:30:00Z')", at, YES);
    check("at == timestamp('2026-03-02T00:30:00+01:00')", at, YES);
    check("at >= timestamp('2026-03-01T23:30:00.001Z')", at, NO);
    check("at.getHours() == 23", at, YES);
    check("at.getDayOfWeek() == 0", at, YES);
    check("at.getDayOfMonth() == 0 && at.getDate() == 1", at, YES);
    check("at.getMonth() == 2", at, YES);
    check("at.getFullYear() == 2026", at, YES);
    check("at.getHours() in [22, 23, 0, 1]", at, YES);
    check("at - since == duration('1h30m')", at, YES);
    check("at - since > duration('2h')", at, NO);
    check("since - at < duration('0s')", at, YES);
    check("since + duration('90m') == at", at, YES);
    check("duration('90m') + since == at", at, YES);
    check("at - duration('1.5h') == since", at, YES);
    check("at - since + duration('30m') == duration('2h')", at, YES);
    check("at - since - duration('30m') == duration('1h')", at, YES);
    say("duration('-1h') < duration('1ns')", YES);
    say("timestamp('1969-12-31T23:59:59Z').getHours() == 23", YES);
    say("at - since > duration('1s')", missing("at"));
    let ends = &[("at", Instant(i64::MAX)), ("since", Instant(i64::MIN))][..];
    check("at - since > duration('1s')", ends, failed("\"at - since\": the result is beyond 64 bits"));
    check("at + duration('1ns') > since", ends, failed("\"at + duration('1ns')\": the result is beyond 64 bits"));
    check("at.getFullYear() == 2262 && since.getFullYear() == 1677", ends, YES);
}

#[test]
fn the_rule_of_the_manual_fires() {
    let text = "transaction.amount > 500 && transaction.billing_country != transaction.shipping_country \
                && user.count_1h >= 3";
    let given = [
        ("transaction.amount", Double(900.0)),
        ("transaction.billing_country", Text("FR")),
        ("transaction.shipping_country", Text("RU")),
        ("user.count_1h", Int(3)),
    ];
    check(text, &given, YES);
    check(text, &given[..3], missing("user.count_1h"));
    let rule = Rule::compile(text, &schema()).unwrap();
    assert_eq!((rule.uses(), rule.cost(), rule.text()), (&[0, 1, 2, 3][..], 11, text));
    assert!(format!("{rule:?}").starts_with("Rule { text: \"transaction.amount"));
}

#[test]
fn slots_that_are_not_given_are_missing() {
    let rule = Rule::compile("m == null && l == null", &schema()).unwrap();
    assert_eq!(rule.evaluate(&[]), Ok(true));
    let rule = Rule::compile("l.exists(n, n == 'a') || has(l) || b || b", &schema()).unwrap();
    assert_eq!(rule.evaluate(&[]), Err(EvaluationError::Missing(4)));
    assert_eq!(rule.uses(), [4, 14]);
}

#[test]
fn costs_are_counted_from_the_text() {
    let cost = |text: &str| Rule::compile(text, &schema()).unwrap().cost();
    assert_eq!(cost("b"), 1);
    assert_eq!(cost("(b)"), 1);
    assert_eq!(cost("b && c || !b"), 6);
    assert_eq!(cost("i + 1 > j"), 5);
    assert_eq!(cost("s in ['a', 'b', 'c']"), 3);
    assert_eq!(cost("s in l"), 34);
    assert_eq!(cost("s.contains('a')"), 12);
    assert_eq!(cost("s.matches('a')"), 52);
    assert_eq!(cost("b ? b : c"), 4);
    // The list, the call, and per text: the round and a comparison.
    assert_eq!(cost("l.exists(n, n == 'a')"), 2 + 32 * (1 + 3));
    assert_eq!(cost("['a', 'b'].exists(n, n == s)"), 2 + 2 * (1 + 3));
}

#[test]
fn rules_go_between_threads() {
    fn is_sent<T: Send + Sync>() {}
    is_sent::<Rule>();
}
