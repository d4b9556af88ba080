use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tankline_domain::names::TankName;
use tankline_domain::profile::ProfileBlock;

use super::{Plant, PlantCommand, PlantError, TankId, TankState};
use crate::gauge::{GaugeValues, Profile};

/// Story time that passes in a second of the clock, at least and at most.
const SPEEDS: RangeInclusive<f64> = 0.001..=10_000.0;

/// Reads how many times as fast as the clock a plant's time passes.
///
/// # Errors
/// What would be right, when it is no number or out of bounds.
pub fn parse_speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed| SPEEDS.contains(speed));
    speed.ok_or_else(|| format!("{text:?} is no speed; it is a number from {} to {}", SPEEDS.start(), SPEEDS.end()))
}

/// A plant whose story time passes with the caller's clock, at a speed. It moves when it is asked.
///
/// Times that are earlier than one that it was asked for already count as that one: time never goes back.
#[derive(Debug)]
pub struct LivePlant {
    state: Mutex<Live>,
}

#[derive(Debug)]
struct Live {
    plant: Plant,
    /// Story time `told` was at `since`; from there it passes at `speed`, or not at all.
    since: Instant,
    told: Duration,
    speed: f64,
    is_paused: bool,
}

impl LivePlant {
    /// Lets the story time of a plant pass from `now` on, `speed` times as fast as the clock.
    #[must_use]
    pub fn new(plant: Plant, now: Instant, speed: f64) -> Self {
        let told = plant.time();
        Self { state: Mutex::new(Live { plant, since: now, told, speed: speed.max(0.0), is_paused: false }) }
    }

    /// Makes a plant whose time stands still, so that it changes by commands alone.
    #[must_use]
    pub fn paused(plant: Plant, now: Instant) -> Self {
        let live = Self::new(plant, now, 1.0);
        live.pause(now);
        live
    }

    /// Finds a tank by its name.
    #[must_use]
    pub fn find(&self, name: &TankName) -> Option<TankId> {
        self.live().plant.find(name)
    }

    /// Gives the story time.
    #[must_use]
    pub fn time(&self, now: Instant) -> Duration {
        self.at(now).plant.time()
    }

    /// Gives how many seconds of the story pass in a second.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.live().speed
    }

    /// Lets time pass this fast from now on.
    pub fn set_speed(&self, now: Instant, speed: f64) {
        let mut live = self.at(now);
        live.restart(now);
        live.speed = speed.max(0.0);
    }

    /// Makes time stand still.
    pub fn pause(&self, now: Instant) {
        let mut live = self.at(now);
        live.restart(now);
        live.is_paused = true;
    }

    /// Lets time pass again.
    pub fn resume(&self, now: Instant) {
        let mut live = self.at(now);
        live.restart(now);
        live.is_paused = false;
    }

    /// Gives what is in a tank.
    #[must_use]
    pub fn state(&self, tank: TankId, now: Instant) -> TankState {
        self.at(now).plant.truth(tank)
    }

    /// Gives what the gauge of a tank shows, counted from its measuring origin.
    #[must_use]
    pub fn shown(&self, tank: TankId, now: Instant) -> GaugeValues {
        self.at(now).plant.shown(tank)
    }

    /// Gives the impedance along the rod of a tank's gauge, as a scan of the size of a block.
    #[must_use]
    pub fn profile(&self, tank: TankId, block: &ProfileBlock, now: Instant) -> Profile {
        self.at(now).plant.profile(tank, block)
    }

    /// Does something now.
    ///
    /// # Errors
    /// [`PlantError`] as for [`Plant::command`].
    pub fn command(&self, now: Instant, command: &PlantCommand) -> Result<(), PlantError> {
        self.at(now).plant.command(command)
    }

    /// Does something at exactly this story time.
    ///
    /// # Errors
    /// [`PlantError`] as for [`Plant::schedule`].
    pub fn schedule(&self, at: Duration, command: PlantCommand) -> Result<(), PlantError> {
        self.live().plant.schedule(at, command)
    }

    /// Makes a gauge show exactly this until its tank is released, whatever is in the tank.
    pub fn freeze(&self, tank: TankId, values: GaugeValues) {
        self.live().plant.freeze(tank, values);
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, now: Instant) -> MutexGuard<'_, Live> {
        let mut live = self.live();
        let time = live.time_at(now);
        live.plant.advance_to(time);
        live
    }
}

impl Live {
    fn time_at(&self, now: Instant) -> Duration {
        if self.is_paused {
            return self.told;
        }
        self.told + now.saturating_duration_since(self.since).mul_f64(self.speed)
    }

    fn restart(&mut self, now: Instant) {
        self.told = self.plant.time();
        self.since = now;
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any moment serves as the origin of a virtual clock")]
mod tests {
    use super::super::test_site::lindong;
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn a_speed_is_a_number_within_bounds() {
        assert_eq!(parse_speed("60"), Ok(60.0));
        for text in ["0", "-1", "fast", "10001", "NaN", "inf", ""] {
            let told = parse_speed(text).unwrap_err();
            assert!(told.ends_with("is no speed; it is a number from 0.001 to 10000"), "{told}");
        }
    }

    #[test]
    fn story_time_passes_at_its_speed_and_stands_while_paused() {
        let start = Instant::now();
        let live = LivePlant::new(Plant::new(&lindong(), 1), start, 60.0);
        assert_eq!(live.time(start + S(10)), S(600));
        live.pause(start + S(10));
        assert_eq!(live.time(start + S(20)), S(600));
        live.resume(start + S(20));
        live.set_speed(start + S(21), 2.0);
        assert_eq!(live.time(start + S(31)), S(680));
        assert_eq!(live.time(start), S(680), "time never goes back");
    }

    #[test]
    fn commands_count_from_when_they_are_given() {
        let start = Instant::now();
        let live = LivePlant::new(Plant::new(&lindong(), 1), start, 1.0);
        let tank = live.find(&"T-02".parse().unwrap()).unwrap();
        let before = live.state(tank, start + S(100));
        live.command(start + S(100), &"inflow T-02 360m3/h".parse().unwrap()).unwrap();
        live.schedule(S(150), "inflow T-02 off".parse().unwrap()).unwrap();
        for (second, more) in [(100, 0.0), (130, 3.0), (150, 5.0), (170, 5.0)] {
            let found = live.state(tank, start + S(second)).total_m3() - before.total_m3();
            assert!((found - more).abs() < 1e-3, "{second} s: {found}");
        }
        assert!(live.schedule(S(160), "hold T-02".parse().unwrap()).is_err());
    }
}
