//! Where a gauge keeps its quantities, and how its words become numbers.

use std::fmt;
use std::num::NonZeroU16;

use crate::profile::RodProfile;
use crate::units::{Celsius, Millimetres};

/// Register number as printed in the gauge manual. Counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegisterNumber(NonZeroU16);

/// Register address as sent in the frame. Counts from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireAddress(u16);

impl RegisterNumber {
    /// Takes a register number; `None` for 0, which no manual prints.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        match NonZeroU16::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Gives the number as printed.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl WireAddress {
    /// Takes an address as sent.
    #[must_use]
    pub const fn new(address: u16) -> Self {
        Self(address)
    }

    /// Gives the address as sent.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl From<RegisterNumber> for WireAddress {
    fn from(number: RegisterNumber) -> Self {
        Self(number.0.get() - 1)
    }
}

impl fmt::Display for RegisterNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Kind of register, and with it the function that reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegisterKind {
    /// Holding register, read by function 03.
    Holding,
    /// Input register, read by function 04.
    Input,
}

impl RegisterKind {
    /// Gives the function code that reads this kind.
    #[must_use]
    pub const fn function(self) -> u8 {
        match self {
            Self::Holding => 3,
            Self::Input => 4,
        }
    }
}

/// Type of a number in one or two registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberType {
    /// Signed, one register.
    I16,
    /// Unsigned, one register.
    U16,
    /// Signed, two registers.
    I32,
    /// Unsigned, two registers.
    U32,
    /// IEEE 754 single precision, two registers.
    F32,
}

impl NumberType {
    /// Gives the count of registers that a number of this type takes.
    #[must_use]
    pub const fn words(self) -> u16 {
        match self {
            Self::I16 | Self::U16 => 1,
            Self::I32 | Self::U32 | Self::F32 => 2,
        }
    }
}

/// Which word of a two-register number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordOrder {
    /// High word first.
    Big,
    /// Low word first.
    Little,
}

/// One quantity of a gauge: where it is and what its number means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// First register.
    pub register: RegisterNumber,
    /// Kind of register.
    pub kind: RegisterKind,
    /// Type of the number.
    pub number_type: NumberType,
    /// Order of the words of a two-register number.
    pub word_order: WordOrder,
    /// Factor from the raw number to mm or degC; finite, not 0.
    pub scale: f64,
    /// Added after scaling, in mm or degC.
    pub offset: f64,
}

impl Point {
    /// Decodes the number from its words; `None` when it is not finite or words are missing.
    #[must_use]
    pub fn decode(&self, words: &[u16]) -> Option<f64> {
        let raw = match (self.number_type, words) {
            #[expect(clippy::cast_possible_wrap, reason = "the register holds a two's complement number")]
            (NumberType::I16, &[word]) => f64::from(word as i16),
            (NumberType::U16, &[word]) => f64::from(word),
            (_, &[first, second]) => {
                let (high, low) = match self.word_order {
                    WordOrder::Big => (first, second),
                    WordOrder::Little => (second, first),
                };
                let both = u32::from(high) << 16 | u32::from(low);
                match self.number_type {
                    #[expect(clippy::cast_possible_wrap, reason = "the registers hold a two's complement number")]
                    NumberType::I32 => f64::from(both as i32),
                    NumberType::U32 => f64::from(both),
                    _ => f64::from(f32::from_bits(both)),
                }
            }
            _ => return None,
        };
        let value = scaled(raw, self.scale) + self.offset;
        value.is_finite().then_some(value)
    }
}

/// Multiplies by `scale`; divides instead where `scale` is a decimal fraction such as 0.1, so that 327 gives 32.7.
fn scaled(raw: f64, scale: f64) -> f64 {
    let inverse = 1.0 / scale;
    let whole = inverse.round();
    if scale.abs() < 1.0 && (inverse - whole).abs() < 1e-9 * whole.abs() { raw / whole } else { raw * scale }
}

/// Where one model of gauge keeps level, interface and temperature.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisterMap {
    /// Liquid level, mm above the measuring origin.
    pub level: Point,
    /// Oil-water interface level, mm above the measuring origin, where the gauge has that sensor.
    pub interface: Option<Point>,
    /// Temperature at a fixed point, degC, where the gauge has that sensor.
    pub temperature: Option<Point>,
    /// The impedance along the rod, where the gauge shows it.
    pub profile: Option<RodProfile>,
}

/// One read request: contiguous registers of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RegisterRead {
    /// Kind of register.
    pub kind: RegisterKind,
    /// First address on the wire.
    pub start: WireAddress,
    /// Count of registers, 1 to 125.
    pub count: u16,
}

/// Values of one gauge in engineering units, as read, before any judgement.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measurement {
    /// Liquid level above the measuring origin.
    pub level: Option<Millimetres>,
    /// Oil-water interface level above the measuring origin.
    pub interface: Option<Millimetres>,
    /// Temperature.
    pub temperature: Option<Celsius>,
}

/// Most registers that one request may read.
///
/// Source: Modbus Application Protocol V1.1b3, section 6.3.
pub const MAX_REGISTERS_PER_READ: u16 = 125;

impl RegisterMap {
    /// Gives the register map of the published gauge.
    ///
    /// Level and interface in registers 50 and 51, 1 mm; temperature in register 52, 0.1 degC and signed, because it
    /// goes below zero in winter. Source: the register table of the published gauge protocol.
    #[must_use]
    pub fn published() -> Self {
        let point = |number, number_type, scale| Point {
            register: RegisterNumber::new(number).expect("not zero"),
            kind: RegisterKind::Holding,
            number_type,
            word_order: WordOrder::Big,
            scale,
            offset: 0.0,
        };
        Self {
            level: point(50, NumberType::U16, 1.0),
            interface: Some(point(51, NumberType::U16, 1.0)),
            temperature: Some(point(52, NumberType::I16, 0.1)),
            profile: None,
        }
    }

    fn points(&self) -> impl Iterator<Item = &Point> {
        std::iter::once(&self.level).chain(&self.interface).chain(&self.temperature)
    }

    /// Gives the requests that read all points; contiguous registers go into one request.
    ///
    /// Points of one kind join across at most `hole` registers that nobody asked for.
    #[must_use]
    pub fn reads(&self, hole: u16) -> Vec<RegisterRead> {
        let mut spans: Vec<(RegisterKind, u32, u32)> = self
            .points()
            .map(|point| {
                let start = u32::from(WireAddress::from(point.register).get());
                (point.kind, start, start + u32::from(point.number_type.words()))
            })
            .collect();
        spans.sort_unstable();
        let mut joined: Vec<(RegisterKind, u32, u32)> = Vec::new();
        for (kind, start, end) in spans {
            match joined.last_mut() {
                Some(last)
                    if last.0 == kind
                        && start <= last.2 + u32::from(hole)
                        && end.max(last.2) - last.1 <= u32::from(MAX_REGISTERS_PER_READ) =>
                {
                    last.2 = last.2.max(end);
                }
                _ => joined.push((kind, start, end)),
            }
        }
        let narrow = |number: u32| u16::try_from(number).expect("register addresses are 16 bits");
        joined
            .into_iter()
            .map(|(kind, start, end)| RegisterRead {
                kind,
                start: WireAddress::new(narrow(start)),
                count: narrow(end - start),
            })
            .collect()
    }

    /// Decodes what the requests of [`RegisterMap::reads`] brought back; what was not read is absent.
    #[must_use]
    pub fn decode(&self, replies: &[(RegisterRead, Vec<u16>)]) -> Measurement {
        let number = |point: &Point| {
            let start = WireAddress::from(point.register).get();
            replies.iter().find_map(|(read, words)| {
                let from = usize::from(start.checked_sub(read.start.get())?);
                let to = from + usize::from(point.number_type.words());
                (read.kind == point.kind).then(|| words.get(from..to)).flatten().and_then(|words| point.decode(words))
            })
        };
        Measurement {
            level: number(&self.level).map(Millimetres::new),
            interface: self.interface.as_ref().and_then(number).map(Millimetres::new),
            temperature: self.temperature.as_ref().and_then(number).map(Celsius::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn published_read() -> RegisterRead {
        RegisterRead { kind: RegisterKind::Holding, start: WireAddress::new(0x31), count: 3 }
    }

    /// Source: the printed exchange of the published gauge protocol (register part; the frame is tested where frames are).
    #[test]
    fn golden_registers_are_asked_for_and_decoded() {
        let map = RegisterMap::published();
        assert_eq!(map.reads(0), [published_read()]);
        let measured = map.decode(&[(published_read(), vec![0x25A9, 0x18DF, 0x0145])]);
        assert_eq!(measured.level, Some(Millimetres::new(9641.0)));
        assert_eq!(measured.interface, Some(Millimetres::new(6367.0)));
        assert_eq!(measured.temperature, Some(Celsius::new(32.5)));
    }

    #[test]
    fn winter_temperature_is_below_zero() {
        let words = vec![0, 0, (-273_i16).cast_unsigned()];
        let measured = RegisterMap::published().decode(&[(published_read(), words)]);
        assert_eq!(measured.temperature, Some(Celsius::new(-27.3)));
    }

    #[test]
    fn number_types_are_decoded() {
        use {NumberType::*, WordOrder::*};
        let [high, low] = [(12.5_f32.to_bits() >> 16) as u16, (12.5_f32.to_bits() & 0xFFFF) as u16];
        for (number_type, word_order, words, value) in [
            (I16, Big, vec![0xFFFF], Some(-1.0)),
            (U16, Big, vec![0xFFFF], Some(65535.0)),
            (I32, Big, vec![0xFFFF, 0xFFFE], Some(-2.0)),
            (I32, Little, vec![0xFFFE, 0xFFFF], Some(-2.0)),
            (U32, Big, vec![1, 0], Some(65536.0)),
            (U32, Little, vec![1, 0], Some(1.0)),
            (F32, Big, vec![high, low], Some(12.5)),
            (F32, Little, vec![low, high], Some(12.5)),
            (F32, Big, vec![0x7FC0, 0], None),
            (F32, Big, vec![0x7F80, 0], None),
            (U32, Big, vec![1], None),
        ] {
            let point = Point { number_type, word_order, scale: 1.0, ..RegisterMap::published().level };
            assert_eq!(point.decode(&words), value, "{number_type:?} {word_order:?} {words:?}");
        }
    }

    #[test]
    fn holes_join_only_as_far_as_allowed() {
        let mut map = RegisterMap::published();
        map.temperature.as_mut().unwrap().register = RegisterNumber::new(60).unwrap();
        assert_eq!(map.reads(0).len(), 2);
        assert_eq!(map.reads(8), [RegisterRead { count: 11, ..published_read() }]);
        map.temperature.as_mut().unwrap().kind = RegisterKind::Input;
        assert_eq!(map.reads(1000).len(), 2);
        map.interface.as_mut().unwrap().register = RegisterNumber::new(65535).unwrap();
        assert_eq!(map.reads(u16::MAX).len(), 3);
    }

    proptest! {
        #[test]
        fn tenths_are_exact_decimals(raw in i16::MIN..=i16::MAX) {
            let point = RegisterMap::published().temperature.unwrap();
            let value = point.decode(&[raw.cast_unsigned()]).unwrap();
            prop_assert_eq!(value.to_string().parse::<f64>().unwrap(), format!("{}e-1", raw).parse::<f64>().unwrap());
        }
    }
}
