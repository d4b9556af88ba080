//! An authority that signs certificates, good ones and others.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use serde_json::{Value, json};
use tankline_domain::settings::{Document, Problems, Reader};
use tankline_runtime::mqtt::BrokerSettings;
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

/// Signs certificates; its own lies as `ca.pem` in a folder of its own.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate and its key, in PEM.
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

/// Whether a broker wants to see a certificate of its clients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    Anybody,
    WithCertificate,
}

/// The years between which a certificate holds.
pub const NOW: (i32, i32) = (2000, 3000);
pub const LONG_AGO: (i32, i32) = (2000, 2001);
pub const SOME_DAY: (i32, i32) = (2999, 3000);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    /// Signs a certificate for a host or client.
    pub fn identity(&self, name: &str, years: (i32, i32), purpose: ExtendedKeyUsagePurpose) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Identity { certificate, key: key.serialize_pem() }
    }

    /// Signs a certificate for a broker.
    pub fn broker(&self, name: &str, years: (i32, i32)) -> Identity {
        self.identity(name, years, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// Shows a broker's certificate, and wants one of this authority where it is to be wanted.
    pub fn served(
        &self,
        identity: &Identity,
        clients: Clients,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions);
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let builder = match clients {
            Clients::Anybody => builder.unwrap().with_no_client_auth(),
            Clients::WithCertificate => builder.unwrap().with_client_cert_verifier(verifier),
        };
        let chain = CertificateDer::pem_slice_iter(identity.certificate.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        Arc::new(builder.with_single_cert(chain, key).unwrap())
    }

    /// Writes a file beside the certificate of the authority, with these permissions.
    pub fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// Gives the file of the authority's certificate.
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Reads a `[broker]` table whose files lie here.
    pub fn read(&self, table: Value) -> Result<BrokerSettings, Problems> {
        let root = json!({"broker": table});
        let document = Document { origin: "edge.toml".to_owned(), root, from_environment: [].into() };
        let reader = Reader::new(&document);
        let settings = BrokerSettings::read(reader.root().section("broker"), self.folder.path());
        reader.finish().map(|()| settings.unwrap())
    }
}
