//! Encryption, and certificates of clients.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use tankline_domain::settings::Problems;
use tankline_domain::units::UnixMillis;
use tankline_runtime::secret::open_to_others;

use crate::certificate::{self, Certificate};
use crate::gate::Noting;

/// The key that names the authorities of clients.
pub(crate) const CLIENT_AUTHORITIES: &str = "client_ca";

/// What is said of an authority without a list.
const UNLISTED: &str = "there is no list of what this authority has revoked: certificates that it signed are refused";

/// The files of encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The broker's certificate, with those between it and its authority after it. PEM.
    pub certificate: PathBuf,
    /// The key of it. PEM; nobody but owner and group may read it.
    pub key: PathBuf,
    /// The authority of clients' certificates. PEM. Without it clients are not asked for one.
    pub client_ca: Option<PathBuf>,
    /// Whether a client may come without a certificate.
    pub clients: ClientCertificates,
    /// Certificates that were revoked by that authority. PEM.
    pub crl: Option<PathBuf>,
}

/// Whether a client may come without a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// It may not.
    #[default]
    Required,
    /// It may, and then needs user and password.
    Optional,
}

/// Encryption as the files have it now.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    /// All certificates in the broker's own file and in that of the clients' authorities, by the keys that name the files.
    pub(crate) own: Vec<(&'static str, Certificate)>,
    /// Judges certificates of clients, where they are asked for.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// Authorities of clients that have no list, where lists are used.
    unlisted: Vec<String>,
    /// All bytes of all files.
    source: Vec<Vec<u8>>,
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Tls {}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("own", &self.own).finish_non_exhaustive()
    }
}

impl TlsFiles {
    /// Reads all files.
    ///
    /// # Errors
    /// [`Problems`] of the first file that cannot be used.
    pub(crate) fn read(&self) -> Result<Tls, Problems> {
        check_mode(&self.key)?;
        let mut source = Vec::new();
        let mut bytes_of = |file: &Path| {
            let bytes = std::fs::read(file).map_err(|error| wrong(file, format!("cannot be read: {error}")))?;
            source.push(bytes.clone());
            Ok::<_, Problems>(bytes)
        };
        let chain = certificates(&self.certificate, &bytes_of(&self.certificate)?)?;
        let key = PrivateKeyDer::from_pem_slice(&bytes_of(&self.key)?);
        let key = key.map_err(|error| wrong(&self.key, format!("holds no private key: {error}")))?;
        let mut own = described("certificate", &self.certificate, &chain)?;
        let (mut verifier, mut unlisted) = (None, Vec::new());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| wrong(&self.certificate, error.to_string()))?;
        let builder = if let Some(file) = &self.client_ca {
            let authorities = certificates(file, &bytes_of(file)?)?;
            own.extend(described(CLIENT_AUTHORITIES, file, &authorities)?);
            let mut roots = RootCertStore::empty();
            for authority in authorities {
                roots.add(authority).map_err(|error| wrong(file, format!("holds no authority: {error}")))?;
            }
            let mut building = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            if let Some(file) = &self.crl {
                let bytes = bytes_of(file)?;
                let lists = CertificateRevocationListDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
                let lists = lists.map_err(|error| wrong(file, format!("holds no revocation list: {error}")))?;
                unlisted = without_list(&own, &lists).map_err(|error| wrong(file, error))?;
                building = building.with_crls(lists);
            }
            if self.clients == ClientCertificates::Optional {
                building = building.allow_unauthenticated();
            }
            let built: Arc<dyn ClientCertVerifier> =
                building.build().map_err(|error| wrong(file, format!("cannot be used: {error}")))?;
            builder.with_client_cert_verifier(Arc::new(Noting(Arc::clone(verifier.insert(built)))))
        } else {
            builder.with_no_client_auth()
        };
        let config = builder.with_single_cert(chain, key);
        let config = config.map_err(|error| wrong(&self.key, format!("does not fit the certificate: {error}")))?;
        Ok(Tls { config: Arc::new(config), own, verifier, unlisted, source })
    }

    /// Gives what a person should know of the files although they can be used.
    ///
    /// # Errors
    /// [`Problems`] of the first file that cannot be used.
    pub fn warnings(&self, now: UnixMillis) -> Result<Vec<String>, Problems> {
        let tls = self.read()?;
        let soon = tls.ending_soon(now).map(|(key, certificate)| {
            format!("{key}: the certificate of {} ends {}", certificate.name(), certificate.not_after)
        });
        let unlisted = tls.unlisted.iter().map(|name| format!("crl: {UNLISTED}: {name}"));
        Ok(soon.chain(unlisted).collect())
    }

    /// Gives all files.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Path> {
        let always = [&self.certificate, &self.key];
        always.into_iter().chain(&self.client_ca).chain(&self.crl).map(PathBuf::as_path)
    }
}

impl Tls {
    /// Gives the certificates in the files that end soon or have ended, by the keys that name the files.
    pub(crate) fn ending_soon(&self, now: UnixMillis) -> impl Iterator<Item = &(&'static str, Certificate)> {
        self.own.iter().filter(move |(_, certificate)| certificate.ends_soon(now))
    }

    /// Tells in the log of what may want a person to act.
    pub(crate) fn warn(&self, now: UnixMillis) {
        for (file, certificate) in self.ending_soon(now) {
            let (name, until) = (certificate.name(), certificate.not_after);
            tracing::warn!(file, name, %until, "a certificate ends soon, or has ended: put a new one in its place");
        }
        for authority in &self.unlisted {
            tracing::warn!(authority, "{UNLISTED}");
        }
    }

    /// Tells whether the certificate of a client holds: its authority is trusted, it has not ended and was not revoked.
    ///
    /// Encryption asks that too, but not of who takes up a session of before, and not again while a connection lasts.
    pub(crate) fn accepts(&self, certificate: &Certificate, now: UnixMillis) -> bool {
        let Some((own, between)) = certificate.chain.split_first() else { return false };
        let now = UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(now.get()).unwrap_or(0)));
        self.verifier.as_ref().is_some_and(|verifier| verifier.verify_client_cert(own, between, now).is_ok())
    }
}

/// Gives the authorities of clients of which no list is there.
fn without_list(
    own: &[(&'static str, Certificate)],
    lists: &[CertificateRevocationListDer<'_>],
) -> Result<Vec<String>, String> {
    let issuers = lists.iter().map(|list| certificate::issuer_of_list(list)).collect::<Result<Vec<_>, _>>()?;
    let authorities = own.iter().filter(|(key, _)| *key == CLIENT_AUTHORITIES);
    let unlisted = authorities.filter(|(_, authority)| !issuers.contains(&authority.subject));
    Ok(unlisted.map(|(_, authority)| authority.name().to_owned()).collect())
}

fn check_mode(key: &Path) -> Result<(), Problems> {
    let metadata = std::fs::metadata(key).map_err(|error| wrong(key, format!("cannot be read: {error}")))?;
    match open_to_others(&metadata) {
        None => Ok(()),
        Some(_) => Err(wrong(
            key,
            "is a key that everybody on this machine may read; chmod 600 it, and think of who has read it",
        )),
    }
}

fn certificates(file: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Problems> {
    let all = CertificateDer::pem_slice_iter(bytes).collect::<Result<Vec<_>, _>>();
    match all {
        Ok(all) if all.is_empty() => Err(wrong(file, "holds no certificate; PEM is wanted")),
        Ok(all) => Ok(all),
        Err(error) => Err(wrong(file, format!("holds no certificate: {error}"))),
    }
}

/// Reads each certificate of a file, which this key names.
fn described(
    key: &'static str,
    file: &Path,
    certificates: &[CertificateDer<'_>],
) -> Result<Vec<(&'static str, Certificate)>, Problems> {
    let read = |der| Certificate::read(std::slice::from_ref(der)).map(|certificate| (key, certificate));
    certificates.iter().map(read).collect::<Result<_, _>>().map_err(|error| wrong(file, error))
}

fn wrong(file: &Path, message: impl Into<String>) -> Problems {
    Problems::of_file(file.display().to_string(), message)
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
