//! Tests of the flow meter: a tank of 5000 m3 whose gauge reads whole millimetres.

use super::*;

/// m3 a millimetre.
const STEP: f64 = 0.441;

/// Noise that is the same in every run.
struct Chance(u64);

impl Chance {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 33).unwrap()) / f64::from(1_u32 << 31)
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// A tank whose flow changes at given seconds, in m3/h.
struct Tank {
    meter: FlowMeter,
    chance: Chance,
    noise_mm: f64,
    volume: f64,
    second: i64,
}

impl Tank {
    fn new(noise_mm: f64, seed: u64) -> Self {
        let meter = FlowMeter::default();
        Self { meter, chance: Chance(seed), noise_mm, volume: 2000.0 + STEP * 0.3, second: 0 }
    }

    fn run(&mut self, seconds: i64, flow: f64) -> Option<Flow> {
        for _ in 0..seconds {
            self.second += 1;
            self.volume += flow / 3600.0;
            let level = (self.volume / STEP + self.noise_mm * self.chance.normal()).round();
            self.read(level * STEP);
        }
        self.meter.flow()
    }

    fn read(&mut self, volume: f64) {
        let at = UnixMillis::new(1_795_400_000_000 + self.second * 1000);
        self.meter.push(at, CubicMetres::new(volume), CubicMetres::new(STEP));
    }
}

#[test]
fn no_flow_is_told_from_too_few_readings() {
    let mut tank = Tank::new(0.0, 1);
    assert_eq!(tank.run(20, 400.0), None);
    assert!(tank.run(20, 400.0).is_some());
}

#[test]
fn steady_flow_is_known_ever_better_by_a_longer_window() {
    let mut tank = Tank::new(1.0, 2);
    let minute = tank.run(60, 400.0).unwrap();
    let hour = tank.run(3540, 400.0).unwrap();
    assert!((minute.flow.get() - 400.0).abs() < 2.0 * minute.uncertainty.get());
    assert!((hour.flow.get() - 400.0).abs() < 2.0 * hour.uncertainty.get());
    assert!(minute.uncertainty.get() < 80.0, "{minute:?}");
    assert!(hour.uncertainty.get() < 0.5, "{hour:?}");
    assert!(hour.window > Duration::from_secs(1500), "{hour:?}");
}

#[test]
fn tank_that_stands_still_does_not_flow() {
    for noise_mm in [0.0, 0.2, 1.0, 3.0] {
        let mut tank = Tank::new(noise_mm, 3);
        let flow = tank.run(7200, 0.0).unwrap();
        assert!(flow.flow.get().abs() <= flow.uncertainty.get() * 1.5, "noise {noise_mm}: {flow:?}");
        assert!(flow.uncertainty.get() > 0.0 && flow.uncertainty.get() < 2.0, "noise {noise_mm}: {flow:?}");
    }
}

/// Without noise the gauge shows no change for longer than the window when the flow is slow enough.
#[test]
fn flow_that_the_steps_of_the_gauge_hide_is_not_denied() {
    let mut tank = Tank::new(0.0, 4);
    for _ in 0..40 {
        let flow = tank.run(300, 0.15).unwrap();
        assert!((flow.flow.get() - 0.15).abs() <= flow.uncertainty.get(), "{flow:?}");
    }
}

#[test]
fn pump_that_starts_or_stops_is_seen_within_two_minutes() {
    let mut tank = Tank::new(0.5, 5);
    tank.run(5400, 0.0);
    let started = tank.run(120, 400.0).unwrap();
    assert!((started.flow.get() - 400.0).abs() < 60.0, "{started:?}");
    assert!(started.window < Duration::from_secs(130), "{started:?}");
    assert!(tank.run(1200, 400.0).unwrap().uncertainty.get() < 4.0);
    let stopped = tank.run(120, 0.0).unwrap();
    assert!(stopped.flow.get().abs() < 60.0, "{stopped:?}");
    assert!(!tank.run(600, 0.0).unwrap().is_certain());
}

#[test]
fn wild_readings_do_not_show() {
    let mut tank = Tank::new(0.5, 6);
    for _ in 0..200 {
        tank.run(18, 100.0);
        tank.second += 1;
        tank.volume += 100.0 / 3600.0;
        tank.read(0.0);
    }
    let flow = tank.meter.flow().unwrap();
    assert!((flow.flow.get() - 100.0).abs() < 3.0 * flow.uncertainty.get().max(0.2), "{flow:?}");
    assert!(flow.uncertainty.get() < 2.0, "{flow:?}");
}

#[test]
fn rare_readings_do_too() {
    let mut meter = FlowMeter::default();
    for minute in 0..120_i64 {
        let volume = (f64::from(u32::try_from(minute).unwrap()) / STEP).round() * STEP;
        meter.push(UnixMillis::new(minute * 60_000), CubicMetres::new(volume), CubicMetres::new(STEP));
    }
    let flow = meter.flow().unwrap();
    assert!((flow.flow.get() - 60.0).abs() <= flow.uncertainty.get(), "{flow:?}");
    assert!(flow.uncertainty.get() < 2.0, "{flow:?}");
}

#[test]
fn what_is_not_newer_or_no_number_changes_nothing() {
    let mut tank = Tank::new(0.5, 7);
    let before = tank.run(600, 100.0);
    tank.read(1.0);
    tank.second -= 100;
    tank.read(1.0);
    tank.second += 101;
    tank.read(f64::NAN);
    assert_eq!(tank.meter.flow(), before);
}

/// Over many tanks, flows and noises, twice the standard uncertainty covers the true flow about as often as it says.
#[test]
fn uncertainty_covers_the_true_flow() {
    let mut chance = Chance(8);
    let (mut inside, mut all) = (0, 0);
    for seed in 0..120 {
        let noise_mm = chance.uniform() * 3.0;
        let flow = (chance.uniform() - 0.5) * 800.0;
        let mut tank = Tank::new(noise_mm, seed + 100);
        tank.run(600, flow);
        for _ in 0..10 {
            let found = tank.run(240, flow).unwrap();
            all += 1;
            inside += i32::from((found.flow.get() - flow).abs() <= found.uncertainty.get());
        }
    }
    let part = f64::from(inside) / f64::from(all);
    assert!((0.90..=0.995).contains(&part), "{part}");
}
