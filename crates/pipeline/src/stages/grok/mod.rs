//! `grok`: takes text apart by named expressions: `%{IPORHOST:client_ip} %{NUMBER:took_ms:float}`.
//!
//! The names are Logstash's. A pattern may match anywhere in the text unless it is held by `^` and `$`; expressions are
//! Ruby's, with look-around, atomic groups and anchors of lines.

mod engine;
mod expand;
pub(super) mod form;
mod library;
mod line_pattern;
mod plan;
mod tagged;
#[cfg(test)]
mod tests;
mod tree;

use toml::Value as Toml;
use vigie_domain::{Event, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::Options;
use super::{Memory, Outcome, Stage};
pub(crate) use library::expression as library_expression;
pub use line_pattern::LinePattern;

use engine::{Engine, Place, Search};
use expand::{Capture, expand};
use tree::Tree;

/// Patterns that are tried one after the other.
const PATTERNS_MAX: usize = 100;

#[derive(Debug)]
struct Grok {
    field: FieldPath,
    patterns: Vec<Pattern>,
    overwrite: Vec<FieldPath>,
    tries_all: bool,
    keeps_empty: bool,
}

#[derive(Debug)]
struct Pattern {
    engine: Engine,
    captures: Vec<Capture>,
    tree: Option<Tree>,
}

pub(super) fn build(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let field = options.field_or("field", "message")?;
    let texts = options.texts("patterns")?;
    if texts.is_empty() || texts.len() > PATTERNS_MAX {
        return Err(options.missing("patterns", &format!("\"%{{COMBINEDAPACHELOG}}\"; 1 to {PATTERNS_MAX} of them")));
    }
    let own = options.table("pattern_definitions")?.into_iter().map(|(name, expression)| match expression {
        Toml::String(expression) => Ok((name, expression)),
        other => Err(options.wrong("pattern_definitions", &other, "a table such as { ORDER = '[A-Z]\\d+' }")),
    });
    let own = own.collect::<Result<Vec<_>, _>>()?;
    let pattern = |text: &String| pattern(text, &own).map_err(|message| options.error("patterns", message));
    let patterns = texts.iter().map(pattern).collect::<Result<_, _>>()?;
    let target = options.field("target")?;
    let mut stage = Grok {
        field,
        patterns,
        overwrite: options.fields("overwrite")?,
        tries_all: !options.flag("break_on_match", true)?,
        keeps_empty: options.flag("keep_empty", false)?,
    };
    if let Some(target) = target {
        for capture in stage.patterns.iter_mut().flat_map(|pattern| &mut pattern.captures) {
            let below = target.child(capture.path.as_str());
            capture.path = below.map_err(|message| options.error("target", message))?;
        }
        stage.patterns.iter_mut().for_each(|pattern| pattern.tree = Tree::of(&pattern.captures));
    }
    Ok(Box::new(stage))
}

fn pattern(text: &str, own: &[(String, String)]) -> Result<Pattern, String> {
    let expanded = expand(text, own)?;
    let engine = Engine::new(&expanded.expression, expanded.captures.len())?;
    let tree = Tree::of(&expanded.captures);
    Ok(Pattern { engine, captures: expanded.captures, tree })
}

/// Whether a pattern can be used, and what it finds in a text: pairs of field and text.
///
/// # Errors
/// In words, when it cannot.
pub fn try_grok(text: &str, pattern_text: &str) -> Result<Vec<(String, String)>, String> {
    let pattern = pattern(pattern_text, &[])?;
    let Search::Found(places) = pattern.engine.search(text) else { return Ok(Vec::new()) };
    let found = pattern.captures.iter().zip(places);
    let shown = |(capture, place): (&Capture, Option<(usize, usize)>)| {
        place.map(|(start, end)| (capture.path.as_str().to_owned(), text[start..end].to_owned()))
    };
    Ok(found.filter_map(shown).collect())
}

impl Stage for Grok {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let Some(Value::Text(text)) = self.field.get(&event.body) else { return Outcome::Idle };
        let mut found = Vec::new();
        for pattern in &self.patterns {
            let Search::Found(places) = pattern.engine.search(text) else { continue };
            found.push((pattern, self.values(pattern, text, places)));
            if !self.tries_all {
                break;
            }
        }
        if found.is_empty() {
            return Outcome::Failed;
        }
        let mut replaced = Vec::new();
        for (pattern, mut values) in found {
            match pattern.tree.as_ref().filter(|tree| !self.tries_all && tree.is_new_to(&event.body)) {
                Some(tree) => tree.put(&mut values, &mut event.body),
                None => {
                    for (capture, value) in pattern.captures.iter().zip(values) {
                        let Some(value) = value else { continue };
                        self.put(event, capture, value, &mut replaced);
                    }
                }
            }
        }
        Outcome::Keep
    }

    fn failure_tag(&self) -> &'static str {
        "_grokparsefailure"
    }
}

impl Capture {
    /// What was found, of the kind that the pattern asks for.
    fn value_of(&self, found: &str) -> Value {
        let text = Value::text(found);
        self.kind.and_then(|kind| kind.convert(&text)).unwrap_or(text)
    }
}

impl Grok {
    /// What the captures of a pattern have found.
    fn values(&self, pattern: &Pattern, text: &str, places: Vec<Place>) -> Vec<Option<Value>> {
        let found = pattern.captures.iter().zip(places).map(|(capture, place)| {
            let found = place.and_then(|(start, end)| text.get(start..end));
            found.filter(|found| self.keeps_empty || !found.is_empty()).map(|found| capture.value_of(found))
        });
        found.collect()
    }

    /// Puts what was captured into the event. A field that is there already becomes a list, unless it is to be replaced.
    fn put<'s>(&'s self, event: &mut Event, capture: &'s Capture, value: Value, replaced: &mut Vec<&'s FieldPath>) {
        if self.overwrite.contains(&capture.path) && !replaced.contains(&&capture.path) {
            replaced.push(&capture.path);
            capture.path.put(&mut event.body, value);
        } else {
            capture.path.append(&mut event.body, value);
        }
    }
}
