//! The block of registers in which a gauge shows the impedance along its rod.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use super::{Curve, Rod, Window};
use crate::register::{MAX_REGISTERS_PER_READ, RegisterKind, RegisterNumber, RegisterRead, WireAddress};
use crate::units::{Millimetres, UnixMillis};

/// Where a gauge shows the impedance along its rod: an own block of registers, which the published gauge has not.
///
/// Heading: version (2), number of the scan, then for the whole rod and for a window around the jump each: number of
/// points, distance between them in mm, height of the first above the measuring origin in mm, signed. Then the points of
/// the rod from below to above, then those of the window, each 0 to 65535. All of it is one scan and fits one read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileBlock {
    first: RegisterNumber,
    kind: RegisterKind,
    points: u16,
    window_points: u16,
}

/// The impedance profile that a gauge shows, and the rod that it is of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RodProfile {
    /// Where it is.
    pub block: ProfileBlock,
    /// The rod, by its data sheet.
    pub rod: Rod,
    /// From one scan to the next.
    pub interval: Duration,
}

/// One scan of a rod as a gauge shows it. Heights count from the measuring origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// Number of the scan; another one has another number.
    pub number: u16,
    /// The whole rod.
    pub rod: ScanPart,
    /// The part around the jump; without points where the gauge sees no jump.
    pub window: ScanPart,
}

/// Points at equal distances.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScanPart {
    /// Height of the first point, mm.
    pub first_mm: f64,
    /// Distance from point to point, mm.
    pub spacing_mm: f64,
    /// Impedance from below to above.
    pub points: Vec<f64>,
}

/// Registers are no profile block.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BlockError {
    /// The block is of another version.
    #[error("the profile block is of version {found}, but must be of version {}", ProfileBlock::VERSION)]
    Version {
        /// What it says.
        found: u16,
    },
    /// The block has another size.
    #[error("the profile block says {found} points, but must have {described} as described")]
    Size {
        /// What it says.
        found: u32,
        /// What is described.
        described: u16,
    },
    /// Points stand in one place.
    #[error("the profile block says 0 mm from point to point")]
    Spacing,
}

/// A text does not say where a profile block begins.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not the first register of a block of {registers} registers: it is 1 to {greatest}, such as 200")]
pub struct ParseProfileBlockError {
    text: String,
    registers: u16,
    greatest: u32,
}

impl ProfileBlock {
    /// Version of the block, in its first register.
    pub const VERSION: u16 = 2;
    /// Registers before the points.
    pub const HEADING: u16 = 8;
    /// As many points as a block may have: with its heading they are read at once, and are of one scan.
    pub const GREATEST_POINTS: u16 = MAX_REGISTERS_PER_READ - Self::HEADING;

    /// Puts a block of 4 to 117 points, those of the window included, at registers from `first` on; `None` when it would
    /// not fit.
    #[must_use]
    pub fn new(first: RegisterNumber, kind: RegisterKind, points: u16, window_points: u16) -> Option<Self> {
        let block = Self { first, kind, points, window_points };
        let count = u32::from(points) + u32::from(window_points);
        let fits = count <= u32::from(Self::GREATEST_POINTS) && block.span().1 <= 0x1_0000;
        (points >= 4 && fits).then_some(block)
    }

    /// Gives the kind of its registers.
    #[must_use]
    pub const fn kind(&self) -> RegisterKind {
        self.kind
    }

    /// Gives the number of points along the whole rod.
    #[must_use]
    pub const fn points(&self) -> u16 {
        self.points
    }

    /// Gives the number of points of the window.
    #[must_use]
    pub const fn window_points(&self) -> u16 {
        self.window_points
    }

    /// Gives the first wire address and the one after the last.
    #[must_use]
    pub fn span(&self) -> (u32, u32) {
        let start = u32::from(WireAddress::from(self.first).get());
        (start, start + u32::from(Self::HEADING) + u32::from(self.points) + u32::from(self.window_points))
    }

    /// Gives the request that reads it.
    #[must_use]
    pub fn read(&self) -> RegisterRead {
        let count = Self::HEADING + self.points + self.window_points;
        RegisterRead { kind: self.kind, start: self.first.into(), count }
    }

    /// Decodes what the request brought.
    ///
    /// # Errors
    /// [`BlockError`] when that is no block of this size and version.
    pub fn decode(&self, words: &[u16]) -> Result<Scan, BlockError> {
        let &[version, number, points, spacing, first, window_points, window_spacing, window_first, ref values @ ..] =
            words
        else {
            return Err(BlockError::Version { found: words.first().copied().unwrap_or(0) });
        };
        if version != Self::VERSION {
            return Err(BlockError::Version { found: version });
        }
        let (found, described) = (u32::from(points) + u32::from(window_points), self.points + self.window_points);
        if points != self.points || window_points > self.window_points || values.len() < usize::from(described) {
            return Err(BlockError::Size { found, described });
        }
        if spacing == 0 || (window_points > 0 && window_spacing == 0) {
            return Err(BlockError::Spacing);
        }
        let (rod, window) = values.split_at(usize::from(points));
        let part = |first: u16, spacing: u16, values: &[u16]| ScanPart {
            first_mm: f64::from(first.cast_signed()),
            spacing_mm: f64::from(spacing),
            points: values.iter().copied().map(f64::from).collect(),
        };
        Ok(Scan {
            number,
            rod: part(first, spacing, rod),
            window: part(window_first, window_spacing, &window[..usize::from(window_points)]),
        })
    }
}

impl Default for ProfileBlock {
    /// 52 points along the rod and 64 in the window, in holding registers from 200 on.
    fn default() -> Self {
        let first = RegisterNumber::new(200).expect("is not 0");
        Self { first, kind: RegisterKind::Holding, points: 52, window_points: 64 }
    }
}

impl FromStr for ProfileBlock {
    type Err = ParseProfileBlockError;

    /// Reads the number of the first register; the rest is as usual.
    fn from_str(text: &str) -> Result<Self, ParseProfileBlockError> {
        let Self { kind, points, window_points, .. } = Self::default();
        let first = text.parse().ok().and_then(RegisterNumber::new);
        let registers = Self::HEADING + points + window_points;
        let greatest = 0x1_0001 - u32::from(registers);
        let block = first.and_then(|first| Self::new(first, kind, points, window_points));
        block.ok_or_else(|| ParseProfileBlockError { text: text.to_owned(), registers, greatest })
    }
}

impl Scan {
    /// Gives the scan as a curve, in heights above the tank bottom: `offset` is that of the measuring origin.
    #[must_use]
    pub fn curve(&self, at: UnixMillis, level: Millimetres, offset: Millimetres) -> Curve<'_> {
        let above_bottom = |height_mm: f64| Millimetres::new(height_mm + offset.get());
        let Self { rod, window, .. } = self;
        let window = (!window.points.is_empty()).then(|| Window {
            first: above_bottom(window.first_mm),
            spacing: Millimetres::new(window.spacing_mm),
            points: &window.points,
        });
        let spacing = Millimetres::new(rod.spacing_mm);
        Curve { at, first: above_bottom(rod.first_mm), spacing, points: &rod.points, level, window }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: u16) -> RegisterNumber {
        RegisterNumber::new(number).unwrap()
    }

    #[test]
    fn block_must_fit_the_address_space_and_one_read() {
        let block = |first, points, window| ProfileBlock::new(number(first), RegisterKind::Holding, points, window);
        assert!(block(200, 53, 64).is_some());
        for (first, points, window) in [(200, 54, 64), (200, 3, 0), (65_500, 52, 0), (200, u16::MAX, u16::MAX)] {
            assert_eq!(block(first, points, window), None, "{first} {points} {window}");
        }
        assert_eq!(ProfileBlock::default().span(), (199, 199 + 8 + 52 + 64));
        assert_eq!("200".parse(), Ok(ProfileBlock::default()));
        assert!("65413".parse::<ProfileBlock>().is_ok());
        for text in ["65414", "0", "-1", "x", ""] {
            let error = text.parse::<ProfileBlock>().unwrap_err().to_string();
            assert!(error.contains("a block of 124 registers: it is 1 to 65413"), "{error}");
        }
    }

    #[test]
    fn scan_is_decoded_and_what_is_none_is_refused() {
        let block = ProfileBlock::new(number(200), RegisterKind::Holding, 4, 2).unwrap();
        let words = [2, 77, 4, 250, 0, 2, 8, 0xFFF0, 10, 20, 30, 40, 21, 22];
        let scan = block.decode(&words).unwrap();
        assert_eq!((scan.number, scan.rod.points.as_slice()), (77, &[10.0, 20.0, 30.0, 40.0][..]));
        assert_eq!((scan.window.first_mm, scan.window.spacing_mm), (-16.0, 8.0));
        let curve = scan.curve(UnixMillis::new(5), Millimetres::new(900.0), Millimetres::new(50.0));
        assert_eq!(curve.first.get(), 50.0);
        assert_eq!(curve.window.unwrap().first.get(), 34.0);
        let with = |place: usize, word: u16| {
            let mut words = words;
            words[place] = word;
            block.decode(&words)
        };
        assert_eq!(with(0, 0), Err(BlockError::Version { found: 0 }));
        assert_eq!(with(2, 5), Err(BlockError::Size { found: 7, described: 6 }));
        assert_eq!(with(5, 3), Err(BlockError::Size { found: 7, described: 6 }));
        assert_eq!(with(3, 0), Err(BlockError::Spacing));
        assert_eq!(block.decode(&words[..12]), Err(BlockError::Size { found: 6, described: 6 }));
        // A gauge that sees no jump shows no window.
        let scan = with(5, 0).unwrap();
        assert_eq!(scan.curve(UnixMillis::new(5), Millimetres::new(9.0), Millimetres::new(0.0)).window, None);
    }
}
