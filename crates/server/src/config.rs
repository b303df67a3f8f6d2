//! Settings: compiled-in defaults < a file < environment < flags. The only reader of the environment.
//!
//! `config/vigie.toml` is both the documentation and the defaults; a key that is not in it does not exist.

mod environment;
pub mod fraud;
pub mod fraud_alerts;
pub mod inputs;
mod layers;
pub mod line_inputs;
pub mod tail;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use environment::{ADMIN_PASSWORD_VARIABLE, Environment, TOKEN_VARIABLE, USER_PASSWORD_VARIABLE};
use fraud::FraudSettings;
use fraud_alerts::FraudAlertSettings;
use inputs::{
    DatagramInputSettings, DeadLetterSettings, ElasticsearchApiSettings, KeyedInputSettings, RedisInputSettings,
    StreamInputSettings,
};
pub use layers::{Layer, Source};
use line_inputs::{
    FileInputSettings, LineDatagramSettings, LineStreamSettings, SyslogDatagramSettings, SyslogStreamSettings,
};
use tail::TailSettings;

/// The settings file with every default, as compiled in.
pub const DEFAULTS: &str = include_str!("../../../config/vigie.toml");
/// The settings file that is read when it is there and none is named.
pub const DEFAULT_FILE: &str = "vigie.toml";
/// A settings file larger than this is not one.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why the settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Every setting. `config/vigie.toml` says what each means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Serving HTTP.
    pub server: ServerSettings,
    /// Where everything is kept.
    pub data: DataSettings,
    /// Taking events in.
    pub ingest: IngestSettings,
    /// Lines over TCP.
    pub input_tcp: LineStreamSettings,
    /// Lines in datagrams.
    pub input_udp: LineDatagramSettings,
    /// Syslog over TCP.
    pub input_syslog_tcp: SyslogStreamSettings,
    /// Syslog in datagrams.
    pub input_syslog_udp: SyslogDatagramSettings,
    /// GELF over TCP.
    pub input_gelf_tcp: StreamInputSettings,
    /// GELF in datagrams.
    pub input_gelf_udp: DatagramInputSettings,
    /// The forward protocol of Fluentd and Fluent Bit.
    pub input_forward: KeyedInputSettings,
    /// OpenTelemetry over gRPC.
    pub input_otlp_grpc: StreamInputSettings,
    /// OpenTelemetry over HTTP.
    pub input_otlp_http: StreamInputSettings,
    /// Beats, as Filebeat and Logstash speak.
    pub input_beats: StreamInputSettings,
    /// Files that are followed.
    pub input_files: FileInputSettings,
    /// A list or a stream in a Redis.
    pub input_redis: RedisInputSettings,
    /// What inputs could not store.
    pub dead_letters: DeadLetterSettings,
    /// Speaking as Elasticsearch does.
    pub elasticsearch_api: ElasticsearchApiSettings,
    /// What becomes of events before they are stored.
    pub pipelines: PipelineSettings,
    /// Uploaded files.
    pub upload: UploadSettings,
    /// The log engine.
    pub storage: StorageSettings,
    /// Bounds of questions about events.
    pub query: QuerySettings,
    /// Telling events as they are stored.
    pub tail: TailSettings,
    /// Judging payments as they arrive.
    pub fraud: FraudSettings,
    /// Telling people about suspicious payments.
    pub fraud_alerts: FraudAlertSettings,
    /// What becomes of indices as they age.
    pub lifecycle: LifecycleSettings,
    /// Copies of everything.
    pub backup: BackupSettings,
    /// The generated shop.
    pub demo: DemoSettings,
    /// What Vigie tells about itself.
    pub log: LogSettings,
}

/// Serving HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// Address and port.
    pub listen: String,
    /// Where browsers reach Vigie, when not at `listen`.
    pub public_url: String,
    /// Connections open at once.
    pub connections_max: usize,
    /// Seconds for a request's head.
    pub header_timeout_s: u64,
    /// Seconds for a stuck answer.
    pub write_timeout_s: u64,
    /// Seconds for requests to end at shutdown.
    pub drain_timeout_s: u64,
}

/// Where everything is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    /// The folder.
    pub dir: PathBuf,
}

/// Taking events in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestSettings {
    /// Bytes of one request.
    pub body_bytes_max: u64,
    /// Bytes of one record.
    pub record_bytes_max: usize,
    /// Days into the past.
    pub window_past_days: u32,
    /// Minutes into the future.
    pub window_ahead_minutes: u32,
}

/// What becomes of events before they are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineSettings {
    /// The folder of pipelines, below the data folder unless it is absolute.
    pub dir: PathBuf,
    /// Databases of places, files in MaxMind's form.
    pub databases: Vec<PathBuf>,
}

/// Uploaded files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadSettings {
    /// Bytes of one file.
    pub bytes_max: u64,
}

/// The log engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageSettings {
    /// Bytes in memory before parts are written.
    pub flush_bytes: usize,
    /// Seconds before parts are written.
    pub flush_seconds: u64,
    /// Seconds without an event of a day and log type after which its parts become one.
    pub gather_after_s: u64,
    /// Columns that an index may have beside those of the mapping.
    pub fields_max: usize,
    /// Bytes of free disk below which events are refused.
    pub free_bytes_min: u64,
}

/// Bounds of questions about events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuerySettings {
    /// Seconds that one may take.
    pub timeout_s: u64,
    /// Bytes of memory that one may hold.
    pub bytes_max: usize,
    /// Bytes of memory that all may hold.
    pub all_bytes_max: usize,
    /// Bytes of what was counted before that are kept.
    pub kept_bytes_max: usize,
}

/// What becomes of indices as they age.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifecycleSettings {
    /// Days until an index is rewritten small; 0: never.
    pub recompress_after_days: u32,
    /// Days until it is deleted; 0: never.
    pub delete_after_days: u32,
}

/// Copies of everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupSettings {
    /// Their folder; empty when there is none.
    pub dir: PathBuf,
}

/// The generated shop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoSettings {
    /// Past events.
    pub events: u64,
    /// Hours over which they are spread.
    pub hours: u32,
    /// Live events per second.
    pub rate_per_s: u32,
    /// Seed of the shop.
    pub seed: u64,
}

/// What Vigie tells about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// Level or filter.
    pub level: String,
    /// Form of the lines.
    pub format: LogFormat,
}

/// Form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Settings {
    /// The settings in force.
    ///
    /// # Errors
    /// When a layer cannot be read, has an unknown key, a value of the wrong type or one out of bounds.
    pub fn load(file: Option<&Path>, environment: &Environment, flags: &[(&str, String)]) -> Result<Self, ConfigError> {
        Self::layers(file, environment, flags)?.settings()?.checked()
    }

    /// The settings in force, and where each comes from.
    ///
    /// # Errors
    /// As `load`, but not for values out of bounds: those are to be looked at.
    pub fn layers(
        file: Option<&Path>,
        environment: &Environment,
        flags: &[(&str, String)],
    ) -> Result<Layer, ConfigError> {
        let mut layer = Layer::defaults()?;
        if let Some((path, text)) = read_file(file)? {
            layer.apply_file(&path, &text)?;
        }
        for (name, value) in environment.settings() {
            layer.apply_variable(name, value)?;
        }
        for (key, value) in flags {
            layer.apply_text(key, value, Source::Flag)?;
        }
        Ok(layer)
    }

    /// The address to listen on.
    ///
    /// # Errors
    /// When `server.listen` is none.
    pub fn listen_address(&self) -> Result<SocketAddr, ConfigError> {
        address_of("server.listen", &self.server.listen, "127.0.0.1:8642")
    }

    /// The address at which Elasticsearch's API alone is spoken, if there is one.
    ///
    /// # Errors
    /// When `elasticsearch_api.listen` is none.
    pub fn elasticsearch_address(&self) -> Result<Option<SocketAddr>, ConfigError> {
        let listen = self.elasticsearch_api.listen.trim();
        let address = || address_of("elasticsearch_api.listen", listen, "127.0.0.1:9200");
        (!listen.is_empty()).then(address).transpose()
    }

    fn checked(self) -> Result<Self, ConfigError> {
        self.listen_address()?;
        self.elasticsearch_address()?;
        let version = &self.elasticsearch_api.version;
        if version.split('.').count() != 3 || version.split('.').any(|number| number.parse::<u16>().is_err()) {
            return Err(ConfigError(format!(
                "elasticsearch_api.version = \"{version}\" is no version; use for example \"8.19.0\""
            )));
        }
        let public_url = self.server.public_url.to_ascii_lowercase();
        if !public_url.is_empty() && !public_url.starts_with("https://") && !public_url.starts_with("http://") {
            return Err(ConfigError(format!(
                "server.public_url = \"{public_url}\" is no web address; begin it with https://"
            )));
        }
        if self.data.dir.as_os_str().is_empty() {
            return Err(ConfigError("data.dir is empty; name a folder".to_owned()));
        }
        inputs::check(&self)?;
        self.tail.check()?;
        self.fraud.check()?;
        self.fraud_alerts.check()?;
        let positive = [
            ("server.connections_max", self.server.connections_max as u64),
            ("server.header_timeout_s", self.server.header_timeout_s),
            ("server.write_timeout_s", self.server.write_timeout_s),
            ("ingest.body_bytes_max", self.ingest.body_bytes_max),
            ("ingest.record_bytes_max", self.ingest.record_bytes_max as u64),
            ("dead_letters.bytes_max", self.dead_letters.bytes_max),
            ("upload.bytes_max", self.upload.bytes_max),
            ("storage.flush_bytes", self.storage.flush_bytes as u64),
            ("storage.flush_seconds", self.storage.flush_seconds),
            ("query.timeout_s", self.query.timeout_s),
            ("query.bytes_max", self.query.bytes_max as u64),
            ("query.all_bytes_max", self.query.all_bytes_max as u64),
            ("demo.hours", u64::from(self.demo.hours)),
        ];
        match positive.into_iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err(ConfigError(format!("{key} = 0 would stop vigie from working; use 1 or more"))),
            None => Ok(self),
        }
    }
}

fn address_of(setting: &str, listen: &str, example: &str) -> Result<SocketAddr, ConfigError> {
    let listen = listen.trim();
    let numeric = listen.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(listen).parse().map_err(|_| {
        ConfigError(format!("{setting} = \"{listen}\" is no address with a port; use for example \"{example}\""))
    })
}

/// The named file, or the default one if it is there.
fn read_file(file: Option<&Path>) -> Result<Option<(PathBuf, String)>, ConfigError> {
    let path = match file {
        Some(path) => path,
        None if Path::new(DEFAULT_FILE).is_file() => Path::new(DEFAULT_FILE),
        None => return Ok(None),
    };
    let shown = path.display();
    let fail = |error: std::io::Error| ConfigError(format!("the settings file \"{shown}\" cannot be read: {error}"));
    let size_bytes = std::fs::metadata(path).map_err(fail)?.len();
    if size_bytes > FILE_BYTES_MAX {
        return Err(ConfigError(format!("the settings file \"{shown}\" has {size_bytes} bytes; it is something else")));
    }
    let text = std::fs::read_to_string(path).map_err(fail)?;
    Ok(Some((path.to_owned(), text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file_text: &str, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.toml");
        std::fs::write(&path, file_text).unwrap();
        let flags: Vec<(&str, String)> = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        Settings::load(Some(&path), &Environment::of(variables), &flags).map_err(|error| error.0)
    }

    fn check_refused(file_text: &str, variables: &[(&str, &str)], words: &str) {
        let error = load(file_text, variables, &[]).unwrap_err();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn each_layer_overrides_the_one_before() {
        assert_eq!(load("", &[], &[]).unwrap().server.listen, "127.0.0.1:8642");
        let file = "[server]\nlisten = \"127.0.0.1:1\"\n[demo]\nrate_per_s = 9";
        assert_eq!(load(file, &[], &[]).unwrap().server.listen, "127.0.0.1:1");
        let variables = [("VIGIE_SERVER_LISTEN", "127.0.0.1:2")];
        assert_eq!(load(file, &variables, &[]).unwrap().server.listen, "127.0.0.1:2");
        let settings = load(file, &variables, &[("server.listen", "127.0.0.1:3")]).unwrap();
        assert_eq!(settings.server.listen, "127.0.0.1:3");
        assert_eq!(settings.demo.rate_per_s, 9);
    }

    #[test]
    fn variables_take_the_type_of_the_setting() {
        let variables = [("VIGIE_INGEST_WINDOW_PAST_DAYS", "30"), ("VIGIE_LOG_FORMAT", "json"), ("VIGIE_TOKEN", "x")];
        let settings = load("", &variables, &[]).unwrap();
        assert_eq!(settings.ingest.window_past_days, 30);
        assert_eq!(settings.log.format, LogFormat::Json);
    }

    #[test]
    fn unknown_names_are_refused_with_the_nearest() {
        check_refused("[server]\nlistne = \"x\"", &[], "did you mean \"server.listen\"");
        check_refused("[sever]\nlisten = \"x\"", &[], "did you mean \"server.listen\"");
        check_refused("", &[("VIGIE_SERVER_LISTENS", "x")], "did you mean \"VIGIE_SERVER_LISTEN\"");
        check_refused("", &[("VIGIE_ADMIN_PASSWROD", "x")], "did you mean \"VIGIE_ADMIN_PASSWORD\"");
    }

    #[test]
    fn variables_of_others_are_left_alone() {
        check_refused("", &[("VIGIE_SERVER_PORT", "1")], "VIGIE_SERVER_PORT");
        check_refused("", &[("VIGIE_DATA", "x")], "did you mean \"VIGIE_DATA_DIR\"");
        for name in ["VIGIE_PORT", "VIGIE_SERVICE_HOST", "VIGIE_PORT_8642_TCP_ADDR", "VIGIE_BIN", "VIGIE_URL"] {
            assert_eq!(load("", &[(name, "x")], &[]), load("", &[], &[]), "{name}");
        }
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        check_refused("server = 5", &[], "server");
        check_refused("[server]\nconnections_max = \"many\"", &[], "server.connections_max");
        check_refused("[server]\nlisten = \"nowhere\"", &[], "server.listen");
        check_refused("[elasticsearch_api]\nlisten = \"9200\"", &[], "elasticsearch_api.listen");
        check_refused("[elasticsearch_api]\nversion = \"8\"", &[], "elasticsearch_api.version");
        check_refused("[elasticsearch_api]\nversion = \"8.x.0\"", &[], "elasticsearch_api.version");
        check_refused("[server]\npublic_url = \"logs.example.com\"", &[], "server.public_url");
        check_refused("[upload]\nbytes_max = 0", &[], "upload.bytes_max");
        check_refused("[upload]\nbytes_max = -1", &[], "upload.bytes_max");
        check_refused("[tail]\nqueue_batches_max = 0", &[], "tail.queue_batches_max");
        check_refused("[tail]\nqueue_batches_max = 1000000", &[], "tail.queue_batches_max");
        check_refused("[fraud]\nreview_score = 0", &[], "fraud.review_score = 0");
        check_refused("[fraud]\nblock_score = 40", &[], "fraud.block_score = 40");
        check_refused("[fraud]\nkeys_max = 0", &[], "fraud.keys_max = 0");
        check_refused("[fraud_alerts]\ndecision = \"allow\"", &[], "fraud_alerts.decision = \"allow\"");
        check_refused("[fraud_alerts]\nevery_s = 0", &[], "fraud_alerts.every_s = 0");
        check_refused("[fraud_alerts]\nwebhook_url = \"https://x.example\"", &[], "fraud_alerts.webhook_secret_file");
        check_refused("[fraud_alerts]\nsmtp_url = \"smtp://x.example\"", &[], "fraud_alerts.email_from");
        check_refused("[fraud_alerts]\nsmtp_user = \"x\"", &[], "fraud_alerts.smtp_password_file");
        check_refused("[tail]\nrate_max = 50", &[], "tail.rate_default = 100 is more than tail.rate_max = 50");
        check_refused("[log]\nformat = \"xml\"", &[], "log.format");
        check_refused("", &[("VIGIE_UPLOAD_BYTES_MAX", "a lot")], "VIGIE_UPLOAD_BYTES_MAX");
        check_refused("[server", &[], "my.toml");
    }

    #[test]
    fn what_is_shown_can_be_read_back() {
        let variables = [("VIGIE_LOG_LEVEL", "warn \"quoted\" \\ é"), ("VIGIE_DEMO_SEED", "9")];
        let flags = [("data.dir", "/srv/vigie".to_owned())];
        let text = Settings::layers(None, &Environment::of(&variables), &flags).unwrap().explained();
        assert_eq!(load(&text, &[], &[]).unwrap(), load("", &variables, &[("data.dir", "/srv/vigie")]).unwrap());
        for line in ["dir = \"/srv/vigie\"  # from a flag", "seed = 9  # from VIGIE_DEMO_SEED", "hours = 48"] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        assert!(text.contains("# Seed of the generated shop"), "{text}");
    }

    #[test]
    fn every_setting_is_explained_where_it_stands() {
        let lines: Vec<&str> = DEFAULTS.lines().collect();
        for (above, line) in lines.iter().zip(&lines[1..]) {
            if line.contains(" = ") && !line.starts_with('#') {
                assert!(above.starts_with("# "), "{line} has no comment above it");
            }
        }
    }
}
