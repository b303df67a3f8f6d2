//! Settings of the ways in that take lines: what is made of a line, and which lines are one event.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use vigie_inputs::{Joining, LineForm, LineFormat};

use super::inputs::StreamInputSettings;
use super::{ConfigError, Settings};

/// Lines on connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineStreamSettings {
    /// Address and port; empty: off.
    pub listen: String,
    /// What is made of a line: `auto` or `plain`.
    pub format: String,
    /// Which lines are one event: `traces`, `off`, or a pattern that begins with `^`.
    pub multiline: String,
    /// Connections open at once.
    pub connections_max: usize,
    /// Certificate and its chain; empty: no TLS.
    pub tls_certificate: PathBuf,
    /// Private key of the certificate.
    pub tls_key: PathBuf,
    /// Who signs the certificates that clients must show; empty: they need none.
    pub tls_client_ca: PathBuf,
}

/// Lines in datagrams.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineDatagramSettings {
    /// Address and port; empty: off.
    pub listen: String,
    /// What is made of a line: `auto` or `plain`.
    pub format: String,
    /// Which lines are one event: `traces`, `off`, or a pattern that begins with `^`.
    pub multiline: String,
}

/// Syslog on connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogStreamSettings {
    /// Address and port; empty: off.
    pub listen: String,
    /// What is made of a message: `auto` or `plain`.
    pub format: String,
    /// Connections open at once.
    pub connections_max: usize,
    /// Certificate and its chain; empty: no TLS.
    pub tls_certificate: PathBuf,
    /// Private key of the certificate.
    pub tls_key: PathBuf,
    /// Who signs the certificates that clients must show; empty: they need none.
    pub tls_client_ca: PathBuf,
}

/// Syslog in datagrams.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogDatagramSettings {
    /// Address and port; empty: off.
    pub listen: String,
    /// What is made of a message: `auto` or `plain`.
    pub format: String,
}

/// Files that are followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileInputSettings {
    /// Patterns of paths with commas between them; empty: none.
    pub paths: String,
    /// What is made of a line: `auto` or `plain`.
    pub format: String,
    /// Which lines are one event: `traces`, `off`, or a pattern that begins with `^`.
    pub multiline: String,
}

impl LineStreamSettings {
    /// What it has in common with others.
    pub fn stream(&self) -> StreamInputSettings {
        StreamInputSettings {
            listen: self.listen.clone(),
            connections_max: self.connections_max,
            tls_certificate: self.tls_certificate.clone(),
            tls_key: self.tls_key.clone(),
            tls_client_ca: self.tls_client_ca.clone(),
        }
    }
}

impl SyslogStreamSettings {
    /// What it has in common with others.
    pub fn stream(&self) -> StreamInputSettings {
        StreamInputSettings {
            listen: self.listen.clone(),
            connections_max: self.connections_max,
            tls_certificate: self.tls_certificate.clone(),
            tls_key: self.tls_key.clone(),
            tls_client_ca: self.tls_client_ca.clone(),
        }
    }
}

impl FileInputSettings {
    /// The patterns.
    pub fn patterns(&self) -> Vec<String> {
        self.paths.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()).map(str::to_owned).collect()
    }
}

/// Checks what is said of lines.
///
/// # Errors
/// When a value is none.
pub fn check(settings: &Settings) -> Result<(), ConfigError> {
    form("input_tcp", &settings.input_tcp.format, &settings.input_tcp.multiline)?;
    form("input_udp", &settings.input_udp.format, &settings.input_udp.multiline)?;
    form("input_files", &settings.input_files.format, &settings.input_files.multiline)?;
    format("input_syslog_tcp", &settings.input_syslog_tcp.format)?;
    format("input_syslog_udp", &settings.input_syslog_udp.format)?;
    Ok(())
}

/// How lines become events; `section` is where it is said.
///
/// # Errors
/// When a value is none.
pub fn form(section: &str, format_text: &str, multiline: &str) -> Result<LineForm, ConfigError> {
    Ok(LineForm { format: format(section, format_text)?, joining: joining(section, multiline)? })
}

/// What is made of a line; `section` is where it is said.
///
/// # Errors
/// When it is no format of lines.
pub fn format(section: &str, text: &str) -> Result<LineFormat, ConfigError> {
    text.parse().map_err(|error| ConfigError(format!("{section}.format = {error}")))
}

fn joining(section: &str, text: &str) -> Result<Joining, ConfigError> {
    match text {
        "traces" => Ok(Joining::Traces),
        "off" => Ok(Joining::Off),
        pattern if pattern.starts_with('^') => Joining::starting_with(pattern).map_err(|error| {
            ConfigError(format!("{section}.multiline = {pattern:?} is no regular expression: {error}"))
        }),
        other => Err(ConfigError(format!(
            "{section}.multiline = {other:?} means nothing; use \"traces\", \"off\", or a pattern of the lines that \
             begin an event, such as \"^[0-9]{{4}}-\""
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_lines_is_checked() {
        let check = |format: &str, multiline: &str, expected: &str| {
            let error = form("input_tcp", format, multiline).expect_err(expected);
            assert!(error.0.contains(expected), "{error:?}");
        };
        check("json", "off", "input_tcp.format = \"json\" is no format of lines; use \"auto\" or \"plain\"");
        check("auto", "trace", "input_tcp.multiline = \"trace\" means nothing; use \"traces\", \"off\"");
        check("auto", "^(", "is no regular expression");
        let form = form("input_tcp", "plain", "^[0-9]").unwrap();
        assert_eq!(form.format, LineFormat::Plain);
        assert!(matches!(form.joining, Joining::Start(_)));
    }
}
