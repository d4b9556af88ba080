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

/// How many times as long a unit is waited for that seems to answer too late.
const SECOND_PATIENCE: u32 = 6;

/// Most units that are given more time; where more seem late, somebody else talks.
const MOST_LATE: usize = 8;

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
    /// Frames that were heard and answered none of the requests.
    pub foreign: u64,
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
    let (mut late, mut silent): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
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
        let strays: u64 = silent.last().map_or(0, |before| master.take_counters(*before).late);
        let strays = strays + heard.foreign + heard.late;
        sweep.foreign += strays;
        if strays > 0 {
            // Likely the answer of one of those asked before, who are silent so far.
            late.extend(silent.iter().rev().take(SECOND_PATIENCE as usize - 1));
        }
        if sign.is_none() {
            silent.push(unit);
        }
        sweep.findings.extend(sign.map(|sign| Finding { unit, sign }));
    }
    // Nobody was asked after the last one, so nobody can tell whether it is late.
    late.extend(silent.last().filter(|_| sweep.asked == units.as_slice().len()));
    late.sort_unstable();
    late.dedup();
    late.truncate(MOST_LATE);
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
