//! What happened, above the plots: a lane for each sort, with the numbers by which the story lists them.

use std::io::{self, Write};

use tankline_domain::names::TankName;

use super::super::super::outcome::{Mark, MarkKind};
use super::super::text::story_time;
use super::Text;
use super::scale::TimeAxis;

/// The lanes from the top: the class in the style sheet, and the word for one mark.
const LANES: [(MarkKind, &str, &str); 4] = [
    (MarkKind::Plant, "plant", "plant"),
    (MarkKind::Fault, "fault", "fault"),
    (MarkKind::Infrastructure, "infra", "system"),
    (MarkKind::Alarm, "alarm", "alarm"),
];
/// Marks of a tank that are shaded behind its plots at most: what is shaded all over tells nothing, and the lanes have all.
const MOST_SHADES: usize = 60;
/// Places that bars of a lane can begin at and end at, where there are more marks than that.
const PLACES: f64 = 150.0;
/// How much of the width a number needs, so that the next can be read on a phone.
const NUMBER_SHARE: f64 = 0.07;

/// A time that is shaded behind a plot.
#[derive(Debug)]
pub struct Shade {
    class: &'static str,
    first: usize,
    last: usize,
}

impl Shade {
    /// Writes it, as high as the plot.
    pub fn write(&self, rows: i32, out: &mut dyn Write) -> io::Result<()> {
        let Self { class, first, last } = self;
        if first == last {
            return write!(out, "<path class=\"at {class}\" d=\"M{first} 0v{rows}\"/>");
        }
        let width = last - first;
        write!(out, "<rect class=\"{class}\" x=\"{first}\" y=\"0\" width=\"{width}\" height=\"{rows}\"/>")
    }
}

/// Gives the marks that concern a tank, with their numbers in the story.
pub fn of_tank<'a>(marks: &'a [Mark], tank: &TankName) -> Vec<(usize, &'a Mark)> {
    let concerns = |(_, mark): &(usize, &Mark)| mark.tank.as_ref().is_none_or(|of| of == tank);
    (1..).zip(marks).filter(concerns).collect()
}

/// Gives what is shaded behind plots: faults and what was done to the system while they last, alarms as moments.
///
/// Marks that fall on the same pixels are one. Where there are too many, none is shaded.
pub fn shades(marks: &[(usize, &Mark)], time: &TimeAxis) -> Vec<Shade> {
    let mut shades: Vec<Shade> = Vec::new();
    for (_, mark) in marks {
        if mark.kind == MarkKind::Plant {
            continue;
        }
        let first = time.column(mark.at);
        let last = mark.until.map_or(first, |until| time.column(until));
        let class = class(mark.kind);
        if !shades.iter().any(|shade| shade.class == class && shade.first <= first && shade.last >= last) {
            shades.push(Shade { class, first, last });
        }
        if shades.len() > MOST_SHADES {
            return Vec::new();
        }
    }
    shades
}

/// Gives the class of a sort of mark in the style sheet.
pub fn class(kind: MarkKind) -> &'static str {
    LANES.iter().find(|(of, ..)| *of == kind).map_or("plant", |(_, class, _)| class)
}

/// Gives the word for a sort of mark.
pub fn word(kind: MarkKind) -> &'static str {
    LANES.iter().find(|(of, ..)| *of == kind).map_or("plant", |(.., word)| word)
}

/// Writes the lanes that have any marks.
pub fn write(marks: &[(usize, &Mark)], time: &TimeAxis, out: &mut dyn Write) -> io::Result<()> {
    for (kind, class, word) in LANES {
        let lane: Vec<_> = marks.iter().filter(|(_, mark)| mark.kind == kind).copied().collect();
        if lane.is_empty() {
            continue;
        }
        write!(out, "<div class=\"lane {class}\"><span>{word}</span><div>")?;
        bars(&lane, time, out)?;
        for (share, numbers) in numbers(&lane, time) {
            let side = if share > 0.93 { " class=\"left\"" } else { "" };
            write!(out, "<b{side} style=\"left:{:.2}%\">{numbers}</b>", share * 100.0)?;
        }
        writeln!(out, "</div></div>")?;
    }
    Ok(())
}

/// Writes a bar for each mark; those that begin and end at the same places are one.
fn bars(lane: &[(usize, &Mark)], time: &TimeAxis, out: &mut dyn Write) -> io::Result<()> {
    let crowded = lane.len() as f64 > PLACES;
    let place = |at| if crowded { (time.share(at) * PLACES).floor() / PLACES } else { time.share(at) };
    let mut before = None;
    for (_, mark) in lane {
        let left = place(mark.at);
        let width = mark.until.map_or(0.0, |until| (place(until) - left).max(0.0));
        if before.replace((left, width)) == Some((left, width)) {
            continue;
        }
        write!(out, "<i style=\"left:{:.2}%", left * 100.0)?;
        if width > 0.0 {
            write!(out, ";width:{:.2}%", width * 100.0)?;
        }
        if !crowded {
            write!(out, "\" title=\"{} {}", story_time(mark.at), Text(&mark.text))?;
        }
        write!(out, "\"></i>")?;
    }
    Ok(())
}

/// Gives the numbers of marks with their places: those that stand close become a range.
fn numbers(lane: &[(usize, &Mark)], time: &TimeAxis) -> Vec<(f64, String)> {
    let mut labels: Vec<(f64, usize, usize)> = Vec::new();
    for (number, mark) in lane {
        let share = time.share(mark.at);
        match labels.last_mut() {
            Some((place, _, last)) if share - *place < NUMBER_SHARE => *last = *number,
            _ => labels.push((share, *number, *number)),
        }
    }
    let text = |first: usize, last| if first == last { first.to_string() } else { format!("{first}\u{2013}{last}") };
    labels.into_iter().map(|(place, first, last)| (place, text(first, last))).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn fault(at_s: u64, until_s: Option<u64>, tank: Option<&str>) -> Mark {
        Mark {
            at: Duration::from_secs(at_s),
            until: until_s.map(Duration::from_secs),
            kind: MarkKind::Fault,
            tank: tank.map(|tank| tank.parse().unwrap()),
            text: "fault".to_owned(),
        }
    }

    #[test]
    fn marks_of_other_tanks_are_not_shown() {
        let marks = [fault(1, None, Some("T-01")), fault(2, None, Some("T-02")), fault(3, None, None)];
        let numbers: Vec<usize> =
            of_tank(&marks, &"T-02".parse().unwrap()).into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, [2, 3]);
    }

    #[test]
    fn numbers_that_stand_close_become_a_range() {
        let marks = [fault(10, None, None), fault(11, None, None), fault(14, None, None), fault(60, None, None)];
        let marks: Vec<_> = (1..).zip(&marks).collect();
        let time = TimeAxis::new(Duration::from_secs(100), 500);
        let texts: Vec<String> = numbers(&marks, &time).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["1\u{2013}3", "4"]);
    }

    #[test]
    fn thousands_of_marks_take_no_more_room_than_the_pixels() {
        let marks: Vec<Mark> = (0..20_000).map(|second| fault(second, None, None)).collect();
        let marks: Vec<_> = (1..).zip(&marks).collect();
        let time = TimeAxis::new(Duration::from_secs(20_000), 200);
        let mut written = Vec::new();
        write(&marks, &time, &mut written).unwrap();
        assert!(shades(&marks, &time).is_empty());
        assert!(written.len() < 8_000, "{} bytes", written.len());
    }
}
