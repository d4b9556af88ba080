use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use super::{EDGES, Folder, Process, free_port, program};

/// Who looks on.
pub const VIEWER: &str = "control-room";

/// What the centre is called.
pub const CENTRE: &str = "tankline-ingest";

/// The program of an RMQTT node, which takes long to build: `deploy/rmqtt/node`.
const RMQTT_NODE: &str = "TANKLINE_RMQTT_NODE";

/// Which broker asks for certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecuredKind {
    Own,
    Mosquitto,
    Nats,
    /// One node of a cluster, alone.
    #[cfg_attr(not(feature = "rmqtt-node"), expect(dead_code, reason = "the node takes long to build"))]
    Rmqtt,
}

/// A broker with TLS and certificates, configured by the very files that users are given. Only ports and folders differ.
pub struct Secured {
    pub kind: SecuredKind,
    /// Where edges connect.
    pub edges: u16,
    /// Where the centre and viewers do.
    pub others: u16,
}

impl Secured {
    /// Founds an authority, makes all certificates, and writes the broker's configuration. The folder has `site.toml`.
    pub fn prepare(folder: &Folder, kind: SecuredKind) -> Self {
        ours(folder, &["ca", "init"]);
        ours(folder, &["ca", "issue", "--broker", "127.0.0.1"]);
        for edge in EDGES {
            ours(folder, &["ca", "issue", "--edge", &name_of(edge)]);
        }
        for client in [CENTRE, VIEWER] {
            ours(folder, &["ca", "issue", "--client", client]);
        }
        let edges = free_port();
        let others = if kind == SecuredKind::Mosquitto { free_port() } else { edges };
        let secured = Self { kind, edges, others };
        secured.configure(folder);
        secured
    }

    /// Gives the program of an RMQTT node.
    fn rmqtt_node() -> OsString {
        std::env::var_os(RMQTT_NODE).unwrap_or_else(|| panic!("{RMQTT_NODE} names no node"))
    }

    fn configure(&self, folder: &Folder) {
        let here = |name: &str| folder.join(name).display().to_string();
        let rights = |broker: &str| ours(folder, &["rights", "--for", broker, "--site", "site.toml", "--name", VIEWER]);
        let listen = format!("127.0.0.1:{}", self.edges);
        match self.kind {
            SecuredKind::Own => {
                let tls = "[tls]\ncertificate = \"127.0.0.1.crt\"\nkey = \"127.0.0.1.key\"\nclient_ca = \"ca/ca.crt\"\n\
                           crl = \"ca/ca.crl\"\n";
                let rights = "rights_file = \"rights.toml\"\n";
                folder.write("rights.toml", &format!("[[identity]]\nname = \"{VIEWER}\"\nrole = \"viewer\"\n"));
                folder.write("broker.toml", &format!("listen = \"{listen}\"\n{rights}{tls}"));
            }
            SecuredKind::Mosquitto => {
                let (edges, others) = (format!("{} 127.0.0.1", self.edges), format!("{} 127.0.0.1", self.others));
                let config = deployed(
                    "mosquitto/tankline.conf",
                    &[
                        ("listener 8883", format!("listener {edges}")),
                        ("listener 8884", format!("listener {others}")),
                        ("/etc/mosquitto/tankline/broker", here("127.0.0.1")),
                        ("/etc/mosquitto/tankline/ca", here("ca/ca")),
                        ("/etc/mosquitto/tankline/acl", here("acl")),
                    ],
                );
                // What Debian's own file has besides; root keeps the rights to read what is in this folder.
                let around = format!("persistence true\npersistence_location {}/\nuser root\n", here(""));
                folder.write("mosquitto.conf", &[around, config].concat());
                folder.write("acl", &rights("mosquitto"));
            }
            SecuredKind::Nats => {
                let config = deployed(
                    "nats/nats-server.conf",
                    &[
                        ("0.0.0.0:8883", listen),
                        ("127.0.0.1:4222", format!("127.0.0.1:{}", free_port())),
                        ("127.0.0.1:8222", format!("127.0.0.1:{}", free_port())),
                        ("/etc/nats/tankline/broker", here("127.0.0.1")),
                        ("/etc/nats/tankline/ca", here("ca/ca")),
                        ("/var/lib/nats/jetstream", here("jetstream")),
                    ],
                );
                folder.write("nats-server.conf", &config);
                folder.write("users.conf", &rights("nats"));
            }
            SecuredKind::Rmqtt => {
                let (between, raft) = (free_port(), free_port());
                let config = deployed(
                    "rmqtt/rmqtt.toml",
                    &[
                        ("0.0.0.0:8883", listen),
                        ("0.0.0.0:5363", format!("127.0.0.1:{between}")),
                        ("/etc/rmqtt/plugins", here("")),
                        ("/etc/rmqtt/tankline/broker", here("127.0.0.1")),
                        ("/etc/rmqtt/tankline/ca", here("ca/ca")),
                    ],
                );
                folder.write("rmqtt.toml", &config);
                folder.write("rmqtt-acl.toml", &rights("rmqtt"));
                folder.write("rmqtt-retainer.toml", &deployed("rmqtt/plugins/rmqtt-retainer.toml", &[]));
                // It looks for a leader among others and panics where there are none: the other is not there.
                let addresses = |port: u16| format!("[\"1@127.0.0.1:{port}\", \"2@127.0.0.1:{}\"]", free_port());
                let cluster =
                    format!("node_grpc_addrs = {}\nraft_peer_addrs = {}\n", addresses(between), addresses(raft));
                folder.write("rmqtt-cluster-raft.toml", &cluster);
            }
        }
    }

    /// Starts the broker.
    pub fn start(&self, folder: &Folder) -> Process {
        match self.kind {
            SecuredKind::Own => Process::run(folder, "broker", "tankline-broker", "broker.toml"),
            SecuredKind::Mosquitto => {
                Process::start(folder, "broker", Command::new("mosquitto").args(["-c", "mosquitto.conf", "-v"]))
            }
            SecuredKind::Nats => {
                Process::start(folder, "broker", Command::new("nats-server").args(["-c", "nats-server.conf"]))
            }
            SecuredKind::Rmqtt => {
                let mut node = Command::new(Self::rmqtt_node());
                Process::start(folder, "broker", node.args(["--config", "rmqtt.toml"]))
            }
        }
    }

    /// Gives the `[broker]` table of a part of tankline.
    pub fn table(&self, name: &str) -> String {
        format!(
            "[broker]\nurl = \"mqtts://127.0.0.1:{}\"\nca_file = \"ca/ca.crt\"\nclient_certificate_file = \"{name}.crt\"\n\
             client_key_file = \"{name}.key\"\n",
            self.port_of(name)
        )
    }

    /// Gives the start of a command of mosquitto's clients, for somebody with a certificate.
    pub fn client(&self, folder: &Folder, program: &str, name: &str, client_id: &str) -> Command {
        // Lines are wanted when they are said, not when a buffer is full.
        let mut command = Command::new("stdbuf");
        command.args(["-oL", program]).current_dir(folder.path()).args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port_of(name).to_string(),
        ]);
        command.args(["--cafile", "ca/ca.crt", "--cert", &format!("{name}.crt"), "--key", &format!("{name}.key")]);
        command.args(["-q", "1", "-i", client_id]);
        command
    }

    fn port_of(&self, name: &str) -> u16 {
        if EDGES.iter().any(|edge| name_of(edge) == name) { self.edges } else { self.others }
    }
}

/// Gives what an edge is called at the broker.
pub fn name_of(edge: &str) -> String {
    format!("bench.{edge}")
}

/// Runs our broker's program for something beside running; gives what it said.
pub fn ours(folder: &Folder, arguments: &[&str]) -> String {
    let output = Command::new(program("tankline-broker")).current_dir(folder.path()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Reads a file that users are given, with other ports and folders.
fn deployed(file: &str, changes: &[(&str, String)]) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(file);
    let mut text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for (theirs, ours) in changes {
        assert!(text.contains(theirs), "{file} has no {theirs}");
        text = text.replace(theirs, ours);
    }
    text
}
