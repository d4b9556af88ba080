//! TOML with the line of every key, so that what is wrong can be found.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Number, Value};
use tankline_domain::settings::{Document, Problem, Problems};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A TOML file as it was written.
#[derive(Debug, Clone)]
pub struct TomlText {
    /// Its values.
    pub document: Document,
    lines: BTreeMap<String, usize>,
}

impl TomlText {
    /// Reads a text; `origin` is the file, as a person would name it.
    ///
    /// # Errors
    /// [`Problems`] with each place that is not TOML.
    pub fn parse(origin: &str, text: &str) -> Result<Self, Problems> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let line = LineOf { text };
        let problem = |error: &toml::de::Error| Problem {
            origin: format!("{origin}:{}", line.at(error.span().unwrap_or_default())),
            place: String::new(),
            message: format!("is not TOML: {}", error.message()),
        };
        if let Some(problems) = Problems::found(errors.iter().map(problem).collect()) {
            return Err(problems);
        }
        let mut lines = BTreeMap::new();
        let root = table_of(table.get_ref(), "", &line, &mut lines);
        let document =
            Document { origin: origin.to_owned(), root: Value::Object(root), from_environment: BTreeMap::new() };
        Ok(Self { document, lines })
    }

    /// Gives the line of a key path such as `event[2].at`, or of the nearest table around it; counts from 1.
    #[must_use]
    pub fn line_of(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return 1,
            }
        }
    }

    /// Adds to each problem of this text its line. `prefix` stands before the places of the problems, such as `site.`.
    #[must_use]
    pub fn located(&self, problems: &Problems, prefix: &str) -> Vec<Problem> {
        let located = |problem: &Problem| {
            let path = problem.place.split(" = ").next().unwrap_or_default();
            let line = self.line_of(&format!("{prefix}{path}"));
            let place = if problem.place.is_empty() { String::new() } else { format!("{prefix}{}", problem.place) };
            Problem { origin: format!("{}:{line}", self.document.origin), place, message: problem.message.clone() }
        };
        problems.iter().map(located).collect()
    }
}

struct LineOf<'t> {
    text: &'t str,
}

impl LineOf<'_> {
    fn at(&self, span: Range<usize>) -> usize {
        let start = span.start.min(self.text.len());
        1 + self.text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count()
    }
}

fn table_of(
    table: &DeTable<'_>,
    path: &str,
    line: &LineOf<'_>,
    lines: &mut BTreeMap<String, usize>,
) -> Map<String, Value> {
    let entry = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        let name = key.get_ref().as_ref();
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        lines.insert(path.clone(), line.at(key.span()));
        (name.to_owned(), value_of(value, &path, line, lines))
    };
    table.iter().map(entry).collect()
}

fn value_of(value: &Spanned<DeValue<'_>>, path: &str, line: &LineOf<'_>, lines: &mut BTreeMap<String, usize>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(truth) => (*truth).into(),
        DeValue::Integer(number) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            number.map_or_else(|_| Value::Null, Value::from)
        }
        DeValue::Float(number) => {
            let parsed = number.as_str().parse().ok().and_then(Number::from_f64);
            // TOML knows `nan` and `inf`; as texts they are refused where a number is wanted.
            parsed.map_or_else(|| number.as_str().into(), Value::Number)
        }
        DeValue::Datetime(moment) => moment.to_string().into(),
        DeValue::Array(items) => {
            let item = |(index, item): (usize, &Spanned<DeValue<'_>>)| {
                let called = |name: &str| format!("{path}[{name}]");
                // Tables are called by their names where they have one, as problems call them.
                let name = item.get_ref().as_table().and_then(|table| table.get("name").or(table.get("tank")));
                if let Some(name) = name.and_then(|name| name.get_ref().as_str()) {
                    lines.insert(called(name), line.at(item.span()));
                    value_of(item, &called(name), line, lines);
                }
                let path = called(&(index + 1).to_string());
                lines.insert(path.clone(), line.at(item.span()));
                value_of(item, &path, line, lines)
            };
            items.iter().enumerate().map(item).collect()
        }
        DeValue::Table(table) => Value::Object(table_of(table, path, line, lines)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "name = \"a\"\nspeed = 1_000\n[[event]]\nat = \"1 s\"\n[[event]]\ndo = [\n  \"x\",\n  \"y\",\n]\n[site]\na = { b = 1.5 }\n";

    #[test]
    fn every_key_and_item_has_its_line() {
        let text = TomlText::parse("a.toml", TEXT).unwrap();
        let expected = json!({
            "name": "a", "speed": 1000, "event": [{"at": "1 s"}, {"do": ["x", "y"]}], "site": {"a": {"b": 1.5}}
        });
        assert_eq!(text.document.root, expected);
        for (path, line) in [
            ("name", 1),
            ("event[1].at", 4),
            ("event[2]", 5),
            ("event[2].at", 5),
            ("event[2].do[2]", 8),
            ("site.a.b", 11),
            ("site.tank[T-01].unit", 10),
            ("nothing", 1),
        ] {
            assert_eq!(text.line_of(path), line, "{path}");
        }
    }

    #[test]
    fn every_place_that_is_not_toml_is_told() {
        let problems = TomlText::parse("a.toml", "a = 1\nb = = 2\nc = \nd = 1\n").unwrap_err().to_string();
        assert!(problems.lines().any(|line| line.starts_with("a.toml:2: is not TOML")), "{problems}");
        assert!(problems.lines().any(|line| line.starts_with("a.toml:3: is not TOML")), "{problems}");
    }
}
