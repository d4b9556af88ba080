//! What the broker is told by its configuration file.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use tankline_domain::settings::{Document, Problems, Reader};
use tankline_runtime::document;

use crate::PolicyFiles;

/// Environment variables of this prefix lie over the file: `TANKLINE_BROKER__LISTEN=127.0.0.1:2883`.
pub const ENV_PREFIX: &str = "TANKLINE_BROKER";

/// Everything the broker needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerConfig {
    /// Where clients connect; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Who may connect, everybody when absent; and what they may do, as it is built in when absent.
    pub files: PolicyFiles,
    /// How many clients may be connected at once.
    pub max_connections: usize,
    /// The largest packet that a client may send.
    pub max_packet_bytes: usize,
    /// How much is kept in memory for one topic filter, for subscribers that are slow; then the oldest are lost.
    pub queue_mib: usize,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 1883)),
            files: PolicyFiles::default(),
            max_connections: 1000,
            max_packet_bytes: 1024 * 1024,
            // One edge hands over at most 100 messages before one is acknowledged. With 500 readings in each, that is
            // 10 MB an edge: four edges that bring their backlog at once fit. Memory grows only as far as messages
            // came, and only for filters that see many: those of the readings.
            queue_mib: 64,
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
        let beside = |key| root.optional::<PathBuf>(key).map(|file| folder.join(file));
        let files = PolicyFiles { users: beside("users_file"), rights: beside("rights_file") };
        let allow_anonymous = root.or("allow_anonymous", false);
        let max_connections = root.within("max_connections", 1..=100_000, default.max_connections);
        let max_packet_bytes = root.within("max_packet_bytes", 1024..=256 * 1024 * 1024 - 1, default.max_packet_bytes);
        let queue_mib = root.within("queue_mib", 1..=4096, default.queue_mib);
        let has_users = root.has("users_file");
        if has_users && allow_anonymous {
            root.problem("allow_anonymous", "contradicts users_file; leave one of them out");
        }
        if !has_users && !allow_anonymous && !listen.ip().is_loopback() {
            root.problem(
                "listen",
                "is open to other machines, and everybody may connect; give a users_file, or listen on 127.0.0.1, \
                 or write allow_anonymous = true when that is meant",
            );
        }
        root.finish();
        match (reader.finish(), files.read()) {
            (Ok(()), Ok(_)) => Ok(Self { listen, files, max_connections, max_packet_bytes, queue_mib }),
            (Err(problems), Ok(_)) | (Ok(()), Err(problems)) => Err(problems),
            (Err(problems), Err(others)) => Err(problems.and(others)),
        }
    }
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
