//! The `[broker]` table that every role with a session has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tankline_domain::settings::Section;

use super::BrokerUrl;
use crate::secret::{Secret, read_secret_file};

/// Where the broker is and how to be known there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerSettings {
    /// Its address.
    pub url: BrokerUrl,
    /// User and password, where the broker wants them.
    pub credentials: Option<(String, Secret)>,
    /// How often an idle connection is probed.
    pub keep_alive: Duration,
}

impl BrokerSettings {
    /// Makes settings without credentials and with the usual keep-alive.
    #[must_use]
    pub const fn new(url: BrokerUrl) -> Self {
        Self { url, credentials: None, keep_alive: Duration::from_secs(30) }
    }

    /// Reads `url`, `user`, `password_file` (relative to the folder of the configuration) and `keep_alive_s`, and reports
    /// what is wrong.
    #[must_use]
    pub fn read(section: Section<'_>, folder: &Path) -> Option<Self> {
        let settings = Self::take(&section, folder);
        section.finish();
        settings
    }

    /// Does what [`BrokerSettings::read`] does, for a table that has other keys too.
    #[must_use]
    pub fn take(section: &Section<'_>, folder: &Path) -> Option<Self> {
        let url = section.required::<BrokerUrl>("url");
        let user = section.optional::<String>("user");
        let password = section.optional::<PathBuf>("password_file").map(|path| read_secret_file(&folder.join(path)));
        let keep_alive = Duration::from_secs(section.within("keep_alive_s", 5..=3600_u64, 30));
        let credentials = match (user, password) {
            (None, None) => None,
            (Some(user), Some(Ok(password))) => Some((user, password)),
            (_, Some(Err(error))) => {
                section.problem("password_file", format!("{:#}", anyhow::Error::from(error)));
                None
            }
            (Some(_), None) => {
                section.problem("user", "needs a password_file beside it");
                None
            }
            (None, Some(_)) => {
                section.problem("password_file", "needs a user beside it");
                None
            }
        };
        Some(Self { url: url?, credentials, keep_alive })
    }
}
