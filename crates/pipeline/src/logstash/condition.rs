//! Reads what an `if` asks: comparisons joined by `and`, `or`, `xor`, `nand`, negated and in parentheses.
//!
//! `and` and `nand` bind tighter than `xor`, and that tighter than `or`, as in Logstash.

use super::cursor::{Cursor, LogstashError};
use super::parse::{bracketed, deeper};
use super::tree::{Comparison, Condition, Operand};

type Read<T> = Result<T, LogstashError>;

/// Conditions that one `if` joins.
const JOINED_MAX: usize = 500;

const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// Reads a condition up to the brace, or the parenthesis, that follows it.
pub(super) fn condition(cursor: &mut Cursor<'_>, depth: usize) -> Read<Condition> {
    cursor.skip_space();
    let depth = deeper(cursor, depth)?;
    let mut alternatives = vec![exclusive(cursor, depth)?];
    while joins(cursor, &["or"]).is_some() {
        alternatives.push(exclusive(cursor, depth)?);
        check_count(cursor, alternatives.len())?;
    }
    Ok(balanced(alternatives, Condition::Or))
}

fn exclusive(cursor: &mut Cursor<'_>, depth: usize) -> Read<Condition> {
    let mut left = conjunction(cursor, depth)?;
    let mut count = 1;
    while joins(cursor, &["xor"]).is_some() {
        let right = conjunction(cursor, depth)?;
        left = Condition::Xor(Box::new(left), Box::new(right));
        count += 1;
        check_chain(cursor, count)?;
    }
    Ok(left)
}

fn conjunction(cursor: &mut Cursor<'_>, depth: usize) -> Read<Condition> {
    let mut all = vec![single(cursor, depth)?];
    let mut nand_count = 0;
    while let Some(word) = joins(cursor, &["and", "nand"]) {
        let right = single(cursor, depth)?;
        if word == "nand" {
            nand_count += 1;
            check_chain(cursor, nand_count)?;
            let left = balanced(std::mem::take(&mut all), Condition::And);
            all.push(Condition::Nand(Box::new(left), Box::new(right)));
        } else {
            all.push(right);
        }
        check_count(cursor, all.len())?;
    }
    Ok(balanced(all, Condition::And))
}

fn check_count(cursor: &Cursor<'_>, count: usize) -> Read<()> {
    if count <= JOINED_MAX {
        return Ok(());
    }
    Err(cursor.error(cursor.place(), format!("this if joins more than {JOINED_MAX} conditions; use in [\"a\", \"b\"]")))
}

/// What grows with each word to one side is bounded as what lies within parentheses is.
fn check_chain(cursor: &Cursor<'_>, count: usize) -> Read<()> {
    if count <= super::parse::DEPTH_MAX {
        return Ok(());
    }
    let message = format!("this if has more than {} times xor or nand; write it with and, or", super::parse::DEPTH_MAX);
    Err(cursor.error(cursor.place(), message))
}

/// All of them joined in halves, so that many make no deep tree.
fn balanced(mut parts: Vec<Condition>, join: fn(Box<Condition>, Box<Condition>) -> Condition) -> Condition {
    if parts.len() > 1 {
        let right = parts.split_off(parts.len() / 2);
        return join(Box::new(balanced(parts, join)), Box::new(balanced(right, join)));
    }
    parts.pop().unwrap_or(Condition::Truth(Operand::Text(String::new())))
}

/// Takes a word that joins conditions, if one of these stands here.
fn joins(cursor: &mut Cursor<'_>, words: &[&'static str]) -> Option<&'static str> {
    cursor.skip_space();
    words.iter().find(|word| cursor.take_word_if(word)).copied()
}

fn single(cursor: &mut Cursor<'_>, depth: usize) -> Read<Condition> {
    cursor.skip_space();
    if cursor.starts_with("!") && !cursor.starts_with("!=") && !cursor.starts_with("!~") {
        let depth = deeper(cursor, depth)?;
        cursor.take_if("!");
        cursor.skip_space();
        let negated = match cursor.peek() {
            Some('(') => parenthesised(cursor, depth)?,
            Some('!') => single(cursor, depth)?,
            // Logstash negates a field alone; what is compared needs parentheses.
            _ => Condition::Truth(operand(cursor, depth)?),
        };
        return Ok(Condition::Not(Box::new(negated)));
    }
    if cursor.starts_with("(") {
        return parenthesised(cursor, depth);
    }
    let left = operand(cursor, depth)?;
    cursor.skip_space();
    compared(cursor, left, depth)
}

fn parenthesised(cursor: &mut Cursor<'_>, depth: usize) -> Read<Condition> {
    let open = cursor.place();
    cursor.take_if("(");
    let inner = condition(cursor, depth)?;
    cursor.skip_space();
    if cursor.peek().is_none() {
        return Err(cursor.error(open, "the parenthesis that opens here is not closed; add a \")\""));
    }
    if !cursor.take_if(")") {
        return Err(cursor.expected("\")\", and, or, or a comparison such as == \"x\""));
    }
    Ok(inner)
}

/// What follows the left side of a comparison, if anything does.
fn compared(cursor: &mut Cursor<'_>, left: Operand, depth: usize) -> Read<Condition> {
    let is_negated = cursor.starts_with("!~");
    if is_negated || cursor.starts_with("=~") {
        cursor.take_if(if is_negated { "!~" } else { "=~" });
        cursor.skip_space();
        let pattern = match cursor.peek() {
            Some('/') => cursor.enclosed('/')?.replace("\\/", "/"),
            Some(sign @ ('"' | '\'')) => cursor.enclosed(sign)?.to_owned(),
            _ => return Err(cursor.expected("a pattern such as /^5[0-9]{2}$/")),
        };
        return Ok(negated_if(is_negated, Condition::Matches { left, pattern }));
    }
    let is_negated = cursor.take_word_if("not");
    cursor.skip_space();
    if cursor.take_word_if("in") {
        let collection = operand(cursor, depth)?;
        return Ok(negated_if(is_negated, Condition::In { item: left, collection }));
    }
    if is_negated {
        return Err(cursor.expected("in after not"));
    }
    match COMPARISONS.into_iter().find(|(sign, _)| cursor.take_if(sign)) {
        Some((_, comparison)) => Ok(Condition::Compare { left, comparison, right: operand(cursor, depth)? }),
        None => Ok(Condition::Truth(left)),
    }
}

fn negated_if(is_negated: bool, condition: Condition) -> Condition {
    if is_negated { Condition::Not(Box::new(condition)) } else { condition }
}

/// One side of a comparison.
fn operand(cursor: &mut Cursor<'_>, depth: usize) -> Read<Operand> {
    const EXPECTED: &str = "a field such as [status], a text in quotes, a number or a list";
    cursor.skip_space();
    match cursor.peek() {
        Some(sign @ ('"' | '\'')) => cursor.enclosed(sign).map(|text| Operand::Text(text.to_owned())),
        Some('/') => cursor.enclosed('/').map(|text| Operand::Text(text.to_owned())),
        Some('[') if is_list(cursor) => list(cursor, depth),
        Some('[') => cursor.selector()?.map(Operand::Field).ok_or_else(|| cursor.expected(EXPECTED)),
        _ if cursor.is_at_number() => Ok(Operand::Number(cursor.number().to_owned())),
        _ => call(cursor, EXPECTED, depth),
    }
}

/// Whether the bracket here opens a list of values and not a selector.
fn is_list(cursor: &Cursor<'_>) -> bool {
    let mut ahead = cursor.clone();
    ahead.take_if("[");
    ahead.skip_space();
    matches!(ahead.peek(), Some('"' | '\'' | '[' | ']'))
        || (ahead.is_at_number() && {
            ahead.number();
            ahead.skip_space();
            // `[0]` is the first of a list; a list of one number is written [0, …] or in quotes.
            ahead.starts_with(",")
        })
}

fn list(cursor: &mut Cursor<'_>, depth: usize) -> Read<Operand> {
    let depth = deeper(cursor, depth)?;
    bracketed(cursor, &mut |cursor| operand(cursor, depth)).map(Operand::List)
}

/// `name(a, b)`: the grammar has calls, though Logstash knows none.
fn call(cursor: &mut Cursor<'_>, expected: &str, depth: usize) -> Read<Operand> {
    let depth = deeper(cursor, depth)?;
    let mut ahead = cursor.clone();
    let name = ahead.word();
    ahead.skip_space();
    if name.is_empty() || !ahead.take_if("(") {
        return Err(cursor.expected(expected));
    }
    *cursor = ahead;
    loop {
        cursor.skip_space();
        if cursor.take_if(")") {
            return Ok(Operand::Call(name.to_owned()));
        }
        operand(cursor, depth)?;
        cursor.skip_space();
        if !cursor.take_if(",") && !cursor.starts_with(")") {
            return Err(cursor.expected("\",\" or \")\""));
        }
    }
}
