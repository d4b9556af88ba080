//! Encryption of a session: whom it trusts, and by what it is known.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::{ClientConfig, Resumption};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InconsistentKeys, RootCertStore};
use sha2::{Digest, Sha256};

use super::ends::End;
use crate::secret::open_to_others;

/// Sessions with the broker that may be taken up again; there is one broker.
const RESUMPTIONS: usize = 4;

/// How a session is encrypted; ready to be used, everything in it was read and checked.
///
/// Two are equal when they trust the same authorities and show the same certificate.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    digest: [u8; 32],
    ends: Vec<End>,
}

/// The file of the certificate that a client shows and the file of its key.
#[derive(Debug, Clone, Copy)]
pub struct ClientFiles<'p> {
    /// The certificate, and after it those between it and the authority.
    pub certificate: &'p Path,
    /// The private key of the certificate.
    pub key: &'p Path,
}

/// Which of the files something is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFile {
    /// The authorities that sign the certificate of the broker.
    Authorities,
    /// The certificate of the client.
    Certificate,
    /// Its private key.
    Key,
}

/// Why a session cannot be encrypted as wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// What the file is for.
        file: TlsFile,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file holds nothing in PEM.
    #[error("{} is not PEM, which begins with -----BEGIN", path.display())]
    NotPem {
        /// What the file is for.
        file: TlsFile,
        /// The file.
        path: PathBuf,
    },
    /// A file begins as PEM and goes wrong.
    #[error("{} is damaged PEM", path.display())]
    DamagedPem {
        /// What the file is for.
        file: TlsFile,
        /// The file.
        path: PathBuf,
        /// Where it went wrong.
        source: pem::Error,
    },
    /// A file holds something else than what it is for.
    #[error("{} holds no {wanted}", path.display())]
    Missing {
        /// What the file is for.
        file: TlsFile,
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
    },
    /// A certificate or key is not one inside its PEM.
    #[error("{} holds something that cannot be used", path.display())]
    Unusable {
        /// What the file is for.
        file: TlsFile,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// Everybody may read the key.
    #[error("{} is open to everybody (mode {mode:04o}); take that away: chmod o= {}", path.display(), path.display())]
    OpenKey {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Certificate and key are not of one pair.
    #[error("the key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    OtherKey {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        certificate: PathBuf,
    },
    /// No authorities are named and the system has none.
    #[error(
        "is missing, and this system has no store of trusted authorities; name the PEM file of the broker's authority"
    )]
    NoSystemStore,
}

impl Tls {
    /// Reads what is needed: the authorities in a PEM file, or else those that the system trusts; and the certificate
    /// that the client shows, where the broker wants one.
    ///
    /// # Errors
    /// [`TlsError`] when a file is missing, is something else, or everybody may read the key.
    pub fn load(authorities: Option<&Path>, client: Option<ClientFiles<'_>>) -> Result<Self, TlsError> {
        let mut digest = Sha256::new();
        let mut ends = Vec::new();
        let roots = match authorities {
            Some(path) => authorities_in(path, &mut digest, &mut ends)?,
            None => authorities_of_the_system(&mut digest)?,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has ciphers for TLS 1.2 and 1.3")
            .with_root_certificates(roots);
        let mut config = match client {
            None => builder.with_no_client_auth(),
            Some(files) => {
                let (chain, key) = identity(files, &mut digest)?;
                ends.extend(End::of(TlsFile::Certificate, &chain));
                builder.with_client_auth_cert(chain, key).map_err(|source| refused(files, source))?
            }
        };
        config.resumption = Resumption::in_memory_sessions(RESUMPTIONS);
        Ok(Self { config: Arc::new(config), digest: digest.finalize().into(), ends })
    }

    /// Gives the first end in each file of certificates; the store of the system has none.
    #[must_use]
    pub fn ends(&self) -> &[End] {
        &self.ends
    }

    /// Gives what a client of rustls takes, for other connections than those of a session.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Tls {}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl TlsFile {
    /// Gives the key that names it in the settings of a session.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Authorities => "ca_file",
            Self::Certificate => "client_certificate_file",
            Self::Key => "client_key_file",
        }
    }
}

impl TlsError {
    /// Tells which file it is about.
    #[must_use]
    pub const fn file(&self) -> TlsFile {
        match self {
            Self::Unreadable { file, .. }
            | Self::NotPem { file, .. }
            | Self::DamagedPem { file, .. }
            | Self::Missing { file, .. }
            | Self::Unusable { file, .. } => *file,
            Self::OpenKey { .. } | Self::OtherKey { .. } => TlsFile::Key,
            Self::NoSystemStore => TlsFile::Authorities,
        }
    }
}

fn authorities_in(path: &Path, digest: &mut Sha256, ends: &mut Vec<End>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let certificates = certificates(TlsFile::Authorities, path)?;
    ends.extend(End::of(TlsFile::Authorities, &certificates));
    for certificate in certificates {
        note(digest, &certificate);
        let unusable = |source| TlsError::Unusable { file: TlsFile::Authorities, path: path.to_owned(), source };
        roots.add(certificate).map_err(unusable)?;
    }
    Ok(roots)
}

fn authorities_of_the_system(digest: &mut Sha256) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let mut certificates = rustls_native_certs::load_native_certs().certs;
    certificates.sort_by(|a, b| a.as_ref().cmp(b.as_ref()));
    for certificate in certificates {
        note(digest, &certificate);
        // Stores hold old certificates that no modern library takes; the others are good all the same.
        let _ = roots.add(certificate);
    }
    if roots.is_empty() { Err(TlsError::NoSystemStore) } else { Ok(roots) }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(files: ClientFiles<'_>, digest: &mut Sha256) -> Result<Identity, TlsError> {
    let chain = certificates(TlsFile::Certificate, files.certificate)?;
    let key = key(files.key)?;
    chain.iter().for_each(|certificate| note(digest, certificate));
    note(digest, key.secret_der());
    Ok((chain, key))
}

fn certificates(file: TlsFile, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(file, path)?;
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|source| TlsError::DamagedPem { file, path: path.to_owned(), source })?;
    if found.is_empty() {
        let wanted = "certificate (-----BEGIN CERTIFICATE-----)";
        return Err(TlsError::Missing { file, path: path.to_owned(), wanted });
    }
    Ok(found)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let file = TlsFile::Key;
    let text = read(file, path)?;
    let metadata = std::fs::metadata(path);
    let metadata = metadata.map_err(|source| TlsError::Unreadable { file, path: path.to_owned(), source })?;
    if let Some(mode) = open_to_others(&metadata) {
        return Err(TlsError::OpenKey { path: path.to_owned(), mode });
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            let wanted = "private key without a passphrase (-----BEGIN PRIVATE KEY-----)";
            TlsError::Missing { file, path: path.to_owned(), wanted }
        }
        source => TlsError::DamagedPem { file, path: path.to_owned(), source },
    })
}

fn read(file: TlsFile, path: &Path) -> Result<Vec<u8>, TlsError> {
    let text = std::fs::read(path).map_err(|source| TlsError::Unreadable { file, path: path.to_owned(), source })?;
    const BEGIN: &[u8] = b"-----BEGIN ";
    if !text.windows(BEGIN.len()).any(|window| window == BEGIN) {
        return Err(TlsError::NotPem { file, path: path.to_owned() });
    }
    Ok(text)
}

fn refused(files: ClientFiles<'_>, source: rustls::Error) -> TlsError {
    match source {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::OtherKey { key: files.key.to_owned(), certificate: files.certificate.to_owned() }
        }
        rustls::Error::InvalidCertificate(_) => {
            TlsError::Unusable { file: TlsFile::Certificate, path: files.certificate.to_owned(), source }
        }
        source => TlsError::Unusable { file: TlsFile::Key, path: files.key.to_owned(), source },
    }
}

/// Adds a part whose end no other part can shift.
fn note(digest: &mut Sha256, part: &[u8]) {
    digest.update((part.len() as u64).to_le_bytes());
    digest.update(part);
}
