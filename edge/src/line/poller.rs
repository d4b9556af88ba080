//! The task of one line: polls its gauges for ever and hands their readings on.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tankline_domain::message::{GaugeCounters, GaugeHealth};
use tankline_domain::names::TankName;
use tankline_domain::reading::{Bad, Quality, Reading, Uncertain};
use tankline_domain::register::RegisterRead;
use tankline_domain::site::{Gauge, Limits, Line};
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::board::HealthBoard;
use super::master::{ExchangeError, Master, add};
use super::opening::{Attempt, Opening, Tell, next_without_port};
use super::pause::Pause;
use super::port::{OpenError, OpenPort};
use super::reply_time::ReplyTimes;
use super::rod_watch::{RodWatch, Tell as TellRod};
use super::schedule::{PollEnd, Schedule};
use crate::quality::{Doubt, History, Reporter};

/// What the polling of a line is told.
#[derive(Debug, Clone, PartialEq)]
pub struct LineConfig {
    /// The line.
    pub line: Line,
    /// Its gauges.
    pub gauges: Vec<Gauge>,
    /// Limits of their tanks: beyond one a gauge is polled faster, where that is configured.
    pub limits: BTreeMap<TankName, Limits>,
    /// Longest wait for a reply; shorter ones are learned.
    pub reply_timeout: Duration,
    /// Longest pause between two probes of a gauge that is silent.
    pub longest_probe_interval: Duration,
    /// Registers that nobody asked for across which two reads are joined.
    pub join_hole: u16,
}

struct GaugeState {
    gauge: Gauge,
    reads: Vec<RegisterRead>,
    times: ReplyTimes,
    counters: GaugeCounters,
    history: History,
    reporter: Reporter,
    /// Its rod, where it shows the impedance along it.
    rod: Option<RodWatch>,
    /// For how long its answers to the poll under way held the line.
    held: Duration,
    /// For how long the last attempt held the line that was not answered.
    wasted: Duration,
    /// Why the last poll failed, so that a failure is logged when it starts and when it ends.
    failing: Option<Bad>,
}

/// Polls the gauges of a line until told to stop; every poll gives a reading.
///
/// A port is opened beside the polling, and again when it is lost, with a pause that grows; meanwhile every gauge reads
/// `bad:line`.
///
/// # Errors
/// None at present: whatever happens on a line is told by readings.
pub async fn run(
    config: LineConfig,
    readings: mpsc::Sender<Reading>,
    board: HealthBoard,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let line = config.line.clone();
    let pulse = board.pulses().of(format!("line {}", line.name));
    let mut poller = Poller::new(config, readings, board);
    let (mut attempt, mut pause) = (Attempt::default(), Pause::default());
    loop {
        let Some((gauge, due)) = poller.schedule.next(clock::now()) else {
            pulse.rest();
            stop.cancelled().await;
            return Ok(());
        };
        let is_open = poller.master.is_some();
        let due = if is_open { due } else { due.max(poller.next_without_port) };
        pulse.expect(due);
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            outcome = attempt.opened(&line, poller.opening.due()), if !is_open => poller.handle_opened(outcome),
            () = pause.until(due) => if poller.poll(gauge).await.is_err() {
                return Ok(());
            },
        }
    }
}

struct Poller {
    config: LineConfig,
    gauges: Vec<GaugeState>,
    schedule: Schedule,
    master: Option<Master>,
    opening: Opening,
    /// The next poll waits until then while the port is not open.
    next_without_port: Instant,
    readings: mpsc::Sender<Reading>,
    board: HealthBoard,
    /// When a poll was last left out, while the line is too busy.
    overloaded_since: Option<Instant>,
}

/// A line that left out no poll for this long keeps up.
const KEEPS_UP_AFTER: Duration = Duration::from_secs(60);

/// Nobody takes readings any more.
struct Abandoned;

impl Poller {
    fn new(config: LineConfig, readings: mpsc::Sender<Reading>, board: HealthBoard) -> Self {
        let opening = Opening::new(clock::now());
        let intervals: Vec<Duration> = config.gauges.iter().map(|gauge| gauge.poll_interval).collect();
        let schedule = Schedule::new(clock::now(), &intervals, config.longest_probe_interval);
        let state = |gauge: &Gauge| GaugeState {
            reads: gauge.registers.reads(config.join_hole),
            times: ReplyTimes::new(config.reply_timeout),
            counters: board.counters(&config.line.name, gauge.unit, &gauge.tank),
            history: History::new(Doubt {
                max_rate_mm_s: gauge.max_rate_mm_s,
                stuck_after: gauge.stuck_after,
                level_stuck_after: gauge.level_stuck_after,
            }),
            reporter: Reporter::new(gauge.report.clone()),
            rod: gauge.registers.profile.map(|profile| RodWatch::new(clock::now(), profile)),
            held: Duration::ZERO,
            wasted: Duration::ZERO,
            failing: None,
            gauge: gauge.clone(),
        };
        let gauges = config.gauges.iter().map(state).collect();
        let next_without_port = opening.polls_wait_until();
        Self {
            config,
            gauges,
            schedule,
            master: None,
            opening,
            next_without_port,
            readings,
            board,
            overloaded_since: None,
        }
    }

    fn handle_opened(&mut self, outcome: Result<OpenPort, OpenError>) {
        let Line { name: line, port, framing, .. } = &self.config.line;
        match outcome {
            Ok(open) => {
                if self.opening.handle_open() == Tell::Now {
                    tracing::info!(%line, %port, baud = framing.baud, "line is open");
                }
                self.master = Some(Master::new(open, *framing));
                self.schedule.handle_line_open(clock::now());
            }
            Err(error) => {
                if self.opening.handle_refusal(clock::now()) == Tell::Now {
                    let error = anyhow::Error::from(error);
                    tracing::warn!(%line, error = format!("{error:#}"), "line cannot be opened; trying again");
                }
                self.next_without_port = self.opening.polls_wait_until();
            }
        }
    }

    fn handle_answered(&mut self) {
        if self.opening.handle_answer() == Tell::Now {
            let Line { name: line, port, .. } = &self.config.line;
            tracing::info!(%line, %port, "line works again");
        }
    }

    fn handle_lost(&mut self, error: &std::io::Error) {
        if self.opening.handle_loss(clock::now()) == Tell::Now {
            tracing::warn!(line = %self.config.line.name, %error, "line is lost; opening it again");
        }
        self.master = None;
        self.next_without_port = self.opening.polls_wait_until();
    }

    async fn poll(&mut self, index: usize) -> Result<(), Abandoned> {
        self.schedule.handle_poll_start(clock::now(), index);
        self.gauges[index].held = Duration::ZERO;
        let outcome = self.ask(index).await;
        if matches!(outcome, Err(ExchangeError::Port(_))) {
            if self.next_without_port > clock::now() {
                // It was just lost and may be open again at once; then this gauge is still asked.
                return Ok(());
            }
            self.next_without_port = next_without_port(&self.config.line);
        }
        let state = &mut self.gauges[index];
        let tank = state.gauge.tank.clone();
        let end = match &outcome {
            Ok(_) | Err(ExchangeError::Exception { .. }) => PollEnd::Answered { held: state.held },
            Err(_) => PollEnd::Silent { held: state.wasted },
        };
        let mut reading = match outcome {
            Ok((replies, at)) => {
                Reading::judge(tank, at, state.gauge.registers.decode(&replies), &state.gauge.mounting)
            }
            Err(error) => Reading::failed(tank, self.board.clock().read().stamp(), error.reason()),
        };
        let now = clock::now();
        let own = state.rod.is_some().then(|| reading.clone());
        if let Some(rod) = &state.rod {
            rod.apply(now, &mut reading, &state.gauge.mounting);
        }
        let motion = self.board.motion();
        let others_moved = |since| motion.others_moved_since(&state.gauge.tank, since);
        if state.history.handle_reading(now, &mut reading, others_moved) {
            motion.moved(&state.gauge.tank, now);
        }
        if reading.quality.vouches_for_level() && !self.board.clock().read().is_set {
            reading.quality = Quality::Uncertain(Uncertain::Clock);
        }
        let wanted = state.reporter.wants(now, &reading);
        self.tell_change(index, &reading);
        self.set_pace(index, &reading);
        // A line that is not open costs no line time; its gauges keep their interval.
        let end = if self.master.is_some() { end } else { PollEnd::NotAsked };
        self.report(index, reading.quality.clone());
        if wanted {
            self.readings.send(reading).await.map_err(|_| Abandoned)?;
        }
        if let Some(own) = own.filter(|own| own.level.is_some()) {
            self.scan_rod(index, &own).await;
        }
        let now = clock::now();
        self.schedule.handle_poll_end(now, index, end);
        self.tell_worst();
        self.tell_overload(now, index);
        Ok(())
    }

    /// Reads the profile block of a gauge that has just answered, when it is time and the others can bear it. The reading
    /// that went before is not touched by what comes of it; those that follow are.
    async fn scan_rod(&mut self, index: usize, own: &Reading) {
        let (now, usual) = (clock::now(), self.usual_timeout());
        let Some(master) = &mut self.master else { return };
        let state = &mut self.gauges[index];
        let Some(rod) = &mut state.rod else { return };
        let Some(read) = rod.due(now) else { return };
        // As long to think as for its values, and then the time of a long reply on the wire.
        let floor = master.reply_floor(read);
        let timeout = floor + state.times.timeout(Duration::ZERO, usual);
        if !self.schedule.may_hold(now, index, master.request_time() + floor) {
            return;
        }
        let outcome = master.read(state.gauge.unit, read, timeout).await;
        add(&mut state.counters, master.take_counters(state.gauge.unit));
        let tell = match &outcome {
            Ok(exchange) => rod.handle_scan(clock::now(), &exchange.words, own, &state.gauge.mounting),
            Err(error) => rod.handle_failure(clock::now(), error.to_string()),
        };
        let (line, tank, unit) = (&self.config.line.name, &state.gauge.tank, state.gauge.unit);
        match tell {
            TellRod::Nothing => {}
            TellRod::Failing(error) => tracing::warn!(%line, %tank, unit, error, "rod profile cannot be read"),
            TellRod::Recovered => tracing::info!(%line, %tank, unit, "rod profile can be read again"),
        }
        match outcome {
            Ok(_) => self.handle_answered(),
            Err(ExchangeError::Port(error)) => self.handle_lost(&error),
            Err(_) => {}
        }
    }

    /// Tells the schedule how long each gauge would hold the line if it did not answer.
    fn tell_worst(&mut self) {
        let usual = self.usual_timeout();
        let Some(master) = &self.master else { return };
        for (index, state) in self.gauges.iter().enumerate() {
            let Some(read) = state.reads.first() else { continue };
            let timeout = state.times.timeout(master.reply_floor(*read), usual);
            self.schedule.set_worst(index, master.request_time() + timeout);
        }
    }

    /// Gives the time-out that is usual on this line, for gauges of which nothing is known yet.
    fn usual_timeout(&self) -> Option<Duration> {
        let mut known: Vec<Duration> =
            self.gauges.iter().filter_map(|state| state.times.learned(Duration::ZERO)).collect();
        known.sort_unstable();
        known.get(known.len().saturating_sub(1) / 2).copied()
    }

    /// Polls a gauge faster while its level is beyond a limit; a level that is not good changes nothing.
    fn set_pace(&mut self, index: usize, reading: &Reading) {
        let gauge = &self.gauges[index].gauge;
        let (Some(faster), Some(level), true) =
            (gauge.alarm_poll_interval, reading.level, reading.quality.vouches_for_level())
        else {
            return;
        };
        let limits = self.config.limits.get(&gauge.tank).copied().unwrap_or_default();
        let is_high = limits.high.into_iter().chain(limits.high_high).any(|limit| level >= limit);
        let is_low = limits.low.into_iter().chain(limits.low_low).any(|limit| level <= limit);
        self.schedule.set_interval(index, if is_high || is_low { faster } else { gauge.poll_interval });
    }

    /// Counts polls that were left out, and says when a line begins to be too busy and when it keeps up again.
    fn tell_overload(&mut self, now: Instant, index: usize) {
        let skipped = self.schedule.take_skipped(index);
        self.gauges[index].counters.skipped += skipped;
        let line = &self.config.line.name;
        if skipped > 0 {
            if self.overloaded_since.is_none() {
                tracing::warn!(%line, "line is too busy: polls are left out, evenly; poll less often or use a second line");
            }
            self.overloaded_since = Some(now);
        } else if self.overloaded_since.is_some_and(|since| now.duration_since(since) > KEEPS_UP_AFTER) {
            tracing::info!(%line, "line keeps up again");
            self.overloaded_since = None;
        }
    }

    /// Reads all registers of a gauge, each read with one retry if the gauge answered the last time.
    async fn ask(&mut self, index: usize) -> Result<(Vec<(RegisterRead, Vec<u16>)>, UnixMillis), ExchangeError> {
        let mut replies = Vec::new();
        let mut at = self.board.clock().read().stamp();
        for read in self.gauges[index].reads.clone() {
            let mut attempt = self.exchange(index, read).await;
            if matches!(attempt, Err(ExchangeError::Silent { .. })) && self.schedule.may_retry(clock::now(), index) {
                attempt = self.exchange(index, read).await;
            }
            replies.push((read, attempt?));
            at = self.board.clock().read().stamp();
        }
        Ok((replies, at))
    }

    async fn exchange(&mut self, index: usize, read: RegisterRead) -> Result<Vec<u16>, ExchangeError> {
        let usual = self.usual_timeout();
        let state = &mut self.gauges[index];
        let Some(master) = &mut self.master else {
            return Err(ExchangeError::Port(std::io::ErrorKind::NotConnected.into()));
        };
        if let Some(late) = master.take_lateness(state.gauge.unit) {
            state.times.handle_late_reply(late);
        }
        let floor = master.reply_floor(read);
        let mut timeout = state.times.timeout(floor, usual);
        if let Some(patience) = state.times.patience(floor, usual)
            && self.schedule.may_hold(clock::now(), index, master.request_time() + patience.expected)
        {
            state.times.handle_patience();
            timeout = patience.timeout;
        }
        let began = clock::now();
        let outcome = master.read(state.gauge.unit, read, timeout).await;
        state.wasted = clock::now().saturating_duration_since(began);
        add(&mut state.counters, master.take_counters(state.gauge.unit));
        if let Err(error) = &outcome {
            let (line, tank, unit) = (&self.config.line.name, &state.gauge.tank, state.gauge.unit);
            tracing::debug!(%line, %tank, unit, %error, "request goes unanswered");
        }
        match &outcome {
            Ok(exchange) => {
                state.times.handle_reply(exchange.took);
                state.held += master.request_time() + exchange.took;
                self.handle_answered();
            }
            Err(ExchangeError::Silent { .. }) => state.times.handle_timeout(),
            Err(ExchangeError::Port(error)) => self.handle_lost(error),
            Err(ExchangeError::Exception { .. }) => {
                state.held += master.request_time() + floor;
                self.handle_answered();
            }
            Err(_) => {}
        }
        outcome.map(|exchange| exchange.words)
    }

    fn tell_change(&mut self, index: usize, reading: &Reading) {
        let state = &mut self.gauges[index];
        let failing = match &reading.quality {
            Quality::Bad(reason) => Some(reason.clone()),
            _ => None,
        };
        if failing == state.failing {
            return;
        }
        let (line, tank, unit) = (&self.config.line.name, &state.gauge.tank, state.gauge.unit);
        match &failing {
            Some(_) => tracing::warn!(%line, %tank, unit, quality = %reading.quality, "gauge gives no value"),
            None => tracing::info!(%line, %tank, unit, quality = %reading.quality, "gauge gives values again"),
        }
        state.failing = failing;
    }

    fn report(&self, index: usize, quality: Quality) {
        let state = &self.gauges[index];
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let quantile = |quantile| state.times.quantile(quantile).map(ms);
        let timeout = self
            .master
            .as_ref()
            .zip(state.reads.first())
            .map(|(master, read)| state.times.timeout_and_basis(master.reply_floor(*read), self.usual_timeout()));
        self.board.put(GaugeHealth {
            line: self.config.line.name.clone(),
            tank: state.gauge.tank.clone(),
            unit: state.gauge.unit,
            counters: state.counters,
            reply_ms_p50: quantile(0.5),
            reply_ms_p99: quantile(0.99),
            reply_ms_max: quantile(1.0),
            timeout_ms: timeout.map(|(timeout, _)| ms(timeout)),
            timeout_basis: timeout.map(|(_, basis)| basis),
            quality: Some(quality),
        });
    }
}
