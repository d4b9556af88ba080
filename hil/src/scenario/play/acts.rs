//! What is done to the system while a story is played.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use tankline_domain::names::EdgeName;

use super::EdgeProgram;
use super::bench::Bench;
use super::machine::Machine;
use super::process::Process;
use super::relay::Relay;
use crate::role::Told;
use crate::scenario::command::{Act, DiskState, FaultCommand, Link, LinkState, Role, twin_of};

impl Bench<'_> {
    /// Puts faults on gauges or a line.
    ///
    /// # Errors
    /// There is no such gauge, or no such fault where the line is.
    pub fn fault(&self, command: &FaultCommand) -> anyhow::Result<()> {
        for place in command.places(self.site()).map_err(|wrong| anyhow!(wrong))? {
            let line = self.lines.iter().find(|line| *line.name() == place.line).context("a line of the site")?;
            line.handle().set_faults(place.target, command.faults.clone())?;
        }
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
            Act::Twin(edge) => {
                let twin = twin_of(edge);
                if !self.machines.contains_key(&twin) {
                    self.install(&twin, edge).await?;
                }
                self.start(&Role::Edge(twin)).await
            }
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

    pub(super) fn historian_is(&self, state: LinkState) {
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
                let told = self.machine(&edge)?.set_disk(DiskState::Good);
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
}
