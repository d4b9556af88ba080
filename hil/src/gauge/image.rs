use std::collections::HashMap;

use tankline_domain::profile::ProfileBlock;
use tankline_domain::register::{NumberType, Point, RegisterKind, RegisterMap, WireAddress, WordOrder};

use super::{GaugeValues, Profile};
use crate::modbus::{ExceptionCode, Table};

/// The published gauge has at least these registers; all but the three that it publishes read 0.
const LEAST_REGISTERS: u32 = 64;

/// The registers in which a gauge shows what it holds.
///
/// Registers between the points of the map read 0. A gauge whose points are all of one kind shows them to function 03
/// and to function 04; one with both kinds keeps them apart.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisterImage {
    map: RegisterMap,
    has_one_kind: bool,
    registers: u32,
    profile: Option<ProfileBlock>,
}

impl RegisterImage {
    /// Makes the image of a gauge with this register map.
    #[must_use]
    pub fn new(map: RegisterMap) -> Self {
        let points = || [Some(&map.level), map.interface.as_ref(), map.temperature.as_ref()].into_iter().flatten();
        let has_one_kind = points().all(|point| point.kind == map.level.kind);
        let last = points().map(|point| span(point).1).max().unwrap_or(0);
        Self { has_one_kind, registers: last.max(LEAST_REGISTERS), map, profile: None }
    }

    /// Adds a block of registers that shows the impedance along the rod.
    ///
    /// Where it overlaps the points of the map, those win.
    #[must_use]
    pub fn with_profile(mut self, block: ProfileBlock) -> Self {
        self.registers = self.registers.max(block.span().1);
        self.profile = Some(block);
        self
    }

    /// Gives the profile block when a read touches it.
    pub(super) fn profile_in(&self, table: Table, address: u16, count: u16) -> Option<ProfileBlock> {
        let (start, end) = (u32::from(address), u32::from(address) + u32::from(count));
        let is_in = |block: &ProfileBlock| {
            let shown = match block.kind() {
                RegisterKind::Holding => Table::Holding,
                RegisterKind::Input => Table::Input,
            };
            table == shown && start < block.span().1 && block.span().0 < end
        };
        self.profile.filter(is_in)
    }

    /// Reads `count` registers from wire address `address`; registers of the profile are 0 without one.
    ///
    /// # Errors
    /// [`ExceptionCode::IllegalDataAddress`] when one of them does not exist.
    pub fn read(
        &self,
        table: Table,
        address: u16,
        count: u16,
        values: GaugeValues,
        profile: Option<&Profile>,
    ) -> Result<Vec<u16>, ExceptionCode> {
        let (start, end) = (u32::from(address), u32::from(address) + u32::from(count));
        if end > self.registers {
            return Err(ExceptionCode::IllegalDataAddress);
        }
        let mut words = HashMap::new();
        if let (Some(block), Some(profile)) = (self.profile_in(table, address, count), profile) {
            words.extend((block.span().0..).zip(profile.words(&block)));
        }
        for (point, value) in self.points(values).filter(|(point, _)| self.is_in(point, table)) {
            words.extend((span(point).0..).zip(encode(point, value)));
        }
        Ok((start..end).map(|register| words.get(&register).copied().unwrap_or(0)).collect())
    }

    /// Whether a read of these registers shows all that the gauge measures.
    #[must_use]
    pub fn shows_all(&self, table: Table, address: u16, count: u16) -> bool {
        let (start, end) = (u32::from(address), u32::from(address) + u32::from(count));
        let nothing = GaugeValues { level_mm: 0, interface_mm: 0, temperature_tenths: 0 };
        self.points(nothing).all(|(point, _)| {
            let (from, until) = span(point);
            self.is_in(point, table) && start <= from && until <= end
        })
    }

    fn points(&self, values: GaugeValues) -> impl Iterator<Item = (&Point, f64)> {
        let level = (&self.map.level, f64::from(values.level_mm));
        let interface = self.map.interface.as_ref().map(|point| (point, f64::from(values.interface_mm)));
        let temperature = self.map.temperature.as_ref().map(|point| (point, values.temperature_c()));
        std::iter::once(level).chain(interface).chain(temperature)
    }

    fn is_in(&self, point: &Point, table: Table) -> bool {
        let kind = match table {
            Table::Holding => RegisterKind::Holding,
            Table::Input => RegisterKind::Input,
        };
        self.has_one_kind || point.kind == kind
    }
}

/// First register and the one after the last, counted from 0.
fn span(point: &Point) -> (u32, u32) {
    let start = u32::from(WireAddress::from(point.register).get());
    (start, start + u32::from(point.number_type.words()))
}

/// Makes the words that a master decodes to `value`; what the type cannot hold stops at its end.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate, as instruments do")]
fn encode(point: &Point, value: f64) -> Vec<u16> {
    let raw = (value - point.offset) / point.scale;
    let long = match point.number_type {
        NumberType::I16 => return vec![(raw.round() as i16).cast_unsigned()],
        NumberType::U16 => return vec![raw.round() as u16],
        NumberType::I32 => (raw.round() as i32).cast_unsigned(),
        NumberType::U32 => raw.round() as u32,
        NumberType::F32 => (raw as f32).to_bits(),
    };
    let (high, low) = ((long >> 16) as u16, (long & 0xFFFF) as u16);
    match point.word_order {
        WordOrder::Big => vec![high, low],
        WordOrder::Little => vec![low, high],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tankline_domain::register::RegisterNumber;

    use super::super::ProfilePart;
    use super::*;

    const VALUES: GaugeValues = GaugeValues { level_mm: 9641, interface_mm: 6367, temperature_tenths: -105 };

    fn published() -> RegisterImage {
        RegisterImage::new(RegisterMap::published())
    }

    #[test]
    fn the_three_registers_stand_among_zeros() {
        let all = published().read(Table::Holding, 0, 64, VALUES, None).unwrap();
        assert_eq!(all.len(), 64);
        assert_eq!(all[48..53], [0, 9641, 6367, 65_431, 0]);
        assert_eq!(all.iter().filter(|&&register| register != 0).count(), 3);
        assert_eq!(published().read(Table::Input, 49, 1, VALUES, None), Ok(vec![9641]));
    }

    #[test]
    fn a_register_beyond_the_last_is_refused() {
        for (address, count) in [(64, 1), (63, 2), (0, 65), (u16::MAX, 125)] {
            let read = published().read(Table::Holding, address, count, VALUES, None);
            assert_eq!(read, Err(ExceptionCode::IllegalDataAddress), "{address} {count}");
        }
    }

    #[test]
    fn only_a_read_of_all_three_shows_a_reading() {
        for (address, count, shows) in [(49, 3, true), (48, 5, true), (49, 2, false), (50, 3, false), (0, 49, false)] {
            assert_eq!(published().shows_all(Table::Holding, address, count), shows, "{address} {count}");
        }
    }

    #[test]
    fn kinds_are_kept_apart_where_a_gauge_has_both() {
        let mut map = RegisterMap::published();
        map.temperature.as_mut().unwrap().kind = RegisterKind::Input;
        let image = RegisterImage::new(map);
        assert_eq!(image.read(Table::Holding, 49, 3, VALUES, None), Ok(vec![9641, 6367, 0]));
        assert_eq!(image.read(Table::Input, 49, 3, VALUES, None), Ok(vec![0, 0, 65_431]));
    }

    #[test]
    fn profile_stands_in_its_block_of_holding_registers() {
        let image = published().with_profile(ProfileBlock::default());
        let part = |first_mm, spacing_mm, from: u16, count: u16| ProfilePart {
            first_mm,
            spacing_mm,
            points: (from..from + count).collect(),
        };
        let profile = Profile { number: 9, rod: part(0, 245, 1000, 52), window: part(3000, 8, 2000, 64) };
        let read = |table, address, count| image.read(table, address, count, VALUES, Some(&profile));
        assert_eq!(read(Table::Holding, 199, 10), Ok(vec![2, 9, 52, 245, 0, 64, 8, 3000, 1000, 1001]));
        assert_eq!(read(Table::Holding, 198, 2), Ok(vec![0, 2]));
        assert_eq!(read(Table::Holding, 322, 1), Ok(vec![2063]));
        assert_eq!(read(Table::Holding, 323, 1), Err(ExceptionCode::IllegalDataAddress));
        assert_eq!(read(Table::Input, 199, 2), Ok(vec![0, 0]));
        assert_eq!(read(Table::Holding, 49, 1), Ok(vec![9641]));
        assert!(image.profile_in(Table::Holding, 322, 1).is_some());
        assert!(image.profile_in(Table::Holding, 49, 3).is_none());
    }

    proptest! {
        #[test]
        fn any_map_is_decoded_to_what_the_gauge_holds(
            level_mm in 0u16..30_000, tenths in -500i16..1500, register in 1u16..60_000,
            number_type in prop::sample::select(vec![NumberType::I32, NumberType::U32, NumberType::F32]),
            word_order in prop::sample::select(vec![WordOrder::Big, WordOrder::Little]),
            scale in prop::sample::select(vec![0.1, 1.0, 0.001]),
        ) {
            let mut map = RegisterMap::published();
            let number = RegisterNumber::new(register).unwrap();
            map.level = Point { register: number, number_type, word_order, scale, ..map.level };
            map.interface = None;
            map.temperature.as_mut().unwrap().register = RegisterNumber::new(register + 2).unwrap();
            let values = GaugeValues { level_mm, interface_mm: 0, temperature_tenths: tenths };

            let image = RegisterImage::new(map.clone());
            let replies: Vec<_> = map.reads(0).into_iter().map(|read| {
                let words = image.read(Table::Holding, read.start.get(), read.count, values, None).unwrap();
                (read, words)
            }).collect();
            let measured = map.decode(&replies);
            prop_assert!((measured.level.unwrap().get() - f64::from(level_mm)).abs() < 1e-3);
            prop_assert_eq!(measured.temperature.unwrap().get(), f64::from(tenths) / 10.0);
        }
    }
}
