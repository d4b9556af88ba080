//! Which values were held when which request was answered.

use std::sync::{Arc, Mutex};

use tankline_domain::reading::Reading;
use tankline_domain::units::{Millimetres, UnixMillis};
use tankline_hil::gauge::{GaugeValues, ReadValues};
use tankline_runtime::clock;

/// Every request that a gauge of a line has understood, in order.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Vec<Asked>>>);

#[derive(Debug, Clone, Copy)]
struct Asked {
    unit: u8,
    number: u16,
    at: UnixMillis,
}

/// Gives the values of a unit when it answers its n-th request: no two are alike within a thousand.
pub fn values(unit: u8, number: u16) -> GaugeValues {
    let number = number % 1000;
    GaugeValues {
        level_mm: 1000 * u16::from(unit) + number,
        interface_mm: number * 7 % 997,
        temperature_tenths: (number % 500).cast_signed(),
    }
}

impl Ledger {
    /// Gives the values of a unit, others for each request, and writes down which stood when.
    pub fn source(&self, unit: u8) -> ReadValues {
        let (asked, mut number) = (self.0.clone(), 0);
        let counter = Mutex::new(move || {
            number += 1;
            number
        });
        Box::new(move |_| {
            let number = (counter.lock().unwrap())();
            asked.lock().unwrap().push(Asked { unit, number, at: clock::unix_ms() });
            values(unit, number)
        })
    }

    /// Says what is wrong when a reading holds other values than those of the request that was open when it was taken.
    ///
    /// The edge asks one thing at a time: the request that a reading answers is the last one that its gauge had heard.
    pub fn objection(&self, unit: u8, reading: &Reading) -> Option<String> {
        let level = reading.level?;
        let asked = self.0.lock().unwrap();
        let last = asked.iter().rev().find(|asked| asked.unit == unit && asked.at <= reading.at);
        let expected = last.map(|asked| (asked.number, values(unit, asked.number)));
        let interface = reading.interface.map(Millimetres::get);
        let temperature = reading.temperature.map(|celsius| celsius.get());
        match expected {
            Some((_, values))
                if level.get() == f64::from(values.level_mm)
                    && interface == Some(f64::from(values.interface_mm))
                    && temperature == Some(values.temperature_c()) =>
            {
                None
            }
            _ => Some(format!("unit {unit} reads {reading:?}, its last request was to be answered with {expected:?}")),
        }
    }
}
