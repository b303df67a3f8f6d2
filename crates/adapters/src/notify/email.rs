//! Notices as e-mails, over SMTP.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Message, SmtpTransport, Transport};
use vigie_domain::ports::{Notice, Notifier};
use vigie_domain::{Error, ErrorKind, Result};

/// How long a server may take for each step.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends notices to mailboxes.
pub struct EmailNotifier {
    transport: SmtpTransport,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl EmailNotifier {
    /// Over this server, such as `smtps://mail.example:465`, `smtp://mail.example:587?tls=required` or `smtp://localhost:25`, with user and
    /// password when it asks for them; from a mailbox to others.
    ///
    /// # Errors
    /// `Invalid` when the URL is none of SMTP, a mailbox is none, or there is nobody to send to.
    pub fn new(url: &str, login: Option<(String, String)>, (from, to): (&str, &[String])) -> Result<Self> {
        // The URL may hold a password: it does not go into the error.
        let unread =
            |_| Error::invalid("the URL of the mail server is none of smtp; write such as smtps://mail.example:465");
        let mut transport = SmtpTransport::from_url(url).map_err(unread)?.timeout(Some(TIMEOUT));
        if let Some((user, password)) = login {
            transport = transport.credentials(Credentials::new(user, password));
        }
        let transport = transport.build();
        if to.is_empty() {
            return Err(Error::invalid("e-mails need somebody to send to"));
        }
        let to = to.iter().map(|text| mailbox(text)).collect::<Result<_>>()?;
        Ok(Self { transport, from: mailbox(from)?, to })
    }

    fn message(&self, notice: &Notice) -> Result<Message> {
        let host = self.from.email.domain();
        let mut message = Message::builder()
            .message_id(Some(format!("<{}@{host}>", notice.id)))
            .from(self.from.clone())
            .subject(&notice.subject)
            .header(ContentType::TEXT_PLAIN);
        for mailbox in &self.to {
            message = message.to(mailbox.clone());
        }
        message
            .body(notice.text.clone())
            .map_err(|error| Error::invalid(format!("an e-mail cannot be written: {error}")))
    }
}

fn mailbox(text: &str) -> Result<Mailbox> {
    text.parse().map_err(|_| Error::invalid(format!("\"{text}\" is no mailbox; write such as fraud@shop.example")))
}

#[async_trait]
impl Notifier for EmailNotifier {
    fn name(&self) -> &str {
        "email"
    }

    async fn send(&self, notice: &Notice) -> Result<()> {
        let (transport, message) = (self.transport.clone(), self.message(notice)?);
        let sending = tokio::task::spawn_blocking(move || transport.send(&message));
        let sent = sending.await.map_err(|error| Error::internal(format!("an e-mail stopped: {error}")))?;
        sent.map(drop).map_err(|error| {
            let words = format!("the mail server did not take an e-mail: {error}");
            if error.is_permanent() { Error::invalid(words) } else { Error::new(ErrorKind::Unavailable, words) }
        })
    }
}
