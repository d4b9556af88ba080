//! The system under test with all that is around it: gauges, lines, network, processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};
use tankline_domain::names::EdgeName;
use tankline_domain::site::Site;
use tankline_domain::units::UnixMillis;
use tankline_edge::config::EdgeConfig;
use tankline_runtime::clock::{self, Day};

use super::historian::Historian;
use super::machine::Machine;
use super::process::Process;
use super::relay::Relay;
use super::witness::Witness;
use super::{EdgeProgram, PlayOptions};
use crate::audit::Answers;
use crate::line::{EmulatedLine, LineSpec, Place, UnitSpec};
use crate::plant::LivePlant;
use crate::role::Told;
use crate::scenario::command::{Link, LinkState, Role};
use crate::scenario::story::{DayOf, Story};

/// Answers that are remembered to be compared.
const ANSWERS: usize = 2_000_000;

/// How long a process may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Between two looks at what is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What edges log: they say of each request that went unanswered, which the audit needs.
const EDGE_LOG: &str = "info,tankline_edge=debug";

/// The system under test with all that is around it. Everything ends when it is dropped.
#[derive(Debug)]
pub struct Bench<'s> {
    pub(super) story: &'s Story,
    pub(super) options: &'s PlayOptions,
    folder: PathBuf,
    pub(super) plant: Arc<LivePlant>,
    /// What the gauges of each RTU answered.
    pub(super) answers: BTreeMap<EdgeName, Arc<Answers>>,
    pub(super) machines: BTreeMap<EdgeName, Machine>,
    pub(super) historian: Option<Historian>,
    pub(super) witness: Witness,
    /// The lines of the site; those of a twin are its own.
    pub(super) lines: Vec<EmulatedLine>,
    twins: Vec<Twin>,
    pub(super) links: BTreeMap<Link, Relay>,
    watching: Relay,
    broker: Option<SocketAddr>,
    pub(super) processes: BTreeMap<Role, Process>,
    /// What was told to end, and not to start again.
    pub(super) kept_down: BTreeSet<Role>,
    site_file: PathBuf,
    /// The day of the processes, where that is the story's and has begun.
    day: Option<Day>,
}

/// A second RTU with the identity of another.
#[derive(Debug)]
struct Twin {
    name: EdgeName,
    of: EdgeName,
    _lines: Vec<EmulatedLine>,
}

impl<'s> Bench<'s> {
    /// Starts gauges and network, and writes all configurations; no process runs yet, and the plant stands still.
    ///
    /// # Errors
    /// The machine has no more ports, terminals or disk, or the scenario's tables are no configuration.
    pub async fn prepare(story: &'s Story, options: &'s PlayOptions, folder: &Path) -> anyhow::Result<Self> {
        let site = &story.site.site;
        let plant = Arc::new(LivePlant::new(story.plant()?, clock::now(), story.speed));
        plant.pause(clock::now());
        let site_folder = folder.join("site");
        fs::create_dir_all(&site_folder)?;
        let site_file = story.site.write(&site_folder)?;
        let mut links = BTreeMap::new();
        links.insert(Link::Ingest, Relay::start().await?);
        let historian = if story.has_influxdb() { Some(Historian::start().await?) } else { None };
        if let Some(historian) = &historian {
            let relay = Relay::start().await?;
            relay.lead_to(Some(historian.address()));
            links.insert(Link::Influxdb, relay);
        }
        let watching = Relay::start().await?;
        let witness = Witness::start(watching.address(), site.name());
        let mut bench = Self {
            story,
            options,
            folder: folder.to_owned(),
            plant,
            answers: BTreeMap::new(),
            machines: BTreeMap::new(),
            historian,
            witness,
            lines: Vec::new(),
            twins: Vec::new(),
            links,
            watching,
            broker: None,
            processes: BTreeMap::new(),
            kept_down: BTreeSet::new(),
            site_file,
            day: None,
        };
        bench.configure()?;
        for edge in site.edges() {
            bench.install(edge, edge).await?;
        }
        if let Some(url) = &options.broker {
            let address = (url.host(), url.port()).to_socket_addrs();
            let address = address.ok().and_then(|mut found| found.next());
            bench.found_broker(Some(address.with_context(|| format!("broker {url} has no address"))?));
        }
        Ok(bench)
    }

    pub(super) fn site(&self) -> &Site {
        &self.story.site.site
    }

    /// Gives the folder of the story.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives the place of the database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.folder.join("ops.db")
    }

    /// Gives the place of a process's log.
    #[must_use]
    pub fn log(&self, role: &Role) -> PathBuf {
        self.folder.join(format!("{role}.log"))
    }

    fn config(&self, role: &Role) -> PathBuf {
        self.folder.join(format!("{role}.toml"))
    }

    /// Reads the configuration of an edge as the edge does.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn edge_config(&self, edge: &EdgeName) -> anyhow::Result<EdgeConfig> {
        Ok(EdgeConfig::load(&self.config(&Role::Edge(edge.clone())))?)
    }

    /// Tells whether somebody else runs the edges.
    #[must_use]
    pub fn is_of_others(&self) -> bool {
        self.options.edge == EdgeProgram::External
    }

    /// Says where the lines are and where to publish, for a system that somebody else runs.
    #[must_use]
    pub fn for_others(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            let units: Vec<_> = line.units().iter().map(|unit| format!("{} {}", unit.unit, unit.tank)).collect();
            text.push_str(&format!("  {} on {}: {}\n", line.name(), line.path().display(), units.join(", ")));
        }
        for (link, relay) in self.links.iter().filter(|(link, _)| matches!(link, Link::Edge(_))) {
            text.push_str(&format!("  {link} publishes to mqtt://{}\n", relay.address()));
        }
        text
    }

    fn configure(&mut self) -> anyhow::Result<()> {
        let overlays = &self.story.overlays;
        self.write(&Role::Broker, json!({"listen": "127.0.0.1:0"}), &overlays.broker)?;
        let broker = |link: &Link| json!({"url": format!("mqtt://{}", self.links[link].address())});
        let mut ingest = json!({
            "sites": [self.site_file], "database": "ops.db", "broker": broker(&Link::Ingest), "http": {"listen": "127.0.0.1:0"},
        });
        if let Some(relay) = self.links.get(&Link::Influxdb) {
            ingest["influxdb"] =
                json!({"url": format!("http://{}", relay.address()), "org": "bench", "bucket": "bench"});
        }
        self.write(&Role::Ingest, ingest, &overlays.ingest)?;
        Ok(())
    }

    /// Installs an RTU with the identity of `edge`: gauges, lines, network, and what it is told.
    ///
    /// # Errors
    /// The machine has no more ports or terminals, or the scenario's `[edge]` is no configuration.
    pub(super) async fn install(&mut self, name: &EdgeName, edge: &EdgeName) -> anyhow::Result<()> {
        let site = &self.story.site.site;
        let answers = Arc::new(Answers::new(ANSWERS, site.gauges().len()));
        let names: Vec<_> = site.lines().iter().map(|line| &line.name).collect();
        let places = self.options.places.resolve(&names)?;
        let (mut lines, mut ports) = (Vec::new(), Map::new());
        for (line, asked) in site.lines().iter().zip(places).filter(|(line, _)| line.edge == *edge) {
            let told = self.story.places.iter().find(|(name, _)| *name == line.name).map(|(_, place)| place.clone());
            let place = if asked == Place::Pty { told.unwrap_or_default() } else { asked };
            let (spec, units) = (LineSpec::of(line, self.story.seed), UnitSpec::all_of(site, &line.name));
            let running = EmulatedLine::start_at(&place, spec, units, &self.plant, answers.clone())?;
            ports.insert(line.name.to_string(), json!({"port": running.path()}));
            lines.push(running);
        }
        let relay = Relay::start().await?;
        relay.lead_to(self.broker);
        let config = json!({
            "edge": edge, "site": self.site_file, "broker": {"url": format!("mqtt://{}", relay.address())},
            "journal": {"dir": format!("journal-{name}")}, "line": ports,
        });
        self.links.insert(Link::Edge(name.clone()), relay);
        self.machines.insert(name.clone(), Machine::new());
        self.answers.insert(name.clone(), answers);
        if name == edge {
            self.lines.extend(lines);
        } else {
            self.twins.push(Twin { name: name.clone(), of: edge.clone(), _lines: lines });
        }
        self.write(&Role::Edge(name.clone()), config, &self.story.overlays.edge)?;
        self.edge_config(name).context("the scenario's [edge] cannot be used")?;
        Ok(())
    }

    /// Gives the identity under which an RTU publishes.
    #[must_use]
    pub fn identity_of<'n>(&'n self, name: &'n EdgeName) -> &'n EdgeName {
        self.twins.iter().find(|twin| twin.name == *name).map_or(name, |twin| &twin.of)
    }

    fn write(&self, role: &Role, mut config: Value, overlay: &Map<String, Value>) -> anyhow::Result<()> {
        lay_over(&mut config, overlay);
        Ok(fs::write(self.config(role), toml::to_string(&config)?)?)
    }

    pub(super) fn found_broker(&mut self, address: Option<SocketAddr>) {
        self.broker = address;
        let clients = self.links.iter().filter(|(link, _)| **link != Link::Influxdb).map(|(_, relay)| relay);
        clients.chain([&self.watching]).for_each(|relay| relay.lead_to(address));
    }

    /// Tells whether this process is the bench's to start and to stop.
    #[must_use]
    pub fn owns(&self, role: &Role) -> bool {
        match role {
            Role::Broker => self.options.broker.is_none(),
            Role::Edge(_) => !matches!(self.options.edge, EdgeProgram::External),
            Role::Ingest | Role::Influxdb => true,
        }
    }

    /// Gives all processes that the bench runs, in the order in which they start.
    #[must_use]
    pub fn roles(&self) -> Vec<Role> {
        let edges = self.site().edges().into_iter().cloned().map(Role::Edge);
        let roles = [Role::Broker, Role::Ingest].into_iter().chain(edges);
        roles.filter(|role| self.owns(role)).collect()
    }

    /// Starts a process that does not run; a broker takes clients when this returns.
    ///
    /// # Errors
    /// It cannot be started, or is not ready in time.
    pub async fn start(&mut self, role: &Role) -> anyhow::Result<()> {
        if *role == Role::Influxdb {
            self.historian_is(LinkState::Open);
            return Ok(());
        }
        self.kept_down.remove(role);
        if self.processes.contains_key(role) {
            return Ok(());
        }
        let own = |name: &str| {
            let mut program = Program::new(&self.options.program);
            program.args(["role", name, "--config"]).arg(self.config(role));
            program
        };
        let ready = self.folder.join("broker.ready");
        let program = match (role, &self.options.edge) {
            (Role::Broker, _) => {
                let _ = fs::remove_file(&ready);
                let mut program = own("broker");
                program.arg("--ready").arg(&ready);
                program
            }
            (Role::Edge(edge), EdgeProgram::Own) => {
                let machine = &self.machines[edge];
                let mut program = own("edge");
                program.args(["--boot", &machine.boot.to_string()]);
                for told in machine.told().into_iter().chain(self.day.map(Told::Day)) {
                    program.args(["--told", &told.to_string()]);
                }
                program.args(["--log-level", EDGE_LOG]);
                program
            }
            (Role::Edge(_), EdgeProgram::Program(path)) => {
                let mut program = Program::new(path);
                program.arg("run").arg("--config").arg(self.config(role)).args(["--log-level", EDGE_LOG]);
                program
            }
            (Role::Edge(edge), EdgeProgram::External) => bail!("edge {edge} is not run by the bench"),
            (Role::Ingest | Role::Influxdb, _) => own("ingest"),
        };
        let process = Process::start(program, &self.folder, &self.log(role));
        self.processes.insert(role.clone(), process.with_context(|| format!("cannot start {role}"))?);
        if *role == Role::Ingest {
            self.tell_day(role)?;
        }
        if let Role::Edge(edge) = role
            && let Some(machine) = self.machines.get_mut(edge)
        {
            machine.begins();
        }
        if *role == Role::Broker {
            let address = self.told_address(&ready).await?;
            self.found_broker(Some(address));
        }
        Ok(())
    }

    /// Lets the day of the processes be that of the story, where it says so.
    ///
    /// # Errors
    /// A process does not listen.
    pub fn begin_day(&mut self, from: UnixMillis) -> anyhow::Result<()> {
        if self.story.day == DayOf::Story {
            self.day = Some(Day { from, pace: self.story.speed });
            // The centre first: what comes from its future would be no reading of now.
            let edges = self.machines.keys().cloned().map(Role::Edge);
            for role in [Role::Ingest].into_iter().chain(edges).collect::<Vec<_>>() {
                self.tell_day(&role)?;
            }
        }
        Ok(())
    }

    /// Gives the day of the processes, where that is not the clock's.
    #[must_use]
    pub const fn day(&self) -> Option<Day> {
        self.day
    }

    fn tell_day(&mut self, role: &Role) -> anyhow::Result<()> {
        if let (Some(day), Some(process)) = (self.day, self.processes.get_mut(role)) {
            process.tell(&Told::Day(day).to_string())?;
        }
        Ok(())
    }

    async fn told_address(&mut self, ready: &Path) -> anyhow::Result<SocketAddr> {
        let until = clock::now() + READY_WITHIN;
        loop {
            if let Some(address) = fs::read_to_string(ready).ok().and_then(|text| text.parse().ok()) {
                return Ok(address);
            }
            self.check()?;
            if clock::now() >= until {
                bail!("the broker was not ready within {} s", READY_WITHIN.as_secs());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Tells whether a process was told to end, and not to start again.
    #[must_use]
    pub fn is_kept_down(&self, role: &Role) -> bool {
        self.kept_down.contains(role)
    }

    /// Waits until the centre says that it is there.
    ///
    /// # Errors
    /// It does not in time, or a process ended.
    pub async fn centre_is_there(&mut self) -> anyhow::Result<()> {
        let until = clock::now() + READY_WITHIN;
        while !self.witness.heard(|heard| heard.centre_is_online) {
            self.check()?;
            if clock::now() >= until {
                bail!("the centre was not there within {} s", READY_WITHIN.as_secs());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Holds that no process has ended by itself.
    ///
    /// # Errors
    /// Which one has, and how.
    pub fn check(&mut self) -> anyhow::Result<()> {
        for (role, process) in &mut self.processes {
            if let Some(status) = process.ended() {
                let log = fs::read_to_string(self.folder.join(format!("{role}.log"))).unwrap_or_default();
                let last: Vec<_> = log.lines().rev().take(5).collect();
                let last: Vec<_> = last.into_iter().rev().collect();
                bail!("{role} ended unasked with {status}; its last words:\n{}", last.join("\n"));
            }
        }
        Ok(())
    }

    /// Ends everything that runs.
    pub async fn end(&mut self) {
        for role in [Role::Ingest, Role::Broker] {
            if let Some(process) = self.processes.remove(&role) {
                let _ = process.stop().await;
            }
        }
    }
}

/// Lays tables over a configuration, key by key.
fn lay_over(under: &mut Value, over: &Map<String, Value>) {
    let Some(under) = under.as_object_mut() else { return };
    for (key, value) in over {
        match (under.get_mut(key), value) {
            (Some(inner @ Value::Object(_)), Value::Object(value)) => lay_over(inner, value),
            _ => {
                under.insert(key.clone(), value.clone());
            }
        }
    }
}
