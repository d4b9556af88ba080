use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tankline_domain::message::JournalId;
use tankline_domain::reading::{Quality, Reading};
use tankline_domain::units::{Celsius, Millimetres, UnixMillis};
use tankline_edge::journal::{Entry, Journal, JournalConfig};
use tankline_runtime::clock;

use super::{
    Account, CENTRE, Database, Death, EDGES, Folder, Process, Secured, SecuredKind, Station, Unanswered, free_port,
    name_of, program, wait_for_ok, wait_until,
};

/// Long enough for a loaded machine and the longest back-off.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// A process of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Broker,
    Ingest,
    /// One of [`EDGES`], by its place there.
    Edge(usize),
}

/// Which broker the system has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BrokerKind {
    /// Ours, with users.
    #[default]
    Own,
    /// One that asks for certificates.
    Secured(SecuredKind),
}

/// What is different from the usual.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub broker: BrokerKind,
    /// The `[influxdb]` table of ingest.
    pub influxdb: String,
    /// More of the site's description.
    pub site: String,
}

/// A broker, an ingest worker, two edges and their gauges.
pub struct System {
    processes: BTreeMap<Role, Process>,
    deaths: Vec<Death>,
    pub station: Station,
    pub database: Database,
    pub secured: Option<Secured>,
    pub broker_port: u16,
    pub folder: Folder,
}

impl System {
    /// Starts the gauges and writes all configurations; no process runs yet.
    pub fn prepare(plan: &Plan) -> Self {
        let folder = Folder::new();
        let station = Station::start(&folder, &plan.site);
        let secured = match plan.broker {
            BrokerKind::Own => None,
            BrokerKind::Secured(kind) => Some(Secured::prepare(&folder, kind)),
        };
        let broker_port = secured.as_ref().map_or_else(free_port, |secured| secured.edges);
        if secured.is_none() {
            configure_own(&folder, broker_port);
        }
        let broker = |user: &str| match &secured {
            Some(secured) => secured.table(user),
            None => format!(
                "[broker]\nurl = \"mqtt://127.0.0.1:{broker_port}\"\nuser = \"{user}\"\npassword_file = \"password\"\n"
            ),
        };
        for edge in EDGES {
            let own = format!("edge = \"{edge}\"\nsite = \"site.toml\"\n[journal]\ndir = \"journal-{edge}\"\n");
            folder.write(&format!("{edge}.toml"), &[own, broker(&name_of(edge)), station.port_of(edge)].concat());
        }
        let own = "sites = [\"site.toml\"]\ndatabase = \"ops.db\"\n[http]\nlisten = \"127.0.0.1:0\"\n";
        folder.write("ingest.toml", &[own, &broker(CENTRE), &plan.influxdb].concat());
        let database = Database::new(folder.join("ops.db"));
        Self { processes: BTreeMap::new(), deaths: Vec::new(), station, database, secured, broker_port, folder }
    }

    /// Starts all of it and waits until every tank's readings arrive.
    pub fn start(plan: &Plan) -> Self {
        let mut system = Self::prepare(plan);
        system.run_all();
        system
    }

    /// Starts all processes and waits until every tank's readings arrive.
    pub fn run_all(&mut self) {
        self.run(Role::Broker);
        self.run(Role::Ingest);
        (0..EDGES.len()).for_each(|edge| self.run(Role::Edge(edge)));
        self.wait_until_live();
    }

    /// Starts a process that does not run; the broker takes clients when this returns.
    pub fn run(&mut self, role: Role) {
        let name = role.to_string();
        let process = match (role, &self.secured) {
            (Role::Broker, None) => Process::run(&self.folder, &name, "tankline-broker", "broker.toml"),
            (Role::Broker, Some(secured)) => secured.start(&self.folder),
            (Role::Ingest, _) => Process::run(&self.folder, &name, "tankline-ingest", "ingest.toml"),
            (Role::Edge(_), _) => Process::run(&self.folder, &name, "tankline-edge", &format!("{name}.toml")),
        };
        let earlier = self.processes.insert(role, process);
        assert!(earlier.is_none(), "{role} runs already");
        if let Some(death) = self.deaths.iter_mut().rfind(|death| death.edge == name && death.until_ms == i64::MAX) {
            death.until_ms = clock::unix_ms().get();
        }
        if role == Role::Broker {
            let address = (Ipv4Addr::LOCALHOST, self.broker_port);
            wait_until("the broker takes clients", DEADLINE, || TcpStream::connect(address).is_ok());
        }
    }

    /// Kills a process with SIGKILL.
    pub fn kill(&mut self, role: Role) {
        if let Role::Edge(_) = role {
            let (edge, from_ms) = (role.to_string(), clock::unix_ms().get());
            self.deaths.push(Death { edge, from_ms, until_ms: i64::MAX });
        }
        self.processes.remove(&role).expect("it runs").kill();
    }

    /// Tells a process to stop, and holds that it does so in good order.
    #[track_caller]
    pub fn stop(&mut self, role: Role, signal: Signal) {
        let status = self.processes.remove(&role).expect("it runs").stop(signal);
        // What does not end within the grace is a failure.
        assert_eq!(status.code(), Some(0), "{role} ended in good order");
    }

    /// Waits until every tank has a good reading in the history that is newer than this call.
    #[track_caller]
    pub fn wait_until_live(&self) {
        let (since, tanks) = (clock::unix_ms().get(), self.station.tanks().len());
        wait_until("every tank has a new reading in the history", DEADLINE, || {
            self.database.newest_good().iter().filter(|(_, at_ms)| *at_ms > since).count() == tanks
        });
    }

    /// Waits until the history holds all that the gauges gave away before this call.
    #[track_caller]
    pub fn wait_until_committed(&self) {
        let asked = clock::unix_ms();
        wait_for_ok("what was given away is in the history", DEADLINE, || {
            let mut account = self.account();
            account.lost.retain(|reply| reply.at <= asked);
            if account.lost.is_empty() { Ok(()) } else { Err(format!("but for {:#?}\n{account}", account.lost)) }
        });
    }

    /// Compares what the gauges gave away with the history.
    pub fn account(&self) -> Account {
        let unanswered = EDGES.iter().flat_map(|edge| Unanswered::all_in(&self.folder.log(edge))).collect();
        Account::of(&self.station, &self.database.readings(), &self.deaths, unanswered)
    }

    /// Ends polling in good order, and waits until the history holds all that the edges journalled.
    #[track_caller]
    pub fn settle(&mut self) -> Account {
        self.wait_until_committed();
        for _ in 0..3 {
            (0..EDGES.len()).for_each(|edge| self.stop(Role::Edge(edge), Signal::TERM));
            if self.is_drained() {
                break;
            }
            // The centre was too slow for the goodbye; what is left goes out with the next start.
            println!("the edges have left something for the next start");
            (0..EDGES.len()).for_each(|edge| self.run(Role::Edge(edge)));
            self.wait_until_live();
        }
        let account = self.account();
        println!("{account}");
        account
    }

    /// Holds that the status command says of every edge what is in the history.
    #[track_caller]
    pub fn assert_status_is_whole(&self) {
        let mut status = Command::new(program("tankline-ingest"));
        let output = status.args(["status", "--json", "--db"]).arg(self.database.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        let journals = status["journals"].as_array().unwrap();
        for edge in EDGES {
            let readings = self.database.readings().into_iter().filter(|row| row.edge == edge).count();
            let of_edge: Vec<_> = journals.iter().filter(|journal| journal["edge"] == edge).collect();
            assert!(of_edge.iter().all(|journal| journal["missing"] == 0), "{status:#}");
            let told: u64 = of_edge.iter().filter_map(|journal| journal["readings"].as_u64()).sum();
            assert_eq!(told, u64::try_from(readings).unwrap(), "{status:#}");
        }
    }

    /// Tells whether the history holds all that stands in the journals of the edges, which must not run.
    fn is_drained(&self) -> bool {
        let rows = self.database.readings();
        let known: HashSet<_> = rows.iter().map(|row| (row.edge.as_str(), row.journal.as_str(), row.seq)).collect();
        EDGES.into_iter().all(|edge| {
            self.journalled(edge).iter().all(|entry| {
                known.contains(&(edge, entry.journal.to_string().as_str(), i64::try_from(entry.seq).unwrap()))
            })
        })
    }

    /// Gives what is left in the journal of an edge that does not run.
    pub fn journalled(&self, edge: &str) -> Vec<Entry> {
        let mut journal = self.journal(edge);
        let contents = journal.contents();
        let fetch = |(id, numbers): (JournalId, std::ops::RangeInclusive<u64>)| {
            journal.fetch(id, *numbers.start(), *numbers.end(), usize::MAX).unwrap()
        };
        let entries = contents.into_iter().flat_map(fetch).collect();
        journal.close().unwrap();
        entries
    }

    /// Puts readings of an hour ago into the journal of an edge that does not run, one a millisecond.
    pub fn prefill(&self, edge: &str, readings: i64) {
        let (tank, _) = self.station.tanks().into_iter().find(|(_, (owner, _))| owner.as_str() == edge).unwrap();
        let from = clock::unix_ms().get() - 3_600_000;
        let mut journal = self.journal(edge);
        for at in from..from + readings {
            let reading = Reading {
                tank: tank.clone(),
                at: UnixMillis::new(at),
                level: Some(Millimetres::new(2000.0)),
                interface: Some(Millimetres::new(200.0)),
                temperature: Some(Celsius::new(20.0)),
                layer: None,
                quality: Quality::Good,
            };
            journal.append(&reading).unwrap();
        }
        journal.close().unwrap();
    }

    fn journal(&self, edge: &str) -> Journal {
        let dir = self.folder.join(format!("journal-{edge}"));
        Journal::open(JournalConfig { dir, max_bytes: 64 << 20, segment_bytes: 256 << 10 }).unwrap().0
    }
}

fn configure_own(folder: &Folder, port: u16) {
    let config = format!("listen = \"127.0.0.1:{port}\"\nusers_file = \"users\"\nrights_file = \"rights.toml\"\n");
    folder.write("broker.toml", &config);
    folder.write("users", "bench.rtu-01:secret\nbench.rtu-02:secret\ntankline-ingest:secret\nstranger:secret\n");
    folder.write("rights.toml", "[[identity]]\nname = \"stranger\"\nrole = \"anyone\"\n");
    folder.write("password", "secret\n");
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker => f.write_str("broker"),
            Self::Ingest => f.write_str("ingest"),
            Self::Edge(index) => f.write_str(EDGES[*index]),
        }
    }
}
