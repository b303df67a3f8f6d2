//! The attributes of a plugin, read one by one. One that nobody asked for is reported, so that none is lost unseen.

use toml::Value as Toml;

use super::names::Names;
use super::report::{Report, Where};
use super::tree::{Literal, Place, Plugin};

/// Attributes that say nothing about events.
const SILENT: [&str; 4] = ["id", "enable_metric", "periodic_flush", "ecs_compatibility"];

/// The attributes of one plugin.
pub(super) struct Attributes<'p> {
    plugin: &'p Plugin,
    asked: Vec<&'static str>,
}

impl<'p> Attributes<'p> {
    pub(super) fn of(plugin: &'p Plugin) -> Self {
        Self { plugin, asked: SILENT.to_vec() }
    }

    /// Where the plugin is.
    pub(super) fn at(&self) -> Where<'p> {
        Where { place: self.plugin.place, plugin: &self.plugin.name }
    }

    /// Where the attribute is, else the plugin.
    pub(super) fn place_of(&self, name: &str) -> Where<'p> {
        let attribute = self.plugin.attributes.iter().find(|attribute| attribute.name == name);
        let place = attribute.map_or(self.plugin.place, |attribute| attribute.place);
        Where { place, plugin: &self.plugin.name }
    }

    /// Whether it is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.plugin.attributes.iter().any(|attribute| attribute.name == name)
    }

    /// The values under that name, in the order written: it may be there more than once.
    pub(super) fn values(&mut self, name: &'static str) -> Vec<(Place, &'p Literal)> {
        self.asked.push(name);
        let named = self.plugin.attributes.iter().filter(|attribute| attribute.name == name);
        named.map(|attribute| (attribute.place, &attribute.value)).collect()
    }

    /// The last value under that name as text.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.values(name).last().and_then(|(_, value)| scalar(value))
    }

    /// True or false, in any spelling.
    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    /// One text or several.
    pub(super) fn texts(&mut self, name: &'static str) -> Vec<String> {
        let mut texts = Vec::new();
        for (_, value) in self.values(name) {
            match value {
                Literal::List(items) => texts.extend(items.iter().filter_map(scalar)),
                other => texts.extend(scalar(other)),
            }
        }
        texts
    }

    /// Names and values: a table, or a list of both in turn.
    pub(super) fn pairs(&mut self, name: &'static str) -> Vec<(Place, String, &'p Literal)> {
        let mut pairs = Vec::new();
        for (place, value) in self.values(name) {
            match value {
                Literal::Table(entries) => pairs.extend(entries.iter().map(|(key, value)| (place, key.clone(), value))),
                Literal::List(items) => {
                    let both = items.chunks_exact(2).filter_map(|two| Some((place, scalar(&two[0])?, &two[1])));
                    pairs.extend(both);
                }
                Literal::Text(_) | Literal::Word(_) | Literal::Number(_) | Literal::Plugin(_) => {}
            }
        }
        pairs
    }

    /// Names and texts.
    pub(super) fn text_pairs(&mut self, name: &'static str) -> Vec<(Place, String, String)> {
        let pairs = self.pairs(name).into_iter();
        pairs.filter_map(|(place, key, value)| Some((place, key, scalar(value)?))).collect()
    }

    /// A field, or the one of that name; `None` and a finding when what is written names none.
    pub(super) fn field(&mut self, name: &'static str, names: &Names, report: &mut Report) -> Option<String> {
        let written = self.text(name)?;
        names.field(&written).map_err(|reason| report.left(self.place_of(name), Some(name), reason)).ok()
    }

    /// Fields; those that are none are reported.
    pub(super) fn fields(&mut self, name: &'static str, names: &Names, report: &mut Report) -> Vec<String> {
        let written = self.texts(name);
        let at = self.place_of(name);
        let mut fields = Vec::new();
        for written in written {
            match names.field(&written) {
                Ok(field) => fields.push(field),
                Err(reason) => report.left(at, Some(name), reason),
            }
        }
        fields
    }

    /// An attribute that cannot be translated, if it is there and not what Vigie does anyway.
    pub(super) fn refuse(&mut self, name: &'static str, unless: &[&str], reason: &str, report: &mut Report) {
        let has_other = |value: &Literal| scalar(value).is_none_or(|text| !unless.contains(&text.as_str()));
        if let Some((_, value)) = self.values(name).last()
            && has_other(value)
        {
            report.left(self.place_of(name), Some(name), reason);
        }
    }

    /// Reports what nobody asked for.
    pub(super) fn finish(self, report: &mut Report) {
        for attribute in &self.plugin.attributes {
            if !self.asked.contains(&attribute.name.as_str()) {
                let at = Where { place: attribute.place, plugin: &self.plugin.name };
                report.left(
                    at,
                    Some(&attribute.name),
                    "there is no such option here; what it would change stays as it is",
                );
            }
        }
    }
}

/// A value that is no list and no table, as text.
pub(super) fn scalar(value: &Literal) -> Option<String> {
    match value {
        Literal::Text(text) | Literal::Word(text) | Literal::Number(text) => Some(text.clone()),
        Literal::List(_) | Literal::Table(_) | Literal::Plugin(_) => None,
    }
}

/// The value in TOML; texts with the fields in them where they are.
pub(super) fn toml_of(value: &Literal, names: &Names) -> Option<Toml> {
    match value {
        Literal::Text(text) | Literal::Word(text) => Some(Toml::String(names.template(text))),
        Literal::Number(text) => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => Some(Toml::Integer(number)),
            (Err(_), Ok(number)) => Some(Toml::Float(number)),
            (Err(_), Err(_)) => None,
        },
        Literal::List(items) => {
            items.iter().map(|item| toml_of(item, names)).collect::<Option<Vec<_>>>().map(Toml::Array)
        }
        Literal::Table(entries) => {
            let entry = |(key, value): &(String, Literal)| Some((key.clone(), toml_of(value, names)?));
            entries.iter().map(entry).collect::<Option<toml::Table>>().map(Toml::Table)
        }
        Literal::Plugin(_) => None,
    }
}
