//! An authority for tests, made by the program itself.

use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, date_time_ymd};
use rumqttc::{MqttOptions, TlsConfiguration, Transport};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ALL_VERSIONS, ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use tankline_broker::authority::{Authority as Library, Holder};
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tempfile::TempDir;

use super::{Process, options};

/// A folder with an authority, made by the program itself.
pub struct Authority(pub TempDir);

impl Authority {
    /// Founds it, and gives the broker a certificate.
    pub fn found() -> Self {
        let authority = Self(tempfile::tempdir().unwrap());
        authority.ca(&["init"]);
        authority.ca(&["issue", "--broker", "localhost", "--broker", "127.0.0.1"]);
        authority
    }

    /// Gives where one of its files is.
    pub fn path(&self, file: &str) -> String {
        self.0.path().join(file).display().to_string()
    }

    /// Runs `tankline-broker ca` in its folder; gives what it said.
    pub fn ca(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tankline-broker"));
        let (verb, rest) = arguments.split_first().unwrap();
        command.current_dir(self.0.path()).args(["ca", verb]).args(rest);
        said(&command.output().unwrap())
    }

    /// Gives an edge a certificate.
    pub fn issue(&self, edge: &str) -> &Self {
        self.ca(&["issue", "--edge", edge]);
        self
    }

    /// Has a client's certificate signed as another authority might: by a common name and DNS names.
    pub fn issue_as(&self, common_name: &str, dns_names: &[&str]) {
        self.issue_until(common_name, dns_names, clock::unix_ms().get() / 1000 + 24 * 3600);
    }

    /// Has it end with this second since 1970.
    pub fn issue_until(&self, common_name: &str, dns_names: &[&str], ends_s: i64) {
        let read = |file: &str| std::fs::read_to_string(self.path(file)).unwrap();
        let key = KeyPair::from_pem(&read("ca/ca.key")).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&read("ca/ca.crt"), key).unwrap();
        let names: Vec<_> = dns_names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(ends_s).unwrap());
        let key = KeyPair::generate().unwrap();
        std::fs::write(self.path(&format!("{common_name}.crt")), params.signed_by(&key, &issuer).unwrap().pem())
            .unwrap();
        std::fs::write(self.path(&format!("{common_name}.key")), key.serialize_pem()).unwrap();
    }

    /// Has the broker's certificate issued so long ago that it ends in so many days.
    pub fn renew_broker(&self, ends_in_days: i64) {
        for file in ["localhost.crt", "localhost.key"] {
            std::fs::remove_file(self.path(file)).unwrap();
        }
        let issued = clock::unix_ms().get() + (ends_in_days - 10) * 24 * 3600 * 1000;
        let hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let authority = Library::open(&self.0.path().join("ca"));
        authority.issue(&Holder::Broker(hosts), self.0.path(), UnixMillis::new(issued), 10).unwrap();
    }

    /// Gives the configuration of a broker with its certificate.
    pub fn tls(&self, more: &str) -> String {
        let (certificate, key) = (self.path("localhost.crt"), self.path("localhost.key"));
        format!("[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n{more}")
    }

    /// Certificates are asked for, and revoked ones refused.
    pub fn strict(&self) -> String {
        self.tls(&format!("client_ca = \"{}\"\ncrl = \"{}\"\n", self.path("ca/ca.crt"), self.path("ca/ca.crl")))
    }

    /// Gives the options of a client with the certificate of this name, if any.
    pub fn client(&self, broker: &Process, client_id: &str, certificate: Option<&str>) -> MqttOptions {
        self.client_of(broker, client_id, certificate, ALL_VERSIONS)
    }

    /// Gives the options of a client that speaks these versions of TLS.
    pub fn client_of(
        &self,
        broker: &Process,
        client_id: &str,
        certificate: Option<&str>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> MqttOptions {
        let mut options = options(broker.address, client_id);
        let config = Arc::new(self.tls_client(certificate, versions));
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(config)));
        options
    }

    /// Shakes hands with a broker; gives the certificate that it shows.
    pub fn shown(&self, broker: &Process) -> Vec<u8> {
        let config = Arc::new(self.tls_client(None, ALL_VERSIONS));
        let mut client = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
        let mut stream = super::raw::dial(broker.address);
        while client.is_handshaking() {
            client.complete_io(&mut stream).unwrap();
        }
        client.peer_certificates().unwrap()[0].to_vec()
    }

    fn tls_client(&self, certificate: Option<&str>, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca/ca.crt")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let builder = builder.with_root_certificates(roots);
        match certificate {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let chain = vec![CertificateDer::from_pem_file(self.path(&format!("{name}.crt"))).unwrap()];
                let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key"))).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        }
    }
}

/// Gives what a program said that has to have succeeded.
pub fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}
