//! Asking each unit of a line whether it is there.

use std::time::Duration;

use tankline_domain::message::GaugeCounters;
use tankline_domain::register::RegisterRead;
use tokio_util::sync::CancellationToken;

use super::arguments::Units;
use crate::line::gate::Silence;
use crate::line::master::{ExchangeError, Master};

/// Added to the time that an answer takes on the wire, where the time-out would be shorter.
const LEAST_PATIENCE: Duration = Duration::from_millis(100);

/// How much longer a unit is waited for that seems to answer too late.
const SECOND_PATIENCE: u32 = 6;

/// One unit that gave a sign of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub unit: u8,
    pub sign: Sign,
}

/// What a unit gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    /// The registers.
    Registers { words: Vec<u16>, took: Duration },
    /// An exception: somebody who speaks Modbus.
    Exception { code: u8, meaning: &'static str },
    /// Bytes that are damaged.
    Garbled,
    /// A good frame that answers another request.
    Wrong,
}

/// What a sweep found, in the order of the units.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    pub findings: Vec<Finding>,
    /// How many units were asked; fewer than there are when it was stopped.
    pub asked: usize,
    /// What ended it before the last unit: the line, not a unit.
    pub ended: Option<ExchangeError>,
}

impl Sweep {
    /// Gives how many units answered.
    pub fn answered(&self) -> usize {
        let answers = |finding: &&Finding| matches!(finding.sign, Sign::Registers { .. } | Sign::Exception { .. });
        self.findings.iter().filter(answers).count()
    }
}

/// Asks each unit once; who answers damaged is asked again, and who seems to answer too late is given more time.
///
/// `progress` hears how many were asked and how many signs there were.
pub(super) async fn sweep(
    master: &mut Master,
    units: &Units,
    read: RegisterRead,
    timeout: Duration,
    stop: &CancellationToken,
    mut progress: impl FnMut(usize, usize),
) -> Sweep {
    let timeout = timeout.max(master.reply_floor(read) + LEAST_PATIENCE);
    let mut sweep = Sweep::default();
    let mut late: Vec<u8> = Vec::new();
    let mut silent_before: Option<u8> = None;
    for &unit in units.as_slice() {
        progress(sweep.asked, sweep.findings.len());
        let asked = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            asked = ask(master, unit, read, timeout) => asked,
        };
        let (sign, heard) = match asked {
            Ok(asked) => asked,
            Err(error) => {
                sweep.ended = Some(error);
                break;
            }
        };
        sweep.asked += 1;
        // Somebody else's frame in this unit's time is likely the answer of the one asked before.
        late.extend(silent_before.filter(|_| heard.foreign + heard.late > 0));
        silent_before = sign.is_none().then_some(unit);
        sweep.findings.extend(sign.map(|sign| Finding { unit, sign }));
    }
    late.extend(silent_before);
    if sweep.ended.is_none() {
        ask_again(master, &late, read, timeout * SECOND_PATIENCE, stop, &mut sweep).await;
    }
    sweep.findings.sort_unstable_by_key(|finding| finding.unit);
    sweep
}

async fn ask_again(
    master: &mut Master,
    late: &[u8],
    read: RegisterRead,
    timeout: Duration,
    stop: &CancellationToken,
    sweep: &mut Sweep,
) {
    for &unit in late {
        let asked = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            asked = ask(master, unit, read, timeout) => asked,
        };
        match asked {
            Ok((sign, _)) => sweep.findings.extend(sign.map(|sign| Finding { unit, sign })),
            Err(error) => {
                sweep.ended = Some(error);
                return;
            }
        }
    }
}

/// Asks a unit, twice when its first answer is none; an error is one of the line.
async fn ask(
    master: &mut Master,
    unit: u8,
    read: RegisterRead,
    timeout: Duration,
) -> Result<(Option<Sign>, GaugeCounters), ExchangeError> {
    let mut sign = ask_once(master, unit, read, timeout).await?;
    if matches!(sign, Some(Sign::Garbled | Sign::Wrong)) {
        sign = ask_once(master, unit, read, timeout).await?.or(sign);
    }
    Ok((sign, master.take_counters(unit)))
}

async fn ask_once(
    master: &mut Master,
    unit: u8,
    read: RegisterRead,
    timeout: Duration,
) -> Result<Option<Sign>, ExchangeError> {
    match master.read(unit, read, timeout).await {
        Ok(exchange) => Ok(Some(Sign::Registers { words: exchange.words, took: exchange.took })),
        Err(ExchangeError::Exception { code, meaning, .. }) => Ok(Some(Sign::Exception { code, meaning })),
        Err(ExchangeError::Silent { silence: Silence::Nothing, .. }) => Ok(None),
        Err(ExchangeError::Silent { silence: Silence::Damaged, .. }) => Ok(Some(Sign::Garbled)),
        Err(ExchangeError::Silent { silence: Silence::Wrong, .. }) => Ok(Some(Sign::Wrong)),
        Err(error @ (ExchangeError::Babble | ExchangeError::Port(_))) => Err(error),
    }
}
