//! Settings of telling people about suspicious payments.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use vigie_fraud::rules::Decision;

use super::ConfigError;

/// Whom suspicious payments are told to, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FraudAlertSettings {
    /// `block`: only payments that are to be refused; `review`: those that somebody is to look at as well.
    pub decision: String,
    /// Seconds between two notices: what is suspicious meanwhile is one.
    pub every_s: u64,
    /// Where signed requests go; empty: nowhere.
    pub webhook_url: String,
    /// A file with the secret that they are signed with.
    pub webhook_secret_file: PathBuf,
    /// The mail server; empty: no e-mails.
    pub smtp_url: String,
    /// Who sends to it; empty: it asks nobody.
    pub smtp_user: String,
    /// A file with their password.
    pub smtp_password_file: PathBuf,
    /// Whom e-mails are from.
    pub email_from: String,
    /// Whom they are to, with commas between.
    pub email_to: String,
}

impl FraudAlertSettings {
    /// Payments with this decision or a harder one are told.
    pub fn least(&self) -> Decision {
        if self.decision == Decision::Review.as_str() { Decision::Review } else { Decision::Block }
    }

    /// Whom e-mails are to.
    pub fn mailboxes(&self) -> Vec<String> {
        let named = self.email_to.split(',').map(str::trim).filter(|text| !text.is_empty());
        named.map(ToOwned::to_owned).collect()
    }

    /// Refuses values that say nothing, and halves of what belongs together.
    ///
    /// # Errors
    /// When there is one, by its name.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key: &str, words: &str| Err(ConfigError(format!("fraud_alerts.{key} {words}")));
        if ![Decision::Review, Decision::Block].iter().any(|decision| decision.as_str() == self.decision) {
            return wrong("decision", &format!("= \"{}\": use \"review\" or \"block\"", self.decision));
        }
        if self.every_s == 0 {
            return wrong("every_s", "= 0 would never rest; use 1 or more");
        }
        let is_named = |path: &PathBuf| !path.as_os_str().is_empty();
        if !self.webhook_url.is_empty() && !is_named(&self.webhook_secret_file) {
            return wrong(
                "webhook_secret_file",
                "is empty; name a file with a secret, such as of \"openssl rand -base64 32\"",
            );
        }
        if !self.smtp_url.is_empty() && (self.email_from.is_empty() || self.mailboxes().is_empty()) {
            return wrong("email_from", "or email_to is empty; e-mails need both");
        }
        if !self.smtp_user.is_empty() && !is_named(&self.smtp_password_file) {
            return wrong("smtp_password_file", "is empty; name a file with the password of smtp_user");
        }
        Ok(())
    }
}
