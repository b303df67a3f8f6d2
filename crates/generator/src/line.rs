//! Writes one event as the service that sends it would: each service has its own habits of naming.
//! Not a general JSON writer. Invariant: a line is one valid JSON object without a line break.

use std::fmt::Write as _;

use vigie_domain::time::Timestamp;

use crate::GeneratedEvent;

/// The services of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Web,
    Catalog,
    Search,
    Cart,
    Payment,
    Auth,
    Inventory,
    Shipping,
}

/// Every service, in the order in which they are deployed.
pub(crate) const SERVICES: [Service; 8] = [
    Service::Payment,
    Service::Catalog,
    Service::Web,
    Service::Cart,
    Service::Auth,
    Service::Search,
    Service::Inventory,
    Service::Shipping,
];

/// How a service names what every event has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    Plain,
    Camel,
    Dotted,
    Nested,
}

/// How a service writes the time.
#[derive(Clone, Copy)]
enum Clock {
    AtTimestamp,
    Timestamp,
    EpochMillis,
}

impl Service {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Catalog => "catalog",
            Self::Search => "search",
            Self::Cart => "cart",
            Self::Payment => "payment",
            Self::Auth => "auth",
            Self::Inventory => "inventory",
            Self::Shipping => "shipping",
        }
    }

    const fn naming(self) -> Naming {
        match self {
            Self::Catalog => Naming::Dotted,
            Self::Search | Self::Shipping => Naming::Nested,
            Self::Cart => Naming::Camel,
            _ => Naming::Plain,
        }
    }

    const fn clock(self) -> Clock {
        match self {
            Self::Auth => Clock::EpochMillis,
            Self::Payment | Self::Cart => Clock::Timestamp,
            _ => Clock::AtTimestamp,
        }
    }

    /// Two services leave the type to be found out from the fields.
    const fn says_log_type(self) -> bool {
        !matches!(self, Self::Inventory | Self::Shipping)
    }
}

/// What ties the events of one request together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Correlation {
    pub(crate) trace_id: String,
    pub(crate) request_id: String,
    pub(crate) session_id: Option<String>,
    pub(crate) user_id: Option<String>,
}

/// An HTTP exchange as a service logs it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange<'a> {
    pub(crate) method: &'static str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
}

/// How an event begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) at: Timestamp,
    pub(crate) service: Service,
    pub(crate) log_type: &'static str,
    pub(crate) level: &'static str,
    pub(crate) message: &'a str,
    pub(crate) host: u64,
    pub(crate) version: &'a str,
}

/// A line under way.
pub(crate) struct Line {
    json: String,
    naming: Naming,
    at: Timestamp,
}

fn push_quoted(json: &mut String, text: &str) {
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\t' => json.push_str("\\t"),
            other if (other as u32) < 0x20 => {
                let _ = write!(json, "\\u{:04x}", other as u32);
            }
            other => json.push(other),
        }
    }
    json.push('"');
}

impl Line {
    /// The fields that every event has.
    pub(crate) fn open(head: &Head<'_>) -> Self {
        let mut line = Self { json: String::with_capacity(720), naming: head.service.naming(), at: head.at };
        line.json.push('{');
        match head.service.clock() {
            Clock::AtTimestamp => line.instant("@timestamp", head.at),
            Clock::Timestamp => line.instant("timestamp", head.at),
            Clock::EpochMillis => line.int("ts", head.at.as_millis().unsigned_abs()),
        }
        if head.service.says_log_type() {
            line.text("log_type", head.log_type);
        }
        let (name, host) = (head.service.name(), format!("{}-{}", head.service.name(), head.host + 1));
        match line.naming {
            Naming::Plain | Naming::Camel => {
                line.text("level", head.level);
                line.text(if line.naming == Naming::Plain { "service" } else { "app" }, name);
                line.text(if line.naming == Naming::Plain { "host" } else { "hostname" }, &host);
                line.text("environment", "production");
                line.text("version", head.version);
            }
            Naming::Dotted => {
                line.text("log.level", head.level);
                line.text("service.name", name);
                line.text("service.version", head.version);
                line.text("service.environment", "production");
                line.text("host.name", &host);
            }
            Naming::Nested => {
                line.text("level", head.level);
                line.object("service", &[("name", name), ("version", head.version), ("environment", "production")]);
                line.object("host", &[("name", &host)]);
            }
        }
        line.text("message", head.message);
        line
    }

    fn key(&mut self, name: &str) {
        if !self.json.ends_with(['{', '[']) {
            self.json.push(',');
        }
        push_quoted(&mut self.json, name);
        self.json.push(':');
    }

    fn object(&mut self, name: &str, fields: &[(&str, &str)]) {
        self.key(name);
        self.json.push('{');
        for (field, value) in fields {
            self.text(field, value);
        }
        self.json.push('}');
    }

    /// A string.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.key(name);
        push_quoted(&mut self.json, value);
    }

    /// An instant, RFC 3339.
    pub(crate) fn instant(&mut self, name: &str, value: Timestamp) {
        self.key(name);
        let _ = write!(self.json, "\"{value}\"");
    }

    /// A whole number.
    pub(crate) fn int(&mut self, name: &str, value: u64) {
        self.key(name);
        let _ = write!(self.json, "{value}");
    }

    /// A number with one decimal.
    pub(crate) fn tenths(&mut self, name: &str, value: f64) {
        self.key(name);
        let _ = write!(self.json, "{value:.1}");
    }

    /// An amount of money.
    pub(crate) fn money(&mut self, name: &str, cents: u64) {
        self.key(name);
        let _ = write!(self.json, "{}.{:02}", cents / 100, cents % 100);
    }

    /// True or false.
    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.key(name);
        self.json.push_str(if value { "true" } else { "false" });
    }

    /// A list of strings.
    pub(crate) fn list(&mut self, name: &str, values: &[&str]) {
        self.key(name);
        self.json.push('[');
        for (place, value) in values.iter().enumerate() {
            if place > 0 {
                self.json.push(',');
            }
            push_quoted(&mut self.json, value);
        }
        self.json.push(']');
    }

    /// A list of objects, each written by `write`.
    pub(crate) fn objects<T>(&mut self, name: &str, things: &[T], write: impl Fn(&mut Self, &T)) {
        self.key(name);
        self.json.push('[');
        for (place, thing) in things.iter().enumerate() {
            self.json.push_str(if place > 0 { ",{" } else { "{" });
            write(self, thing);
            self.json.push('}');
        }
        self.json.push(']');
    }

    /// What ties it to the other events of its request.
    pub(crate) fn correlate(&mut self, correlation: &Correlation) {
        let session = correlation.session_id.as_deref();
        let user = correlation.user_id.as_deref();
        let fields = [
            (Some(correlation.trace_id.as_str()), ["trace_id", "traceId", "trace.id", "trace"]),
            (Some(correlation.request_id.as_str()), ["request_id", "requestId", "http.request.id", "request_id"]),
            (session, ["session_id", "sessionId", "session.id", "session"]),
            (user, ["user_id", "userId", "user.id", "user"]),
        ];
        for (value, [plain, camel, dotted, nested]) in fields {
            let Some(value) = value else { continue };
            match self.naming {
                Naming::Plain => self.text(plain, value),
                Naming::Camel => self.text(camel, value),
                Naming::Dotted => self.text(dotted, value),
                Naming::Nested if nested == "request_id" => self.text(nested, value),
                Naming::Nested => self.object(nested, &[("id", value)]),
            }
        }
    }

    /// Who asked.
    pub(crate) fn client(&mut self, address: &str, user_agent: &str) {
        match self.naming {
            Naming::Plain => {
                self.text("client_ip", address);
                self.text("user_agent", user_agent);
            }
            Naming::Camel => {
                self.text("ip", address);
                self.text("userAgent", user_agent);
            }
            Naming::Dotted => {
                self.text("client.ip", address);
                self.text("user_agent.original", user_agent);
            }
            Naming::Nested => {
                self.object("client", &[("ip", address)]);
                self.object("user_agent", &[("original", user_agent)]);
            }
        }
    }

    /// What was asked and answered.
    pub(crate) fn exchange(&mut self, exchange: &Exchange<'_>) {
        let status = u64::from(exchange.status);
        match self.naming {
            Naming::Plain => {
                self.text("method", exchange.method);
                self.text("endpoint", exchange.path);
                self.int("status_code", status);
            }
            Naming::Camel => {
                self.text("method", exchange.method);
                self.text("endpoint", exchange.path);
                self.int("statusCode", status);
            }
            Naming::Dotted => {
                self.text("http.request.method", exchange.method);
                self.text("url.path", exchange.path);
                self.int("http.response.status_code", status);
            }
            Naming::Nested => {
                self.object("url", &[("path", exchange.path)]);
                self.key("http");
                let _ = write!(
                    self.json,
                    r#"{{"request":{{"method":"{}"}},"response":{{"status_code":{status}}}}}"#,
                    exchange.method
                );
            }
        }
    }

    /// Says which attack it belongs to.
    pub(crate) fn label(&mut self, attack: &str) {
        self.key("label");
        let _ = write!(self.json, r#"{{"attack":"{attack}","fraud":true}}"#);
    }

    /// The finished line.
    pub(crate) fn close(mut self) -> GeneratedEvent {
        self.json.push('}');
        GeneratedEvent { timestamp: self.at, json: self.json }
    }
}
