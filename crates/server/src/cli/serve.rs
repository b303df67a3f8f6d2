//! `vigie serve`: opens the data folder, serves until told to stop, ends in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures_util::FutureExt;
use tokio::net::TcpListener;
use vigie_app::accounts::FirstAdmin;

use super::{Console, Failure, Flag, Outcome};
use crate::config::{ADMIN_PASSWORD_VARIABLE, Environment, Settings};
use crate::http;
use crate::http::routes::elasticsearch;
use crate::http::serve::ServeBounds;
use crate::wire::{self, Stores};
use crate::{demo, logging};

const EXAMPLES: &str = "\
The first start makes the user \"admin@localhost\"; its password is the one in the variable
VIGIE_ADMIN_PASSWORD, else one is made and printed once.

Examples:
  vigie serve --demo
  vigie serve --data /var/lib/vigie --listen 0.0.0.0:8642
  VIGIE_LOG_FORMAT=json vigie serve --config /etc/vigie.toml";

/// How long live tails may take to tell their clients that it is over.
const TAILS_END_MAX: Duration = Duration::from_secs(3);
/// How long threads that are still at work may take to notice that it is over.
const THREADS_END_MAX: Duration = Duration::from_secs(3);

/// How to serve.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ServeArguments {
    /// Data folder [setting: data.dir].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address and port to listen on [setting: server.listen].
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Fill an empty store with a generated shop, then generate live events.
    #[arg(long)]
    demo: bool,
}

impl ServeArguments {
    pub(super) fn flags(&self) -> Vec<Flag> {
        let data = self.data.iter().map(|folder| ("data.dir", folder.display().to_string()));
        let listen = self.listen.iter().map(|listen| ("server.listen", listen.clone()));
        data.chain(listen).collect()
    }
}

pub(super) fn run(
    arguments: &ServeArguments,
    settings: &Settings,
    environment: &Environment,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    logging::start(&settings.log)?;
    raise_open_files_limit();
    let runtime = super::runtime()?;
    let outcome = runtime.block_on(serve(arguments, settings, environment, console));
    runtime.shutdown_timeout(THREADS_END_MAX);
    outcome
}

async fn serve(
    arguments: &ServeArguments,
    settings: &Settings,
    environment: &Environment,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let listener = bind(settings.listen_address()?, "--listen").await?;
    let elasticsearch = match settings.elasticsearch_address()? {
        Some(address) => Some(bind(address, "elasticsearch_api.listen").await?),
        None => None,
    };
    let address = listener.local_addr().map_err(|error| Failure::failed(error.to_string()))?;
    let stores = Stores::open(settings, Arc::new(end_process))?;
    let accounts = wire::open_accounts(settings, stores.metadata.clone())?;
    let state = wire::app_state(settings, &stores.ports(), accounts, wire::inputs::specs(settings)?)?;
    let alerts = wire::alerts(settings, &stores.ports())?;
    state.uploads.prepare().await?;
    let given_password = environment.get(ADMIN_PASSWORD_VARIABLE).map(ToOwned::to_owned);
    let is_given = given_password.is_some();
    let first_admin =
        state.accounts.ensure_first_admin(given_password).await.map_err(|error| {
            if is_given { Failure::of_variable(ADMIN_PASSWORD_VARIABLE, error) } else { error.into() }
        })?;
    greet(console, settings, &format!("http://{address}"), first_admin.as_ref())?;
    if let Some(listener) = &elasticsearch {
        let address = listener.local_addr().map_err(|error| Failure::failed(error.to_string()))?;
        console.line(&format!("  Elasticsearch's API   http://{address}"))?;
    }

    wire::remember(state.fraud.as_ref(), &stores).await?;
    let demo = if arguments.demo {
        console.line(&format!(
            "  demo         {} events of the last {} h into an empty store, then {} per second",
            settings.demo.events, settings.demo.hours, settings.demo.rate_per_s
        ))?;
        Some(tokio::spawn(demo::run(settings.demo.clone(), demo::DemoPorts::of(&state, &stores.ports()))))
    } else {
        None
    };
    console.line("Stop it with Ctrl-C.")?;
    console.out().flush()?;

    let (readiness, metrics, inputs) = (state.readiness.clone(), state.metrics.clone(), state.inputs.clone());
    let tails = state.tails.clone();
    let watch = wire::look_after(&state);
    let remembering = wire::Remembering::start(state.fraud.as_ref().map(|fraud| fraud.detection.clone()), settings);
    let alerting = wire::Alerting::start(alerts, settings);
    let (router, _) = http::application(state);
    let stop = async {
        wait_for_signal().await;
        tracing::info!("told to stop; requests under way may end");
        readiness.stop();
        tails.stop();
        if let Some(demo) = &demo {
            demo.abort();
        }
    }
    .shared();
    let elasticsearch = elasticsearch.map(|listener| {
        let router = elasticsearch::at_the_root(router.clone());
        http::serve::serve(listener, router, metrics.clone(), bounds(settings), stop.clone())
    });
    let elasticsearch = async {
        if let Some(serving) = elasticsearch {
            serving.await;
        }
    };
    tokio::join!(http::serve::serve(listener, router, metrics, bounds(settings), stop.clone()), elasticsearch);
    tails.ended(TAILS_END_MAX).await;
    inputs.stop(Duration::from_secs(settings.server.drain_timeout_s)).await;
    watch.abort();
    alerting.end();
    stores.logs.flush().await;
    remembering.end().await?;
    console.note("vigie has stopped; everything it acknowledged is stored")?;
    Ok(Outcome::Done)
}

async fn bind(address: SocketAddr, setting: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("; another program listens there, choose another port with {setting}")
            }
            std::io::ErrorKind::PermissionDenied => format!("; choose a port above 1023 with {setting}"),
            _ => String::new(),
        };
        Failure::failed(format!("cannot listen on {address}: {error}{advice}"))
    })
}

fn bounds(settings: &Settings) -> ServeBounds {
    ServeBounds {
        connections_max: settings.server.connections_max,
        header_time_max: Duration::from_secs(settings.server.header_timeout_s),
        write_stall_max: Duration::from_secs(settings.server.write_timeout_s),
        drain_time_max: Duration::from_secs(settings.server.drain_timeout_s),
    }
}

fn greet(
    console: &mut Console<'_>,
    settings: &Settings,
    url: &str,
    first_admin: Option<&FirstAdmin>,
) -> std::io::Result<()> {
    let public_url = if settings.server.public_url.is_empty() { url } else { &settings.server.public_url };
    let folder = std::path::absolute(&settings.data.dir).unwrap_or_else(|_| settings.data.dir.clone());
    console.line(&format!("Vigie {} watches your shop.", env!("CARGO_PKG_VERSION")))?;
    console.line(&format!("  UI and API   {public_url}   (API description: {public_url}/api/docs)"))?;
    console.line(&format!("  data folder  {}", folder.display()))?;
    if let Some(admin) = first_admin {
        console.line(&format!("  user name    {}", admin.username))?;
        match &admin.generated_password {
            Some(password) => console.line(&format!("  password     {password}   (shown only this once)"))?,
            None => console.line(&format!("  password     the one in {ADMIN_PASSWORD_VARIABLE}"))?,
        }
    }
    Ok(())
}

/// The log could not be synced, so what is on disk is unknown: go on with nothing, start again from the disk.
fn end_process(reason: &str) {
    tracing::error!(reason, "the log could not be synced; vigie ends at once so that nothing wrong is acknowledged");
    std::process::abort();
}

#[cfg(unix)]
pub(super) async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(not(unix))]
pub(super) async fn wait_for_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// Connections and parts are files; the soft limit of 1,024 that most systems start with is soon reached.
#[cfg(unix)]
fn raise_open_files_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

#[cfg(not(unix))]
fn raise_open_files_limit() {}
