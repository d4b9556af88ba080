//! A simulated tank whose float sticks and whose gauge reads whole millimetres.

use std::time::Duration;

use super::{Duty, Findings, Liquid, Seen, Watch, WatchSettings};
use crate::units::{Celsius, CubicMetres, UnixMillis};

/// A tank of water with an upright wall and 5 m of level, stepped by readings.
pub(super) struct Tank {
    pub(super) watch: Watch,
    pub(super) settings: WatchSettings,
    pub(super) chance: u64,
    pub(super) per_mm: f64,
    pub(super) volume_m3: f64,
    pub(super) float_m3: f64,
    pub(super) second: i64,
    pub(super) temperature_c: f64,
    pub(super) every_s: i64,
    /// By how much the level moves before the float does.
    pub(super) stiction_mm: f64,
    pub(super) last: Findings,
}

impl Tank {
    pub(super) fn new(surface_m2: f64, seed: u64) -> Self {
        let volume_m3 = 5.0 * surface_m2;
        Self {
            watch: Watch::default(),
            settings: WatchSettings { settling: Duration::from_secs(3600), ..WatchSettings::default() },
            chance: seed,
            per_mm: surface_m2 / 1000.0,
            volume_m3,
            float_m3: volume_m3,
            second: 0,
            temperature_c: 30.0,
            every_s: 10,
            stiction_mm: 0.4,
            last: Findings::default(),
        }
    }

    pub(super) fn idle(self) -> Self {
        Self { settings: WatchSettings { duty: Duty::Idle, ..self.settings }, ..self }
    }

    pub(super) fn normal(&mut self) -> f64 {
        let mut uniform = || {
            self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from(u32::try_from(self.chance >> 33).unwrap()) / f64::from(1_u32 << 31)
        };
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    }

    pub(super) fn seen(&mut self) -> Seen {
        let grown = 1.0 + 3.0e-4 * (self.temperature_c - 30.0);
        if (self.volume_m3 * grown - self.float_m3).abs() > self.stiction_mm * self.per_mm {
            self.float_m3 = self.volume_m3 * grown;
        }
        let level_mm = (self.float_m3 / self.per_mm + 0.7 * self.normal()).round();
        let temperature_c = ((self.temperature_c + 0.04 * self.normal()) * 10.0).round() / 10.0;
        Seen {
            at: UnixMillis::new(1_795_400_000_000 + self.second * 1000),
            total: CubicMetres::new(level_mm * self.per_mm),
            per_mm: CubicMetres::new(self.per_mm),
            temperature: Some(Celsius::new(temperature_c)),
            liquid: Liquid::Water,
        }
    }

    /// Lets hours pass, until something is found that was not before.
    pub(super) fn run(&mut self, hours: f64, m3_h: f64, wanted: impl Fn(&Findings) -> bool) -> Option<f64> {
        let began = self.second;
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        loop {
            let passed = (self.second - began) as f64 / 3600.0;
            if passed >= hours {
                return None;
            }
            self.second += self.every_s;
            self.volume_m3 += m3_h * self.every_s as f64 / 3600.0;
            let seen = self.seen();
            self.last = self.watch.push(&self.settings, &seen, None);
            if wanted(&self.last) {
                return Some(passed);
            }
        }
    }
}
