//! The system under test with all that is around it: gauges, lines, network, processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde_json::{Map, Value, json};
use tankline_domain::names::EdgeName;
use tankline_domain::site::Site;
use tankline_edge::config::EdgeConfig;
use tankline_runtime::clock;

use super::historian::Historian;
use super::machine::Machine;
use super::process::Process;
use super::relay::Relay;
use super::witness::Witness;
use super::{EdgeProgram, PlayOptions};
use crate::audit::Answers;
use crate::line::{EmulatedLine, LineSpec, UnitSpec};
use crate::plant::{LivePlant, Plant};
use crate::role::Told;
use crate::scenario::command::{Act, FaultCommand, Link, LinkState, Role};
use crate::scenario::story::Story;

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
    story: &'s Story,
    options: &'s PlayOptions,
    folder: PathBuf,
    pub(super) plant: Arc<LivePlant>,
    pub(super) answers: Arc<Answers>,
    pub(super) machines: BTreeMap<EdgeName, Machine>,
    pub(super) historian: Option<Historian>,
    pub(super) witness: Witness,
    lines: Vec<EmulatedLine>,
    links: BTreeMap<Link, Relay>,
    watching: Relay,
    broker: Option<SocketAddr>,
    processes: BTreeMap<Role, Process>,
    /// What was told to end, and not to start again.
    kept_down: BTreeSet<Role>,
}

impl<'s> Bench<'s> {
    /// Starts gauges and network, and writes all configurations; no process runs yet, and the plant stands still.
    ///
    /// # Errors
    /// The machine has no more ports, terminals or disk, or the scenario's tables are no configuration.
    pub async fn prepare(story: &'s Story, options: &'s PlayOptions, folder: &Path) -> anyhow::Result<Self> {
        let site = &story.site.site;
        let mut plant = Plant::new(site, story.seed);
        for command in &story.start {
            plant.command(command)?;
        }
        super::schedule(story, &mut plant)?;
        let plant = Arc::new(LivePlant::new(plant, clock::now(), story.speed));
        plant.pause(clock::now());
        let answers = Arc::new(Answers::new(ANSWERS, site.gauges().len()));
        let line = |line: &tankline_domain::site::Line| {
            EmulatedLine::start(
                LineSpec::of(line, story.seed),
                UnitSpec::all_of(site, &line.name),
                &plant,
                answers.clone(),
            )
        };
        let lines = site.lines().iter().map(line).collect::<Result<Vec<_>, _>>()?;
        let mut links = BTreeMap::new();
        for edge in site.edges() {
            links.insert(Link::Edge(edge.clone()), Relay::start().await?);
        }
        links.insert(Link::Ingest, Relay::start().await?);
        let historian = if story.has_influxdb() { Some(Historian::start().await?) } else { None };
        if let Some(historian) = &historian {
            let relay = Relay::start().await?;
            relay.lead_to(Some(historian.address()));
            links.insert(Link::Influxdb, relay);
        }
        let watching = Relay::start().await?;
        let witness = Witness::start(watching.address(), site.name());
        let machines = site.edges().into_iter().map(|edge| (edge.clone(), Machine::new())).collect();
        let mut bench = Self {
            story,
            options,
            folder: folder.to_owned(),
            plant,
            answers,
            machines,
            historian,
            witness,
            lines,
            links,
            watching,
            broker: None,
            processes: BTreeMap::new(),
            kept_down: BTreeSet::new(),
        };
        bench.configure()?;
        if let Some(url) = &options.broker {
            let address = (url.host(), url.port()).to_socket_addrs();
            let address = address.ok().and_then(|mut found| found.next());
            bench.found_broker(Some(address.with_context(|| format!("broker {url} has no address"))?));
        }
        Ok(bench)
    }

    fn site(&self) -> &Site {
        &self.story.site.site
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
        let site_folder = self.folder.join("site");
        fs::create_dir_all(&site_folder)?;
        let site_file = self.story.site.write(&site_folder)?;
        let overlays = &self.story.overlays;
        self.write(&Role::Broker, json!({"listen": "127.0.0.1:0"}), &overlays.broker)?;
        let broker = |link: &Link| json!({"url": format!("mqtt://{}", self.links[link].address())});
        let mut ingest = json!({
            "sites": [site_file], "database": "ops.db", "broker": broker(&Link::Ingest), "http": {"listen": "127.0.0.1:0"},
        });
        if let Some(relay) = self.links.get(&Link::Influxdb) {
            ingest["influxdb"] =
                json!({"url": format!("http://{}", relay.address()), "org": "bench", "bucket": "bench"});
        }
        self.write(&Role::Ingest, ingest, &overlays.ingest)?;
        for edge in self.site().edges() {
            let mut ports = Map::new();
            for line in
                self.lines.iter().filter(|line| self.site().lines_of(edge).any(|owned| owned.name == *line.name()))
            {
                ports.insert(line.name().to_string(), json!({"port": line.path()}));
            }
            let config = json!({
                "edge": edge, "site": site_file, "broker": broker(&Link::Edge(edge.clone())),
                "journal": {"dir": format!("journal-{edge}")}, "line": ports,
            });
            self.write(&Role::Edge(edge.clone()), config, &overlays.edge)?;
            self.edge_config(edge).context("the scenario's [edge] cannot be used")?;
        }
        Ok(())
    }

    fn write(&self, role: &Role, mut config: Value, overlay: &Map<String, Value>) -> anyhow::Result<()> {
        lay_over(&mut config, overlay);
        Ok(fs::write(self.config(role), toml::to_string(&config)?)?)
    }

    fn found_broker(&mut self, address: Option<SocketAddr>) {
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
                for told in machine.told() {
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

    /// Puts faults on a gauge or a line.
    ///
    /// # Errors
    /// There is no such gauge.
    pub fn fault(&self, command: &FaultCommand) -> anyhow::Result<()> {
        let place = command.place(self.site()).map_err(|wrong| anyhow!(wrong))?;
        let line = self.lines.iter().find(|line| *line.name() == place.line).context("a line of the site")?;
        line.set_faults(place.target, command.faults.clone());
        Ok(())
    }

    /// Does something to the system.
    ///
    /// # Errors
    /// What failed.
    pub async fn act(&mut self, act: &Act) -> anyhow::Result<()> {
        match act {
            Act::Kill(role) => self.kill(role),
            Act::Stop(role) => self.stop(role).await,
            Act::Start(role) => self.start(role).await,
            Act::Restart(role) => {
                self.stop(role).await?;
                self.start(role).await
            }
            Act::PowerCut(edge) => self.power_cut(edge).await,
            Act::Link(link, state) => {
                self.link(link)?.set(*state);
                Ok(())
            }
            Act::Drop(link) => {
                self.link(link)?.drop_connections();
                Ok(())
            }
            Act::Disk(edge, state) => {
                let told = self.machine(edge)?.set_disk(*state);
                self.tell(edge, told)
            }
            Act::Clock(edge, setting) => {
                let told = self.machine(edge)?.set_clock(*setting);
                self.tell(edge, told)
            }
            Act::Refuse(status) => {
                self.historian.as_ref().context("there is no historian")?.refuse(*status);
                Ok(())
            }
        }
    }

    fn link(&self, link: &Link) -> anyhow::Result<&Relay> {
        self.links.get(link).with_context(|| format!("there is no connection of {link}"))
    }

    fn machine(&mut self, edge: &EdgeName) -> anyhow::Result<&mut Machine> {
        if !matches!(self.options.edge, EdgeProgram::Own) {
            bail!("disk and clock of {edge} are those of a real machine; leave --edge out to disturb them");
        }
        self.machines.get_mut(edge).with_context(|| format!("there is no edge {edge}"))
    }

    fn tell(&mut self, edge: &EdgeName, told: Told) -> anyhow::Result<()> {
        match self.processes.get_mut(&Role::Edge(edge.clone())) {
            Some(process) => Ok(process.tell(&told.to_string())?),
            // It is told when it starts.
            None => Ok(()),
        }
    }

    fn historian_is(&self, state: LinkState) {
        if let Some(relay) = self.links.get(&Link::Influxdb) {
            relay.set(state);
        }
    }

    fn kill(&mut self, role: &Role) -> anyhow::Result<()> {
        if *role == Role::Influxdb {
            self.historian_is(LinkState::Cut);
            return Ok(());
        }
        if let Some(process) = self.takes_leave(role, Duration::ZERO)? {
            process.kill();
        }
        Ok(())
    }

    /// Tells a process to stop, and waits until it has.
    ///
    /// # Errors
    /// It does not stop in good order.
    pub async fn stop(&mut self, role: &Role) -> anyhow::Result<()> {
        if *role == Role::Influxdb {
            self.historian_is(LinkState::Cut);
            return Ok(());
        }
        let Some(process) = self.takes_leave(role, Duration::ZERO)? else { return Ok(()) };
        process.stop().await.map_err(|wrong| anyhow!("{role} was told to stop: {wrong}"))
    }

    async fn power_cut(&mut self, edge: &EdgeName) -> anyhow::Result<()> {
        self.machine(edge)?.boot = fastrand::u64(..);
        let unsynced = self.edge_config(edge)?.sync_interval;
        let Some(mut process) = self.takes_leave(&Role::Edge(edge.clone()), unsynced)? else { return Ok(()) };
        process.tell(&Told::PowerCut.to_string())?;
        process.ends_itself().await;
        Ok(())
    }

    /// Takes a process out that is to end; `None` when it does not run.
    fn takes_leave(&mut self, role: &Role, unsynced: Duration) -> anyhow::Result<Option<Process>> {
        if !self.owns(role) {
            bail!("{role} is not run by the bench");
        }
        let process = self.processes.remove(role);
        self.kept_down.insert(role.clone());
        match role {
            Role::Edge(edge) if process.is_some() => {
                if let Some(machine) = self.machines.get_mut(edge) {
                    machine.ends(unsynced);
                }
            }
            Role::Broker => self.found_broker(None),
            _ => {}
        }
        Ok(process)
    }

    /// Mends all that was disturbed from outside, so that what is under way can arrive.
    ///
    /// # Errors
    /// A process cannot be started.
    pub async fn mend(&mut self) -> anyhow::Result<()> {
        self.links.values().for_each(|relay| relay.set(LinkState::Open));
        if let Some(historian) = &self.historian {
            historian.refuse(None);
        }
        let edges: Vec<_> = self.machines.keys().cloned().collect();
        for edge in edges {
            if matches!(self.options.edge, EdgeProgram::Own) {
                let told = self.machine(&edge)?.set_disk(crate::scenario::command::DiskState::Good);
                self.tell(&edge, told)?;
            }
        }
        for role in self.roles() {
            self.start(&role).await?;
        }
        Ok(())
    }

    /// Closes the connections of the edges: each says how it fares when it connects again.
    pub fn ask_for_health(&self) {
        let edges = self.links.iter().filter(|(link, _)| matches!(link, Link::Edge(_)));
        edges.for_each(|(_, relay)| relay.drop_connections());
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
