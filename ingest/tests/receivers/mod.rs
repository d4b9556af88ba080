//! Receivers of notifications for tests: real sockets that answer as they are told to. And what tells them.
#![allow(dead_code, reason = "each test takes its part of it")]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
#![allow(missing_docs, reason = "nobody but tests uses it")]

pub mod mail;
pub mod web;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rusqlite::Connection;
use tankline_domain::alarm::{AlarmKey, AlarmKind, Event, Priority, State, Transition};
use tankline_domain::units::UnixMillis;
use tankline_ingest::notify::{Notifier, Outbox, Tally, Target, Words};
use tankline_ingest::store;
use tankline_runtime::clock;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;

/// A tank is over its limit.
pub fn transition(id: i64) -> Transition {
    Transition {
        key: AlarmKey {
            site: "s".parse().unwrap(),
            source: format!("T-{id:02}").parse().unwrap(),
            kind: AlarmKind::LevelHighHigh,
        },
        at: UnixMillis::new(clock::unix_ms().get() - 1000),
        event: Event::Raised,
        from: State::Normal,
        to: State::Unacknowledged,
        priority: Priority::Critical,
        value: Some(15_204.0),
        limit: Some(15_200.0),
        unit: "mm".to_owned(),
        who: None,
        note: None,
    }
}

/// Puts a message into the queue as a commit would.
pub fn put(database: &Path, notifier: &Notifier, id: i64, transition: &Transition) {
    let mut connection: Connection = store::open(database).unwrap();
    let transaction = connection.transaction().unwrap();
    let words = Words { title: "液位高高", guidance: Some("Stop the transfer.") };
    notifier.enqueue(&transaction, id, transition, words, clock::unix_ms()).unwrap();
    transaction.commit().unwrap();
    notifier.ring();
}

/// A queue and what empties it.
pub struct Teller {
    pub folder: Arc<tempfile::TempDir>,
    pub notifier: Notifier,
    target: Target,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Teller {
    pub fn start(target: Target) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), target)
    }

    pub fn start_in(folder: Arc<tempfile::TempDir>, target: Target) -> Self {
        drop(store::open(&folder.path().join("ops.db")).unwrap());
        let notifier = Notifier::new(std::slice::from_ref(&target));
        let mut teller = Self { folder, notifier, target, tasks: JoinSet::new() };
        let tally = Arc::clone(teller.tally());
        let outbox = Outbox::open(teller.target.clone(), &teller.database(), teller.notifier.bell(), tally).unwrap();
        teller.tasks.spawn(outbox.run(CancellationToken::new()));
        teller
    }

    /// Cuts it off, as a kill would; gives what is left on the disk.
    pub async fn kill(mut self) -> Arc<tempfile::TempDir> {
        self.tasks.shutdown().await;
        self.folder
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("ops.db")
    }

    pub fn tally(&self) -> &Arc<Tally> {
        &self.notifier.tallies()[0]
    }

    pub fn put(&self, id: i64) {
        put(&self.database(), &self.notifier, id, &transition(id));
    }

    pub fn count(&self, condition: &str) -> i64 {
        let connection = store::open(&self.database()).unwrap();
        let sql = format!("SELECT count(*) FROM notification WHERE {condition}");
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    }
}

/// An authority that signs for `localhost`.
pub struct Authority {
    pub pem: String,
    pub acceptor: TlsAcceptor,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap().pem();
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Self { pem: issuer.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}
