use std::str::FromStr;

use tankline_domain::register::{RegisterNumber, WireAddress};
use thiserror::Error;

/// Version of the block, in its first register.
const VERSION: u16 = 1;
/// Registers before the points.
const HEADING: u16 = 4;
/// As many points as a block may have: with its heading they are read at once.
const GREATEST_POINTS: u16 = 121;

/// Where a gauge shows the impedance along its rod: an own block of holding registers, which the published gauge has not.
///
/// Version (1), number of points, distance between them in mm, height of the first above the measuring origin in mm, then
/// the points from below to above, each 0 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileBlock {
    first: RegisterNumber,
    points: u16,
}

/// The impedance along a rod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Distance from point to point in mm.
    pub spacing_mm: u16,
    /// Points from below to above, the first at the measuring origin; 0 to 65535.
    pub points: Vec<u16>,
}

impl Default for ProfileBlock {
    /// 64 points from register 200 on.
    fn default() -> Self {
        Self { first: RegisterNumber::new(200).expect("is not 0"), points: 64 }
    }
}

/// A text does not say where a profile block begins.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not the first register of a block of {points} registers: it is 1 to {greatest}, such as 200")]
pub struct ParseProfileBlockError {
    text: String,
    points: u16,
    greatest: u32,
}

impl FromStr for ProfileBlock {
    type Err = ParseProfileBlockError;

    /// Reads the number of the first register; there are as many points as usual.
    fn from_str(text: &str) -> Result<Self, ParseProfileBlockError> {
        let points = Self::default().points;
        let block = text.parse().ok().and_then(RegisterNumber::new).and_then(|first| Self::new(first, points));
        let registers = HEADING + points;
        let greatest = 0x1_0001 - u32::from(registers);
        block.ok_or_else(|| ParseProfileBlockError { text: text.to_owned(), points: registers, greatest })
    }
}

impl ProfileBlock {
    /// Puts a block of 2 to 121 points at registers from `first` on; `None` when it would not fit.
    #[must_use]
    pub fn new(first: RegisterNumber, points: u16) -> Option<Self> {
        let block = Self { first, points };
        ((2..=GREATEST_POINTS).contains(&points) && block.span().1 <= 0x1_0000).then_some(block)
    }

    /// Gives the number of points.
    #[must_use]
    pub fn points(&self) -> u16 {
        self.points
    }

    /// Gives the first wire address and the one after the last.
    pub(super) fn span(&self) -> (u32, u32) {
        let start = u32::from(WireAddress::from(self.first).get());
        (start, start + u32::from(HEADING + self.points))
    }

    /// Gives the words of the block.
    pub(super) fn words(&self, profile: &Profile) -> Vec<u16> {
        let heading = [VERSION, self.points, profile.spacing_mm, 0];
        heading.into_iter().chain(profile.points.iter().copied()).collect()
    }
}

impl Profile {
    /// Measures in so many points from the measuring origin over a reach in mm; `measure` gets index and height.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float casts saturate, as instruments do"
    )]
    pub(super) fn of(reach_mm: f64, points: u16, measure: impl Fn(u16, f64) -> f64) -> Self {
        let spacing_mm = (reach_mm / f64::from(points.max(2) - 1)).ceil() as u16;
        let at = |index: u16| measure(index, f64::from(index) * f64::from(spacing_mm)).round() as u16;
        Self { spacing_mm, points: (0..points).map(at).collect() }
    }

    /// Gives the profile of a gauge that measures nothing yet.
    pub(super) fn zeros(reach_mm: f64, points: u16) -> Self {
        Self::of(reach_mm, points, |_, _| 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_must_fit_the_address_space_and_one_read() {
        let number = |number| RegisterNumber::new(number).unwrap();
        assert!(ProfileBlock::new(number(200), 121).is_some());
        for (first, points) in [(200, 122), (200, 1), (65_500, 64), (65_535, 2)] {
            assert_eq!(ProfileBlock::new(number(first), points), None, "{first} {points}");
        }
        assert_eq!(ProfileBlock::default().span(), (199, 199 + 4 + 64));
        assert_eq!("200".parse(), Ok(ProfileBlock::default()));
        assert!("65469".parse::<ProfileBlock>().is_ok());
        for text in ["65470", "0", "-1", "x", ""] {
            let error = text.parse::<ProfileBlock>().unwrap_err().to_string();
            assert!(error.contains("a block of 68 registers: it is 1 to 65469"), "{error}");
        }
    }

    #[test]
    fn points_reach_to_the_top() {
        let profile = Profile::of(12_480.0, 64, |_, height_mm| height_mm);
        assert_eq!((profile.spacing_mm, profile.points.len(), profile.points[0]), (199, 64, 0));
        assert!(profile.points[63] >= 12_480 && profile.points[62] < 12_480);
        assert_eq!(ProfileBlock::default().words(&profile)[..6], [1, 64, 199, 0, 0, 199]);
    }
}
