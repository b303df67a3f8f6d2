//! `${NAME}` and `${NAME:otherwise}` in texts: put in from what the caller knows, never from the environment.

use super::report::{Report, Where};
use super::tree::{Condition, Config, Item, Literal, Operand, Place, Plugin};

/// Puts values for variables.
pub(super) struct Variables<'a> {
    values: &'a [(String, String)],
    report: &'a mut Report,
    at: Place,
    plugin: String,
}

/// Puts values for the variables of a whole configuration.
pub(super) fn put_in(config: &mut Config, values: &[(String, String)], report: &mut Report) {
    let mut variables = Variables { values, report, at: Place::default(), plugin: String::new() };
    config.sections.iter_mut().for_each(|section| variables.items(&mut section.items));
}

impl Variables<'_> {
    fn items(&mut self, items: &mut [Item]) {
        for item in items {
            match item {
                Item::Plugin(plugin) => self.plugin(plugin),
                Item::Branches(branches) => {
                    for branch in branches {
                        (self.at, self.plugin) = (branch.place, "if".to_owned());
                        if let Some(condition) = &mut branch.condition {
                            self.condition(condition);
                        }
                        self.items(&mut branch.items);
                    }
                }
            }
        }
    }

    fn plugin(&mut self, plugin: &mut Plugin) {
        for attribute in &mut plugin.attributes {
            (self.at, self.plugin) = (attribute.place, plugin.name.clone());
            self.literal(&mut attribute.value);
        }
    }

    fn literal(&mut self, literal: &mut Literal) {
        match literal {
            Literal::Text(text) => self.text(text),
            Literal::Word(_) | Literal::Number(_) => {}
            Literal::List(items) => items.iter_mut().for_each(|item| self.literal(item)),
            Literal::Table(entries) => entries.iter_mut().for_each(|(_, value)| self.literal(value)),
            Literal::Plugin(plugin) => self.plugin(plugin),
        }
    }

    fn condition(&mut self, condition: &mut Condition) {
        match condition {
            Condition::And(left, right)
            | Condition::Or(left, right)
            | Condition::Xor(left, right)
            | Condition::Nand(left, right) => {
                self.condition(left);
                self.condition(right);
            }
            Condition::Not(inner) => self.condition(inner),
            Condition::Truth(operand) | Condition::Matches { left: operand, .. } => self.operand(operand),
            Condition::Compare { left, right, .. } | Condition::In { item: left, collection: right } => {
                self.operand(left);
                self.operand(right);
            }
        }
    }

    fn operand(&mut self, operand: &mut Operand) {
        match operand {
            Operand::Text(text) => self.text(text),
            Operand::List(items) => items.iter_mut().for_each(|item| self.operand(item)),
            Operand::Field(_) | Operand::Number(_) | Operand::Call(_) => {}
        }
    }

    fn text(&mut self, text: &mut String) {
        let (mut out, mut rest) = (String::new(), text.as_str());
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else { break };
            let inner = &rest[start + 2..start + length];
            let (name, otherwise) = inner.split_once(':').map_or((inner, None), |(name, text)| (name, Some(text)));
            out.push_str(&rest[..start]);
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
            let known = self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            match known.or(otherwise).filter(|_| is_name) {
                Some(value) => out.push_str(value),
                None => {
                    out.push_str(&rest[start..=start + length]);
                    if is_name {
                        let at = Where { place: self.at, plugin: &self.plugin };
                        self.report.left(
                            at,
                            None,
                            format!("the variable {name} has no value; give it by --set {name}=VALUE"),
                        );
                    }
                }
            }
            rest = &rest[start + length + 1..];
        }
        out.push_str(rest);
        *text = out;
    }
}
