//! Vigie's own log: lines on standard error, set up once at the start.
//!
//! The text form escapes control characters, so that what a client sent cannot forge a line.

use tracing_subscriber::EnvFilter;

use crate::config::{ConfigError, LogFormat, LogSettings};

/// Starts logging. Called a second time, as in tests, it leaves what is there.
///
/// # Errors
/// When `log.level` is no level and no filter.
pub fn start(settings: &LogSettings) -> Result<(), ConfigError> {
    let filter = EnvFilter::builder().parse(&settings.level).map_err(|error| {
        ConfigError(format!(
            "log.level = \"{}\" is no level: {error}; use error, warn, info, debug or trace",
            settings.level
        ))
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A subscriber that is there already stays: the first one to ask decides.
    let _ = match settings.format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}
