//! Telling people about suspicious payments, as the settings say.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use vigie_adapters::notify::{EmailNotifier, WebhookNotifier};
use vigie_app::fraud::{AlertSettings, FraudAlerts};
use vigie_domain::ports::Notifier;
use vigie_domain::{Error, Result};

use super::{Ports, clock};
use crate::config::Settings;
use crate::config::fraud_alerts::FraudAlertSettings;

/// Whoever tells people; nobody when there is no place to tell, or payments are not judged.
///
/// # Errors
/// `Invalid` when a place cannot be told as it is set, or a secret cannot be read.
pub fn alerts(settings: &Settings, ports: &Ports) -> Result<Option<FraudAlerts>> {
    let alerts = &settings.fraud_alerts;
    let notifiers = notifiers(alerts)?;
    if notifiers.is_empty() || !settings.fraud.enabled {
        return Ok(None);
    }
    let told = AlertSettings { least: alerts.least(), public_url: public_url(settings) };
    let stores = (ports.logs.clone(), ports.metadata.clone());
    Ok(Some(FraudAlerts::new(stores, notifiers, told, clock())))
}

fn notifiers(alerts: &FraudAlertSettings) -> Result<Vec<Arc<dyn Notifier>>> {
    let mut notifiers: Vec<Arc<dyn Notifier>> = Vec::new();
    if !alerts.webhook_url.is_empty() {
        let secret = secret(&alerts.webhook_secret_file)?;
        notifiers.push(Arc::new(WebhookNotifier::new(&alerts.webhook_url, &secret)?));
    }
    if !alerts.smtp_url.is_empty() {
        let user = alerts.smtp_user.as_str();
        let login = if user.is_empty() { None } else { Some((user.to_owned(), secret(&alerts.smtp_password_file)?)) };
        let email = EmailNotifier::new(&alerts.smtp_url, login, (&alerts.email_from, &alerts.mailboxes()))?;
        notifiers.push(Arc::new(email));
    }
    Ok(notifiers)
}

fn secret(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::invalid(format!("the secret in \"{}\" cannot be read: {error}", path.display())))?;
    Ok(text.trim().to_owned())
}

/// Where people reach the UI.
fn public_url(settings: &Settings) -> String {
    match settings.server.public_url.trim_end_matches('/') {
        "" => format!("http://{}", settings.server.listen),
        url => url.to_owned(),
    }
}

/// Tells people until it is ended.
pub struct Alerting(Option<JoinHandle<()>>);

impl Alerting {
    /// Begins to.
    pub fn start(alerts: Option<FraudAlerts>, settings: &Settings) -> Self {
        let every = Duration::from_secs(settings.fraud_alerts.every_s);
        Self(alerts.map(|alerts| tokio::spawn(tell(alerts, every))))
    }

    /// Tells nobody any more; what was not told yet is, after the next start.
    pub fn end(self) {
        if let Some(telling) = self.0 {
            telling.abort();
        }
    }
}

async fn tell(alerts: FraudAlerts, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        let told = alerts.tell().await;
        if told > 0 {
            tracing::info!(payments = told, "people were told of suspicious payments");
        }
    }
}
