//! Committed readings as a batch of lines.

use std::ops::Range;

use tankline_domain::alarm::{Event, Transition};
use tankline_domain::units::UnixMillis;

use super::Point;
use crate::config::TextFields;
use crate::intake::DeadLetter;
use crate::store::{FeedRow, RecordedTransition};

/// What stands in a dead letter in the place of a topic.
const TOPIC: &str = "historian";

/// A batch of lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines {
    text: String,
    /// Where each line ends.
    ends: Vec<usize>,
    /// Rows that make no line.
    letters: Vec<DeadLetter>,
}

impl Lines {
    /// Writes readings as lines.
    #[must_use]
    pub fn of(rows: &[FeedRow], text_fields: TextFields, now: UnixMillis) -> Self {
        let mut lines = Self::default();
        lines.text.reserve(rows.len() * 320);
        lines.ends.reserve(rows.len());
        for row in rows {
            let point = Point::new(&mut lines.text, "tank").tag("site", &row.site).tag("tank", &row.tank);
            // A layer that was taken for a step counts for none.
            let layer = row.layer.as_ref().filter(|_| row.derived.emulsion_m3.is_some());
            let point = point
                .float("level_mm", row.level_mm)
                .float("interface_mm", row.interface_mm)
                .float("layer_bottom_mm", layer.map(|layer| layer.bottom().get()))
                .float("layer_top_mm", layer.map(|layer| layer.top().get()))
                .float("temperature_c", row.temperature_c)
                .float("tov_m3", row.derived.tov_m3)
                .float("fw_m3", row.derived.fw_m3)
                .float("oil_m3", row.derived.oil_m3)
                .float("emulsion_m3", row.derived.emulsion_m3)
                .float("emulsion_water_m3", row.derived.emulsion_water_m3)
                .float("gov_m3", row.derived.gov_m3)
                .float("gsv_m3", row.derived.gsv_m3)
                .float("nsv_m3", row.derived.nsv_m3)
                .float("mass_t", row.derived.mass_t)
                .float("ullage_m3", row.derived.ullage_m3)
                .float("flow_m3h", row.derived.flow_m3h)
                .integer("quality_code", row.quality_code);
            let point = match text_fields {
                TextFields::Written => point.string("quality", &row.quality),
                TextFields::LeftOut => point,
            };
            match point.finish(row.at_ms) {
                Ok(()) => lines.ends.push(lines.text.len()),
                Err(error) => {
                    let payload = format!("reading {} of tank {} at {} ms", row.id, row.tank, row.at_ms);
                    lines.letters.push(DeadLetter::new(now, TOPIC, payload.as_bytes(), error.to_string()));
                }
            }
        }
        lines
    }

    /// Writes what happened to alarms as lines. The field `state` is [`State::code`](tankline_domain::alarm::State::code), that of the state after.
    ///
    /// What was found in late readings changed no state: it has `found` instead, the value that was found beyond the limit.
    #[must_use]
    pub fn of_alarms(rows: &[RecordedTransition], text_fields: TextFields, now: UnixMillis) -> Self {
        let mut lines = Self::default();
        for row in rows {
            let Transition { key, at, event, to, priority, value, limit, who, .. } = &row.transition;
            let point =
                Point::new(&mut lines.text, "alarm").tag("site", key.site.as_str()).tag("tank", key.source.as_str());
            let point = point.tag("alarm", key.kind.name()).tag("priority", priority.name());
            let point = match event {
                Event::FoundInBacklog => point.float("found", *value).float("limit", *limit),
                _ => point.integer("state", to.code()).float("value", *value).float("limit", *limit),
            };
            let point = match (text_fields, who) {
                (TextFields::Written, Some(who)) => point.string("event", event.name()).string("who", who),
                (TextFields::Written, None) => point.string("event", event.name()),
                (TextFields::LeftOut, _) => point,
            };
            match point.finish(at.get()) {
                Ok(()) => lines.ends.push(lines.text.len()),
                Err(error) => {
                    let payload = format!("transition {} of alarm {key} at {} ms", row.id, at.get());
                    lines.letters.push(DeadLetter::new(now, TOPIC, payload.as_bytes(), error.to_string()));
                }
            }
        }
        lines
    }

    /// Counts the lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Tells whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Gives some of the lines.
    #[must_use]
    pub fn part(&self, part: &Range<usize>) -> &str {
        let end_of = |count: usize| count.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.text[end_of(part.start)..end_of(part.end)]
    }

    /// Makes dead letters of the lines that a server refused, and gives them with those that made no line.
    #[must_use]
    pub fn letters(mut self, now: UnixMillis, poison: &[(usize, String)]) -> Vec<DeadLetter> {
        let letter = |(line, words): &(usize, String)| {
            DeadLetter::new(now, TOPIC, self.part(&(*line..line + 1)).trim_end().as_bytes(), words.as_str())
        };
        let refused: Vec<_> = poison.iter().map(letter).collect();
        self.letters.extend(refused);
        self.letters
    }
}

#[cfg(test)]
mod tests {
    use tankline_domain::alarm::{Priority, State};

    use super::*;
    use crate::derive::Derived;

    fn row(id: i64, level_mm: Option<f64>, quality: &str) -> FeedRow {
        FeedRow {
            id,
            site: "s".into(),
            tank: "T-01".into(),
            at_ms: 1000 + id,
            level_mm,
            interface_mm: None,
            temperature_c: None,
            layer: None,
            derived: Derived::default(),
            quality_code: 192,
            quality: quality.into(),
        }
    }

    #[test]
    fn texts_are_left_out_where_a_server_would_make_0_of_them() {
        let rows = [row(1, Some(5.5), "good")];
        let text = |fields| Lines::of(&rows, fields, UnixMillis::new(0)).part(&(0..1)).to_owned();
        let without = "tank,site=s,tank=T-01 level_mm=5.5,quality_code=192i";
        assert_eq!(text(TextFields::LeftOut), format!("{without} 1001\n"));
        assert_eq!(text(TextFields::Written), format!("{without},quality=\"good\" 1001\n"));
    }

    #[test]
    fn alarm_is_written_with_its_state_as_a_number() {
        let transition = |event, to| Transition {
            key: crate::testing::alarm_key("level-hh"),
            at: UnixMillis::new(1000),
            event,
            from: State::Normal,
            to,
            priority: Priority::Critical,
            value: Some(11_801.0),
            limit: Some(11_800.0),
            unit: "mm".into(),
            who: Some("meier \"m\"".into()),
            note: None,
        };
        let recorded = |transition| [RecordedTransition { id: 1, recorded_at: UnixMillis::new(1), transition }];
        let text = |row, fields| Lines::of_alarms(&recorded(row), fields, UnixMillis::new(0)).part(&(0..1)).to_owned();
        let raised = || transition(Event::Raised, State::Unacknowledged);
        let head = "alarm,site=s,tank=T-01,alarm=level-hh,priority=critical";
        assert_eq!(text(raised(), TextFields::LeftOut), format!("{head} state=1i,value=11801,limit=11800 1000\n"));
        assert_eq!(
            text(raised(), TextFields::Written),
            format!("{head} state=1i,value=11801,limit=11800,event=\"raised\",who=\"meier \\\"m\\\"\" 1000\n")
        );
        let found = text(transition(Event::FoundInBacklog, State::Normal), TextFields::LeftOut);
        assert_eq!(found, format!("{head} found=11801,limit=11800 1000\n"));
    }

    #[test]
    fn parts_are_whole_lines_and_a_row_that_makes_no_line_is_a_letter() {
        let rows = [row(1, Some(1.0), "good"), row(2, Some(f64::NAN), "good"), row(3, Some(3.0), "good")];
        let lines = Lines::of(&rows, TextFields::LeftOut, UnixMillis::new(0));
        assert_eq!(lines.len(), 2);
        assert!(lines.part(&(0..1)).ends_with("quality_code=192i 1001\n"));
        assert!(lines.part(&(1..2)).starts_with("tank,site=s,tank=T-01 level_mm=3,"));
        assert_eq!(lines.part(&(0..2)), format!("{}{}", lines.part(&(0..1)), lines.part(&(1..2))));
        let letters = lines.letters(UnixMillis::new(0), &[(1, "no".to_owned())]);
        assert_eq!(letters[0].payload, b"reading 2 of tank T-01 at 1002 ms");
        assert!(letters[1].payload.ends_with(b" 1003") && letters[1].reason == "no");
    }
}
