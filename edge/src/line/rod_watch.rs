//! The rod of a gauge that shows its impedance profile: when it is scanned, and what readings take from it.

use std::time::{Duration, Instant};

use tankline_domain::geometry::WaterCutProfile;
use tankline_domain::layer::TransitionLayer;
use tankline_domain::profile::{CurveError, Found, Layering, ProfileReader, RodProfile};
use tankline_domain::reading::{Mounting, Quality, Reading, Uncertain};
use tankline_domain::register::RegisterRead;
use tankline_domain::units::Millimetres;

/// Scans that may be missed or doubted before the interface counts as unconfirmed.
const MISSED: u32 = 3;
/// Part of a new correction that is taken over: the rest is noise of the gauge's own interface.
const TAKEN_OVER: f64 = 0.3;
/// A correction that differs by more than this is another one, mm.
const ANOTHER_MM: f64 = 6.0;
/// A layer whose thickness differs by more than this is another one, mm.
const ANOTHER_THICKNESS_MM: f64 = 20.0;

/// Watches one rod. What it learns of the rod is in memory: after a start it is learnt again from the first scan on.
#[derive(Debug, Clone)]
pub struct RodWatch {
    profile: RodProfile,
    reader: ProfileReader,
    due: Instant,
    known: Known,
    /// The transition layer of the last scan, heights above the interface; absent where there is none.
    layer: Option<WaterCutProfile>,
    /// The same with as many points as a reading carries.
    told: Option<TransitionLayer>,
    confirmed: Option<Instant>,
    failing: bool,
}

/// What the last scans say of the interface.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Known {
    /// That of the gauge's own register stands: one liquid, or too little of it to tell.
    Own,
    /// By how much that of the register is off, mm. Between two scans the register follows the tank.
    Off(f64),
    /// Where it is; the gauge has no register for it.
    At(Millimetres),
}

/// Whether a change is worth a line in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tell {
    /// It is as before.
    Nothing,
    /// Scans begin to fail, with why.
    Failing(String),
    /// Scans succeed again.
    Recovered,
}

impl RodWatch {
    /// Begins with a rod of which no scan was seen.
    #[must_use]
    pub fn new(now: Instant, profile: RodProfile) -> Self {
        let reader = ProfileReader::new(profile.rod);
        Self { profile, reader, due: now, known: Known::Own, layer: None, told: None, confirmed: None, failing: false }
    }

    /// Gives the request that scans the rod, when it is time.
    #[must_use]
    pub fn due(&self, now: Instant) -> Option<RegisterRead> {
        (now >= self.due).then(|| self.profile.block.read())
    }

    /// Takes what the request brought, beside the gauge's own reading right before.
    pub fn handle_scan(&mut self, now: Instant, words: &[u16], own: &Reading, mounting: &Mounting) -> Tell {
        self.due = now + self.profile.interval;
        let Some(level) = own.level else { return Tell::Nothing };
        let scan = match self.profile.block.decode(words) {
            Ok(scan) => scan,
            Err(error) => return self.fail(error.to_string()),
        };
        let (known, layer) = match self.reader.read(&scan.curve(own.at, level, mounting.offset)) {
            Ok(Found::Layered(layering)) if layering.doubt.is_none() => {
                (self.correction(layering.interface, own.interface), self.layer_of(&layering))
            }
            // A doubt is no failure, but nothing is confirmed by it either.
            Ok(Found::Layered(_)) => return self.succeed(),
            Ok(_) | Err(CurveError::NoContrast) => (Known::Own, None),
            // Too low to tell; what was known of the rod is true all the same, but not of what was in the tank.
            Err(CurveError::TooFewPoints { .. }) => (self.known, None),
            Err(error) => return self.fail(error.to_string()),
        };
        self.known = known;
        self.told = layer.as_ref().map(TransitionLayer::thinned);
        self.layer = layer;
        self.confirmed = Some(now);
        self.succeed()
    }

    /// Takes that the request brought nothing, and why.
    pub fn handle_failure(&mut self, now: Instant, why: String) -> Tell {
        self.due = now + self.profile.interval;
        self.fail(why)
    }

    /// Gives a reading the interface and the transition layer that the rod shows. Without a scan that confirms it the gauge's
    /// own interface stays, and is uncertain, and there is no layer.
    pub fn apply(&self, now: Instant, reading: &mut Reading, mounting: &Mounting) {
        let Some(level) = reading.level else { return };
        let longest = self.profile.interval * MISSED + Duration::from_secs(1);
        let is_confirmed = self.confirmed.is_some_and(|at| now.saturating_duration_since(at) <= longest);
        if !is_confirmed {
            if reading.quality.is_good() {
                reading.quality = Quality::Uncertain(Uncertain::InterfaceUnconfirmed);
            }
            return;
        }
        let found = match (self.known, reading.interface) {
            (Known::Own, own) => own,
            (Known::Off(off), own) => own.map(|own| Millimetres::new(own.get() + off)),
            (Known::At(at), _) => Some(at),
        };
        reading.interface = found.map(|found| Millimetres::new(found.get().clamp(0.0, level.get().max(0.0))));
        // Between two scans the layer lies on the interface as it did.
        let layer = self.told.as_ref().zip(reading.interface);
        reading.take_layer(layer.and_then(|(layer, interface)| layer.raised(interface, level)), mounting);
    }

    fn correction(&self, found: Millimetres, own: Option<Millimetres>) -> Known {
        let Some(own) = own else { return Known::At(found) };
        let off = found.get() - own.get();
        match self.known {
            Known::Off(before) if (off - before).abs() <= ANOTHER_MM => {
                Known::Off(before + TAKEN_OVER * (off - before))
            }
            _ => Known::Off(off),
        }
    }

    /// Gives the transition layer with its heights above the interface, the noise of single scans taken out: oil that comes
    /// and goes with it would look like a flow.
    fn layer_of(&self, layering: &Layering) -> Option<WaterCutProfile> {
        let bottom = layering.interface.get();
        let points = layering.layer.as_ref()?.points().iter();
        let above = points.map(|(height, cut)| (Millimetres::new(height.get() - bottom), *cut)).collect();
        let now = WaterCutProfile::new(above).ok()?;
        Some(self.layer.as_ref().and_then(|before| drawn(before, &now)).unwrap_or(now))
    }

    fn fail(&mut self, why: String) -> Tell {
        if std::mem::replace(&mut self.failing, true) { Tell::Nothing } else { Tell::Failing(why) }
    }

    fn succeed(&mut self) -> Tell {
        if std::mem::take(&mut self.failing) { Tell::Recovered } else { Tell::Nothing }
    }
}

/// Draws a layer towards that of a new scan, point by point at the same part of its thickness; both from height 0.
fn drawn(before: &WaterCutProfile, now: &WaterCutProfile) -> Option<WaterCutProfile> {
    let (top_before, top_now) = (before.top().get(), now.top().get());
    let is_another = top_now <= 0.0 || (top_now - top_before).abs() > ANOTHER_THICKNESS_MM;
    let top = top_before + TAKEN_OVER * (top_now - top_before);
    let point = |(height, cut): &(Millimetres, f64)| {
        let part = (height.get() / top_now).min(1.0);
        let cut_before = before.at(Millimetres::new((part * top_before).min(top_before)));
        (Millimetres::new(part * top), cut_before + TAKEN_OVER * (cut - cut_before))
    };
    if is_another { None } else { WaterCutProfile::new(now.points().iter().map(point).collect()).ok() }
}

#[cfg(test)]
#[path = "rod_watch_tests.rs"]
mod tests;
