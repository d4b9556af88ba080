//! What the broker is told by its configuration file.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tankline_domain::settings::{Document, Problems, Reader, Section};
use tankline_runtime::document;

use crate::PolicyFiles;
use crate::tls::{ClientCertificates, TlsFiles};

/// Environment variables of this prefix lie over the file: `TANKLINE_BROKER__LISTEN=127.0.0.1:2883`.
pub const ENV_PREFIX: &str = "TANKLINE_BROKER";

/// Everything the broker needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerConfig {
    /// Where clients connect; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where metrics and health are served; nowhere when absent.
    pub http: Option<SocketAddr>,
    /// Who may connect, everybody when absent; and what they may do, as it is built in when absent.
    pub files: PolicyFiles,
    /// How many clients may be connected at once.
    pub max_connections: usize,
    /// The largest packet that a client may send.
    pub max_packet_bytes: usize,
    /// How much is kept in memory of messages on their way to subscribers, of all together. Who is further behind is cut off.
    pub queue_mib: usize,
    /// How much one client may take for itself.
    pub limits: Limits,
}

/// How much one client may take for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections from one address; half of all when absent, and then any number from this machine.
    pub max_connections_per_address: Option<usize>,
    /// Packets a second from one client, without acknowledgements; 0 is without a limit. What is beyond is read later. Ten times
    /// as many from a client that may publish for many, as the centre.
    pub max_packets_per_s: u32,
    /// Filters that one client may have subscribed at once.
    pub max_subscriptions: usize,
    /// Filters that one client may bring since the start, that nobody had before and that its rights do not say literally.
    pub max_new_filters: usize,
    /// Filters that all clients may ever have subscribed: rumqttd keeps a log of each for ever, which takes up to 50 KiB for each
    /// MiB of the queue.
    pub max_filters: usize,
    /// Topics that all clients may ever have published to: rumqttd keeps something of each for ever. One client may bring half of
    /// those that rights do not say literally.
    pub max_topics: usize,
    /// How long a client may take from its connection to the end of its CONNECT.
    pub connect_timeout: Duration,
    /// How long a client may take for the next 16 KiB of what it is sent.
    pub send_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections_per_address: None,
            // An edge sends below 30 a second; with a backlog it gathers 16 readings at least in each. One that floods then
            // needs some 17 s to push a subscriber that stands still out of the queue, and not 2 s.
            max_packets_per_s: 500,
            max_subscriptions: 100,
            max_new_filters: 20,
            // With the default queue less than 500 MiB, when each has seen as many messages as it keeps.
            max_filters: 150,
            max_topics: 20_000,
            connect_timeout: Duration::from_secs(10),
            send_timeout: Duration::from_secs(30),
        }
    }
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 1883)),
            http: None,
            files: PolicyFiles::default(),
            max_connections: 1000,
            max_packet_bytes: 1024 * 1024,
            // One edge hands over at most 100 messages before one is acknowledged. With 500 readings in each, that is
            // 10 MB an edge: four edges that bring their backlog at once fit, and some ten thousand messages of a reading.
            queue_mib: 64,
            limits: Limits::default(),
        }
    }
}

impl BrokerConfig {
    /// Reads the configuration file, and the files of users and rights that it names.
    ///
    /// # Errors
    /// [`Problems`]: everything that is wrong with any of them.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let document = document::load(path, ENV_PREFIX)?;
        Self::read(&document, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads a document; other files are sought from `folder`.
    ///
    /// # Errors
    /// [`Problems`]: everything that is wrong with the document and with the files that it names.
    pub fn read(document: &Document, folder: &Path) -> Result<Self, Problems> {
        let reader = Reader::new(document);
        let root = reader.root();
        let default = Self::default();
        let listen: SocketAddr = root.or("listen", default.listen);
        let http: Option<SocketAddr> = root.optional_section("http").and_then(|http| {
            let listen = http.required("listen");
            http.finish();
            listen
        });
        let beside = |section: &Section<'_>, key| section.optional::<PathBuf>(key).map(|file| folder.join(file));
        let tls = root.optional_section("tls").and_then(|section| tls(&section, folder).inspect(|_| section.finish()));
        let files = PolicyFiles {
            users: beside(&root, "users_file"),
            rights: beside(&root, "rights_file"),
            denied: beside(&root, "deny_file"),
            tls,
        };
        let allow_anonymous = root.or("allow_anonymous", false);
        let max_connections = root.within("max_connections", 1..=100_000, default.max_connections);
        let max_packet_bytes =
            root.within("max_packet_bytes", 1024..=256 * 1024 * 1024 - 2048, default.max_packet_bytes);
        let queue_mib = root.within("queue_mib", 1..=4096, default.queue_mib);
        let limits = limits(&root);
        let certified = files.tls.as_ref().filter(|tls| tls.client_ca.is_some()).map(|tls| tls.clients);
        let asks = root.has("users_file") || certified == Some(ClientCertificates::Required);
        if certified == Some(ClientCertificates::Optional) && !root.has("users_file") {
            root.problem(
                "tls",
                "lets clients come without a certificate, and there is no users_file to hold them against",
            );
        }
        if asks && allow_anonymous {
            root.problem(
                "allow_anonymous",
                "contradicts users_file and certificates of clients; leave one of them out",
            );
        }
        if !asks && !allow_anonymous && !listen.ip().is_loopback() {
            root.problem(
                "listen",
                "is open to other machines, and everybody may connect; give a users_file or [tls] with a client_ca, or \
                 listen on 127.0.0.1, or write allow_anonymous = true when that is meant",
            );
        }
        root.finish();
        match (reader.finish(), files.read()) {
            (Ok(()), Ok(_)) => Ok(Self { listen, http, files, max_connections, max_packet_bytes, queue_mib, limits }),
            (Err(problems), Ok(_)) | (Ok(()), Err(problems)) => Err(problems),
            (Err(problems), Err(others)) => Err(problems.and(others)),
        }
    }
}

fn limits(root: &Section<'_>) -> Limits {
    let default = Limits::default();
    let seconds = |key, default: Duration| Duration::from_secs(root.within(key, 1..=3600, default.as_secs()));
    Limits {
        max_connections_per_address: root.optional_within("max_connections_per_address", 1..=100_000),
        max_packets_per_s: root.within("max_packets_per_s", 0..=10_000_000, default.max_packets_per_s),
        max_subscriptions: root.within("max_subscriptions", 1..=10_000, default.max_subscriptions),
        max_new_filters: root.within("max_new_filters", 1..=10_000, default.max_new_filters),
        max_filters: root.within("max_filters", 1..=1_000_000, default.max_filters),
        max_topics: root.within("max_topics", 1..=10_000_000, default.max_topics),
        connect_timeout: seconds("connect_timeout_s", default.connect_timeout),
        send_timeout: seconds("send_timeout_s", default.send_timeout),
    }
}

fn tls(section: &Section<'_>, folder: &Path) -> Option<TlsFiles> {
    let optional = |key| section.optional::<PathBuf>(key).map(|file| folder.join(file));
    let (client_ca, crl) = (optional("client_ca"), optional("crl"));
    let choices = [("required", ClientCertificates::Required), ("optional", ClientCertificates::Optional)];
    let clients = section.choice("clients", &choices);
    if client_ca.is_none() {
        for key in ["crl", "clients"] {
            if section.has(key) {
                section.problem(key, "says something of clients' certificates, and there is no client_ca to sign them");
            }
        }
    }
    let certificate: Option<PathBuf> = section.required("certificate");
    let key: Option<PathBuf> = section.required("key");
    Some(TlsFiles { certificate: folder.join(certificate?), key: folder.join(key?), client_ca, clients: clients?, crl })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<BrokerConfig, Problems> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("users"), "edge:secret\n").unwrap();
        let file = dir.path().join("broker.toml");
        std::fs::write(&file, text).unwrap();
        BrokerConfig::load(&file)
    }

    #[test]
    fn empty_file_gives_a_broker_for_this_machine_alone() {
        assert_eq!(config("").unwrap(), BrokerConfig::default());
        assert!(BrokerConfig::default().listen.ip().is_loopback());
    }

    #[test]
    fn users_file_is_sought_beside_the_configuration() {
        let config = config("listen = \"0.0.0.0:1883\"\nusers_file = \"users\"").unwrap();
        assert!(config.files.users.unwrap().ends_with("users"));
    }

    #[test]
    fn open_broker_without_users_must_be_meant() {
        let problems = config("listen = \"0.0.0.0:1883\"").unwrap_err().to_string();
        assert!(problems.contains("everybody may connect"), "{problems}");
        assert!(config("listen = \"0.0.0.0:1883\"\nallow_anonymous = true").is_ok());
    }

    #[test]
    fn all_problems_of_both_files_are_told_together() {
        let problems = config("listen = \"1883\"\nmax_packet_bytes = 7\nusers_file = \"nowhere\"\nport = 1883");
        let lines: Vec<_> = problems.unwrap_err().iter().map(ToString::to_string).collect();
        for part in
            ["listen = \"1883\"", "max_packet_bytes = 7", "port = 1883", "nowhere: the users file cannot be read"]
        {
            assert!(lines.iter().any(|line| line.contains(part)), "{part} in {lines:#?}");
        }
        assert_eq!(lines.len(), 4, "{lines:#?}");
    }
}
