//! Which inputs there are, where they listen and what is spoken there. Nothing else names them.

use std::path::PathBuf;
use std::sync::Arc;

use vigie_domain::{Error, Result};
use vigie_inputs::{DatagramProtocol, InputSpec, Lines, OneWay, Protocol, StreamProtocol, TlsFiles};

use crate::config::inputs::{DatagramInputSettings, StreamInputSettings, address};
use crate::config::{ConfigError, Settings};

/// The inputs that the settings turn on.
///
/// # Errors
/// `Invalid` when an address is none; settings that were checked have none such.
pub fn specs(settings: &Settings) -> Result<Vec<InputSpec>> {
    let all = [
        streams("tcp", &settings.input_tcp, Arc::new(OneWay::new(Lines))),
        datagrams("udp", &settings.input_udp, Arc::new(Lines)),
    ];
    let found: Result<Vec<Option<InputSpec>>, ConfigError> = all.into_iter().collect();
    let found = found.map_err(|error| Error::invalid(error.0))?;
    Ok(found.into_iter().flatten().collect())
}

fn streams(
    name: &'static str,
    settings: &StreamInputSettings,
    protocol: Arc<dyn StreamProtocol>,
) -> Result<Option<InputSpec>, ConfigError> {
    let Some(address) = address(&format!("input_{name}.listen"), &settings.listen)? else { return Ok(None) };
    let set = |path: &PathBuf| (!path.as_os_str().is_empty()).then(|| path.clone());
    let tls = set(&settings.tls_certificate).map(|certificate| TlsFiles {
        certificate,
        key: settings.tls_key.clone(),
        client_ca: set(&settings.tls_client_ca),
    });
    let protocol = Protocol::Streams { protocol, tls, connections_max: settings.connections_max };
    Ok(Some(InputSpec { name, address, protocol }))
}

fn datagrams(
    name: &'static str,
    settings: &DatagramInputSettings,
    protocol: Arc<dyn DatagramProtocol>,
) -> Result<Option<InputSpec>, ConfigError> {
    let address = address(&format!("input_{name}.listen"), &settings.listen)?;
    Ok(address.map(|address| InputSpec { name, address, protocol: Protocol::Datagrams(protocol) }))
}
