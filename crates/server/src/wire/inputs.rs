//! Which inputs there are, where they listen and what is spoken there. Nothing else names them.

use std::path::PathBuf;
use std::sync::Arc;

use vigie_domain::{Error, Result};
use vigie_inputs::{
    Beats, DatagramProtocol, FileSpec, Forward, GelfDatagrams, GelfStream, InputSpec, Lines, OneWay, Protocol,
    StreamProtocol, Syslog, TlsFiles,
};

use crate::config::inputs::{StreamInputSettings, address};
use crate::config::line_inputs::{FileInputSettings, form, format};
use crate::config::{ConfigError, Settings};
use crate::http::otlp::OtlpInput;

/// Where it is kept how far files have been read, below the data folder.
const FILE_POSITIONS: &str = "inputs/files.json";

/// The inputs that the settings turn on.
///
/// # Errors
/// `Invalid` when an address is none; settings that were checked have none such.
pub fn specs(settings: &Settings) -> Result<Vec<InputSpec>> {
    let found = all(settings).map_err(|error| Error::invalid(error.0))?;
    Ok(found.into_iter().flatten().collect())
}

fn all(settings: &Settings) -> Result<Vec<Option<InputSpec>>, ConfigError> {
    let tcp_form = form("input_tcp", &settings.input_tcp.format, &settings.input_tcp.multiline)?;
    let udp_form = form("input_udp", &settings.input_udp.format, &settings.input_udp.multiline)?;
    let syslog_tcp = format("input_syslog_tcp", &settings.input_syslog_tcp.format)?;
    let syslog_udp = format("input_syslog_udp", &settings.input_syslog_udp.format)?;
    let all = [
        streams("tcp", &settings.input_tcp.stream(), Arc::new(OneWay::new(Lines::new(tcp_form)))),
        datagrams("udp", &settings.input_udp.listen, Arc::new(Lines::new(udp_form))),
        streams("syslog_tcp", &settings.input_syslog_tcp.stream(), Arc::new(OneWay::new(Syslog::new(syslog_tcp)))),
        datagrams("syslog_udp", &settings.input_syslog_udp.listen, Arc::new(Syslog::new(syslog_udp))),
        streams("gelf_tcp", &settings.input_gelf_tcp, Arc::new(OneWay::new(GelfStream))),
        datagrams("gelf_udp", &settings.input_gelf_udp.listen, Arc::new(GelfDatagrams::default())),
        streams("forward", &settings.input_forward.stream(), Arc::new(Forward::new(settings.input_forward.key()))),
        streams("otlp_grpc", &settings.input_otlp_grpc, otlp(settings)),
        streams("otlp_http", &settings.input_otlp_http, otlp(settings)),
        streams("beats", &settings.input_beats, Arc::new(Beats)),
        files(settings),
        redis(settings),
    ];
    all.into_iter().collect()
}

/// gRPC and HTTP are told apart by what is sent, so both ports speak both.
fn otlp(settings: &Settings) -> Arc<dyn StreamProtocol> {
    Arc::new(OtlpInput::new(super::limits(settings)))
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
    let connections_max = settings.connections_max;
    Ok(Some(InputSpec { name, protocol: Protocol::Streams { address, protocol, tls, connections_max } }))
}

fn datagrams(
    name: &'static str,
    listen: &str,
    protocol: Arc<dyn DatagramProtocol>,
) -> Result<Option<InputSpec>, ConfigError> {
    let address = address(&format!("input_{name}.listen"), listen)?;
    Ok(address.map(|address| InputSpec { name, protocol: Protocol::Datagrams { address, protocol } }))
}

fn redis(settings: &Settings) -> Result<Option<InputSpec>, ConfigError> {
    let spec = settings.input_redis.spec()?;
    Ok(spec.map(|spec| InputSpec { name: "redis", protocol: Protocol::Redis(spec) }))
}

fn files(settings: &Settings) -> Result<Option<InputSpec>, ConfigError> {
    let FileInputSettings { format, multiline, .. } = &settings.input_files;
    let spec = FileSpec {
        patterns: settings.input_files.patterns(),
        positions: settings.data.dir.join(FILE_POSITIONS),
        form: form("input_files", format, multiline)?,
    };
    Ok((!spec.patterns.is_empty()).then_some(InputSpec { name: "files", protocol: Protocol::Files(spec) }))
}
