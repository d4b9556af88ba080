//! Line protocol: one point a line, safe against whatever stands in it.

use std::fmt::Write;

/// Why a point cannot be written as a line.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// The protocol has no way to write the number.
    #[error("field {field} is {value}, which line protocol cannot carry")]
    NotFinite {
        /// The field.
        field: String,
        /// Its value.
        value: f64,
    },
    /// A text has a character that would end the line or its place in it.
    #[error("{text:?} has a control character or a backslash, which a measurement, key or tag must not have")]
    Unsafe {
        /// The text.
        text: String,
    },
    /// There is no field, and a line needs one.
    #[error("the point has no field")]
    NoField,
}

/// A point being written at the end of a text. What was written of it goes away again when it cannot be finished.
#[derive(Debug)]
pub struct Point<'t> {
    text: &'t mut String,
    start: usize,
    fields: usize,
    error: Option<LineError>,
}

impl<'t> Point<'t> {
    /// Begins a point.
    #[must_use]
    pub fn new(text: &'t mut String, measurement: &str) -> Self {
        let start = text.len();
        let mut point = Self { text, start, fields: 0, error: None };
        point.escaped(measurement, &[',', ' ']);
        point
    }

    /// Adds a tag; an empty one is left out, as the protocol wants it. All tags come before the first field.
    #[must_use]
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.text.push(',');
            self.escaped(key, &[',', '=', ' ']);
            self.text.push('=');
            self.escaped(value, &[',', '=', ' ']);
        }
        self
    }

    /// Adds a number; an absent one is left out.
    #[must_use]
    pub fn float(mut self, key: &str, value: Option<f64>) -> Self {
        let Some(value) = value else { return self };
        if !value.is_finite() {
            self.error.get_or_insert(LineError::NotFinite { field: key.to_owned(), value });
        }
        self.key(key);
        write!(self.text, "{value}").expect("writing to a text does not fail");
        self
    }

    /// Adds a whole number.
    #[must_use]
    pub fn integer(mut self, key: &str, value: i64) -> Self {
        self.key(key);
        write!(self.text, "{value}i").expect("writing to a text does not fail");
        self
    }

    /// Adds a text.
    #[must_use]
    pub fn string(mut self, key: &str, value: &str) -> Self {
        self.key(key);
        self.text.push('"');
        for character in value.chars() {
            if character.is_control() {
                self.error.get_or_insert_with(|| LineError::Unsafe { text: value.to_owned() });
            }
            if matches!(character, '"' | '\\') {
                self.text.push('\\');
            }
            self.text.push(character);
        }
        self.text.push('"');
        self
    }

    /// Ends the line with its time.
    ///
    /// # Errors
    /// [`LineError`]; nothing of the point is in the text then.
    pub fn finish(mut self, timestamp: i64) -> Result<(), LineError> {
        let error = self.error.take().or((self.fields == 0).then_some(LineError::NoField));
        if let Some(error) = error {
            self.text.truncate(self.start);
            return Err(error);
        }
        writeln!(self.text, " {timestamp}").expect("writing to a text does not fail");
        Ok(())
    }

    fn key(&mut self, key: &str) {
        self.text.push(if self.fields == 0 { ' ' } else { ',' });
        self.fields += 1;
        self.escaped(key, &[',', '=', ' ']);
        self.text.push('=');
    }

    /// Writes a text outside quotes. A backslash cannot be written there so that all servers read it alike.
    fn escaped(&mut self, text: &str, special: &[char]) {
        for character in text.chars() {
            if character.is_control() || character == '\\' {
                self.error.get_or_insert_with(|| LineError::Unsafe { text: text.to_owned() });
            }
            if special.contains(&character) {
                self.text.push('\\');
            }
            self.text.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Splits at a separator that is neither escaped nor in quotes, and takes the escapes away.
    fn split(text: &str, separator: char, quotes: bool) -> Vec<String> {
        let (mut parts, mut quoted, mut characters) = (vec![String::new()], false, text.chars());
        while let Some(character) = characters.next() {
            let part = parts.last_mut().unwrap();
            match character {
                '\\' => {
                    part.push('\\');
                    part.extend(characters.next());
                }
                '"' if quotes => {
                    quoted = !quoted;
                    part.push('"');
                }
                other if other == separator && !quoted => parts.push(String::new()),
                other => part.push(other),
            }
        }
        parts
    }

    fn plain(text: &str) -> String {
        let (mut plain, mut characters) = (String::new(), text.chars());
        while let Some(character) = characters.next() {
            plain.push(if character == '\\' { characters.next().unwrap() } else { character });
        }
        plain
    }

    #[test]
    fn point_stands_as_the_protocol_has_it() {
        let mut text = String::new();
        let point = Point::new(&mut text, "tank").tag("site", "lindong").tag("tank", "T-01").tag("empty", "");
        let point =
            point.float("level_mm", Some(9641.0)).float("interface_mm", None).float("temperature_c", Some(-3.5));
        point.integer("quality_code", 192).string("quality", "good").finish(1_795_400_000_123).unwrap();
        assert_eq!(
            text,
            "tank,site=lindong,tank=T-01 level_mm=9641,temperature_c=-3.5,quality_code=192i,quality=\"good\" \
             1795400000123\n"
        );
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let mut text = "before\n".to_owned();
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let point = Point::new(&mut text, "tank").float("level_mm", Some(value));
            assert!(matches!(point.finish(1), Err(LineError::NotFinite { .. })));
        }
        let injected = Point::new(&mut text, "tank").tag("tank", "x v=1 1\ntank").integer("q", 1);
        assert!(matches!(injected.finish(1), Err(LineError::Unsafe { .. })));
        let open = Point::new(&mut text, "tank").tag("tank", "x\\").integer("q", 1);
        assert!(matches!(open.finish(1), Err(LineError::Unsafe { .. })));
        assert_eq!(Point::new(&mut text, "tank").tag("tank", "x").finish(1), Err(LineError::NoField));
        assert_eq!(text, "before\n");
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(
            measurement in "[a-z, =]{1,8}", tag in "[a-z, =\"]{1,8}", key in "[a-z, =]{1,8}", note in "[ -~]{0,12}",
            value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO, whole: i64, at: i64,
        ) {
            let mut text = String::new();
            let point = Point::new(&mut text, &measurement).tag("t", &tag).float(&key, Some(value));
            point.integer("i", whole).string("s", &note).finish(at).unwrap();
            prop_assert_eq!(text.matches('\n').count(), 1);
            let line = text.trim_end_matches('\n');
            // A quote in a tag is no quotation, one in a field is.
            let head = &line[..split(line, ' ', false)[0].len()];
            let rest = split(&line[head.len() + 1..], ' ', true);
            prop_assert_eq!(rest.len(), 2);
            let head = split(head, ',', false);
            prop_assert_eq!(plain(&head[0]), measurement);
            prop_assert_eq!(plain(&split(&head[1], '=', false)[1]), tag);
            let fields: Vec<_> = split(&rest[0], ',', true);
            prop_assert_eq!(fields.len(), 3);
            let pair = split(&fields[0], '=', true);
            prop_assert_eq!(plain(&pair[0]), key);
            prop_assert_eq!(pair[1].parse::<f64>().unwrap(), value);
            prop_assert_eq!(&fields[1], &format!("i={whole}i"));
            let quoted = fields[2].strip_prefix("s=\"").unwrap().strip_suffix('"').unwrap();
            prop_assert_eq!(plain(quoted), note);
            prop_assert_eq!(rest[1].parse::<i64>().unwrap(), at);
        }
    }
}
