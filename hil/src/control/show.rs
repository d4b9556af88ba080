//! How a bench stands, as tables for a person.

use std::time::{Duration, Instant};

use super::SteeredBench;
use crate::line::{Fault, FaultTarget, LineHandle, UnitSpec};

/// Shows every tank with its gauge, and every line.
pub(super) fn all(bench: &SteeredBench, now: Instant) -> Vec<String> {
    let mut lines = vec![
        format!("{}; plant at {}", bench.about(), story_time(bench.plant.time(now))),
        String::new(),
        format!(
            "{:<10} {:<14} {:>9} {:>9} {:>7}  {:<18} {:>8} {:>8}  faults",
            "tank", "unit", "level mm", "interface", "degC", "gauge shows", "asked", "replies"
        ),
    ];
    for (line, unit) in bench.lines.iter().flat_map(|line| line.units().iter().map(move |unit| (line, unit))) {
        lines.push(unit_row(bench, now, line, unit));
    }
    lines.push(String::new());
    lines.push(format!(
        "{:<10} {:<26} {:>8} {:>8} {:>8} {:>8} {:>8}  faults",
        "line", "at", "asked", "replies", "crc", "foreign", "collided"
    ));
    for line in &bench.lines {
        let counters = line.counters();
        lines.push(format!(
            "{:<10} {:<26} {:>8} {:>8} {:>8} {:>8} {:>8}  {}",
            line.name(),
            line.path().display(),
            counters.requests,
            counters.replies,
            counters.crc_errors,
            counters.foreign,
            counters.collisions,
            in_words(&line.faults(FaultTarget::Line))
        ));
    }
    lines
}

/// Shows all that is known of these.
pub(super) fn some(bench: &SteeredBench, now: Instant, found: &[(&LineHandle, FaultTarget)]) -> Vec<String> {
    let mut lines = Vec::new();
    for (line, target) in found {
        match target {
            FaultTarget::Unit(number) => {
                if let Some(unit) = line.units().iter().find(|unit| unit.unit == *number) {
                    lines.extend(tank(bench, now, line, unit));
                }
            }
            FaultTarget::Line => lines.extend(whole_line(line)),
        }
    }
    lines
}

fn unit_row(bench: &SteeredBench, now: Instant, line: &LineHandle, unit: &UnitSpec) -> String {
    let counters = line.unit_counters(unit.unit).unwrap_or_default();
    let faults = in_words(&line.faults(FaultTarget::Unit(unit.unit)));
    let (truth, shown) = match bench.plant.find(&unit.tank) {
        Some(id) => {
            let truth = bench.plant.state(id, now);
            let truth = format!("{:>9.1} {:>9.1} {:>7.2}", truth.level_mm, truth.interface_mm, truth.temperature_c);
            (truth, bench.plant.shown(id, now).to_string())
        }
        None => (format!("{:>9} {:>9} {:>7}", "-", "-", "-"), "-".to_owned()),
    };
    format!(
        "{:<10} {:<14} {truth}  {shown:<18} {:>8} {:>8}  {faults}",
        unit.tank,
        format!("{}/{}", line.name(), unit.unit),
        counters.requests,
        counters.replies
    )
}

fn tank(bench: &SteeredBench, now: Instant, line: &LineHandle, unit: &UnitSpec) -> Vec<String> {
    let row = |name: &str, value: String| format!("{name:<14} {value}");
    let mut lines = vec![row("tank", unit.tank.to_string())];
    if let Some(id) = bench.plant.find(&unit.tank) {
        let truth = bench.plant.state(id, now);
        lines.extend([
            row("plant time", story_time(bench.plant.time(now))),
            row("level", format!("{:.1} mm", truth.level_mm)),
            row("interface", format!("{:.1} mm", truth.interface_mm)),
            row("temperature", format!("{:.2} degC", truth.temperature_c)),
            row("oil", format!("{:.1} m3", truth.oil_m3)),
            row(
                "emulsion",
                format!(
                    "{:.1} m3, {:.0} mm, {:.1} % water",
                    truth.emulsion_m3,
                    truth.emulsion_mm,
                    truth.emulsion_water_cut * 100.0
                ),
            ),
            row("water", format!("{:.1} m3", truth.water_m3)),
            row("foam", format!("{:.0} mm", truth.foam_mm)),
            row("gauge shows", format!("{} (mm, mm, degC, from its origin)", bench.plant.shown(id, now))),
        ]);
    }
    let counters = line.unit_counters(unit.unit).unwrap_or_default();
    lines.extend([
        row("unit", format!("{} on {} at {}", unit.unit, line.name(), line.path().display())),
        row("faults", in_words(&line.faults(FaultTarget::Unit(unit.unit)))),
        row("faults of line", in_words(&line.faults(FaultTarget::Line))),
        row("asked", counters.requests.to_string()),
        row("replies", format!("{}, {} of them exceptions", counters.replies, counters.exceptions)),
        row("unanswered", counters.unanswered.to_string()),
    ]);
    lines
}

fn whole_line(line: &LineHandle) -> Vec<String> {
    let row = |name: &str, value: String| format!("{name:<14} {value}");
    let counters = line.counters();
    let units: Vec<_> = line.units().iter().map(|unit| format!("{} {}", unit.unit, unit.tank)).collect();
    vec![
        row("line", line.name().to_string()),
        row("at", line.path().display().to_string()),
        row("units", units.join(", ")),
        row("faults", in_words(&line.faults(FaultTarget::Line))),
        row("asked", counters.requests.to_string()),
        row("replies", format!("{}, {} of them exceptions", counters.replies, counters.exceptions)),
        row("unanswered", counters.unanswered.to_string()),
        row("crc errors", counters.crc_errors.to_string()),
        row("noise", counters.noise.to_string()),
        row("other units", counters.foreign.to_string()),
        row("collisions", counters.collisions.to_string()),
        row("early requests", counters.early_requests.to_string()),
        row(
            "bytes",
            format!("{} heard, {} sent, {} lost", counters.bytes_heard, counters.bytes_sent, counters.lost_bytes),
        ),
        row("wire taken", format!("{:.1} s", counters.busy.as_secs_f64())),
    ]
}

fn in_words(faults: &[Fault]) -> String {
    if faults.is_empty() {
        return "none".to_owned();
    }
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn story_time(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    if days > 0 { format!("day {days} {clock}") } else { clock }
}
