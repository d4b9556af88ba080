use std::io;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tankline_domain::names::LineName;
use tankline_runtime::clock;

use super::endpoint::{Arrival, Endpoint, Peer, Waker, Wakeup, wait};
use super::packets::PacketServer;
use super::{Bus, Fault, FaultTarget, LineCounters, Served, ServedSink, UnitCounters, UnitSpec};
use crate::gauge::GaugeValues;

/// What decides what is said on a line.
#[derive(Debug)]
pub(super) enum Core {
    Wire(Bus),
    Packets(PacketServer),
}

/// Something to send now.
#[derive(Debug, Default)]
struct Output {
    /// All when absent.
    to: Option<Peer>,
    bytes: Vec<u8>,
    completes: Vec<(u8, GaugeValues)>,
    hangs_up: bool,
}

impl Core {
    pub(super) fn set_faults(&mut self, now: Instant, target: FaultTarget, faults: Vec<Fault>) -> bool {
        match self {
            Self::Wire(bus) => bus.set_faults(now, target, faults),
            Self::Packets(server) => server.set_faults(target, faults),
        }
    }

    pub(super) fn faults(&self, target: FaultTarget) -> &[Fault] {
        match self {
            Self::Wire(bus) => bus.faults(target),
            Self::Packets(server) => server.faults(target),
        }
    }

    pub(super) fn unit_counters(&self, unit: u8) -> Option<UnitCounters> {
        match self {
            Self::Wire(bus) => bus.unit_counters(unit),
            Self::Packets(server) => server.unit_counters(unit),
        }
    }

    fn counters(&self) -> LineCounters {
        match self {
            Self::Wire(bus) => bus.counters(),
            Self::Packets(server) => server.counters(),
        }
    }

    fn handle(&mut self, now: Instant, arrival: Arrival) {
        match (self, arrival) {
            (Self::Wire(bus), Arrival::Bytes(_, bytes)) => bus.handle_bytes(now, &bytes),
            (Self::Wire(_), Arrival::Gone(_)) => {}
            (Self::Packets(server), Arrival::Bytes(peer, bytes)) => server.handle_bytes(now, peer, &bytes),
            (Self::Packets(server), Arrival::Gone(peer)) => server.forget(peer),
        }
    }

    /// Does what is due; gives what to send now, or when something is due next.
    fn proceed(&mut self, now: Instant) -> Result<Output, Option<Instant>> {
        match self {
            Self::Wire(bus) => {
                bus.handle_timeout(now);
                let mut output = Output::default();
                while let Some(byte) = bus.poll_output() {
                    output.bytes.push(byte.value);
                    output.completes.extend(byte.completes);
                }
                if output.bytes.is_empty() { Err(bus.poll_timeout()) } else { Ok(output) }
            }
            Self::Packets(server) => {
                server.handle_timeout(now);
                let packet = server.poll_output().ok_or_else(|| server.poll_timeout())?;
                let completes = packet.completes.into_iter().collect();
                Ok(Output { to: Some(packet.to), bytes: packet.bytes, completes, hangs_up: packet.hangs_up })
            }
        }
    }
}

/// What the thread of a line shares with who looks at the line.
pub(super) struct Shared {
    core: Mutex<Core>,
    is_stopped: AtomicBool,
    lost_bytes: AtomicU64,
    waker: Waker,
}

impl Shared {
    pub(super) fn new(core: Core) -> io::Result<Self> {
        Ok(Self {
            core: Mutex::new(core),
            is_stopped: AtomicBool::new(false),
            lost_bytes: AtomicU64::new(0),
            waker: Waker::new()?,
        })
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counters(&self) -> LineCounters {
        let lost_bytes = self.lost_bytes.load(Ordering::Relaxed);
        LineCounters { lost_bytes, ..self.core().counters() }
    }

    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        self.wake();
    }
}

/// The thread of a line: moves bytes when they are due, and decides nothing.
pub(super) struct Worker {
    pub(super) name: LineName,
    pub(super) endpoint: Box<dyn Endpoint>,
    pub(super) units: Arc<[UnitSpec]>,
    pub(super) shared: Arc<Shared>,
    pub(super) sink: Arc<dyn ServedSink>,
}

impl Worker {
    pub(super) fn run(mut self) {
        // Waiting must not be rounded up to the 50 us that a thread is given by default; where it is, bytes are a little later.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1_000));
        if let Err(error) = self.serve() {
            tracing::error!(line = %self.name, %error, "line ended");
        }
    }

    fn serve(&mut self) -> io::Result<()> {
        let mut arrivals = Vec::new();
        while !self.shared.is_stopped.load(Ordering::Acquire) {
            let due = [self.send_due()?, self.endpoint.due()].into_iter().flatten().min();
            let timeout = due.map(|due| due.saturating_duration_since(clock::now()));
            let wakeup = wait(self.endpoint.sources(), &self.shared.waker, timeout)?;
            if wakeup == Wakeup::Readable || self.endpoint.due().is_some() {
                self.endpoint.receive(clock::now(), &mut arrivals)?;
                let mut core = self.shared.core();
                arrivals.drain(..).for_each(|arrival| core.handle(clock::now(), arrival));
            }
        }
        Ok(())
    }

    /// Sends what is due; gives the moment at which something is due next.
    fn send_due(&mut self) -> io::Result<Option<Instant>> {
        loop {
            let output = match self.shared.core().proceed(clock::now()) {
                Ok(output) => output,
                Err(next) => return Ok(next),
            };
            self.send(&output)?;
        }
    }

    fn send(&mut self, output: &Output) -> io::Result<()> {
        let lost = self.endpoint.send(output.to, &output.bytes)?;
        if let (true, Some(peer)) = (output.hangs_up, output.to) {
            self.endpoint.hang_up(peer);
        }
        if lost > 0 {
            self.shared.lost_bytes.fetch_add(lost as u64, Ordering::Relaxed);
            return Ok(());
        }
        let at = clock::unix_ms();
        for (unit, values) in &output.completes {
            if let Some(spec) = self.units.iter().find(|spec| spec.unit == *unit) {
                self.sink.served(Served { tank: spec.tank.clone(), unit: *unit, at, values: *values });
            }
        }
        Ok(())
    }
}
