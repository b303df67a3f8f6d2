//! Writes a query as people type it; reading it back gives the same query.

use std::fmt::{self, Display, Formatter, Write};

use super::{Bound, Predicate, Query, TextPattern};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_char('*'),
            Self::Nothing => f.write_str("NOT *"),
            Self::And(parts) => print_joined(f, parts, " AND "),
            Self::Or(parts) => print_joined(f, parts, " OR "),
            Self::Not(part) => {
                f.write_str("NOT ")?;
                print_operand(f, part)
            }
            Self::FreeText(TextPattern::Words(words)) => print_text(f, words),
            Self::FreeText(TextPattern::Wildcard(pattern)) => print_pattern(f, pattern),
            Self::Field { field, predicate } => {
                print_escaped(f, field)?;
                print_predicate(f, predicate)
            }
        }
    }
}

fn print_joined(f: &mut Formatter<'_>, parts: &[Query], joiner: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(joiner)?;
        }
        print_operand(f, part)?;
    }
    Ok(())
}

fn print_operand(f: &mut Formatter<'_>, query: &Query) -> fmt::Result {
    match query {
        Query::And(_) | Query::Or(_) => write!(f, "({query})"),
        _ => write!(f, "{query}"),
    }
}

fn print_predicate(f: &mut Formatter<'_>, predicate: &Predicate) -> fmt::Result {
    match predicate {
        Predicate::Exists => f.write_str(":*"),
        Predicate::Equals(text) => {
            f.write_char(':')?;
            print_text(f, text)
        }
        Predicate::Wildcard(pattern) => {
            f.write_char(':')?;
            print_pattern(f, pattern)
        }
        // These cannot be typed; they are shown as Lucene writes them, or as what they are nearest to.
        Predicate::OfKind(_, inner) => print_predicate(f, inner),
        Predicate::Intervals(_) => f.write_str(":(words near one another)"),
        Predicate::Regexp(pattern) => write!(f, ":/{}/", pattern.replace('/', "\\/")),
        Predicate::Fuzzy { word, mistakes_max, .. } => {
            f.write_char(':')?;
            print_text(f, word)?;
            write!(f, "~{mistakes_max}")
        }
        Predicate::Network(network) => write!(f, ":{network}"),
        Predicate::Range { lower, upper } => print_range(f, lower, upper),
    }
}

fn print_range(f: &mut Formatter<'_>, lower: &Bound, upper: &Bound) -> fmt::Result {
    let (sign, text) = match (lower, upper) {
        (Bound::Inclusive(text), Bound::Open) => (">=", text),
        (Bound::Exclusive(text), Bound::Open) => (">", text),
        (Bound::Open, Bound::Inclusive(text)) => ("<=", text),
        (Bound::Open, Bound::Exclusive(text)) => ("<", text),
        _ => {
            f.write_char(':')?;
            f.write_char(if matches!(lower, Bound::Exclusive(_)) { '{' } else { '[' })?;
            print_bound(f, lower)?;
            f.write_str(" TO ")?;
            print_bound(f, upper)?;
            return f.write_char(if matches!(upper, Bound::Exclusive(_)) { '}' } else { ']' });
        }
    };
    f.write_str(sign)?;
    print_text(f, text)
}

fn print_bound(f: &mut Formatter<'_>, bound: &Bound) -> fmt::Result {
    match bound {
        Bound::Open => f.write_char('*'),
        Bound::Inclusive(text) | Bound::Exclusive(text) => print_text(f, text),
    }
}

/// A text in quotes, unless it reads the same without.
fn print_text(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let is_plain = |character: char| character.is_alphanumeric() || matches!(character, '_' | '.' | '@');
    let starts_plain = text.starts_with(|first: char| first.is_alphanumeric() || first == '_');
    let is_operator = matches!(text, "AND" | "and" | "OR" | "or" | "NOT" | "not" | "TO" | "to");
    if starts_plain && !is_operator && text.chars().all(|character| is_plain(character) || character == '-') {
        return f.write_str(text);
    }
    f.write_char('"')?;
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(character)?;
    }
    f.write_char('"')
}

fn is_special(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '(' | ')' | '"' | ':' | '<' | '>' | '[' | ']' | '{' | '}' | '\\' | '!' | '+' | '-' | '*' | '?' | '&' | '|'
        )
}

fn print_escaped(f: &mut Formatter<'_>, name: &str) -> fmt::Result {
    for character in name.chars() {
        if is_special(character) {
            f.write_char('\\')?;
        }
        f.write_char(character)?;
    }
    Ok(())
}

/// A pattern keeps its wildcards and its own escapes; other signs are escaped.
fn print_pattern(f: &mut Formatter<'_>, pattern: &str) -> fmt::Result {
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '*' | '?' => f.write_char(character)?,
            '\\' => write!(f, "\\{}", characters.next().unwrap_or('\\'))?,
            special if is_special(special) => write!(f, "\\{special}")?,
            plain => f.write_char(plain)?,
        }
    }
    Ok(())
}
