//! What a bench says to a process on its standard input.

use std::fmt;
use std::io::{self, BufRead};
use std::pin::pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock::{self, Day};
use tokio::sync::Notify;

use super::BenchDisk;
use crate::scenario::DiskState;

/// Something that a bench says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Told {
    /// The disk gets another state: `disk good|full|read-only|lying|slow=MS`.
    Disk(DiskState),
    /// The clock is off by so many milliseconds: `clock MS`.
    Clock(i64),
    /// The day runs at another pace from a moment on: `day FROM PACE`, in ms since 1970 and ms in one of the clock.
    Day(Day),
    /// What runs the tasks of the process is stuck from now on, for ever, while the process lives.
    Stuck,
    /// The power fails: what was not synced is lost, and the process ends at once.
    PowerCut,
}

/// Listens on standard input.
#[derive(Debug)]
pub(super) struct Console {
    /// The disk of the process, when it has one that can be disturbed.
    pub(super) disk: Option<Arc<BenchDisk>>,
    /// What makes the process stuck.
    pub(super) tangle: Tangle,
}

/// Makes what runs the tasks of a process stuck when told to.
#[derive(Debug, Clone, Default)]
pub(super) struct Tangle(Arc<Notify>);

impl Tangle {
    /// Runs something, up to where its thread is held for ever.
    pub(super) async fn held_up<T>(&self, running: impl Future<Output = T>) -> T {
        // It must go on to be there: dropped, it would stop its tasks.
        let mut running = pin!(running);
        tokio::select! {
            ended = &mut running => ended,
            () = self.0.notified() => loop {
                std::thread::park();
            },
        }
    }
}

impl Console {
    /// Does what was said.
    pub(super) fn hear(&self, told: Told) {
        match (told, &self.disk) {
            (Told::Disk(state), Some(disk)) => disk.set(state),
            (Told::Clock(millis), _) => clock::put_off(millis),
            (Told::Day(day), _) => clock::run_day(day),
            (Told::Stuck, _) => self.tangle.0.notify_one(),
            (Told::PowerCut, Some(disk)) => disk.lose_what_is_not_synced(),
            (Told::Disk(_) | Told::PowerCut, None) => tracing::warn!(%told, "this process has no such disk"),
        }
    }

    /// Listens from now on, until the bench is gone; then the process ends at once.
    pub(super) fn listen(self) -> anyhow::Result<()> {
        let listen = move || {
            for line in io::stdin().lock().lines() {
                let Ok(line) = line else { break };
                match line.parse() {
                    Ok(told) => self.hear(told),
                    Err(error) => tracing::warn!(line, %error, "the bench says something else"),
                }
            }
            std::process::exit(1);
        };
        std::thread::Builder::new().name("console".to_owned()).spawn(listen).context("cannot listen to the bench")?;
        Ok(())
    }
}

/// Gives how far the clock is off that stands at 1970 now.
#[must_use]
pub fn unset_offset_ms() -> i64 {
    -clock::unix_ms().get()
}

impl FromStr for Told {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let slow =
            |state: &str| state.strip_prefix("slow=")?.parse().ok().map(Duration::from_millis).map(DiskState::Slow);
        match text.split_once(' ') {
            None if text == "power-cut" => Ok(Self::PowerCut),
            None if text == "stuck" => Ok(Self::Stuck),
            Some(("clock", millis)) => millis.parse().map(Self::Clock).map_err(|_| format!("{millis:?} is no number")),
            Some(("disk", "good")) => Ok(Self::Disk(DiskState::Good)),
            Some(("disk", "full")) => Ok(Self::Disk(DiskState::Full)),
            Some(("disk", "read-only")) => Ok(Self::Disk(DiskState::ReadOnly)),
            Some(("disk", "lying")) => Ok(Self::Disk(DiskState::Lying)),
            Some(("disk", state)) => {
                slow(state).map(Self::Disk).ok_or_else(|| format!("{state:?} is no state of a disk"))
            }
            Some(("day", day)) => {
                let parsed =
                    day.split_once(' ').and_then(|(from, pace)| Some((from.parse().ok()?, pace.parse().ok()?)));
                let (from, pace) = parsed.ok_or_else(|| format!("{day:?} is not FROM PACE"))?;
                Ok(Self::Day(Day { from: UnixMillis::new(from), pace }))
            }
            _ => Err(format!("{text:?} is not disk STATE, clock MS, day FROM PACE, stuck or power-cut")),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(DiskState::Good) => f.write_str("disk good"),
            Self::Disk(DiskState::Full) => f.write_str("disk full"),
            Self::Disk(DiskState::ReadOnly) => f.write_str("disk read-only"),
            Self::Disk(DiskState::Lying) => f.write_str("disk lying"),
            Self::Disk(DiskState::Slow(time)) => write!(f, "disk slow={}", time.as_millis()),
            Self::Clock(millis) => write!(f, "clock {millis}"),
            Self::Day(Day { from, pace }) => write!(f, "day {} {pace}", from.get()),
            Self::Stuck => f.write_str("stuck"),
            Self::PowerCut => f.write_str("power-cut"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_comes_back_from_its_text() {
        for told in [
            Told::Disk(DiskState::Good),
            Told::Disk(DiskState::Full),
            Told::Disk(DiskState::ReadOnly),
            Told::Disk(DiskState::Lying),
            Told::Disk(DiskState::Slow(Duration::from_millis(200))),
            Told::Clock(-5),
            Told::Day(Day { from: UnixMillis::new(1_795_400_000_000), pace: 900.5 }),
            Told::Stuck,
            Told::PowerCut,
        ] {
            assert_eq!(told.to_string().parse(), Ok(told));
        }
        for text in ["", "clock", "clock x", "disk", "disk broken", "power-cut now"] {
            assert!(text.parse::<Told>().is_err(), "{text}");
        }
    }
}
