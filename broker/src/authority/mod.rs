//! A small authority for certificates, for a company that has none.
//!
//! It is a folder: `ca.crt` for everybody, `ca.key` for nobody else, `ca.crl` for the broker, and `issued`, the list of what it
//! has signed.

mod files;
mod index;
mod signing;

use std::io;
use std::path::{Path, PathBuf};

use tankline_domain::units::UnixMillis;

use index::Index;
pub use index::{Issued, Standing};
pub use signing::Holder;

const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";
const REVOKED: &str = "ca.crl";
const ISSUED: &str = "issued";

/// Why the authority could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// A file cannot be read or written.
    #[error("{}: {advice}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What to do.
        advice: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the authority holds something else.
    #[error("{}: {wrong}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        wrong: String,
    },
    /// Nobody can be called so.
    #[error("{name:?} cannot be the name in a certificate: {wrong}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        wrong: &'static str,
    },
    /// There is no such certificate to revoke.
    #[error("no certificate is called {name:?} or has that number; `ca list` shows all")]
    Unknown {
        /// Name or serial number.
        name: String,
    },
    /// The certificate could not be made.
    #[error("the certificate could not be made: {reason}")]
    Making {
        /// Why.
        reason: String,
    },
}

/// An authority in its folder.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
}

/// Where a certificate was written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The certificate, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM, for its owner alone.
    pub key: PathBuf,
    /// What stands in the list.
    pub issued: Issued,
}

impl Authority {
    /// Founds an authority in a folder that has none.
    ///
    /// # Errors
    /// [`AuthorityError`] when there is one already, or files cannot be written.
    pub fn found(folder: &Path, name: &str, now: UnixMillis, days: u32) -> Result<Self, AuthorityError> {
        std::fs::create_dir_all(folder).map_err(|source| AuthorityError::File {
            path: folder.to_owned(),
            advice: "the folder cannot be made",
            source,
        })?;
        let (certificate, key) = signing::found(name, now, days)?;
        files::write_secret(&folder.join(KEY), &key)?;
        files::write_new(&folder.join(CERTIFICATE), &certificate)?;
        let authority = Self { folder: folder.to_owned() };
        files::replace(&folder.join(REVOKED), &authority.sign_revoked(&Index::default(), now)?)?;
        Index::default().write(&folder.join(ISSUED))?;
        Ok(authority)
    }

    /// Takes up the authority of a folder.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Makes a certificate and its key, and writes them to a folder.
    ///
    /// # Errors
    /// [`AuthorityError`] when the name cannot be one, or files cannot be read or written; none is written over.
    pub fn issue(&self, holder: &Holder, out: &Path, now: UnixMillis, days: u32) -> Result<Written, AuthorityError> {
        let mut index = Index::read(&self.folder.join(ISSUED))?;
        let signer = signing::signer(&self.read(CERTIFICATE)?, &self.read(KEY)?)?;
        let made = signing::issue(&signer, holder, now, days)?;
        let name = holder.name();
        let (certificate, key) = (out.join(format!("{name}.crt")), out.join(format!("{name}.key")));
        std::fs::create_dir_all(out).map_err(|source| AuthorityError::File {
            path: out.to_owned(),
            advice: "the folder cannot be made",
            source,
        })?;
        // In the list before it exists: what is not in the list could not be revoked.
        index.add(made.issued.clone());
        index.write(&self.folder.join(ISSUED))?;
        files::write_secret(&key, &made.key)?;
        files::write_new(&certificate, &made.certificate)?;
        Ok(Written { certificate, key, issued: made.issued })
    }

    /// Revokes all certificates of a name, or the one with a serial number; gives them, with those that were revoked before.
    ///
    /// The revocation list is signed and written anew in any case, so that what failed half-way can be done again.
    ///
    /// # Errors
    /// [`AuthorityError`] when there is none, or files cannot be read or written. Without the key nothing has changed.
    pub fn revoke(&self, name_or_serial: &str, now: UnixMillis) -> Result<Vec<Issued>, AuthorityError> {
        let mut index = Index::read(&self.folder.join(ISSUED))?;
        let revoked = index.revoke(name_or_serial, now);
        if revoked.is_empty() {
            return Err(AuthorityError::Unknown { name: name_or_serial.to_owned() });
        }
        let list = self.sign_revoked(&index, now)?;
        // The index first: a list that names more than the authority knows could not be made anew.
        index.write(&self.folder.join(ISSUED))?;
        files::replace(&self.folder.join(REVOKED), &list)?;
        Ok(revoked)
    }

    /// Gives all that was signed.
    ///
    /// # Errors
    /// [`AuthorityError`] when the list cannot be read.
    pub fn issued(&self) -> Result<Vec<Issued>, AuthorityError> {
        Index::read(&self.folder.join(ISSUED)).map(Index::into_all)
    }

    fn sign_revoked(&self, index: &Index, now: UnixMillis) -> Result<String, AuthorityError> {
        let signer = signing::signer(&self.read(CERTIFICATE)?, &self.read(KEY)?)?;
        signing::revocations(&signer, index.revoked(), now)
    }

    fn read(&self, file: &str) -> Result<String, AuthorityError> {
        files::read(&self.folder.join(file))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
    use x509_parser::prelude::{CertificateRevocationList, FromDer};

    use super::*;
    use crate::certificate::Certificate;

    const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);

    /// Gives the numbers in its revocation list, hexadecimal.
    fn revoked(folder: &Path) -> Vec<String> {
        let der = CertificateRevocationListDer::from_pem_file(folder.join(REVOKED)).unwrap();
        let (_, list) = CertificateRevocationList::from_der(&der).unwrap();
        let hex = |serial: &[u8]| serial.iter().map(|byte| format!("{byte:02x}")).collect();
        list.iter_revoked_certificates().map(|revoked| hex(revoked.raw_serial())).collect()
    }

    #[test]
    fn certificate_says_whose_it_is_and_its_key_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::found(dir.path(), "Lindong", NOW, 3650).unwrap();
        let holder = Holder::client("lindong.rtu-01").unwrap();
        let written = authority.issue(&holder, &dir.path().join("out"), NOW, 10).unwrap();
        let certificate = Certificate::read(&[CertificateDer::from_pem_file(&written.certificate).unwrap()]).unwrap();
        assert_eq!(certificate.name(), "lindong.rtu-01");
        assert_eq!(certificate.not_after.get(), NOW.get() + 10 * 86_400_000);
        for key in [&written.key, &dir.path().join(KEY)] {
            assert_eq!(std::fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(Authority::found(dir.path(), "Lindong", NOW, 3650).is_err(), "the key was written over");
        assert!(authority.issue(&holder, &dir.path().join("out"), NOW, 10).is_err(), "the key was written over");
    }

    #[test]
    fn revoked_certificates_stand_in_the_revocation_list() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::found(dir.path(), "Lindong", NOW, 3650).unwrap();
        let issue =
            |name, out: &str| authority.issue(&Holder::client(name).unwrap(), &dir.path().join(out), NOW, 10).unwrap();
        let (one, other) = (issue("lindong.rtu-01", "1"), issue("lindong.rtu-02", "1"));
        let again = issue("lindong.rtu-01", "2");
        assert_eq!(revoked(dir.path()), Vec::<String>::new());
        assert_eq!(authority.revoke("lindong.rtu-01", NOW).unwrap().len(), 2);
        assert!(authority.revoke("lindong.rtu-03", NOW).is_err(), "there is none");
        assert_eq!(revoked(dir.path()), [one.issued.serial, again.issued.serial]);
        authority.revoke(&other.issued.serial, NOW).unwrap();
        let states: Vec<_> = authority.issued().unwrap().iter().map(|issued| issued.standing(NOW)).collect();
        assert_eq!(states, [Standing::Revoked; 3]);
    }

    #[test]
    fn revocation_that_failed_half_way_can_be_done_again() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::found(dir.path(), "Lindong", NOW, 3650).unwrap();
        let written = authority.issue(&Holder::client("lindong.rtu-01").unwrap(), dir.path(), NOW, 10).unwrap();
        let (key, away) = (dir.path().join(KEY), dir.path().join("away"));
        std::fs::rename(&key, &away).unwrap();
        assert!(authority.revoke("lindong.rtu-01", NOW).is_err(), "there is no key to sign with");
        assert_eq!(authority.issued().unwrap()[0].revoked, None);
        std::fs::rename(&away, &key).unwrap();

        // As after a disk that was full: the index is written and the list is not.
        authority.revoke("lindong.rtu-01", NOW).unwrap();
        let list = authority.sign_revoked(&Index::default(), NOW).unwrap();
        files::replace(&dir.path().join(REVOKED), &list).unwrap();
        let later = UnixMillis::new(NOW.get() + 1000);
        assert_eq!(authority.revoke("lindong.rtu-01", later).unwrap()[0].revoked, Some(NOW));
        assert_eq!(revoked(dir.path()), [written.issued.serial]);
    }
}
