//! Settings of the ways in: a section each, `input_<name>` for most; an empty address turns one off.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Settings};

/// An input of connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamInputSettings {
    /// Address and port; empty: off.
    pub listen: String,
    /// Connections open at once.
    pub connections_max: usize,
    /// Certificate and its chain; empty: no TLS.
    pub tls_certificate: PathBuf,
    /// Private key of the certificate.
    pub tls_key: PathBuf,
    /// Who signs the certificates that clients must show; empty: they need none.
    pub tls_client_ca: PathBuf,
}

/// An input of connections whose senders may have to know a key.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyedInputSettings {
    /// Address and port; empty: off.
    pub listen: String,
    /// What senders must know; empty: nothing.
    pub shared_key: String,
    /// Connections open at once.
    pub connections_max: usize,
    /// Certificate and its chain; empty: no TLS.
    pub tls_certificate: PathBuf,
    /// Private key of the certificate.
    pub tls_key: PathBuf,
    /// Who signs the certificates that clients must show; empty: they need none.
    pub tls_client_ca: PathBuf,
}

/// Without the key.
impl fmt::Debug for KeyedInputSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_shared_key = !self.shared_key.is_empty();
        f.debug_struct("KeyedInputSettings").field("has_shared_key", &has_shared_key).finish_non_exhaustive()
    }
}

impl KeyedInputSettings {
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

    /// The key, if there is one.
    pub fn key(&self) -> Option<String> {
        (!self.shared_key.is_empty()).then(|| self.shared_key.clone())
    }
}

/// An input of datagrams.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatagramInputSettings {
    /// Address and port; empty: off.
    pub listen: String,
}

/// Files that are followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileInputSettings {
    /// Patterns of paths with commas between them; empty: none.
    pub paths: String,
}

impl FileInputSettings {
    /// The patterns.
    pub fn patterns(&self) -> Vec<String> {
        self.paths.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()).map(str::to_owned).collect()
    }
}

/// What inputs could not store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterSettings {
    /// Bytes of all of them.
    pub bytes_max: u64,
}

/// Speaking as Elasticsearch does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElasticsearchApiSettings {
    /// Address and port of a listener of its own; empty when there is none.
    pub listen: String,
    /// The version that clients are told.
    pub version: String,
}

/// Checks what can be checked of all inputs without opening anything.
///
/// # Errors
/// When a value is none, or one is missing that another needs.
pub fn check(settings: &Settings) -> Result<(), ConfigError> {
    let streams = [
        ("input_tcp", &settings.input_tcp),
        ("input_syslog_tcp", &settings.input_syslog_tcp),
        ("input_gelf_tcp", &settings.input_gelf_tcp),
        ("input_forward", &settings.input_forward.stream()),
        ("input_otlp_grpc", &settings.input_otlp_grpc),
        ("input_otlp_http", &settings.input_otlp_http),
        ("input_beats", &settings.input_beats),
    ];
    for (section, input) in streams {
        input.check(section)?;
    }
    let datagrams = [
        ("input_udp", &settings.input_udp),
        ("input_syslog_udp", &settings.input_syslog_udp),
        ("input_gelf_udp", &settings.input_gelf_udp),
    ];
    for (section, input) in datagrams {
        address(&format!("{section}.listen"), &input.listen)?;
    }
    Ok(())
}

/// The address that a setting names; `None` when it is empty.
///
/// # Errors
/// When it is no address.
pub fn address(key: &str, listen: &str) -> Result<Option<SocketAddr>, ConfigError> {
    let listen = listen.trim();
    if listen.is_empty() {
        return Ok(None);
    }
    let numeric = listen.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let address = numeric.as_deref().unwrap_or(listen).parse();
    address.map(Some).map_err(|_| {
        ConfigError(format!(
            "{key} = \"{listen}\" is no address with a port; use for example \"127.0.0.1:5000\", or \"\""
        ))
    })
}

impl StreamInputSettings {
    /// Checks what can be checked without opening anything; `section` is where it stands.
    ///
    /// # Errors
    /// When a value is none, or one is missing that another needs.
    pub fn check(&self, section: &str) -> Result<(), ConfigError> {
        address(&format!("{section}.listen"), &self.listen)?;
        let is_set = |path: &PathBuf| !path.as_os_str().is_empty();
        if self.connections_max == 0 {
            return Err(ConfigError(format!("{section}.connections_max = 0 lets nobody in; use 1 or more")));
        }
        if is_set(&self.tls_certificate) != is_set(&self.tls_key) {
            return Err(ConfigError(format!(
                "{section}.tls_certificate and {section}.tls_key belong together; set both or neither"
            )));
        }
        if is_set(&self.tls_client_ca) && !is_set(&self.tls_certificate) {
            return Err(ConfigError(format!("{section}.tls_client_ca needs {section}.tls_certificate; set that too")));
        }
        Ok(())
    }
}
