//! Readings as they stand in a message.

use tankline_domain::message::{JournalId, Readings, SequencedReading};
use tankline_domain::names::TankName;
use tankline_domain::reading::{Quality, Reading};
use tankline_domain::units::{Celsius, Millimetres};

use super::journalist::Item;

/// Writes a message; the values of a reading follow from its number, so that it is the same however often it is sent.
pub fn readings(journal: JournalId, items: &[Item], tanks: &[(TankName, f64)]) -> Vec<u8> {
    let reading = |item: &Item| {
        let place = usize::try_from(item.seq - 1).unwrap_or(0) % tanks.len().max(1);
        let (tank, height_mm) = &tanks[place];
        // Whole millimetres, as a gauge gives them.
        let level = (height_mm * 0.5).floor() + f64::from(u8::try_from(item.seq % 100).unwrap_or(0));
        let reading = Reading {
            tank: tank.clone(),
            at: item.at,
            level: Some(Millimetres::new(level)),
            interface: Some(Millimetres::new((level / 3.0).floor())),
            temperature: Some(Celsius::new(32.5)),
            layer: None,
            quality: Quality::Good,
        };
        SequencedReading { seq: item.seq, reading }
    };
    let message = Readings { journal, readings: items.iter().map(reading).collect() };
    serde_json::to_vec(&message).expect("readings are a JSON object")
}

#[cfg(test)]
mod tests {
    use tankline_domain::units::UnixMillis;

    use super::*;

    #[test]
    fn gauges_take_turns_and_a_reading_is_the_same_however_often_it_is_sent() {
        let tanks = [("t-1".parse().unwrap(), 9000.0), ("t-2".parse().unwrap(), 500.0)];
        let items: Vec<Item> = (1..=250).map(|seq| Item { seq, at: UnixMillis::new(1_795_400_000_000) }).collect();
        let journal = JournalId::new(7);
        let all: Readings = serde_json::from_slice(&readings(journal, &items, &tanks)).unwrap();
        assert_eq!(all.readings[2].reading.tank, tanks[0].0);
        assert_eq!(all.readings[3].reading.tank, tanks[1].0);
        for sequenced in &all.readings {
            let tank = tanks.iter().find(|tank| tank.0 == sequenced.reading.tank).unwrap();
            assert!(sequenced.reading.level.unwrap().get() <= tank.1);
        }
        let again: Readings = serde_json::from_slice(&readings(journal, &items[41..42], &tanks)).unwrap();
        assert_eq!(again.readings[0], all.readings[41]);
    }
}
