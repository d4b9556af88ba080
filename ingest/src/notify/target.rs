use std::time::Duration;

use lettre::message::Mailbox;
use tankline_runtime::mqtt::Tls;
use tankline_runtime::secret::Secret;
use url::Url;

use super::{Addressee, Selection};
use crate::local_time::UtcOffset;

/// Somebody who is told of alarms, as configured.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name in logs, metrics and the database.
    pub name: String,
    /// What it is told of.
    pub selection: Selection,
    /// How much may wait for it, and for how long.
    pub keep: Keep,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How it is told.
    pub way: Way,
}

/// How much may wait for a target. Beyond that the oldest are given up, which is logged and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Most messages that wait.
    pub max_rows: u32,
    /// How long a message is tried.
    pub max_age: Duration,
}

/// How a target is told.
#[derive(Debug, Clone)]
pub enum Way {
    /// By HTTP.
    Webhook(WebhookConfig),
    /// By e-mail.
    Email(Box<EmailConfig>),
}

impl Way {
    /// Says it in a few words that give nothing away.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Webhook(webhook) => format!("a webhook at {}", webhook.url.host_str().unwrap_or_default()),
            Self::Email(email) => {
                let to: Vec<_> = email.to.iter().map(|one| one.email.to_string()).collect();
                format!("by e-mail to {} through {}", to.join(", "), email.host)
            }
        }
    }
}

/// Where a webhook is.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// The address that is posted to. Its path may be confidential, so that no log shows it.
    pub url: Url,
    /// What the requests are signed with.
    pub secret: Secret,
    /// Encryption; absent for `http`.
    pub tls: Option<Tls>,
}

/// How e-mails go out, and to whom.
#[derive(Debug, Clone)]
pub struct EmailConfig {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// The certificates of authorities in PEM; absent to trust those of the system.
    pub authorities: Option<Vec<u8>>,
    /// By what the server knows us.
    pub login: Option<(String, Secret)>,
    /// Who writes.
    pub from: Mailbox,
    /// To whom.
    pub to: Vec<Mailbox>,
    /// How long alarms are gathered for one e-mail.
    pub gather: Duration,
    /// The shortest time between two e-mails, unless a critical alarm is among what waits.
    pub spacing: Duration,
    /// Local time of those who read it.
    pub utc_offset: UtcOffset,
    /// What an e-mail says on how to acknowledge; absent for the command that does it.
    pub how_to_acknowledge: Option<String>,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Plain at first, encrypted before anything is said; usually port 587.
    StartTls,
    /// Encrypted from the first byte; usually port 465.
    Tls,
    /// Not at all; usually port 25.
    None,
}

impl Security {
    /// Gives the usual port.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

impl Default for Keep {
    /// As much as a bad week makes.
    fn default() -> Self {
        Self { max_rows: 10_000, max_age: Duration::from_secs(7 * 24 * 60 * 60) }
    }
}

impl Target {
    /// Gives what the queue has to know of it.
    #[must_use]
    pub fn addressee(&self) -> Addressee {
        Addressee { name: self.name.clone(), selection: self.selection.clone() }
    }
}
