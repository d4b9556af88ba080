//! The live table of the station.

mod bar;
mod columns;
mod text;

use tankline_ingest::live::TankState;

pub use bar::Glyphs;
pub use text::{Colours, Line};

use super::snapshot::{Snapshot, TankRow, counted, millis, time_of_day};
use columns::Columns;
use text::{Tone, wrapped};

/// How the table may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal.
    pub columns: usize,
    /// Lines of the terminal.
    pub lines: usize,
    /// What bars are drawn with.
    pub glyphs: Glyphs,
}

/// Lays the table out, in no more lines than there are.
#[must_use]
pub fn lay_out(snapshot: &Snapshot, look: &Look) -> Vec<Line> {
    let mut lines = head(snapshot, look.columns);
    let columns = Columns::fitting(snapshot, look.columns);
    let foot = foot(&columns, look);
    // Blank lines are for those who have room.
    let taken = lines.len() + Columns::HEAD_LINES + foot.len();
    let airy = look.lines >= taken + snapshot.tanks.len() + 2;
    let blank = |lines: &mut Vec<Line>| lines.extend(airy.then(Line::default));
    blank(&mut lines);
    lines.extend(columns.head());
    let room = look.lines.saturating_sub(taken + if airy { 2 } else { 0 });
    let (shown, hidden) = choose(&snapshot.tanks, room);
    lines.extend(shown.iter().map(|row| columns.row(row, look.glyphs)));
    lines.extend(hidden);
    blank(&mut lines);
    lines.extend(foot);
    lines.truncate(look.lines);
    lines
}

fn head(snapshot: &Snapshot, columns: usize) -> Vec<Line> {
    let live = snapshot.live();
    let all_live = if live == snapshot.gauges { Tone::Good } else { Tone::Alarm };
    let rate = snapshot.rate_per_s.map_or_else(String::new, |rate| format!(", {rate:.1} a second"));
    let depth = snapshot.journal_depth;
    let up = snapshot.up.as_secs();
    let piece = |text: String, tone| {
        let mut line = Line::default();
        line.push(text, tone);
        line
    };
    let day = snapshot.at.to_string();
    let day = day.split_once('T').map_or("", |(day, _)| day);
    let title = [
        piece(format!("tankline demo: {}", snapshot.site), Tone::Strong),
        piece(format!("{day} {}", time_of_day(snapshot.at)), Tone::Plain),
        piece(format!("up {}:{:02}:{:02}", up / 3600, up / 60 % 60, up % 60), Tone::Plain),
        piece(format!("{live}/{} gauges live", snapshot.gauges), all_live),
    ];
    let figures = [
        piece(format!("{} readings committed{rate}", snapshot.committed), Tone::Plain),
        piece(
            format!("gauge to database p50 {}, p99 {}", millis(snapshot.p50_ms), millis(snapshot.p99_ms)),
            Tone::Plain,
        ),
        piece(format!("{depth} in journals"), Tone::Plain),
    ];
    let http = snapshot.http.map(|address| piece(format!("http://{address}/api/v1/tanks"), Tone::Plain));
    let places = [piece(snapshot.broker.clone(), Tone::Plain)].into_iter().chain(http);
    let places = places.chain([piece(snapshot.data.clone(), Tone::Plain)]);
    let mut lines = wrapped(title, " | ", columns);
    lines.extend(wrapped(figures, " | ", columns));
    lines.extend(wrapped(places, " | ", columns));
    lines.extend(wrapped(alarms(snapshot), " | ", columns));
    lines
}

/// Gives how many alarms there are, and the most urgent ones.
fn alarms(snapshot: &Snapshot) -> Vec<Line> {
    const NAMED: usize = 2;
    let unacknowledged = snapshot.unacknowledged();
    let (count, tone) = match (snapshot.alarms.len(), unacknowledged) {
        (0, _) => ("no alarm".to_owned(), Tone::Good),
        (count, 0) => (counted(count), Tone::Strong),
        (count, _) => (format!("{}, {unacknowledged} unacknowledged", counted(count)), Tone::Alarm),
    };
    let named = snapshot.alarms.iter().take(NAMED).map(|alarm| {
        let value = alarm.value.map_or_else(String::new, |value| format!(" {value} {}", alarm.unit));
        (format!("{} {}{}", alarm.source, alarm.title, value.trim_end()), tone)
    });
    let piece = |(text, tone)| {
        let mut line = Line::default();
        line.push(text, tone);
        line
    };
    std::iter::once((count, tone)).chain(named).map(piece).collect()
}

fn foot(columns: &Columns, look: &Look) -> Vec<Line> {
    let mut line = Line::default();
    line.push("Ctrl-C ends it", Tone::Dim);
    if columns.shows_bar() {
        let Glyphs { water, oil, limit, .. } = look.glyphs;
        line.push("   bar: ", Tone::Dim);
        line.push(water.to_string(), Tone::Water);
        line.push(" water  ", Tone::Dim);
        line.push(oil.to_string(), Tone::Oil);
        line.push(format!(" oil  {limit} limits L and H"), Tone::Dim);
    }
    line.push("   (value): last known, not live", Tone::Dim);
    vec![line]
}

/// Chooses the rows for which there is room, and says what had to be left out. What is not as it should be is left out last.
fn choose(rows: &[TankRow], room: usize) -> (Vec<&TankRow>, Option<Line>) {
    if rows.len() <= room {
        return (rows.iter().collect(), None);
    }
    let room = room.saturating_sub(1);
    let is_plain = |row: &TankRow| row.view.state == TankState::Live;
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&index| is_plain(&rows[index]));
    let (shown, hidden) = order.split_at(room);
    let troubled = hidden.iter().filter(|&&index| !is_plain(&rows[index])).count();
    let mut shown = shown.to_vec();
    shown.sort_unstable();
    let mut line = Line::default();
    let count = hidden.len();
    if troubled == 0 {
        line.push(format!("{count} more tanks are hidden, all live; a taller window shows them"), Tone::Dim);
    } else {
        line.push(format!("{count} more tanks are hidden, {troubled} of them NOT as they should be"), Tone::Alarm);
    }
    (shown.into_iter().map(|index| &rows[index]).collect(), Some(line))
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
