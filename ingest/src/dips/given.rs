//! A dip as somebody gives it.

use std::time::Duration;

use tankline_domain::geometry::Geometry;
use tankline_domain::units::UnixMillis;
use thiserror::Error;

use super::Measures;

/// A dip as somebody gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenDip {
    /// When it was measured.
    pub at: UnixMillis,
    /// What was measured.
    pub measures: Measures,
    /// Who measured.
    pub by: String,
    /// What else there is to say.
    pub note: Option<String>,
}

/// Why a dip cannot be.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum DipError {
    /// The level is outside the tank.
    #[error("level {level_mm} mm is outside the tank; give {bottom_mm} to {top_mm} mm above the tank bottom")]
    Level {
        /// The level.
        level_mm: f64,
        /// Lowest.
        bottom_mm: f64,
        /// Highest.
        top_mm: f64,
    },
    /// The interface is not between bottom and level.
    #[error("interface {interface_mm} mm is not between the tank bottom and the level {level_mm} mm")]
    Interface {
        /// The interface.
        interface_mm: f64,
        /// The level.
        level_mm: f64,
    },
    /// No liquid in a tank has the temperature.
    #[error("temperature {temperature_c} degC cannot be; give -60 to 200 degC")]
    Temperature {
        /// The temperature.
        temperature_c: f64,
    },
    /// It was measured later than now.
    #[error("the time {at} lies ahead; it is {now} now")]
    Ahead {
        /// When it was measured.
        at: UnixMillis,
        /// Now.
        now: UnixMillis,
    },
    /// Nobody measured it.
    #[error("who measured is not said; give a name of 1 to {} characters", GivenDip::MOST_NAME)]
    Nobody,
    /// The note is a book.
    #[error("the note has {length} characters; {} are room enough", GivenDip::MOST_NOTE)]
    Note {
        /// How many characters it has.
        length: usize,
    },
}

impl GivenDip {
    const MOST_NAME: usize = 64;
    const MOST_NOTE: usize = 500;
    /// By how much clocks of different machines may differ.
    const CLOCKS: Duration = Duration::from_secs(60);
    const LEAST_C: f64 = -60.0;
    const MOST_C: f64 = 200.0;

    /// Checks it against its tank and the present time.
    ///
    /// # Errors
    /// [`DipError`].
    pub fn check(&self, geometry: &Geometry, now: UnixMillis) -> Result<(), DipError> {
        let Measures { level_mm, interface_mm, temperature_c } = self.measures;
        let (bottom_mm, top_mm) = (geometry.bottom().get(), geometry.height().get());
        if !(bottom_mm..=top_mm).contains(&level_mm) {
            return Err(DipError::Level { level_mm, bottom_mm, top_mm });
        }
        if let Some(interface_mm) = interface_mm.filter(|interface| !(bottom_mm..=level_mm).contains(interface)) {
            return Err(DipError::Interface { interface_mm, level_mm });
        }
        if let Some(temperature_c) = temperature_c.filter(|it| !(Self::LEAST_C..=Self::MOST_C).contains(it)) {
            return Err(DipError::Temperature { temperature_c });
        }
        if u128::try_from(self.at.millis_since(now)).is_ok_and(|ahead| ahead > Self::CLOCKS.as_millis()) {
            return Err(DipError::Ahead { at: self.at, now });
        }
        if self.by.trim().is_empty() || self.by.chars().count() > Self::MOST_NAME {
            return Err(DipError::Nobody);
        }
        let length = self.note.as_ref().map_or(0, |note| note.chars().count());
        if length > Self::MOST_NOTE {
            return Err(DipError::Note { length });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::stations;

    const NOW: UnixMillis = UnixMillis::new(1_795_400_000_000);

    fn dip() -> GivenDip {
        let measures = Measures { level_mm: 5000.0, interface_mm: Some(1000.0), temperature_c: Some(32.5) };
        GivenDip { at: NOW, measures, by: "Li Wei".to_owned(), note: None }
    }

    fn refused(change: impl FnOnce(&mut GivenDip)) -> String {
        let stations = stations();
        let (_, tank) = stations.tanks().next().unwrap();
        let mut dip = dip();
        assert_eq!(dip.check(tank.basis.geometry(), NOW), Ok(()));
        change(&mut dip);
        dip.check(tank.basis.geometry(), NOW).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_is_refused_by_value_and_with_what_can_be() {
        let said = refused(|dip| dip.measures.level_mm = 10_001.0);
        assert_eq!(said, "level 10001 mm is outside the tank; give 0 to 10000 mm above the tank bottom");
        assert!(refused(|dip| dip.measures.level_mm = f64::NAN).contains("level NaN mm"));
        let said = refused(|dip| dip.measures.interface_mm = Some(5001.0));
        assert_eq!(said, "interface 5001 mm is not between the tank bottom and the level 5000 mm");
        assert!(refused(|dip| dip.measures.interface_mm = Some(-1.0)).contains("interface -1 mm"));
        assert!(refused(|dip| dip.measures.temperature_c = Some(325.0)).contains("-60 to 200 degC"));
        assert!(refused(|dip| dip.at = UnixMillis::new(NOW.get() + 60_001)).contains("lies ahead; it is 2026-11-23"));
        assert!(refused(|dip| dip.by = " ".to_owned()).contains("who measured is not said"));
        assert!(refused(|dip| dip.note = Some("x".repeat(501))).contains("501 characters"));
    }
}
