//! One line a case: a text that is no rule, with the part that is wrong between arrows, and what is said of it.

use super::super::{CompileError, Rule, TEXT_BYTES_MAX};
use super::schema;

/// `→` and `←` around what is meant; between them nothing for the end of the text.
fn check(marked: &str, expected: &str) {
    let (before, rest) = marked.split_once('→').unwrap();
    let (meant, after) = rest.split_once('←').unwrap();
    let text = format!("{before}{meant}{after}");
    let error = Rule::compile(&text, &schema()).expect_err(&text);
    let span = (before.len(), before.len() + meant.len());
    assert_eq!(error, CompileError { message: expected.to_owned(), span }, "{text}");
    assert!(text.get(span.0..span.1).is_some(), "{text}");
}

#[test]
fn signs_that_mean_nothing_are_refused() {
    check("b →=← c", "\"=\" alone means nothing: write == to compare");
    check("b →&← c", "\"&\" alone means nothing: write && for \"and\"");
    check("b →|← c", "\"|\" alone means nothing: write || for \"or\"");
    check("b →;←", "the character ';' has no meaning here");
    check("s == →é←", "the character 'é' has no meaning here");
    check("s == →\u{a0}←'a'", "the character '\\u{a0}' has no meaning here");
    check("s == →'abc←", "this text has no closing quote on its line");
    check("s == →'a←\n'", "this text has no closing quote on its line");
    check(r"s == 'a→\d←'", "\"\\d\" is no escape: for a backslash write two, or r'…'");
    check(r"s == '→\u←12'", "\"\\u\" is no escape: for a backslash write two, or r'…'");
    check(r"s == '→\ud800←'", "\"\\ud800\" is no escape: for a backslash write two, or r'…'");
    check(r"s == '→\é←'", "\"\\é\" is no escape: for a backslash write two, or r'…'");
}

#[test]
fn numbers_that_are_none_are_refused() {
    check("i > →9223372036854775808←", "this number is too large for an int");
    check("i > →99999999999999999999←", "this number is too large for an int");
    check("i > -→9223372036854775809←", "this number is too large for an int");
    check("x > →1e999←", "this number is too large for a double");
    check("i > →0x←", "\"0x\" is no number");
    check("i > →0xfg←", "\"0xfg\" is no number");
    check("i > →5euros←", "\"5euros\" is no number");
    check("i > →1u←", "\"1u\" is no number");
}

#[test]
fn sentences_that_are_none_are_refused() {
    check("→←", "the rule ends where a value is expected");
    check("  →←", "the rule ends where a value is expected");
    check("b &&→←", "the rule ends where a value is expected");
    check("(b→←", "the rule ends where \")\" is expected");
    check("b→)←", "expected an operator instead of )");
    check("b →c←", "expected an operator instead of c");
    check("b →and← c", "expected an operator instead of and; write &&");
    check("b →or← c", "expected an operator instead of or; write ||");
    check("→not← b", "expected a value instead of not; write !");
    check("b && →&&← c", "expected a value instead of &&");
    check("b ? c→←", "the rule ends where \":\" is expected");
    check("s.→'a'←", "expected a name instead of 'a'");
    check("l→[←0] == 'a'", "values are not taken out of lists: use in, exists or all");
    check("min(i →j←) > 1", "expected \",\" or \")\" instead of j");
    check("s in ['a' →'b'←]", "expected \",\" or \"]\" instead of 'b'");
    check("l.exists(→true←, b)", "expected a name instead of true");
    check("l.exists(n→)←", "expected \",\" instead of )");
    check("(i + 1).→size← > 1", "only names have parts: to call \"size\", write size(…)");
}

#[test]
fn names_that_are_not_known_are_refused() {
    check("→transaction.amout← > 5", "there is no name \"transaction.amout\"; did you mean \"transaction.amount\"?");
    check("b && →amount← > 5", "there is no name \"amount\"; did you mean \"transaction.amount\"?");
    check("→weather← == 'rain'", "there is no name \"weather\"");
    check(
        "→transaction.amount.cents← > 5",
        "\"transaction.amount\" has no part \"cents\"; to call a method write cents(…)",
    );
    check("has(→user.count1h←)", "there is no name \"user.count1h\"; did you mean \"user.count_1h\"?");
    check("l.exists(n, n == 'a') && →n← == 'b'", "there is no name \"n\"");
    check("l.exists(n, →n.first← == 'a')", "there is no name \"n.first\"");
    check("s.→contain←('a')", "there is no method \"contain\"; did you mean \"contains\"?");
    check("→contains←(s, 'a')", "\"contains\" is called on a value: write x.contains(…)");
    check("i.→abs←() > 1", "\"abs\" is no method: write abs(…)");
    check("→exist←(s)", "there is no function \"exist\"");
    check("→sum←(i) > 1", "there is no function \"sum\"");
}

#[test]
fn calls_with_other_values_are_refused() {
    check("→s.contains()←", "\"contains\" takes 1 value in its brackets, not 0");
    check("→s.size(1)← > 1", "\"size\" takes 0 values in its brackets, not 1");
    check("→min(i)← > 1", "\"min\" takes 2 values in its brackets, not 1");
    check("→has(s, t)←", "\"has\" takes one value");
    check("has(→'s'←)", "\"has\" takes a name, as in has(user.email)");
    check("l.exists(n, has(→n←))", "\"has\" takes a name of the payment, as in has(user.email)");
    check("size(→i←) > 1", "size() is for texts and lists of texts, not int");
    check("→i←.contains('a')", "contains() is for texts, not int");
    check("s.startsWith(→1←)", "startsWith() is for texts, not int");
    check("→l←.lowerAscii() == 'a'", "lowerAscii() is for texts, not list of texts");
    check("abs(→s←) > 1", "abs() is for numbers, not text");
    check("→max(i, s)← > 1", "min() and max() are for numbers, not int and text");
    check("int(→b←) > 1", "int() is for numbers, texts and instants, not bool");
    check("double(→at←) > 1.0", "double() is for numbers and texts, not instant");
    check("→i←.getHours() > 1", "parts of a date are asked of an instant, not int");
    check("s.matches(→t←)", "a pattern is a text that is written out: x.matches('^[a-z]+$')");
    check("s.matches(→'(a'←)", "the pattern cannot be read: unclosed group");
    check("s.matches(→r'(a)\\1'←)", "the pattern cannot be read: backreferences are not supported");
    check("s.matches(→r'\\w{900}'←)", "the pattern is too large: repeat less in it");
    check(
        "at > timestamp(→'2026-01-31'←)",
        "no instant between 1677 and 2262: write timestamp('2026-01-31T00:00:00Z')",
    );
    check("at > timestamp(→s←)", "\"timestamp\" takes a text that is written out: timestamp('2026-01-31T00:00:00Z')");
    check(
        "at - at > duration(→'1d'←)",
        "no duration: write numbers with h, m, s, ms, us or ns, as in duration('1h30m')",
    );
    check("at - at > duration(→60←)", "\"duration\" takes a text that is written out: duration('1h30m')");
}

#[test]
fn kinds_that_do_not_fit_are_refused() {
    check("→i + 1←", "a rule is true or false, this is of kind int: compare it with something");
    check("→s←", "a rule is true or false, this is of kind text: compare it with something");
    check("→null←", "null is only for comparing a name with == or !=");
    check("b && →i←", "each side of && is true or false, this is of kind int");
    check("→s← || b", "each side of || is true or false, this is of kind text");
    check("!→i←", "what follows ! is true or false, this is of kind int");
    check("-→s← == 1", "\"-\" is for numbers, not text");
    check("→i← ? b : c", "the condition of ?: is true or false, this is of kind int");
    check("→(b ? 1 : 'a')← == 1", "both values of ?: are of one kind, these are int and text");
    check("→i == 'a'←", "int and text cannot be compared");
    check("→1 < i < 3←", "bool and int cannot be compared");
    check(
        "→at > '2026-01-31T00:00:00Z'←",
        "instant and text cannot be compared: write timestamp('2026-01-31T00:00:00Z')",
    );
    check("→at - since > 60←", "duration and int cannot be compared: write duration('1h30m')");
    check(
        "→l == m←",
        "list of texts and list of texts cannot be compared: for lists there are in, exists, all and size",
    );
    check("→s + t← == 'a'", "\"+\" is for numbers, or an instant and a duration, not text and text");
    check("→at + since← > at", "\"+\" is for numbers, or an instant and a duration, not instant and instant");
    check("→at * 2← > at", "\"*\" is for numbers, not instant and int");
    check("→duration('1h') - at← > at", "\"-\" is for numbers, instants and durations, not duration and instant");
    check("→x % 2← == 0", "\"%\" is for ints, not double and int");
    check("s < →null←", "null is only for comparing a name with == or !=");
    check("→1← == null", "only a name of the payment is compared with null");
    check("→i in ['a']←", "\"in\" looks for a value in a list of its kind, not for int in list of texts");
    check("→s in 'abc'←", "\"in\" looks for a value in a list of its kind, not for text in text");
    check("i in [1, →j←]", "a list holds texts or numbers that are written out");
    check("i in →[]←", "a list holds at least one value");
    check("i in →[1, 'a']←", "a list holds either texts or numbers");
    check("→s←.exists(n, n == 'a')", "exists and all go through a list of texts, not text");
    check("→[1, 2]←.all(n, n == 'a')", "exists and all go through a list of texts, not list of numbers");
    check("l.exists(n, →n←)", "what is asked of each text is true or false, this is of kind text");
}

#[test]
fn rules_are_bounded() {
    check(
        "→l.exists(x, m.exists(y, l.exists(z, x == y)))←",
        "costs 134242; 1000 are allowed: use fewer loops within loops and fewer patterns",
    );
    let deep = ["l.exists(x, "; 12].concat() + "b" + &[")"; 12].concat();
    check(&format!("→{deep}←"), "costs 4294967295; 1000 are allowed: use fewer loops within loops and fewer patterns");
    let many = vec!["s.matches('a')"; 20].join(" || ");
    check(&format!("→{many}←"), "costs 1059; 1000 are allowed: use fewer loops within loops and fewer patterns");
    let too_deep = "nested more than 32 levels deep";
    check(&format!("{}→b←{}", "(".repeat(33), ")".repeat(33)), too_deep);
    check(&format!("{}→b←", "!".repeat(33)), too_deep);
    check(&format!("{}→i← > 1", "- ".repeat(33)), too_deep);
    check(&format!("→i{}← > 1", " + i".repeat(32)), too_deep);
    check(&format!("{}→(←{}", "(".repeat(33), "(".repeat(3_000)), too_deep);
    let long = format!("{}b", " ".repeat(TEXT_BYTES_MAX));
    check(&format!("→{long}←"), "the rule has 4097 bytes; 4096 are allowed");
    let accepted = |text: &str| assert!(Rule::compile(text, &schema()).is_ok(), "{text}");
    accepted(&format!("{}b{}", "(".repeat(32), ")".repeat(32)));
    accepted(&format!("i{} > 1", " + i".repeat(30)));
    accepted(&format!("b{}", " || b".repeat(499)));
    accepted(&long[1..]);
}

#[test]
fn errors_tell_their_place() {
    let error = Rule::compile("b && amount > 5", &schema()).unwrap_err();
    assert_eq!(error.to_string(), "at byte 5: there is no name \"amount\"; did you mean \"transaction.amount\"?");
}
