//! One layer of settings over another: only known keys, only values of the type that the default has.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::environment::{OTHER_VARIABLES, VARIABLE_PREFIX};
use super::{ConfigError, DEFAULTS, Settings};

/// A name that differs by more than this share is not offered as what was meant.
const SIMILARITY_MIN: f64 = 0.6;
/// A variable that is at least so similar to a known one is a mistyped one, and not somebody else's.
const MISTYPED_SIMILARITY_MIN: f64 = 0.75;

/// Where a value came from, for words about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A flag of the command line.
    Flag,
    /// A variable of the environment.
    Variable,
}

/// Settings as far as they have been read: sections of keys, every key present.
#[derive(Clone, Debug)]
pub struct Layer {
    sections: Table,
    /// Where each value that is no default comes from, by key.
    origins: BTreeMap<String, String>,
}

impl Layer {
    /// The compiled-in defaults.
    ///
    /// # Errors
    /// When they are not TOML; a bug that the tests find.
    pub fn defaults() -> Result<Self, ConfigError> {
        let sections =
            DEFAULTS.parse().map_err(|error| ConfigError(format!("the compiled-in settings are broken: {error}")))?;
        Ok(Self { sections, origins: BTreeMap::new() })
    }

    /// Overrides what the file has.
    ///
    /// # Errors
    /// When it is not TOML, or has an unknown key or a value of the wrong type.
    pub fn apply_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let shown = path.display();
        let file: Table =
            text.parse().map_err(|error| ConfigError(format!("\"{shown}\" is not valid TOML: {error}")))?;
        let keys = self.keys();
        for (section, value) in file {
            let Value::Table(entries) = value else {
                return Err(ConfigError(format!(
                    "\"{section}\" in \"{shown}\" is no section; write \"[section]\" and its keys below"
                )));
            };
            for (name, value) in entries {
                let key = format!("{section}.{name}");
                let slot = self.slot(&key).ok_or_else(|| unknown("setting", &key, &keys))?;
                if slot.type_str() != value.type_str() {
                    let (is, needs) = (value.type_str(), slot.type_str());
                    return Err(ConfigError(format!("{key} in \"{shown}\" is of type {is}; it has to be {needs}")));
                }
                *slot = value;
                self.origins.insert(key, format!("\"{shown}\""));
            }
        }
        Ok(())
    }

    /// Overrides the setting that a variable of the environment names.
    ///
    /// A variable that names none is refused when it begins like a section or is nearly a known one. Others are
    /// somebody else's: Kubernetes sets `VIGIE_PORT` and `VIGIE_SERVICE_HOST` for a service named vigie.
    ///
    /// # Errors
    /// When it is a mistyped one, or the value is of the wrong type.
    pub fn apply_variable(&mut self, variable: &str, value: &str) -> Result<(), ConfigError> {
        let keys = self.keys();
        if let Some(key) = keys.iter().find(|key| variable_of(key) == variable) {
            return self.apply_text(key, value, Source::Variable);
        }
        let known: Vec<String> =
            keys.iter().map(|key| variable_of(key)).chain(OTHER_VARIABLES.map(str::to_owned)).collect();
        let is_nearly_known =
            nearest(variable, &known).is_some_and(|(similarity, _)| similarity >= MISTYPED_SIMILARITY_MIN);
        if is_nearly_known || self.names_section(variable) {
            return Err(unknown("variable", variable, &known));
        }
        Ok(())
    }

    /// Whether the variable is that of a section, or of a key that the section would have.
    fn names_section(&self, variable: &str) -> bool {
        self.sections.keys().any(|section| {
            let rest = variable.strip_prefix(&variable_of(section));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        })
    }

    /// Overrides one setting with a value given as text.
    ///
    /// # Errors
    /// When the key is unknown, or the text is not of its type.
    pub fn apply_text(&mut self, key: &str, text: &str, source: Source) -> Result<(), ConfigError> {
        let keys = self.keys();
        let slot = self.slot(key).ok_or_else(|| unknown("setting", key, &keys))?;
        let parsed = match slot {
            Value::String(_) => Some(Value::String(text.to_owned())),
            Value::Integer(_) => text.trim().parse().ok().map(Value::Integer),
            Value::Boolean(_) => text.trim().parse().ok().map(Value::Boolean),
            Value::Float(_) => text.trim().parse().ok().map(Value::Float),
            Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
        };
        let name = match source {
            Source::Flag => key.to_owned(),
            Source::Variable => variable_of(key),
        };
        let needs = slot.type_str();
        *slot = parsed.ok_or_else(|| ConfigError(format!("{name} = \"{text}\" is no {needs}; correct it")))?;
        let origin = match source {
            Source::Flag => "a flag".to_owned(),
            Source::Variable => name,
        };
        self.origins.insert(key.to_owned(), origin);
        Ok(())
    }

    /// The values as a settings file, each with its meaning and, when it is no default, where it comes from.
    pub fn explained(&self) -> String {
        let mut text =
            "# The settings in force. Those that are not the defaults say where they come from.\n".to_owned();
        let mut section = "";
        for line in DEFAULTS.lines().skip_while(|line| !line.starts_with('[')) {
            section = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(section);
            let key =
                line.split_once(" = ").filter(|_| !line.starts_with('#')).map(|(name, _)| format!("{section}.{name}"));
            match key.as_deref().and_then(|key| Some((key, self.value(key)?))) {
                None => text.push_str(line),
                Some((key, value)) => {
                    let name = key.rsplit('.').next().unwrap_or(key);
                    text.push_str(&format!("{name} = {value}"));
                    if let Some(origin) = self.origins.get(key) {
                        text.push_str(&format!("  # from {origin}"));
                    }
                }
            }
            text.push('\n');
        }
        text
    }

    /// The settings that these values are.
    ///
    /// # Errors
    /// When a value is out of the bounds of its type.
    pub fn settings(self) -> Result<Settings, ConfigError> {
        for key in self.keys() {
            if let Some(Value::Integer(number)) = self.value(&key)
                && *number < 0
            {
                return Err(ConfigError(format!("{key} = {number} is negative; use 0 or more")));
            }
        }
        let format_words = "log.format has to be \"text\" or \"json\"";
        Settings::deserialize_table(self.sections).map_err(|error| {
            let words = error.message().to_owned();
            let words = if words.contains("unknown variant") { format_words.to_owned() } else { words };
            ConfigError(format!("the settings cannot be used: {words}"))
        })
    }

    /// Every key, `section.name`.
    pub fn keys(&self) -> Vec<String> {
        let sections =
            self.sections.iter().filter_map(|(section, value)| value.as_table().map(|table| (section, table)));
        sections.flat_map(|(section, table)| table.keys().map(move |name| format!("{section}.{name}"))).collect()
    }

    fn value(&self, key: &str) -> Option<&Value> {
        let (section, name) = key.split_once('.')?;
        self.sections.get(section)?.as_table()?.get(name)
    }

    fn slot(&mut self, key: &str) -> Option<&mut Value> {
        let (section, name) = key.split_once('.')?;
        self.sections.get_mut(section)?.as_table_mut()?.get_mut(name)
    }
}

impl Settings {
    fn deserialize_table(table: Table) -> Result<Self, toml::de::Error> {
        Value::Table(table).try_into()
    }
}

/// The variable of a setting: `server.listen` is `VIGIE_SERVER_LISTEN`.
pub(super) fn variable_of(key: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", key.replace('.', "_").to_ascii_uppercase())
}

fn unknown(what: &str, name: &str, known: &[String]) -> ConfigError {
    let advice = match nearest(name, known) {
        Some((similarity, candidate)) if similarity >= SIMILARITY_MIN => format!("did you mean \"{candidate}\""),
        Some(_) | None => "see \"vigie config show\" for what there is".to_owned(),
    };
    ConfigError(format!("there is no {what} \"{name}\"; {advice}"))
}

/// The known name that is most like this one, and how much so: 1 is the same.
fn nearest<'a>(name: &str, known: &'a [String]) -> Option<(f64, &'a str)> {
    let similarity = |candidate: &str| strsim::normalized_damerau_levenshtein(name, candidate);
    let candidates = known.iter().map(|candidate| (similarity(candidate), candidate.as_str()));
    candidates.max_by(|(left, _), (right, _)| left.total_cmp(right))
}
