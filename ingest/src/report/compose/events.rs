//! Tables of alarms, dips and how complete the data are.

use super::Writing;
use crate::report::words::{alarm, event, priority};
use crate::report::{Cell, Column, DayReport, Episode, Gap, Row, Section, TankDay};

/// Events of alarms that are listed; a day with more than these has other troubles.
pub(super) const MOST_ALARMS: usize = 200;

/// Alarms, each from when it came to when it went.
pub(super) fn alarms(report: &DayReport, writing: &Writing) -> Section {
    let words = writing.words;
    let columns = vec![
        Column::text(words.time, 12),
        Column::text(words.source, 11),
        Column::text(words.alarm, 17),
        Column::text(words.priority, 10),
        Column::text(words.event, 15),
        Column::number("", words.value, 12),
        Column::number("", words.limit, 12),
        Column::text(words.acknowledged, 22),
        Column::text(words.cleared, 12),
        Column::text(words.remark, 26),
    ];
    let row = |one: &Episode| {
        let quantity = |value: Option<f64>| -> Cell {
            value
                .map_or_else(String::new, |value| format!("{} {}", short(value), one.unit).trim_end().to_owned())
                .into()
        };
        let acknowledged = one.acknowledged.as_ref().map_or_else(String::new, |done| {
            let who = done.who.as_ref().map_or_else(String::new, |who| format!(" {who}"));
            format!("{}{who}", writing.time(done.at))
        });
        let is_raised = one.event == "raised";
        let cleared = match one.cleared {
            Some(at) => writing.time(at),
            None if is_raised => words.standing.to_owned(),
            None => String::new(),
        };
        let called = if is_raised { words.raised } else { event(writing.language, &one.event) };
        let cells = vec![
            Cell::from(writing.time(one.at)),
            Cell::from(one.source.as_str()),
            Cell::from(alarm(writing.language, &one.alarm)),
            Cell::from(priority(writing.language, &one.priority)),
            Cell::from(called),
            quantity(one.value),
            quantity(one.limit),
            Cell::from(acknowledged),
            Cell::from(cleared),
            Cell::from(one.remark.as_str()),
        ];
        Row { cells }
    };
    let rows = report.alarms.iter().take(MOST_ALARMS).map(row).collect();
    Section { title: words.alarms.to_owned(), columns, rows, empty: words.no_alarms.to_owned() }
}

/// Writes a value of an alarm without decimals that say nothing.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Dips of the day beside what the gauge read.
pub(super) fn dips(report: &DayReport, writing: &Writing) -> Section {
    let words = writing.words;
    let mut columns = vec![Column::text(words.tank, 10), Column::text(words.time, 13)];
    for side in [words.by_hand, words.gauge] {
        columns.extend([words.level, words.interface, words.temperature].map(|title| Column::number(side, title, 9)));
    }
    columns.extend([words.level, words.interface, words.tov].map(|title| Column::number(words.difference, title, 9)));
    columns.push(Column::number(words.difference, "%", 8));
    columns.push(Column::number(words.difference, words.nsv, 9));
    columns.extend([Column::text(words.within, 10), Column::text(words.by, 14), Column::text(words.remark, 18)]);
    let rows = report.dips.iter().map(|dip| {
        let measured = |it: Option<crate::dips::Measures>| match it {
            None => [Cell::Unknown, Cell::Unknown, Cell::Unknown],
            Some(it) => [
                Cell::number(Some(it.level_mm), 0),
                Cell::number(it.interface_mm, 0),
                Cell::number(it.temperature_c, 1),
            ],
        };
        let tov = dip.tov();
        let within = match tov.and_then(|tov| tov.agrees()) {
            None => "",
            Some(true) => words.yes,
            Some(false) => words.no,
        };
        let none = if dip.gauge.is_none() { words.no_reading } else { "" };
        let remark: Vec<&str> = dip.note.as_deref().into_iter().chain([none]).filter(|it| !it.is_empty()).collect();
        let mut cells = vec![Cell::from(dip.tank.as_str()), Cell::from(writing.time(dip.hand.at_ms))];
        cells.extend(measured(Some(dip.hand.measures)));
        cells.extend(measured(dip.gauge.map(|gauge| gauge.measures)));
        cells.extend([
            Cell::difference(dip.level().map(|it| it.amount), 0),
            Cell::difference(dip.interface().map(|it| it.amount), 0),
            Cell::difference(tov.map(|it| it.amount), 2),
            Cell::difference(tov.and_then(|it| it.percent), 3),
            Cell::difference(dip.nsv().map(|it| it.amount), 2),
            Cell::from(within),
            Cell::from(dip.by.as_str()),
            Cell::from(remark.join("; ")),
        ]);
        Row { cells }
    });
    let rows = rows.collect();
    Section { title: words.dips.to_owned(), columns, rows, empty: words.no_dips.to_owned() }
}

/// How well each gauge agrees with the dips of its tank.
pub(super) fn agreement(report: &DayReport, writing: &Writing) -> Section {
    let words = writing.words;
    let columns = vec![
        Column::text(words.tank, 10),
        Column::number("", words.count, 10),
        Column::number("", words.mean, 12),
        Column::number("", words.deviation, 12),
        Column::number("", words.worst, 12),
        Column::number("", words.share_within, 16),
        Column::text("", 40),
    ];
    let rows = report.tanks.iter().filter(|tank| tank.agreement.count > 0).map(|tank| {
        let found = &tank.agreement;
        let share = found
            .agreeing_percent()
            .map_or_else(String::new, |percent| format!("{}/{} ({percent:.0} %)", found.agreeing, found.judged));
        Row {
            cells: vec![
                Cell::from(tank.tank.as_str()),
                Cell::number(Some(f64::from(found.count)), 0),
                Cell::difference(found.mean_mm, 1),
                Cell::number(found.deviation_mm, 1),
                Cell::difference(found.worst_mm, 1),
                Cell::from(share),
                Cell::Blank,
            ],
        }
    });
    let rows = rows.collect();
    Section { title: words.agreement.to_owned(), columns, rows, empty: words.no_agreement.to_owned() }
}

/// How complete the readings are.
pub(super) fn data(report: &DayReport, writing: &Writing) -> Section {
    let words = writing.words;
    let columns = vec![
        Column::text(words.tank, 10),
        Column::number("", words.expected, 10),
        Column::number("", words.received, 10),
        Column::number("", words.good, 10),
        Column::number("", words.uncertain, 10),
        Column::number("", words.bad, 10),
        Column::number("", words.covered, 14),
        Column::number("", words.gaps, 10),
        Column::text(words.longest, 40),
    ];
    let row = |tank: &TankDay| {
        let found = &tank.completeness;
        if !tank.has_gauge {
            let mut cells = vec![Cell::from(tank.tank.as_str())];
            cells.extend((0..7).map(|_| Cell::Blank));
            cells.push(Cell::from(words.no_gauge));
            return Row { cells };
        }
        #[expect(clippy::cast_precision_loss, reason = "readings of a day")]
        let count = |number: u64| Cell::number(Some(number as f64), 0);
        Row {
            cells: vec![
                Cell::from(tank.tank.as_str()),
                found.expected.map_or(Cell::Blank, count),
                count(found.received),
                count(found.good),
                count(found.uncertain),
                count(found.bad),
                Cell::number(Some(found.covered_percent), 2),
                count(u64::from(found.gaps)),
                Cell::from(found.longest_gap.map_or_else(String::new, |gap| longest(gap, writing))),
            ],
        }
    };
    let rows = report.tanks.iter().map(row).collect();
    Section { title: words.data.to_owned(), columns, rows, empty: String::new() }
}

fn longest(gap: Gap, writing: &Writing) -> String {
    let length = Writing::length(gap.length_ms());
    format!("{length} ({} - {})", writing.time(gap.from), writing.time(gap.to))
}
