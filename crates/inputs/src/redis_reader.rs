//! Reads events out of Redis, which shops use as a broker: a list that is popped, or a stream with a consumer group.
//!
//! Nothing is removed or acknowledged there before it is on disk here. What was under way when the process or the connection
//! ended is found again: in a list of its own that elements are moved to, or among what the stream's group has not seen
//! acknowledged. The client is the crate `redis`; one connection is used by nobody but the input, and one that fails is made
//! anew here, so that no command is ever sent twice unseen.

mod list;
mod stream;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisConnectionInfo, RedisError,
    RedisResult, TlsCertificates, Value,
};

use crate::door::{Door, Stopped};

/// Elements or entries that are stored together.
const BATCH_RECORDS_MAX: usize = 1_000;
/// Bytes of them, unless one alone is larger.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long the server is asked to wait for something new.
const WAIT: Duration = Duration::from_secs(2);
/// Time for an answer, beyond the wait that was asked for.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// Pause before the server is asked again after something went wrong, at first and at most.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Which server, and what of it is read.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisSpec {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub has_tls: bool,
    /// Who signs the server's certificate; `None`: whom the system trusts.
    pub tls_ca: Option<PathBuf>,
    /// The user; `None` for the default one.
    pub username: Option<String>,
    /// The user's password.
    pub password: Option<RedisPassword>,
    /// Number of the database.
    pub db: i64,
    /// What is read.
    pub source: RedisSource,
    /// Tells this reader from others of the same list or group.
    pub consumer: String,
}

/// A password, or where it is read each time a connection is made.
#[derive(Clone, PartialEq, Eq)]
pub enum RedisPassword {
    /// The password itself.
    Text(String),
    /// A file that holds nothing else; a line feed at its end does not count.
    File(PathBuf),
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisSource {
    /// A list, from its left end.
    List(String),
    /// A stream.
    Stream {
        /// Its key.
        key: String,
        /// The consumer group; it is made, from the beginning of the stream, when it is not there.
        group: String,
    },
}

/// Without the password.
impl fmt::Debug for RedisSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSpec")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl RedisSpec {
    /// Where the server is, with its port.
    pub fn address(&self) -> String {
        let is_v6 = self.host.contains(':');
        if is_v6 { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }
}

/// Why reading ended.
#[derive(Debug)]
enum Failure {
    /// The process is to end.
    Stopped,
    /// In words for whoever runs Vigie; it is tried again.
    Server(String),
}

impl From<Stopped> for Failure {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// Reads until the process is to end.
pub(crate) async fn read(spec: RedisSpec, door: std::sync::Arc<Door>) {
    let mut pause = PAUSE_MIN;
    loop {
        let stored_before = door.numbers().now().received;
        let words = match read_once(&spec, &door).await {
            Failure::Stopped => return,
            Failure::Server(words) => words,
        };
        let words = format!("Redis at {}: {words}", spec.address());
        if door.numbers().now().last_error.is_none_or(|(_, last)| last != words) {
            tracing::warn!(input = door.input(), error = words, "reading of Redis stopped; it is tried again");
        }
        door.numbers().failed(words);
        if door.numbers().now().received > stored_before {
            pause = PAUSE_MIN;
        }
        if door.pause(pause).await == Err(Stopped) {
            return;
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Reads over one connection until something goes wrong.
async fn read_once(spec: &RedisSpec, door: &Door) -> Failure {
    let connected = tokio::select! {
        connected = connect(spec) => connected,
        () = door.stopped() => return Failure::Stopped,
    };
    let connection = match connected {
        Ok(connection) => connection,
        Err(words) => return Failure::Server(words),
    };
    door.numbers().connection_opened();
    let mut server = Server { connection, door };
    let failure = match &spec.source {
        RedisSource::List(key) => list::read(key, spec, &mut server).await,
        RedisSource::Stream { key, group } => stream::read(key, group, spec, &mut server).await,
    };
    door.numbers().connection_closed();
    failure.err().unwrap_or(Failure::Stopped)
}

async fn connect(spec: &RedisSpec) -> Result<MultiplexedConnection, String> {
    let mut login = RedisConnectionInfo::default().set_db(spec.db);
    if let Some(username) = &spec.username {
        login = login.set_username(username);
    }
    if let Some(password) = &spec.password {
        login = login.set_password(password.read().await?);
    }
    let plain = ConnectionAddr::Tcp(spec.host.clone(), spec.port);
    let encrypted =
        ConnectionAddr::TcpTls { host: spec.host.clone(), port: spec.port, insecure: false, tls_params: None };
    let address = if spec.has_tls { encrypted } else { plain };
    let info = address.into_connection_info().map_err(|error| in_words(&error))?.set_redis_settings(login);
    let client = match &spec.tls_ca {
        Some(path) => {
            let wrong = |error| format!("\"{}\" cannot be read: {error}; set input_redis.tls_ca", path.display());
            let root_cert = Some(tokio::fs::read(path).await.map_err(wrong)?);
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
        }
        None => Client::open(info),
    };
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_TIME_MAX))
        .set_response_timeout(Some(WAIT + ANSWER_TIME_MAX));
    let client = client.map_err(|error| in_words(&error))?;
    client.get_multiplexed_async_connection_with_config(&config).await.map_err(|error| in_words(&error))
}

impl RedisPassword {
    async fn read(&self) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(path) => {
                let wrong =
                    |error| format!("\"{}\" cannot be read: {error}; set input_redis.password_file", path.display());
                let text = tokio::fs::read_to_string(path).await.map_err(wrong)?;
                Ok(text.trim_end_matches(['\r', '\n']).to_owned())
            }
        }
    }
}

/// A connection, and where what comes of it goes.
struct Server<'d> {
    connection: MultiplexedConnection,
    door: &'d Door,
}

impl Server<'_> {
    /// Sends one command; ends early when the process is to end.
    async fn ask(&mut self, command: &Cmd) -> Result<Value, Failure> {
        tokio::select! {
            answer = self.connection.send_packed_command(command) => answer_of(answer),
            () = self.door.stopped() => Err(Failure::Stopped),
        }
    }

    /// Sends a command after what was stored, also when the process is to end: it says that it need not be sent again.
    async fn confirm(&mut self, command: &Cmd) -> Result<Value, Failure> {
        answer_of(self.connection.send_packed_command(command).await)
    }
}

/// What was answered; the client gives errors of the server as values, within lists too.
fn answer_of(answer: RedisResult<Value>) -> Result<Value, Failure> {
    answer.and_then(Value::extract_error).map_err(|error| Failure::Server(in_words(&error)))
}

/// What the server says, and what to do about what is common.
fn in_words(error: &RedisError) -> String {
    let said = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    };
    let advice = match error.code() {
        Some("WRONGTYPE") => "; the key is no list or stream as the settings say",
        Some("NOAUTH" | "WRONGPASS") => "; set input_redis.username and password",
        Some("NOPERM") => "; allow the user the commands that docs/inputs.md lists",
        Some("CROSSSLOT") => "; in a cluster, give the key braces, as in \"{logs}\"",
        Some("ERR") if said.contains("unknown command") => "; Redis 6.2 or newer is needed",
        _ if error.kind() == ErrorKind::AuthenticationFailed => "; set input_redis.username and password",
        _ => "",
    };
    format!("{said}{advice}")
}

/// Something that the server should not have answered.
fn unexpected(command: &str, answer: &Value) -> Failure {
    let shown: String = format!("{answer:?}").chars().take(100).collect();
    Failure::Server(format!("{command} was answered with {shown}"))
}

/// The items of a list; of nothing, none.
fn items_of(command: &str, answer: Value) -> Result<Vec<Value>, Failure> {
    match answer {
        Value::Nil => Ok(Vec::new()),
        Value::Array(items) => Ok(items),
        other => Err(unexpected(command, &other)),
    }
}

/// The bytes of a text.
fn bytes_of(command: &str, value: Value) -> Result<Vec<u8>, Failure> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        other => Err(unexpected(command, &other)),
    }
}
