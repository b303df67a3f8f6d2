//! Places that notices are sent to. One file each.

mod email;
#[cfg(test)]
mod tests;
mod webhook;

pub use email::EmailNotifier;
pub use webhook::WebhookNotifier;
