//! A tank: what arrived of it in words and in plots.

use std::collections::BTreeMap;
use std::io::{self, Write};

use tankline_domain::reading::Quality;

use super::super::super::outcome::{Mark, TankTrace};
use super::Text;
use super::lanes;
use super::panel;
use super::scale::{TimeAxis, number};
use super::tank_panels::{deviation, panels};

/// Writes the plots of a tank with what happened to it above.
pub fn write(trace: &TankTrace, marks: &[Mark], time: &TimeAxis, out: &mut dyn Write) -> io::Result<()> {
    let marks = lanes::of_tank(marks, &trace.tank);
    write!(out, "<figure><figcaption><b>{}</b> ", trace.tank)?;
    writeln!(out, "{}</figcaption>", Text(&caption(trace)))?;
    lanes::write(&marks, time, out)?;
    let shades = lanes::shades(&marks, time);
    for panel in panels(trace, time) {
        panel.write(time, &shades, out)?;
    }
    panel::time_labels(time, out)?;
    writeln!(out, "</figure>")
}

/// Says how many readings arrived, of which quality, and how far the good ones are off at most.
fn caption(trace: &TankTrace) -> String {
    let mut qualities: BTreeMap<(u8, String), usize> = BTreeMap::new();
    for arrival in &trace.arrived {
        let order = match arrival.quality {
            Quality::Good => 0,
            Quality::Uncertain(_) => 1,
            Quality::Bad(_) => 2,
        };
        *qualities.entry((order, arrival.quality.to_string())).or_default() += 1;
    }
    let count = |count: usize| number(count as f64, 0);
    let total = match trace.arrived.len() {
        0 => return "no reading arrived".to_owned(),
        1 => "1 reading".to_owned(),
        more => format!("{} readings", count(more)),
    };
    let mut parts = vec![total];
    parts.extend(qualities.iter().map(|((_, quality), of)| format!("{} {quality}", count(*of))));
    let good = || trace.arrived.iter().filter(|arrival| arrival.quality.is_good());
    let level = good().filter_map(|arrival| deviation(trace, arrival, |a| a.level_mm, |sample| sample.level_mm));
    if let Some(most) = level.map(f64::abs).reduce(f64::max) {
        parts.push(format!("good levels at most {} mm off", number(most, 1)));
    }
    parts.join(" \u{b7} ")
}
