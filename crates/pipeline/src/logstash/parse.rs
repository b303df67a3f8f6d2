//! Reads Logstash's configuration language, by recursive descent: sections, plugins, attributes and their values.
//!
//! The grammar is that of Logstash 8. Bounded in size and in depth; strings keep their backslashes, as Logstash has it
//! unless `config.support_escapes` is on.

use super::condition::condition;
use super::cursor::{Cursor, LogstashError};
use super::tree::{Attribute, Branch, Config, Item, Literal, Place, Plugin, Section, SectionKind};

/// Bytes of a configuration.
pub const LOGSTASH_BYTES_MAX: usize = 1024 * 1024;
/// Braces, brackets and parentheses within one another.
pub(super) const DEPTH_MAX: usize = 40;

type Read<T> = Result<T, LogstashError>;

/// Reads a whole configuration.
///
/// # Errors
/// With line, column, and what was expected there.
pub(super) fn parse(text: &str) -> Read<Config> {
    let mut cursor = Cursor::new(text);
    if text.len() > LOGSTASH_BYTES_MAX {
        let message =
            format!("the text has {} bytes, more than {LOGSTASH_BYTES_MAX}; import its files one by one", text.len());
        return Err(cursor.error(cursor.place(), message));
    }
    let mut sections = Vec::new();
    cursor.skip_space();
    while cursor.peek().is_some() {
        sections.push(section(&mut cursor)?);
        cursor.skip_space();
    }
    if sections.is_empty() {
        return Err(cursor.expected("input, filter or output, such as filter { … },"));
    }
    Ok(Config { sections })
}

fn section(cursor: &mut Cursor<'_>) -> Read<Section> {
    let kinds = [("input", SectionKind::Input), ("filter", SectionKind::Filter), ("output", SectionKind::Output)];
    let Some((_, kind)) = kinds.into_iter().find(|(word, _)| cursor.take_word_if(word)) else {
        return Err(cursor.expected("input, filter or output, such as filter { … },"));
    };
    let (items, _) = items(cursor, DEPTH_MAX)?;
    Ok(Section { kind, items })
}

/// One level further within, or why it goes no deeper.
pub(super) fn deeper(cursor: &Cursor<'_>, depth: usize) -> Read<usize> {
    depth.checked_sub(1).ok_or_else(|| {
        cursor.error(
            cursor.place(),
            format!("this lies within more than {DEPTH_MAX} braces and brackets; make it flatter"),
        )
    })
}

/// What stands in braces: plugins and branches; and the line of the closing one.
fn items(cursor: &mut Cursor<'_>, depth: usize) -> Read<(Vec<Item>, u32)> {
    let depth = deeper(cursor, depth)?;
    cursor.skip_space();
    let open = cursor.place();
    if !cursor.take_if("{") {
        return Err(cursor.expected("\"{\""));
    }
    let mut items = Vec::new();
    loop {
        cursor.skip_space();
        let last_line = cursor.place().line;
        if cursor.take_if("}") {
            return Ok((items, last_line));
        }
        if cursor.peek().is_none() {
            return Err(cursor.error(open, "the brace that opens here is not closed; add a \"}\""));
        }
        items.push(if cursor.clone().take_word_if("if") {
            Item::Branches(branches(cursor, depth)?)
        } else {
            Item::Plugin(plugin(cursor, depth)?)
        });
    }
}

fn branches(cursor: &mut Cursor<'_>, depth: usize) -> Read<Vec<Branch>> {
    let mut branches = Vec::new();
    loop {
        let place = cursor.place();
        let is_first = branches.is_empty();
        if !is_first && !cursor.take_word_if("else") {
            break;
        }
        cursor.skip_space();
        let asked = match cursor.take_word_if("if") {
            true => Some(condition(cursor, depth)?),
            false => None,
        };
        cursor.skip_space();
        if asked.is_some() && !cursor.starts_with("{") {
            return Err(cursor.expected("\"{\", and, or, or a comparison such as == \"x\""));
        }
        let is_last = asked.is_none();
        let (items, last_line) = items(cursor, depth)?;
        branches.push(Branch { place, condition: asked, items, last_line });
        let mut ahead = cursor.clone();
        ahead.skip_space();
        if is_last || !ahead.clone().take_word_if("else") {
            break;
        }
        *cursor = ahead;
    }
    Ok(branches)
}

/// A name in quotes or without.
fn name(cursor: &mut Cursor<'_>, what: &str) -> Read<String> {
    let name = match cursor.peek() {
        Some(sign @ ('"' | '\'')) => cursor.enclosed(sign)?,
        _ => cursor.name(),
    };
    if name.is_empty() { Err(cursor.expected(what)) } else { Ok(name.to_owned()) }
}

fn plugin(cursor: &mut Cursor<'_>, depth: usize) -> Read<Plugin> {
    let place = cursor.place();
    let name = name(cursor, "a plugin such as grok { … }, an if, or \"}\"")?;
    cursor.skip_space();
    if !cursor.starts_with("{") {
        return Err(cursor.expected(&format!("\"{{\" after {name}")));
    }
    braced(cursor, place, name, depth)
}

/// The attributes of a plugin in its braces.
fn braced(cursor: &mut Cursor<'_>, place: Place, plugin: String, depth: usize) -> Read<Plugin> {
    let depth = deeper(cursor, depth)?;
    let open = cursor.place();
    cursor.take_if("{");
    let mut attributes = Vec::new();
    loop {
        cursor.skip_space();
        if cursor.take_if("}") {
            return Ok(Plugin { place, name: plugin, attributes });
        }
        if cursor.peek().is_none() {
            return Err(cursor.error(open, format!("the brace that opens {plugin} here is not closed; add a \"}}\"")));
        }
        let place = cursor.place();
        let name = name(cursor, &format!("an attribute of {plugin} such as add_tag => [\"x\"], or \"}}\""))?;
        arrow(cursor, &name)?;
        let value = value(cursor, depth)?;
        attributes.push(Attribute { place, name, value });
    }
}

fn arrow(cursor: &mut Cursor<'_>, name: &str) -> Read<()> {
    cursor.skip_space();
    if !cursor.take_if("=>") {
        return Err(cursor.expected(&format!("\"=>\" after {name}")));
    }
    cursor.skip_space();
    Ok(())
}

fn value(cursor: &mut Cursor<'_>, depth: usize) -> Read<Literal> {
    let place = cursor.place();
    match cursor.peek() {
        Some(sign @ ('"' | '\'')) => cursor.enclosed(sign).map(|text| Literal::Text(text.to_owned())),
        Some('[') => list(cursor, depth),
        Some('{') => table(cursor, depth),
        _ if cursor.is_at_number() => Ok(Literal::Number(cursor.number().to_owned())),
        _ => {
            let word = cursor.name();
            if word.is_empty() {
                return Err(cursor.expected("a value such as \"text\", 5, true, [\"a\"] or { \"a\" => \"b\" }"));
            }
            let mut ahead = cursor.clone();
            ahead.skip_space();
            if ahead.starts_with("{") {
                *cursor = ahead;
                return braced(cursor, place, word.to_owned(), depth).map(Literal::Plugin);
            }
            Ok(Literal::Word(word.to_owned()))
        }
    }
}

fn list(cursor: &mut Cursor<'_>, depth: usize) -> Read<Literal> {
    let depth = deeper(cursor, depth)?;
    bracketed(cursor, &mut |cursor| value(cursor, depth)).map(Literal::List)
}

/// What stands in the square brackets here, each read by `read`.
pub(super) fn bracketed<'t, T>(
    cursor: &mut Cursor<'t>,
    read: &mut dyn FnMut(&mut Cursor<'t>) -> Read<T>,
) -> Read<Vec<T>> {
    let open = cursor.place();
    cursor.take_if("[");
    let mut items = Vec::new();
    loop {
        cursor.skip_space();
        // A comma after the last item is common, and Logstash 8 refuses it only sometimes.
        if cursor.take_if("]") {
            return Ok(items);
        }
        if cursor.peek().is_none() {
            return Err(cursor.error(open, "the list that begins here does not end; add a \"]\""));
        }
        items.push(read(cursor)?);
        cursor.skip_space();
        if !cursor.take_if(",") && !cursor.starts_with("]") {
            return Err(cursor.expected("\",\" or \"]\""));
        }
    }
}

fn table(cursor: &mut Cursor<'_>, depth: usize) -> Read<Literal> {
    let depth = deeper(cursor, depth)?;
    let open = cursor.place();
    cursor.take_if("{");
    let mut entries = Vec::new();
    loop {
        cursor.skip_space();
        if cursor.take_if("}") {
            return Ok(Literal::Table(entries));
        }
        if cursor.peek().is_none() {
            return Err(cursor.error(open, "the table that begins here does not end; add a \"}\""));
        }
        let key = match cursor.peek() {
            _ if cursor.is_at_number() => cursor.number().to_owned(),
            Some(',') => return Err(cursor.expected("white space between entries, no comma, or \"}\"")),
            _ => name(cursor, "a name such as \"message\", or \"}\"")?,
        };
        arrow(cursor, &key)?;
        entries.push((key, value(cursor, depth)?));
    }
}
