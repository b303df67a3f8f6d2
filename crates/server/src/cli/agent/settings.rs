//! The agent's settings: a file, overridden by flags. `config/agent.toml` says what each means.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use vigie_agent::{
    AgentSpec, Beside, FLUSH_DEFAULT, FileGroup, Joining, JournaldSpec, Multiline, StdinSpec, check_pattern,
};
use vigie_domain::LogType;

use super::super::Failure;
use super::AgentFlags;
use crate::config::{Environment, LogFormat, LogSettings, TOKEN_VARIABLE};

/// A settings file larger than this is not one.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Less than this holds no useful number of records.
const SPOOL_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// Bounds of a request: the server takes 64 MiB unless its settings say otherwise.
const BATCH_BYTES: std::ops::RangeInclusive<usize> = 1024..=16 * 1024 * 1024;
/// Bounds of a line.
const LINE_BYTES: std::ops::RangeInclusive<usize> = 1024..=16 * 1024 * 1024;
/// The longest time that an event may wait for more lines.
const FLUSH_MS_MAX: u64 = 600_000;
/// Characters of a name.
const NAME_LENGTH_MAX: usize = 200;

/// Every setting.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AgentSettings {
    pub(super) url: String,
    pub(super) token_file: PathBuf,
    pub(super) ca_file: PathBuf,
    pub(super) name: String,
    pub(super) data_dir: PathBuf,
    pub(super) spool_bytes_max: u64,
    pub(super) batch_bytes_max: usize,
    pub(super) line_bytes_max: usize,
    pub(super) fields: BTreeMap<String, String>,
    pub(super) files: Vec<FileSettings>,
    pub(super) journald: JournaldSettings,
    pub(super) stdin: StdinSettings,
    pub(super) log: LogSettings,
}

/// Files that are read alike.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileSettings {
    pub(super) paths: Vec<String>,
    pub(super) r#type: String,
    pub(super) multiline: MultilineSetting,
    pub(super) fields: BTreeMap<String, String>,
}

/// The journal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct JournaldSettings {
    pub(super) enabled: bool,
    pub(super) units: Vec<String>,
    pub(super) since: String,
    pub(super) journalctl: PathBuf,
    pub(super) r#type: String,
    pub(super) fields: BTreeMap<String, String>,
}

/// Standard input.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StdinSettings {
    pub(super) enabled: bool,
    pub(super) multiline: MultilineSetting,
    pub(super) r#type: String,
    pub(super) fields: BTreeMap<String, String>,
}

/// Which lines are one event: a word, or a pattern.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum MultilineSetting {
    Word(String),
    Pattern(MultilinePattern),
}

/// An event begins where a line matches.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MultilinePattern {
    start: String,
    flush_ms: Option<u64>,
}

impl Default for MultilineSetting {
    fn default() -> Self {
        Self::Word("traces".to_owned())
    }
}

impl Default for JournaldSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            units: Vec::new(),
            since: "-7d".to_owned(),
            journalctl: "journalctl".into(),
            r#type: String::new(),
            fields: BTreeMap::new(),
        }
    }
}

impl Default for AgentSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            token_file: PathBuf::new(),
            ca_file: PathBuf::new(),
            name: String::new(),
            data_dir: "vigie-agent".into(),
            spool_bytes_max: 1024 * 1024 * 1024,
            batch_bytes_max: 1024 * 1024,
            line_bytes_max: 1_000_000,
            fields: BTreeMap::new(),
            files: Vec::new(),
            journald: JournaldSettings::default(),
            stdin: StdinSettings::default(),
            log: LogSettings { level: "info".to_owned(), format: LogFormat::Text },
        }
    }
}

/// Where the key comes from.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// It was given.
    Given(String),
    /// It is in a file.
    File(PathBuf),
}

impl AgentSettings {
    /// What the file says; without one, the defaults.
    pub(super) fn load(config: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = config else { return Ok(Self::default()) };
        let shown = path.display();
        let misused = |error: &dyn std::fmt::Display| Failure::misused(format!("\"{shown}\" cannot be read: {error}"));
        let size_bytes = std::fs::metadata(path).map_err(|error| misused(&error))?.len();
        if size_bytes > FILE_BYTES_MAX {
            return Err(Failure::misused(format!("\"{shown}\" has {size_bytes} bytes; that is no settings file")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| misused(&error))?;
        toml::from_str(&text).map_err(|error| {
            let words = error.to_string();
            Failure::misused(format!(
                "\"{shown}\": {}; config/agent.toml has every setting",
                words.trim().replace('\n', " ")
            ))
        })
    }

    /// With what the flags say.
    pub(super) fn with(mut self, flags: &AgentFlags) -> Result<Self, Failure> {
        replace(&mut self.url, flags.url.as_ref());
        replace(&mut self.name, flags.name.as_ref());
        replace(&mut self.data_dir, flags.data.as_ref());
        replace(&mut self.ca_file, flags.ca.as_ref());
        replace(&mut self.token_file, flags.token_file.as_ref());
        for tag in &flags.tags {
            let (name, value) = tag
                .split_once('=')
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(|| Failure::misused(format!("--tag \"{tag}\" is no field; use FIELD=VALUE")))?;
            self.fields.insert(name.to_owned(), value.to_owned());
        }
        let log_type = flags.log_type.clone().unwrap_or_default();
        if !flags.files.is_empty() {
            let (paths, r#type) = (flags.files.clone(), log_type.clone());
            self.files.insert(0, FileSettings { paths, r#type, ..FileSettings::default() });
        }
        if let Some(units) = &flags.journald {
            self.journald.enabled = true;
            if units.iter().any(|unit| !unit.is_empty()) {
                self.journald.units = units.iter().filter(|unit| !unit.is_empty()).cloned().collect();
            }
        }
        if flags.stdin {
            self.stdin.enabled = true;
            if flags.log_type.is_some() {
                self.stdin.r#type = log_type;
            }
        }
        Ok(self)
    }

    /// Where the key comes from: a flag, the environment, a file.
    pub(super) fn token(&self, flags: &AgentFlags, environment: &Environment) -> Result<Token, Failure> {
        if let Some(token) = &flags.token {
            return Ok(Token::Given(token.clone()));
        }
        if flags.token_file.is_none()
            && let Some(token) = environment.get(TOKEN_VARIABLE)
        {
            return Ok(Token::Given(token.to_owned()));
        }
        if !self.token_file.as_os_str().is_empty() {
            return Ok(Token::File(self.token_file.clone()));
        }
        Err(Failure::misused(
            "there is no API key; give one in the variable VIGIE_TOKEN, with --token-file or in token_file",
        ))
    }

    /// What the agent is to do; what cannot be done is named.
    pub(super) fn to_spec(&self) -> Result<AgentSpec, Failure> {
        self.check_bounds()?;
        if self.files.is_empty() && !self.journald.enabled && !self.stdin.enabled {
            return Err(Failure::misused("there is nothing to read; name files, or give --journald or --stdin"));
        }
        let host = host_name();
        let name = if self.name.is_empty() { host.clone() } else { Some(self.name.clone()) };
        let name = name.ok_or_else(|| Failure::misused("the host has no name; give the agent one with --name"))?;
        if name.chars().count() > NAME_LENGTH_MAX || name.chars().any(char::is_control) {
            return Err(Failure::misused(format!(
                "the name of the agent has more than {NAME_LENGTH_MAX} characters, or control characters"
            )));
        }
        let mut beside = Beside::default()
            .with("agent.name", &name)
            .with("agent.type", "vigie")
            .with("agent.version", env!("CARGO_PKG_VERSION"));
        if let Some(host) = host {
            beside = beside.with("host.name", &host);
        }
        let journald = JournaldSpec {
            journalctl: self.journald.journalctl.clone(),
            units: self.journald.units.clone(),
            since: self.journald.since.clone(),
            beside: fields("journald", &self.journald.r#type, &self.journald.fields)?,
        };
        let stdin = StdinSpec {
            multiline: self.stdin.multiline.to_multiline("stdin")?,
            beside: fields("stdin", &self.stdin.r#type, &self.stdin.fields)?,
        };
        Ok(AgentSpec {
            name,
            url: self.url.clone(),
            folder: self.data_dir.clone(),
            spool_bytes_max: self.spool_bytes_max,
            batch_bytes: self.batch_bytes_max,
            line_bytes_max: self.line_bytes_max,
            beside: self.fields.iter().fold(beside, |beside, (name, value)| beside.with(name, value)),
            files: self.files.iter().map(FileSettings::to_group).collect::<Result<_, _>>()?,
            journald: self.journald.enabled.then_some(journald),
            stdin: self.stdin.enabled.then_some(stdin),
        })
    }

    fn check_bounds(&self) -> Result<(), Failure> {
        if self.url.is_empty() {
            return Err(Failure::misused("there is no server to send to; give its address with --url or in url"));
        }
        if self.spool_bytes_max < SPOOL_BYTES_MIN {
            let words =
                format!("spool_bytes_max = {} is too small; use {SPOOL_BYTES_MIN} or more", self.spool_bytes_max);
            return Err(Failure::misused(words));
        }
        for (name, value, bounds) in [
            ("batch_bytes_max", self.batch_bytes_max, BATCH_BYTES),
            ("line_bytes_max", self.line_bytes_max, LINE_BYTES),
        ] {
            if !bounds.contains(&value) {
                let words = format!("{name} = {value} is out of bounds; use {} to {}", bounds.start(), bounds.end());
                return Err(Failure::misused(words));
            }
        }
        Ok(())
    }
}

impl FileSettings {
    fn to_group(&self) -> Result<FileGroup, Failure> {
        if self.paths.is_empty() {
            return Err(Failure::misused("a group of files names no paths; add paths = [\"…\"] to [[files]]"));
        }
        self.paths.iter().try_for_each(|path| check_pattern(path)).map_err(Failure::misused)?;
        let what = format!("files {}", self.paths.join(", "));
        Ok(FileGroup {
            patterns: self.paths.clone(),
            multiline: self.multiline.to_multiline(&what)?,
            beside: fields(&what, &self.r#type, &self.fields)?,
        })
    }
}

impl MultilineSetting {
    fn to_multiline(&self, what: &str) -> Result<Multiline, Failure> {
        match self {
            Self::Word(word) if word == "traces" => Ok(Multiline::default()),
            Self::Word(word) if word == "off" => Ok(Multiline { joining: Joining::Off, flush_after: FLUSH_DEFAULT }),
            Self::Word(word) => Err(Failure::misused(format!(
                "{what}: multiline = \"{word}\" means nothing; use \"traces\", \"off\" or {{ start = \"PATTERN\" }}"
            ))),
            Self::Pattern(pattern) => {
                let start = Joining::starting_with(&pattern.start).map_err(|error| {
                    Failure::misused(format!("{what}: multiline.start = \"{}\" is no pattern: {error}", pattern.start))
                })?;
                let flush_ms = pattern.flush_ms.unwrap_or(FLUSH_DEFAULT.as_millis() as u64);
                if flush_ms > FLUSH_MS_MAX {
                    return Err(Failure::misused(format!("{what}: multiline.flush_ms is more than {FLUSH_MS_MAX}")));
                }
                Ok(Multiline { joining: start, flush_after: Duration::from_millis(flush_ms) })
            }
        }
    }
}

/// A flag that is given counts.
fn replace<T: Clone>(setting: &mut T, flag: Option<&T>) {
    if let Some(flag) = flag {
        setting.clone_from(flag);
    }
}

/// The fields of a source, its log type among them.
fn fields(what: &str, log_type: &str, fields: &BTreeMap<String, String>) -> Result<Beside, Failure> {
    let mut beside = Beside::default();
    if !log_type.is_empty() {
        let log_type: LogType = log_type.parse().map_err(|error| Failure::misused(format!("{what}: type: {error}")))?;
        beside = beside.with("log_type", log_type.as_str());
    }
    Ok(fields.iter().fold(beside, |beside, (name, value)| beside.with(name, value)))
}

/// The host's name, as the system has it.
fn host_name() -> Option<String> {
    let from_file = |path: &str| std::fs::read_to_string(path).ok();
    let from_program = || {
        let output = std::process::Command::new("hostname").output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    let said = from_file("/proc/sys/kernel/hostname").or_else(|| from_file("/etc/hostname")).or_else(from_program)?;
    Some(said.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../../config/agent.toml");

    fn check_misused(text: &str, words: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        std::fs::write(&path, format!("url = 'http://127.0.0.1:1'\n{text}")).unwrap();
        let refused = AgentSettings::load(Some(&path)).and_then(|settings| settings.to_spec()).unwrap_err();
        assert!(refused.words.contains(words), "{text}: {}", refused.words);
    }

    #[test]
    fn the_example_says_what_the_defaults_are() {
        let settings: AgentSettings = toml::from_str(EXAMPLE).unwrap();
        let defaults = AgentSettings::default();
        assert_eq!(settings.spool_bytes_max, defaults.spool_bytes_max);
        assert_eq!(settings.batch_bytes_max, defaults.batch_bytes_max);
        assert_eq!(settings.line_bytes_max, defaults.line_bytes_max);
        assert_eq!((settings.journald.enabled, settings.stdin.enabled), (false, false));
        assert_eq!(settings.journald.since, defaults.journald.since);
        assert_eq!(settings.log, defaults.log);
        let spec = settings.to_spec().unwrap();
        assert_eq!(spec.files.len(), 2);
        assert!(matches!(spec.files[1].multiline.joining, Joining::Start(_)));
    }

    #[test]
    fn every_setting_of_the_example_is_explained() {
        let lines: Vec<&str> = EXAMPLE.lines().collect();
        for (place, line) in lines.iter().enumerate().filter(|(_, line)| line.contains(" = ") && !line.starts_with('#'))
        {
            assert!(place > 0 && lines[place - 1].starts_with('#'), "write a comment above: {line}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        check_misused("", "nothing to read");
        check_misused("spool = 1", "unknown field `spool`");
        check_misused("spool_bytes_max = 1\n[stdin]\nenabled = true", "spool_bytes_max = 1 is too small");
        check_misused("line_bytes_max = 1\n[stdin]\nenabled = true", "line_bytes_max = 1 is out of bounds");
        check_misused("[[files]]\nfields = {}", "names no paths");
        check_misused("[[files]]\npaths = ['a[']", "\"a[\" is no pattern of paths");
        check_misused("[[files]]\npaths = ['a']\nmultiline = 'java'", "\"java\" means nothing");
        check_misused("[[files]]\npaths = ['a']\nmultiline = { start = '(' }", "is no pattern");
        check_misused("[stdin]\nenabled = true\ntype = 'orders'", "orders");
    }

    #[test]
    fn flags_override_the_file() {
        let flags = AgentFlags {
            files: vec!["a.log".into()],
            url: Some("http://127.0.0.1:1".into()),
            tags: vec!["service=till".into()],
            journald: Some(vec!["cart.service".into()]),
            log_type: Some("error".into()),
            ..AgentFlags::default()
        };
        let settings = AgentSettings::default().with(&flags).unwrap();
        let spec = settings.to_spec().unwrap();
        assert_eq!(spec.files[0].beside, Beside::default().with("log_type", "error"));
        assert_eq!(spec.journald.unwrap().units, ["cart.service"]);
        let environment = Environment::of(&[("VIGIE_TOKEN", "of the environment")]);
        assert!(
            settings.token(&flags, &environment).is_ok_and(|token| token == Token::Given("of the environment".into()))
        );
        assert!(settings.token(&flags, &Environment::default()).err().unwrap().words.contains("VIGIE_TOKEN"));
        let flags = AgentFlags { tags: vec!["service".into()], ..AgentFlags::default() };
        assert!(AgentSettings::default().with(&flags).unwrap_err().words.contains("FIELD=VALUE"));
    }
}
