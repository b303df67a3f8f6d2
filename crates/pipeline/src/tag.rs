//! The tags that say what could not be understood in an event that was kept.
//!
//! The names are those of Logstash where it has one, so that saved searches keep working.

/// The event carries no time: it has that of its arrival.
pub const NO_TIMESTAMP: &str = "_no_timestamp";
/// Its time cannot be read: it has that of its arrival, and the text is kept.
pub(crate) const DATE_PARSE_FAILURE: &str = "_dateparsefailure";
/// It names a log type that does not exist.
pub(crate) const UNKNOWN_LOG_TYPE: &str = "_unknown_log_type";
/// It names a level that does not exist.
pub(crate) const UNKNOWN_LEVEL: &str = "_unknown_level";
/// A value does not fit the kind of its field.
pub(crate) const TYPE_CONFLICT: &str = "_type_conflict";
/// Some bytes were no UTF-8; U+FFFD stands in their place.
pub(crate) const INVALID_UTF8: &str = "_invalid_utf8";
/// A row has more or fewer cells than the header.
pub(crate) const CSV_PARSE_FAILURE: &str = "_csvparsefailure";
/// A line among logfmt lines that has no `key=value`.
pub(crate) const KV_PARSE_FAILURE: &str = "_kvparsefailure";
/// A line among access log lines that is none.
pub(crate) const ACCESS_LOG_PARSE_FAILURE: &str = "_accesslogparsefailure";
/// A line that begins like JSON and is none.
pub(crate) const JSON_PARSE_FAILURE: &str = "_jsonparsefailure";
/// A syslog message without priority and date, or with structured data that cannot be read.
pub(crate) const SYSLOG_PARSE_FAILURE: &str = "_syslogparsefailure";
/// Lines among those of an nginx error log that do not begin as one.
pub(crate) const NGINX_ERROR_PARSE_FAILURE: &str = "_nginxerrorparsefailure";
/// A line among those of the Common Event Format that is not in it.
pub(crate) const CEF_PARSE_FAILURE: &str = "_cefparsefailure";
/// A row with other cells than the last `#Fields` says, or with none before it.
pub(crate) const W3C_PARSE_FAILURE: &str = "_w3cparsefailure";
/// Lines of a log4j log that do not begin with date and level.
pub(crate) const LOG4J_PARSE_FAILURE: &str = "_log4jparsefailure";
/// The record has more lines or bytes than one may have: what follows is in the next.
pub(crate) const MULTILINE_LIMIT: &str = "_multilinelimit";
/// A public address of which nobody knows where it is.
pub(crate) const GEOIP_LOOKUP_FAILURE: &str = "_geoip_lookup_failure";
/// A GELF message without words.
pub(crate) const GELF_PARSE_FAILURE: &str = "_gelfparsefailure";
