//! Settings of the ways in: a section each, `input_<name>` for most; an empty address turns one off.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use vigie_inputs::{RedisPassword, RedisSource, RedisSpec};

use super::{ConfigError, Settings, line_inputs as lines};

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

/// A list or a stream in a Redis.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisInputSettings {
    /// Name or address of the server and its port; empty: off.
    pub address: String,
    /// The user; empty: the default one.
    pub username: String,
    /// The user's password; empty: none.
    pub password: String,
    /// A file with the password; empty: none.
    pub password_file: PathBuf,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Who signs the server's certificate; empty: whom the system trusts.
    pub tls_ca: PathBuf,
    /// Number of the database.
    pub db: u16,
    /// Key of the list that is popped; empty: none.
    pub list: String,
    /// Key of the stream that is read; empty: none.
    pub stream: String,
    /// Consumer group of the stream.
    pub group: String,
    /// Tells this reader from others.
    pub consumer: String,
}

/// Without the password.
impl fmt::Debug for RedisInputSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisInputSettings").field("address", &self.address).finish_non_exhaustive()
    }
}

impl RedisInputSettings {
    /// What is read, and where; `None` when it is off.
    ///
    /// # Errors
    /// When a value is none, or one is missing that another needs.
    pub fn spec(&self) -> Result<Option<RedisSpec>, ConfigError> {
        const KEY_BYTES_MAX: usize = 256;
        if self.address.trim().is_empty() {
            return Ok(None);
        }
        let wrong = |key: &str, words: String| Err(ConfigError(format!("input_redis.{key} {words}")));
        let address = self.address.trim();
        let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let Some((host, port)) = parts.filter(|(host, _)| !host.is_empty()) else {
            return wrong(
                "address",
                format!("= \"{address}\" is no address with a port; use for example \"127.0.0.1:6379\""),
            );
        };
        let source = match (self.list.as_str(), self.stream.as_str()) {
            ("", "") => return wrong("list", "and stream are both empty; name what is to be read".to_owned()),
            (list, "") => RedisSource::List(list.to_owned()),
            ("", stream) => RedisSource::Stream { key: stream.to_owned(), group: self.group.clone() },
            _ => return wrong("list", "and stream are both set; set one of them".to_owned()),
        };
        for (key, value) in [("list", &self.list), ("stream", &self.stream), ("group", &self.group)] {
            if value.len() > KEY_BYTES_MAX {
                return wrong(key, format!("has {} bytes, more than {KEY_BYTES_MAX}", value.len()));
            }
        }
        let is_name =
            |text: &str| !text.is_empty() && text.len() <= KEY_BYTES_MAX && !text.contains(char::is_whitespace);
        if !is_name(&self.consumer) || !is_name(&self.group) {
            return wrong("consumer", "and group must be names without spaces; use for example \"vigie\"".to_owned());
        }
        let has_file = !self.password_file.as_os_str().is_empty();
        if has_file && !self.password.is_empty() {
            return wrong("password", "and password_file are both set; set one of them".to_owned());
        }
        if !self.tls && !self.tls_ca.as_os_str().is_empty() {
            return wrong("tls_ca", "needs input_redis.tls = true; set that too".to_owned());
        }
        let text = (!self.password.is_empty()).then(|| RedisPassword::Text(self.password.clone()));
        Ok(Some(RedisSpec {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
            has_tls: self.tls,
            tls_ca: (!self.tls_ca.as_os_str().is_empty()).then(|| self.tls_ca.clone()),
            username: (!self.username.is_empty()).then(|| self.username.clone()),
            password: if has_file { Some(RedisPassword::File(self.password_file.clone())) } else { text },
            db: i64::from(self.db),
            source,
            consumer: self.consumer.clone(),
        }))
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
    /// `name=value`, with commas between them.
    pub node_attributes: String,
}

impl ElasticsearchApiSettings {
    /// The attributes of the node: names and values.
    ///
    /// # Errors
    /// When a part is no `name=value`.
    pub fn attributes(&self) -> Result<Vec<(String, String)>, ConfigError> {
        let pair = |part: &str| match part.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
            Some((name, value)) if is_word(name) && is_word(value) => Ok((name.to_owned(), value.to_owned())),
            _ => Err(ConfigError(format!(
                "elasticsearch_api.node_attributes: \"{part}\" is no attribute; write such as \"zone=north,rack=7\""
            ))),
        };
        self.node_attributes.split(',').map(str::trim).filter(|part| !part.is_empty()).map(pair).collect()
    }
}

/// Whether a text is one word.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '=')
}

/// Checks what can be checked of all inputs without opening anything.
///
/// # Errors
/// When a value is none, or one is missing that another needs.
pub fn check(settings: &Settings) -> Result<(), ConfigError> {
    let streams = [
        ("input_tcp", &settings.input_tcp.stream()),
        ("input_syslog_tcp", &settings.input_syslog_tcp.stream()),
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
        ("input_udp", &settings.input_udp.listen),
        ("input_syslog_udp", &settings.input_syslog_udp.listen),
        ("input_gelf_udp", &settings.input_gelf_udp.listen),
    ];
    for (section, listen) in datagrams {
        address(&format!("{section}.listen"), listen)?;
    }
    lines::check(settings)?;
    settings.input_redis.spec()?;
    settings.elasticsearch_api.attributes()?;
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
