//! The `[broker]` table that every role with a session has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tankline_domain::settings::Section;
use tankline_domain::units::UnixMillis;

use super::tls::{ClientFiles, Tls, TlsError, TlsFile};
use super::{BrokerUrl, Protection};
use crate::secret::{Secret, read_secret_file};

/// Where the broker is and how to be known there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerSettings {
    /// Its address.
    pub url: BrokerUrl,
    /// How the session is encrypted; there exactly when the address says `mqtts://`.
    pub tls: Option<Tls>,
    /// User and password, where the broker wants them.
    pub credentials: Option<(String, Secret)>,
    /// How often an idle connection is probed; 1 to 65535 s.
    pub keep_alive: Duration,
    /// The files that all this was read from.
    pub files: Vec<PathBuf>,
}

impl BrokerSettings {
    /// Makes settings without credentials and encryption, and with the usual keep-alive.
    #[must_use]
    pub const fn new(url: BrokerUrl) -> Self {
        Self { url, tls: None, credentials: None, keep_alive: Duration::from_secs(30), files: Vec::new() }
    }

    /// Reads `url`, `user`, `password_file`, `keep_alive_s`, `ca_file`, `client_certificate_file` and `client_key_file`
    /// (files relative to the folder of the configuration), and reports what is wrong.
    #[must_use]
    pub fn read(section: Section<'_>, folder: &Path) -> Option<Self> {
        let settings = Self::take(&section, folder);
        section.finish();
        settings
    }

    /// Gives when the first certificate ends that is shown or trusted; `None` without any.
    #[must_use]
    pub fn first_end(&self) -> Option<UnixMillis> {
        self.tls.iter().flat_map(Tls::ends).map(|end| end.at).min()
    }

    /// Gives what a person should know of the files although they can be used: which certificates end soon.
    #[must_use]
    pub fn warnings(&self, now: UnixMillis) -> Vec<String> {
        let soon = self.tls.iter().flat_map(Tls::ends).filter(|end| end.is_soon(now));
        soon.map(|end| format!("broker.{}: a certificate in it ends {}", end.file.key(), end.at)).collect()
    }

    /// Does what [`BrokerSettings::read`] does, for a table that has other keys too.
    #[must_use]
    pub fn take(section: &Section<'_>, folder: &Path) -> Option<Self> {
        let url = section.required::<BrokerUrl>("url");
        let mut files = Files { section, folder, read: Vec::new() };
        let credentials = credentials(&mut files);
        let tls = tls(&mut files, url.as_ref());
        let keep_alive = Duration::from_secs(section.within("keep_alive_s", 5..=3600_u64, 30));
        Some(Self { url: url?, tls, credentials, keep_alive, files: files.read })
    }
}

/// Remembers the files that keys of a table name.
struct Files<'s, 'r> {
    section: &'s Section<'r>,
    folder: &'s Path,
    read: Vec<PathBuf>,
}

impl Files<'_, '_> {
    fn named(&mut self, key: &str) -> Option<PathBuf> {
        let path = self.folder.join(self.section.optional::<PathBuf>(key)?);
        self.read.push(path.clone());
        Some(path)
    }
}

fn credentials(files: &mut Files<'_, '_>) -> Option<(String, Secret)> {
    let section = files.section;
    let user = section.optional::<String>("user");
    let password = files.named("password_file").map(|path| read_secret_file(&path));
    match (user, password) {
        (None, None) => None,
        (Some(user), Some(Ok(password))) => Some((user, password)),
        (_, Some(Err(error))) => {
            section.problem("password_file", format!("{:#}", anyhow::Error::from(error)));
            None
        }
        (Some(_), None) => {
            if !section.has("password_file") {
                section.problem("user", "needs a password_file beside it");
            }
            None
        }
        (None, Some(_)) => {
            if !section.has("user") {
                section.problem("password_file", "needs a user beside it");
            }
            None
        }
    }
}

fn tls(files: &mut Files<'_, '_>, url: Option<&BrokerUrl>) -> Option<Tls> {
    let section = files.section;
    let authorities = files.named(TlsFile::Authorities.key());
    let certificate = files.named(TlsFile::Certificate.key());
    let key = files.named(TlsFile::Key.key());
    let url = url?;
    if url.protection() == Protection::None {
        for file in [TlsFile::Authorities, TlsFile::Certificate, TlsFile::Key] {
            if section.has(file.key()) {
                let message = format!("serves an encrypted connection only; write url = \"mqtts://{}\"", url.host());
                section.problem(file.key(), message);
            }
        }
        return None;
    }
    if ServerName::try_from(url.bare_host()).is_err() {
        section.problem("url", "must have a host that a certificate can name: a domain name or an IP address");
    }
    let client = match (&certificate, &key) {
        (Some(certificate), Some(key)) => Some(ClientFiles { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            section.problem(TlsFile::Certificate.key(), "needs a client_key_file beside it");
            None
        }
        (None, Some(_)) => {
            section.problem(TlsFile::Key.key(), "needs a client_certificate_file beside it");
            None
        }
    };
    let said = |error: TlsError| section.problem(error.file().key(), format!("{:#}", anyhow::Error::from(error)));
    Tls::load(authorities.as_deref(), client).map_err(said).ok()
}
