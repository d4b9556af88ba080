use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use tankline_domain::names::{LineName, TankName};
use thiserror::Error;

use super::endpoint::{Endpoint, Pty, Serial, Tcp};
use super::packets::PacketServer;
use super::worker::{Core, Shared, Worker};
use super::{
    Bus, Fault, FaultTarget, LineCounters, LineFault, LineHandle, LineSpec, Place, PtyError, SerialError, ServedSink,
    UnitSpec,
};
use crate::gauge::{Gauge, ReadValues, RegisterImage};
use crate::plant::LivePlant;

/// A line could not be emulated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LineError {
    /// A gauge stands on a tank that the plant does not have.
    #[error("line {line}: unit {unit} stands on tank {tank}, which the plant does not have")]
    UnknownTank {
        /// The line.
        line: LineName,
        /// The gauge.
        unit: u8,
        /// The tank.
        tank: TankName,
    },
    /// There is no pseudo-terminal for it.
    #[error("line {line} has no port")]
    Pty {
        /// The line.
        line: LineName,
        /// Why not.
        source: PtyError,
    },
    /// Its serial port cannot be used.
    #[error("line {line} has no port")]
    Serial {
        /// The line.
        line: LineName,
        /// Why not.
        source: SerialError,
    },
    /// Nobody can connect at its address.
    #[error("line {line} cannot listen on {address}")]
    Listen {
        /// The line.
        line: LineName,
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// There is no thread for it.
    #[error("line {line} has no thread")]
    Thread {
        /// The line.
        line: LineName,
        /// Why not.
        source: io::Error,
    },
}

/// A line that runs: its port can be opened like a serial port, and its gauges answer there.
///
/// It ends when it is stopped or dropped.
pub struct EmulatedLine {
    handle: LineHandle,
    thread: Option<JoinHandle<()>>,
}

impl EmulatedLine {
    /// Starts a line on a pseudo-terminal with these gauges, which measure the tanks of `plant`, and tells `sink` what they
    /// gave away.
    ///
    /// # Errors
    /// [`LineError`] when a gauge has no tank, or the system no pseudo-terminal or thread.
    pub fn start(
        spec: LineSpec,
        units: Vec<UnitSpec>,
        plant: &Arc<LivePlant>,
        sink: Arc<dyn ServedSink>,
    ) -> Result<Self, LineError> {
        Self::start_at(&Place::Pty, spec, units, plant, sink)
    }

    /// Starts a line where it is to be.
    ///
    /// # Errors
    /// [`LineError`] when a gauge has no tank, or the place cannot be had.
    pub fn start_at(
        place: &Place,
        spec: LineSpec,
        units: Vec<UnitSpec>,
        plant: &Arc<LivePlant>,
        sink: Arc<dyn ServedSink>,
    ) -> Result<Self, LineError> {
        let measuring = |unit: UnitSpec| Ok((measuring(&spec.name, &unit, plant)?, unit));
        let units = units.into_iter().map(measuring).collect::<Result<Vec<_>, LineError>>()?;
        Self::start_gauges(place, spec, units, sink)
    }

    /// Starts a line on a pseudo-terminal with gauges that show what they are told to.
    ///
    /// # Errors
    /// [`LineError`] when the system has no pseudo-terminal or thread.
    pub fn start_showing(
        spec: LineSpec,
        units: Vec<(UnitSpec, ReadValues)>,
        sink: Arc<dyn ServedSink>,
    ) -> Result<Self, LineError> {
        Self::start_showing_at(&Place::Pty, spec, units, sink)
    }

    /// Starts a line where it is to be, with gauges that show what they are told to.
    ///
    /// # Errors
    /// [`LineError`] when the place cannot be had.
    pub fn start_showing_at(
        place: &Place,
        spec: LineSpec,
        units: Vec<(UnitSpec, ReadValues)>,
        sink: Arc<dyn ServedSink>,
    ) -> Result<Self, LineError> {
        let told = |(unit, values): (UnitSpec, ReadValues)| (Gauge::new(unit.unit, image_of(&unit), values), unit);
        Self::start_gauges(place, spec, units.into_iter().map(told).collect(), sink)
    }

    fn start_gauges(
        place: &Place,
        spec: LineSpec,
        units: Vec<(Gauge, UnitSpec)>,
        sink: Arc<dyn ServedSink>,
    ) -> Result<Self, LineError> {
        let (endpoint, place, path) = open(place, &spec)?;
        let LineSpec { name, framing, turnaround, seed } = spec;
        let (gauges, units): (Vec<_>, Vec<_>) = units.into_iter().unzip();
        let bus = |gauges| Bus::new(framing.into(), turnaround, gauges, seed);
        let core = match place {
            Place::Pty | Place::RtuOverTcp(_) => Core::Wire(bus(gauges)),
            Place::Port(_) => Core::Wire(bus(gauges).on_a_real_wire()),
            Place::ModbusTcp(_) => Core::Packets(PacketServer::new(turnaround, gauges, seed)),
        };
        let no_thread = |source| LineError::Thread { line: name.clone(), source };
        let shared = Arc::new(Shared::new(core).map_err(no_thread)?);
        let units: Arc<[UnitSpec]> = units.into();
        let worker = Worker { name: name.clone(), endpoint, units: units.clone(), shared: shared.clone(), sink };
        let thread = std::thread::Builder::new().name(format!("hil-{name}")).spawn(move || worker.run());
        let thread = Some(thread.map_err(no_thread)?);
        Ok(Self { handle: LineHandle { name, place, path, units, shared }, thread })
    }

    /// Gives what looks at the line and gives it faults.
    #[must_use]
    pub fn handle(&self) -> &LineHandle {
        &self.handle
    }

    /// Gives the name of the line.
    #[must_use]
    pub fn name(&self) -> &LineName {
        self.handle.name()
    }

    /// Gives the path that a master opens; of a line at a TCP address its address, such as `tcp://127.0.0.1:502`.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.handle.path()
    }

    /// Gives the gauges on the line.
    #[must_use]
    pub fn units(&self) -> &[UnitSpec] {
        self.handle.units()
    }

    /// Gives what has happened on the line so far.
    #[must_use]
    pub fn counters(&self) -> LineCounters {
        self.handle.counters()
    }

    /// Gives `unit` a fault, or takes all its faults away; false when there is no such unit, or no such fault here.
    pub fn set_fault(&self, unit: u8, fault: Option<LineFault>) -> bool {
        self.set_faults(FaultTarget::Unit(unit), fault.into_iter().map(Fault::from).collect())
    }

    /// Gives a unit or the line these faults in place of those that it has; false when there is no such unit, or no such
    /// fault here.
    pub fn set_faults(&self, target: FaultTarget, faults: Vec<Fault>) -> bool {
        self.handle.set_faults(target, faults).is_ok()
    }

    /// Ends the line and waits for its thread; the path is gone afterwards. Gives the counters as they stood at the end.
    pub fn stop(mut self) -> LineCounters {
        self.end();
        self.counters()
    }

    fn end(&mut self) {
        self.handle.shared.stop();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(line = %self.handle.name, "line thread panicked");
        }
    }
}

impl Drop for EmulatedLine {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for EmulatedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmulatedLine").field("name", self.name()).field("path", &self.path()).finish_non_exhaustive()
    }
}

/// Opens a place; gives it as it was found, and the path that a master opens.
fn open(place: &Place, spec: &LineSpec) -> Result<(Box<dyn Endpoint>, Place, PathBuf), LineError> {
    let line = spec.name.clone();
    let listen = |address: SocketAddr| {
        let tcp = Tcp::listen(address).and_then(|tcp| Ok((tcp.address()?, tcp)));
        tcp.map_err(|source| LineError::Listen { line: spec.name.clone(), address, source })
    };
    let (endpoint, place): (Box<dyn Endpoint>, _) = match place {
        Place::Pty => {
            let pty = Pty::open().map_err(|source| LineError::Pty { line, source })?;
            let path = pty.path().to_owned();
            return Ok((Box::new(pty), Place::Pty, path));
        }
        Place::Port(path) => {
            let serial = Serial::open(path, spec.framing).map_err(|source| LineError::Serial { line, source })?;
            (Box::new(serial), place.clone())
        }
        Place::RtuOverTcp(address) => {
            let (address, tcp) = listen(*address)?;
            (Box::new(tcp), Place::RtuOverTcp(address))
        }
        Place::ModbusTcp(address) => {
            let (address, tcp) = listen(*address)?;
            (Box::new(tcp), Place::ModbusTcp(address))
        }
    };
    let path = place.to_string().into();
    Ok((endpoint, place, path))
}

/// Makes a gauge that measures its tank of the plant.
fn measuring(line: &LineName, spec: &UnitSpec, plant: &Arc<LivePlant>) -> Result<Gauge, LineError> {
    let unknown = || LineError::UnknownTank { line: line.clone(), unit: spec.unit, tank: spec.tank.clone() };
    let tank = plant.find(&spec.tank).ok_or_else(unknown)?;
    let (values, profile) = (plant.clone(), plant.clone());
    let gauge = Gauge::new(spec.unit, image_of(spec), Box::new(move |now| values.shown(tank, now)));
    Ok(gauge.with_profile(Box::new(move |now, block| profile.profile(tank, block, now))))
}

fn image_of(spec: &UnitSpec) -> RegisterImage {
    let image = RegisterImage::new(spec.registers.clone());
    match spec.profile {
        Some(block) => image.with_profile(block),
        None => image,
    }
}
