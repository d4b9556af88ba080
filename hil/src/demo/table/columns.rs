//! The columns of the table: as many as the terminal has room for.

use tankline_ingest::live::{Shown, TankState};

use super::bar::{Content, Glyphs, bar};
use super::text::{Line, Span, Tone, left, right, width};
use crate::demo::snapshot::{Snapshot, TankRow};

const LEVEL: usize = 7;
const INTERFACE: usize = 9;
const TEMPERATURE: usize = 7;
const VOLUME: usize = 8;
const AGE: usize = 5;
/// The longest quality that is common: `uncertain:blind-zone`.
const QUALITY: std::ops::RangeInclusive<usize> = 12..=21;
const TITLE: std::ops::RangeInclusive<usize> = 14..=40;
const BAR: std::ops::RangeInclusive<usize> = 12..=50;

/// How wide the columns are; one that is not shown is 0 wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    tank: usize,
    title: usize,
    bar: usize,
    quality: usize,
    gap: usize,
}

impl Columns {
    /// Lines of the heading.
    pub const HEAD_LINES: usize = 2;

    /// Chooses columns for a terminal.
    #[must_use]
    pub fn fitting(snapshot: &Snapshot, columns: usize) -> Self {
        let widest = |of: fn(&TankRow) -> &str| snapshot.tanks.iter().map(|row| width(of(row))).max().unwrap_or(0);
        let tank = widest(|row| &row.view.tank).clamp(4, 14);
        let numbers = LEVEL + INTERFACE + TEMPERATURE + 2 * VOLUME + AGE;
        // Seven gaps lie between the eight columns that are always there.
        let room = columns.saturating_sub(tank + numbers + 7);
        let (mut chosen, mut room) = {
            let quality = room.clamp(*QUALITY.start(), *QUALITY.end());
            (Self { tank, title: 0, bar: 0, quality, gap: 1 }, room.saturating_sub(quality))
        };
        let widest_title = widest(|row| &row.view.title).clamp(*TITLE.start(), *TITLE.end());
        if room > *TITLE.start() {
            chosen.title = widest_title.min(room - 1);
            room -= chosen.title + 1;
        }
        if chosen.title > 0 && room > *BAR.start() + 9 {
            // Wider gaps first, nine of them, then the bar.
            chosen.gap = 2;
            chosen.bar = (room - 2 - 8).clamp(*BAR.start(), *BAR.end());
        }
        chosen
    }

    /// Tells whether tanks are drawn.
    #[must_use]
    pub const fn shows_bar(&self) -> bool {
        self.bar > 0
    }

    /// Gives the heading: names, and units below them.
    #[must_use]
    pub fn head(&self) -> [Line; Self::HEAD_LINES] {
        let line = |names: [&str; 7], title, bar, tone| {
            let [tank, level, interface, temperature, oil, water, quality] = names;
            let mut cells = vec![left(tank, self.tank)];
            cells.extend((self.title > 0).then(|| left(title, self.title)));
            cells.extend(self.shows_bar().then(|| left(bar, self.bar)));
            cells.extend([right(level, LEVEL), right(interface, INTERFACE), right(temperature, TEMPERATURE)]);
            cells.extend([right(oil, VOLUME), right(water, VOLUME), left(quality, self.quality)]);
            cells.push(right(if tone == Tone::Strong { "age" } else { "s" }, AGE));
            let mut line = Line::default();
            line.push(cells.join(&" ".repeat(self.gap)), tone);
            line
        };
        [
            line(["tank", "level", "interface", "temp.", "oil", "water", "quality"], "", "bottom to top", Tone::Strong),
            line(["", "mm", "mm", "degC", "m3", "m3", ""], "", "", Tone::Dim),
        ]
    }

    /// Gives the row of a tank.
    #[must_use]
    pub fn row(&self, row: &TankRow, glyphs: Glyphs) -> Line {
        let view = &row.view;
        let is_live = row.is_live();
        // What does not hold now stands in brackets: the newest values of a stale reading, the last good ones of a bad one.
        let values = match view.state {
            TankState::Bad => view.last_good.as_ref(),
            _ => Some(&view.shown),
        };
        let number = |of: fn(&Shown) -> Option<f64>, decimals: usize, columns: usize| {
            let text = values.and_then(of).map_or_else(
                || "-".to_owned(),
                |value| if is_live { format!("{value:.decimals$}") } else { format!("({value:.decimals$})") },
            );
            Span { text: right(&text, columns), tone: if is_live { Tone::Plain } else { Tone::Dim } }
        };
        let (quality, tone) = judgement(view.state, view.shown.quality.as_deref());
        let mut cells = vec![vec![Span { text: left(&view.tank, self.tank), tone: Tone::Strong }]];
        if self.title > 0 {
            cells.push(vec![Span { text: left(&view.title, self.title), tone: Tone::Plain }]);
        }
        if self.shows_bar() {
            let content = view.shown.level_mm.filter(|_| is_live);
            let content = content.map(|level_mm| Content { level_mm, interface_mm: view.shown.interface_mm });
            cells.push(bar(self.bar, row.height_mm, content, &row.limits_mm, glyphs));
        }
        cells.extend([
            vec![number(|shown| shown.level_mm, 0, LEVEL)],
            vec![number(|shown| shown.interface_mm, 0, INTERFACE)],
            vec![number(|shown| shown.temperature_c, 1, TEMPERATURE)],
            vec![number(|shown| shown.oil_m3, 1, VOLUME)],
            vec![number(|shown| shown.fw_m3, 1, VOLUME)],
            vec![Span { text: left(&quality, self.quality), tone }],
            vec![Span { text: right(&age(view.age_s), AGE), tone: if view.stale { Tone::Alarm } else { Tone::Plain } }],
        ]);
        let mut line = Line::default();
        for (index, cell) in cells.into_iter().enumerate() {
            if index > 0 {
                line.push(" ".repeat(self.gap), Tone::Plain);
            }
            line.0.extend(cell);
        }
        line
    }
}

/// Says in words whether the values hold, and how that is meant.
fn judgement(state: TankState, quality: Option<&str>) -> (String, Tone) {
    let quality = quality.unwrap_or_default();
    match state {
        TankState::Live => (quality.to_owned(), Tone::Good),
        TankState::Uncertain => (quality.to_owned(), Tone::Warning),
        TankState::Bad => (quality.replacen("bad:", "BAD ", 1), Tone::Alarm),
        TankState::Stale => ("STALE".to_owned(), Tone::Alarm),
        TankState::Never => ("no reading yet".to_owned(), Tone::Warning),
    }
}

fn age(seconds: Option<f64>) -> String {
    match seconds {
        None => "-".to_owned(),
        Some(seconds) if seconds < 99.95 => format!("{seconds:.1}"),
        Some(seconds) if seconds < 10_000.0 => format!("{seconds:.0}"),
        Some(seconds) if seconds < 100.0 * 3600.0 => format!("{:.0} h", seconds / 3600.0),
        Some(seconds) => format!("{:.0} d", seconds / 86_400.0),
    }
}
