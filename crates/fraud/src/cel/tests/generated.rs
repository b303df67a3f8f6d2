//! Rules by chance: closures say what the plain walk says, and no text whatever makes the compiler panic.

use super::super::parser::parse;
use super::super::{EvaluationError, Kind, Rule, Slot};
use super::{NAMES, reference, schema};
use crate::dice::Dice;

const COMPARED_COUNT: usize = 5_000;
/// Payments that each rule is asked about.
const PAYMENT_COUNT: usize = 4;
const SOUP_COUNT: usize = 20_000;

/// What a part of a generated rule is to be.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Of(Kind),
    Duration,
}

struct Generator {
    dice: Dice,
    /// Names of the loops around.
    loops: Vec<String>,
}

impl Generator {
    fn below(&mut self, count: usize) -> usize {
        self.dice.choose(1, count)[0]
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    /// An expression of a kind with at most so many levels.
    fn expression(&mut self, wanted: Wanted, levels: usize) -> String {
        if levels == 0 || self.below(6) == 0 {
            return self.leaf(wanted);
        }
        if self.below(12) == 0 {
            let condition = self.of(Kind::Bool, levels);
            let (yes, no) = (self.expression(wanted, levels - 1), self.expression(wanted, levels - 1));
            return format!("({condition} ? {yes} : {no})");
        }
        match wanted {
            Wanted::Of(Kind::Bool) => self.condition(levels - 1),
            Wanted::Of(Kind::Int) => self.int(levels - 1),
            Wanted::Of(Kind::Double) => self.double(levels - 1),
            Wanted::Of(Kind::Text) => format!("{}.lowerAscii()", self.of(Kind::Text, levels)),
            Wanted::Of(Kind::Texts) => self.leaf(wanted),
            Wanted::Of(Kind::Instant) => {
                let (at, by) = (self.of(Kind::Instant, levels), self.expression(Wanted::Duration, levels - 1));
                let sign = self.pick(&["+", "-"]);
                if sign == "+" && self.below(2) == 0 { format!("({by} + {at})") } else { format!("({at} {sign} {by})") }
            }
            Wanted::Duration if self.below(2) == 0 => {
                format!("({} - {})", self.of(Kind::Instant, levels), self.of(Kind::Instant, levels))
            }
            Wanted::Duration => {
                let (left, right) = (self.expression(wanted, levels - 1), self.expression(wanted, levels - 1));
                format!("({left} {} {right})", self.pick(&["+", "-"]))
            }
        }
    }

    /// One level below `levels`.
    fn of(&mut self, kind: Kind, levels: usize) -> String {
        self.expression(Wanted::Of(kind), levels.saturating_sub(1))
    }

    fn number(&mut self, levels: usize) -> String {
        let kind = if self.below(2) == 0 { Kind::Int } else { Kind::Double };
        self.of(kind, levels)
    }

    fn leaf(&mut self, wanted: Wanted) -> String {
        if wanted == Wanted::Of(Kind::Text) && !self.loops.is_empty() && self.below(2) == 0 {
            let place = self.below(self.loops.len());
            return self.loops[place].clone();
        }
        let leaves: &[&str] = match wanted {
            Wanted::Of(Kind::Bool) => &["b", "c", "true", "false", "has(s)", "(i == null)", "(null != x)", "b", "c"],
            Wanted::Of(Kind::Int) => {
                &["i", "j", "i", "j", "0", "1", "-1", "7", "9223372036854775807", "-9223372036854775808", "0x20"]
            }
            Wanted::Of(Kind::Double) => &["x", "y", "x", "y", "0.0", "1.5", "-2.5", "1e300", "9007199254740992.0"],
            Wanted::Of(Kind::Text) => &["s", "t", "s", "t", "''", "'FR'", "'fr'", "'42'", "'é日'", "\"a@b.fr\""],
            Wanted::Of(Kind::Instant) => {
                &["at", "since", "timestamp('2026-02-28T23:59:59.5Z')", "timestamp('1970-01-01T00:00:00Z')"]
            }
            Wanted::Of(Kind::Texts) => {
                &["l", "m", "['a']", "['FR', 'fr', '42']", "['a','b','c','d','e','f','g','h','FR','é日']"]
            }
            Wanted::Duration => &["duration('1h')", "duration('-1.5s')", "duration('2000000h')", "duration('1ns')"],
        };
        self.pick(leaves).to_owned()
    }

    fn condition(&mut self, levels: usize) -> String {
        let below = levels + 1;
        match self.below(12) {
            0..3 => {
                let sign = self.pick(&[" && ", " || "]);
                let count = 2 + self.below(3);
                let terms: Vec<String> = (0..count).map(|_| self.of(Kind::Bool, below)).collect();
                format!("({})", terms.join(sign))
            }
            3 => format!("!{}", self.of(Kind::Bool, below)),
            4..6 => {
                let (left, right) = (self.number(below), self.number(below));
                format!("({left} {} {right})", self.comparison())
            }
            6 => {
                let wanted =
                    [Wanted::Of(Kind::Text), Wanted::Of(Kind::Instant), Wanted::Of(Kind::Bool), Wanted::Duration];
                let wanted = wanted[self.below(4)];
                let (left, right) = (self.expression(wanted, levels), self.expression(wanted, levels));
                format!("({left} {} {right})", self.comparison())
            }
            7 => {
                let method = self.pick(&["contains", "startsWith", "endsWith"]);
                format!("{}.{method}({})", self.of(Kind::Text, below), self.of(Kind::Text, below))
            }
            8 => {
                let pattern = self.pick(&["'^[a-z]+$'", "'R'", r"r'\d{2}'", "'^$'", "'é.'"]);
                format!("{}.matches({pattern})", self.of(Kind::Text, below))
            }
            9 => format!("({} in {})", self.of(Kind::Text, below), self.of(Kind::Texts, below)),
            10 => {
                let lists =
                    ["[0, 1, -1]", "[1.5, 7, 32]", "[0.0, 1e300]", "[1,2,3,4,5,6,7,8,9,10,-2.5,9007199254740992]"];
                format!("({} in {})", self.number(below), self.pick(&lists))
            }
            _ => {
                let list = self.of(Kind::Texts, below);
                let (method, variable) = (self.pick(&["exists", "all"]), self.pick(&["n", "o", "s"]));
                self.loops.push(variable.to_owned());
                // Names of slots are hidden by those of loops, and cannot be asked for with `has`.
                let body = self.of(Kind::Bool, below).replace("has(s)", "has(t)");
                self.loops.pop();
                format!("{list}.{method}({variable}, {body})")
            }
        }
    }

    fn comparison(&mut self) -> &'static str {
        self.pick(&["==", "!=", "<", "<=", ">", ">="])
    }

    fn int(&mut self, levels: usize) -> String {
        let below = levels + 1;
        match self.below(8) {
            0..3 => {
                let (left, right) = (self.of(Kind::Int, below), self.of(Kind::Int, below));
                format!("({left} {} {right})", self.pick(&["+", "-", "*", "/", "%"]))
            }
            3 => format!("(-{})", self.of(Kind::Int, below)),
            4 => {
                let kind = if self.below(2) == 0 { Kind::Text } else { Kind::Texts };
                format!("size({})", self.of(kind, below))
            }
            5 => {
                format!("{}({}, {})", self.pick(&["min", "max"]), self.of(Kind::Int, below), self.of(Kind::Int, below))
            }
            6 => {
                let kind = [Kind::Int, Kind::Double, Kind::Text, Kind::Instant][self.below(4)];
                let function = if kind == Kind::Int { "abs" } else { "int" };
                format!("{function}({})", self.of(kind, below))
            }
            _ => {
                let parts = ["getHours", "getDayOfWeek", "getDayOfMonth", "getDate", "getMonth", "getFullYear"];
                format!("{}.{}()", self.of(Kind::Instant, below), self.pick(&parts))
            }
        }
    }

    fn double(&mut self, levels: usize) -> String {
        let below = levels + 1;
        // At least one of two is a double.
        let (double, number) = (self.of(Kind::Double, below), self.number(below));
        let (left, right) = if self.below(2) == 0 { (double, number) } else { (number, double) };
        match self.below(6) {
            0..3 => format!("({left} {} {right})", self.pick(&["+", "-", "*", "/"])),
            3 => format!("{}({left}, {right})", self.pick(&["min", "max"])),
            4 => format!("abs(-{})", self.of(Kind::Double, below)),
            _ => format!(
                "double({})",
                if self.below(3) == 0 { self.of(Kind::Text, below) } else { number_of(left, right) }
            ),
        }
    }

    /// Slots of which some are missing, and a few of another kind than they should be.
    fn payment<'a>(&mut self, lists: &'a [Vec<String>; 3]) -> Vec<Slot<'a>> {
        let ints = [0, 1, -1, 7, 32, i64::MAX, i64::MIN, 9_007_199_254_740_993];
        let doubles = [0.0, -0.0, 1.5, 1.0, 1e300, f64::NAN, f64::INFINITY, -9.3e18, 9_007_199_254_740_992.0];
        let texts = ["", "FR", "fr", "42", "é日", "a@b.fr", "9.5", "-7"];
        let instants = [0, 1_772_407_800_000_000_000, -1, i64::MAX, i64::MIN];
        let mut payment = Vec::new();
        for (_, kind) in NAMES {
            payment.push(match kind {
                _ if self.below(5) == 0 => Slot::Missing,
                _ if self.below(60) == 0 => Slot::Int(1),
                Kind::Bool => Slot::Bool(self.below(2) == 0),
                Kind::Int => Slot::Int(ints[self.below(ints.len())]),
                Kind::Double => Slot::Double(doubles[self.below(doubles.len())]),
                Kind::Text => Slot::Text(texts[self.below(texts.len())]),
                Kind::Instant => Slot::Instant(instants[self.below(instants.len())]),
                Kind::Texts => Slot::Texts(&lists[self.below(lists.len())]),
            });
        }
        payment
    }
}

fn number_of(left: String, right: String) -> String {
    if left.len() < right.len() { left } else { right }
}

#[test]
fn closures_say_what_the_plain_walk_says() {
    let schema = schema();
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    let lists = [list(&[]), list(&["FR"]), list(&["é日", "fr", "42", "A@B.fr"])];
    let mut generator = Generator { dice: Dice::new(17), loops: Vec::new() };
    let (mut compared, mut written) = (0, 0);
    let mut counts = [0; 4];
    while compared < COMPARED_COUNT {
        written += 1;
        let text = generator.expression(Wanted::Of(Kind::Bool), 5);
        let rule = match Rule::compile(&text, &schema) {
            Ok(rule) => rule,
            Err(error) => {
                assert!(error.message.starts_with("costs ") || error.message.contains("bytes; "), "{text}: {error}");
                continue;
            }
        };
        let tree = parse(&text).unwrap();
        for _ in 0..PAYMENT_COUNT {
            let payment = generator.payment(&lists);
            let answer = rule.evaluate(&payment);
            let expected = reference::evaluate(&tree, &payment).map_err(|stop| rule.explain(stop));
            assert_eq!(answer, expected, "{text} of {payment:?}");
            counts[match answer {
                Ok(true) => 0,
                Ok(false) => 1,
                Err(EvaluationError::Missing(_)) => 2,
                Err(EvaluationError::Failed(_)) => 3,
            }] += 1;
        }
        compared += 1;
    }
    assert!(written < 2 * COMPARED_COUNT, "most rules are too costly: {written}");
    assert!(counts.iter().all(|count| *count > COMPARED_COUNT / 10), "some answer is hardly ever given: {counts:?}");
}

/// What rules are made of, and what they are not.
const PIECES: [&str; 56] = [
    "&&",
    "||",
    "!",
    "==",
    "<",
    "in",
    "+",
    "-",
    "*",
    "/",
    "%",
    "?",
    ":",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    " ",
    "\n",
    "//",
    "'a'",
    "\"",
    "'",
    "\\",
    "r'",
    "1",
    "2.5",
    "0x",
    "1e",
    "9223372036854775808",
    "true",
    "null",
    "b",
    "i",
    "x",
    "s",
    "l",
    "at",
    "n",
    "transaction",
    ".amount",
    ".size()",
    ".exists(n,",
    ".matches('",
    "has(",
    "duration('1h')",
    "min(",
    "timestamp('",
    "é",
    "日",
    "\u{0}",
    "\u{202e}",
    "😀",
    "\\u00e9",
];

/// A text with some pieces put in and some ends cut off.
fn disturbed(mut text: String, generator: &mut Generator) -> String {
    for _ in 0..generator.below(4) {
        let borders: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
        let place = if borders.is_empty() { 0 } else { borders[generator.below(borders.len())] };
        if generator.below(2) == 0 {
            text.insert_str(place, generator.pick(&PIECES));
        } else {
            text.truncate(place);
        }
    }
    text
}

#[test]
fn no_text_makes_the_compiler_panic() {
    let schema = schema();
    let missing = vec![Slot::Missing; NAMES.len()];
    let mut generator = Generator { dice: Dice::new(23), loops: Vec::new() };
    for round in 0..SOUP_COUNT {
        let text = if round % 2 == 0 {
            (0..generator.below(24)).map(|_| generator.pick(&PIECES)).collect()
        } else {
            generator.expression(Wanted::Of(Kind::Bool), 4)
        };
        let text = disturbed(text, &mut generator);
        match Rule::compile(&text, &schema) {
            Ok(rule) => drop(rule.evaluate(&missing)),
            Err(error) => assert!(text.get(error.span.0..error.span.1).is_some(), "{text}: {error:?}"),
        }
    }
}

#[test]
fn long_texts_of_one_piece_do_not_overflow_the_stack() {
    let pieces = [
        "(",
        "[",
        "!",
        "-",
        "- ",
        "b?b:",
        "b?",
        "min(",
        "has(",
        "i+",
        "i-",
        "b&&",
        "b||",
        "b&&b||",
        "l.exists(n,",
        ".a",
        "s.lowerAscii()",
        ".lowerAscii()",
        "i in ",
        "1,",
        "((b",
        "b==",
        "size([",
        "'",
        "\"\\",
        "//",
        "0",
    ];
    let schema = schema();
    for piece in pieces {
        for start in ["", "s", "b", "["] {
            let text = format!("{start}{}", piece.repeat(4_090 / piece.len()));
            // Hardly any of them is a rule: that it is told at all is what counts.
            let told = Rule::compile(&text, &schema).err();
            assert!(told.is_none_or(|error| text.get(error.span.0..error.span.1).is_some()), "{piece}");
        }
    }
}
