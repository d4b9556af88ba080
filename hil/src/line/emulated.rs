use std::fmt;
use std::io;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tankline_domain::names::{LineName, TankName};
use tankline_domain::register::RegisterMap;
use tankline_domain::site::{Framing, Line, Site};
use tankline_runtime::clock;
use thiserror::Error;

use super::pty::{Pty, Waker, Wakeup};
use super::{Bus, Fault, FaultTarget, LineCounters, LineFault, PtyError, Served, ServedSink, Turnaround, WireByte};
use crate::gauge::{Gauge, ReadValues, RegisterImage};
use crate::plant::{LivePlant, seed_of};

/// A line to emulate.
#[derive(Debug, Clone, PartialEq)]
pub struct LineSpec {
    /// Name of the line.
    pub name: LineName,
    /// Rate and bits of a byte.
    pub framing: Framing,
    /// How long its gauges think.
    pub turnaround: Turnaround,
    /// Decides turn-around times and the noise of collisions.
    pub seed: u64,
}

/// A gauge on a line to emulate.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitSpec {
    /// The unit that it answers as.
    pub unit: u8,
    /// The tank that it stands on.
    pub tank: TankName,
    /// Where it keeps its quantities.
    pub registers: RegisterMap,
}

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
    /// There is no thread for it.
    #[error("line {line} has no thread")]
    Thread {
        /// The line.
        line: LineName,
        /// Why not.
        source: io::Error,
    },
}

impl LineSpec {
    /// Takes a line as the site describes it, with the usual turn-around and a seed of its own from `seed`.
    #[must_use]
    pub fn of(line: &Line, seed: u64) -> Self {
        let seed = seed_of(seed, line.name.as_str());
        Self { name: line.name.clone(), framing: line.framing, turnaround: Turnaround::default(), seed }
    }
}

impl UnitSpec {
    /// Takes the gauges that the site has on a line.
    #[must_use]
    pub fn all_of(site: &Site, line: &LineName) -> Vec<Self> {
        let units = site.gauges_of(line).map(|gauge| Self {
            unit: gauge.unit,
            tank: gauge.tank.clone(),
            registers: gauge.registers.clone(),
        });
        units.collect()
    }
}

/// A line that runs: its port can be opened like a serial port, and its gauges answer there.
///
/// It ends when it is stopped or dropped.
pub struct EmulatedLine {
    name: LineName,
    path: PathBuf,
    units: Arc<[UnitSpec]>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    bus: Mutex<Bus>,
    is_stopped: AtomicBool,
    lost_bytes: AtomicU64,
    waker: Waker,
}

impl EmulatedLine {
    /// Starts a line with these gauges, which measure the tanks of `plant`, and tells `sink` what they gave away.
    ///
    /// # Errors
    /// [`LineError`] when a gauge has no tank, or the system no pseudo-terminal or thread.
    pub fn start(
        spec: LineSpec,
        units: Vec<UnitSpec>,
        plant: &Arc<LivePlant>,
        sink: Arc<dyn ServedSink>,
    ) -> Result<Self, LineError> {
        let with_values = |unit: UnitSpec| Ok((values_of(&spec.name, &unit, plant)?, unit));
        let units = units.into_iter().map(with_values).collect::<Result<Vec<_>, _>>()?;
        Self::start_showing(spec, units.into_iter().map(|(values, unit)| (unit, values)).collect(), sink)
    }

    /// Starts a line with gauges that show what they are told to.
    ///
    /// # Errors
    /// [`LineError`] when the system has no pseudo-terminal or thread.
    pub fn start_showing(
        spec: LineSpec,
        units: Vec<(UnitSpec, ReadValues)>,
        sink: Arc<dyn ServedSink>,
    ) -> Result<Self, LineError> {
        let LineSpec { name, framing, turnaround, seed } = spec;
        let gauge = |(unit, values): (UnitSpec, ReadValues)| {
            (Gauge::new(unit.unit, RegisterImage::new(unit.registers.clone()), values), unit)
        };
        let (gauges, units): (Vec<_>, Vec<_>) = units.into_iter().map(gauge).unzip();
        let no_pty = |source| LineError::Pty { line: name.clone(), source };
        let pty = Pty::open().map_err(no_pty)?;
        let shared = Arc::new(Shared {
            bus: Mutex::new(Bus::new(framing.into(), turnaround, gauges, seed)),
            is_stopped: AtomicBool::new(false),
            lost_bytes: AtomicU64::new(0),
            waker: Waker::new().map_err(no_pty)?,
        });
        let units: Arc<[UnitSpec]> = units.into();
        let path = pty.path().to_owned();
        let worker = Worker { name: name.clone(), pty, units: units.clone(), shared: shared.clone(), sink };
        let thread = std::thread::Builder::new().name(format!("hil-{name}")).spawn(move || worker.run());
        let thread = thread.map_err(|source| LineError::Thread { line: name.clone(), source })?;
        Ok(Self { name, path, units, shared, thread: Some(thread) })
    }

    /// Gives the name of the line.
    #[must_use]
    pub fn name(&self) -> &LineName {
        &self.name
    }

    /// Gives the path that a master opens.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the gauges on the line.
    #[must_use]
    pub fn units(&self) -> &[UnitSpec] {
        &self.units
    }

    /// Gives what has happened on the line so far.
    #[must_use]
    pub fn counters(&self) -> LineCounters {
        let lost_bytes = self.shared.lost_bytes.load(Ordering::Relaxed);
        LineCounters { lost_bytes, ..self.shared.bus().counters() }
    }

    /// Gives `unit` a fault, or takes all its faults away; false when there is no such unit.
    pub fn set_fault(&self, unit: u8, fault: Option<LineFault>) -> bool {
        self.set_faults(FaultTarget::Unit(unit), fault.into_iter().map(Fault::from).collect())
    }

    /// Gives a unit or the line these faults in place of those that it has; false when there is no such unit.
    pub fn set_faults(&self, target: FaultTarget, faults: Vec<Fault>) -> bool {
        let is_there = self.shared.bus().set_faults(clock::now(), target, faults);
        self.shared.waker.wake();
        is_there
    }

    /// Ends the line and waits for its thread; the path is gone afterwards. Gives the counters as they stood at the end.
    pub fn stop(mut self) -> LineCounters {
        self.end();
        self.counters()
    }

    fn end(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Release);
        self.shared.waker.wake();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(line = %self.name, "line thread panicked");
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
        f.debug_struct("EmulatedLine").field("name", &self.name).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Shared {
    fn bus(&self) -> MutexGuard<'_, Bus> {
        self.bus.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn values_of(line: &LineName, spec: &UnitSpec, plant: &Arc<LivePlant>) -> Result<ReadValues, LineError> {
    let unknown = || LineError::UnknownTank { line: line.clone(), unit: spec.unit, tank: spec.tank.clone() };
    let (tank, plant) = (plant.find(&spec.tank).ok_or_else(unknown)?, plant.clone());
    Ok(Box::new(move |now| plant.shown(tank, now)))
}

/// The thread of a line: moves bytes when they are due, and decides nothing.
struct Worker {
    name: LineName,
    pty: Pty,
    units: Arc<[UnitSpec]>,
    shared: Arc<Shared>,
    sink: Arc<dyn ServedSink>,
}

impl Worker {
    fn run(self) {
        // Waiting must not be rounded up to the 50 us that a thread is given by default; where it is, bytes are a little later.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1_000));
        if let Err(error) = self.serve() {
            tracing::error!(line = %self.name, %error, "line ended");
        }
    }

    fn serve(&self) -> io::Result<()> {
        let mut buffer = [0; 512];
        while !self.shared.is_stopped.load(Ordering::Acquire) {
            let due = self.send_due()?;
            let timeout = due.map(|due| due.saturating_duration_since(clock::now()));
            if self.pty.wait(&self.shared.waker, timeout)? == Wakeup::Readable {
                let count = self.pty.read(&mut buffer)?;
                self.shared.bus().handle_bytes(clock::now(), &buffer[..count]);
            }
        }
        Ok(())
    }

    /// Sends what is due; gives the moment at which something is due next.
    fn send_due(&self) -> io::Result<Option<std::time::Instant>> {
        loop {
            let output = {
                let mut bus = self.shared.bus();
                bus.handle_timeout(clock::now());
                match bus.poll_output() {
                    Some(output) => output,
                    None => return Ok(bus.poll_timeout()),
                }
            };
            self.send(output)?;
        }
    }

    fn send(&self, byte: WireByte) -> io::Result<()> {
        if !self.pty.write(byte.value)? {
            self.shared.lost_bytes.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        let Some((unit, values)) = byte.completes else { return Ok(()) };
        let at = clock::unix_ms();
        if let Some(spec) = self.units.iter().find(|spec| spec.unit == unit) {
            self.sink.served(Served { tank: spec.tank.clone(), unit, at, values });
        }
        Ok(())
    }
}
