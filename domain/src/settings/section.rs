//! Walking a configuration tree.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::{Problem, Problems, Setting};

/// A configuration as it was loaded: values, and where they came from.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file or other source, as a person would name it.
    pub origin: String,
    /// The tree of values; a table at the top.
    pub root: Value,
    /// Key paths (`broker.url`) whose value an environment variable gave, with its name.
    pub from_environment: BTreeMap<String, String>,
}

/// Collects problems while a document is read.
#[derive(Debug)]
pub struct Reader<'d> {
    document: &'d Document,
    problems: RefCell<Vec<Problem>>,
}

/// One table of a document.
#[derive(Debug)]
pub struct Section<'r> {
    reader: &'r Reader<'r>,
    path: String,
    table: Option<&'r Map<String, Value>>,
    asked: RefCell<BTreeSet<String>>,
}

impl<'d> Reader<'d> {
    /// Begins to read a document.
    #[must_use]
    pub const fn new(document: &'d Document) -> Self {
        Self { document, problems: RefCell::new(Vec::new()) }
    }

    /// Gives the top table.
    #[must_use]
    pub fn root(&'d self) -> Section<'d> {
        self.section(String::new(), Some(&self.document.root))
    }

    /// Tells whether a problem was found so far.
    #[must_use]
    pub fn has_problems(&self) -> bool {
        !self.problems.borrow().is_empty()
    }

    /// Ends the reading: all problems, or none.
    ///
    /// # Errors
    /// [`Problems`] when there was at least one.
    pub fn finish(&self) -> Result<(), Problems> {
        Problems::found(self.problems.take()).map_or(Ok(()), Err)
    }

    fn section(&'d self, path: String, value: Option<&'d Value>) -> Section<'d> {
        let table = match value {
            None => None,
            Some(Value::Object(table)) => Some(table),
            Some(other) => {
                self.report(&path, Some(other), "must be a table".to_owned());
                None
            }
        };
        Section { reader: self, path, table, asked: RefCell::default() }
    }

    fn report(&self, path: &str, value: Option<&Value>, message: String) {
        let variable = self.document.from_environment.get(path);
        let origin =
            variable.map_or_else(|| self.document.origin.clone(), |name| format!("environment variable {name}"));
        let place = match value {
            Some(value) if may_be_secret(path, value) => format!("{path} = <not shown>"),
            Some(value) if !value.is_object() && !value.is_array() => format!("{path} = {value}"),
            _ => path.to_owned(),
        };
        let problem = Problem { origin, place, message };
        let mut problems = self.problems.borrow_mut();
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
}

impl<'r> Section<'r> {
    /// Reads a key that must be there; `None` after reporting what is wrong.
    pub fn required<T: Setting>(&self, key: &str) -> Option<T> {
        if self.value(key).is_none() {
            self.problem(key, "is missing");
        }
        self.optional(key)
    }

    /// Reads a key that may be there; `None` when it is absent, or after reporting what is wrong.
    pub fn optional<T: Setting>(&self, key: &str) -> Option<T> {
        let value = self.value(key)?;
        self.read(key, value).map_err(|wrong| self.problem(key, wrong)).ok()
    }

    /// Reads a key, or takes the default.
    pub fn or<T: Setting>(&self, key: &str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// Reads a key whose value must lie in a range, or takes the default.
    pub fn within<T: Setting + PartialOrd + Display + Debug>(
        &self,
        key: &str,
        range: RangeInclusive<T>,
        default: T,
    ) -> T {
        self.bounded(key, &range).unwrap_or(default)
    }

    /// Reads a key that must be there and whose value must lie in a range.
    pub fn required_within<T: Setting + PartialOrd + Display + Debug>(
        &self,
        key: &str,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        if self.value(key).is_none() {
            self.problem(key, "is missing");
        }
        self.bounded(key, &range)
    }

    /// Reads a key that may be there and whose value must lie in a range.
    pub fn optional_within<T: Setting + PartialOrd + Display + Debug>(
        &self,
        key: &str,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        self.bounded(key, &range)
    }

    /// Reads a key that must be one of the given words, or takes the first of them.
    pub fn choice<T: Clone>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let Some(word) = self.optional::<String>(key) else {
            return choices.first().filter(|_| self.value(key).is_none()).map(|choice| choice.1.clone());
        };
        let found = choices.iter().find(|choice| choice.0 == word).map(|choice| choice.1.clone());
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|choice| format!("{:?}", choice.0)).collect();
            self.problem(key, format!("must be one of {}", words.join(", ")));
        }
        found
    }

    /// Gives the value of a key when it is a text; reports nothing.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        self.value(key).and_then(Value::as_str).map(str::to_owned)
    }

    /// Tells whether the key is there.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Gives a table inside this one; an empty table when it is absent.
    #[must_use]
    pub fn section(&self, key: &str) -> Section<'r> {
        self.reader.section(self.path_of(key), self.value(key))
    }

    /// Gives a table inside this one, when it is there.
    #[must_use]
    pub fn optional_section(&self, key: &str) -> Option<Section<'r>> {
        self.has(key).then(|| self.section(key))
    }

    /// Gives the tables of a list of tables (`[[tank]]`); none when it is absent.
    ///
    /// Each is called by its `name` or `tank`, or else by its number from 1.
    #[must_use]
    pub fn list(&self, key: &str) -> Vec<Section<'r>> {
        self.tables(key, |item| item.get("name").or(item.get("tank")).and_then(Value::as_str))
    }

    /// Gives the tables of a list of tables, each called by its number from 1.
    #[must_use]
    pub fn numbered(&self, key: &str) -> Vec<Section<'r>> {
        self.tables(key, |_| None)
    }

    fn tables(&self, key: &str, name: impl Fn(&'r Value) -> Option<&'r str>) -> Vec<Section<'r>> {
        match self.value(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                let path = self.path_of(key);
                let section = |(index, item): (usize, &'r Value)| {
                    let called = name(item).map_or_else(|| (index + 1).to_string(), str::to_owned);
                    self.reader.section(format!("{path}[{called}]"), Some(item))
                };
                items.iter().enumerate().map(section).collect()
            }
            Some(_) => {
                self.problem(key, format!("must be a list of tables: write [[{key}]]"));
                Vec::new()
            }
        }
    }

    /// Gives the tables inside a table by their names (`[line.line-01]`).
    #[must_use]
    pub fn named_sections(&self, key: &str) -> Vec<(String, Section<'r>)> {
        let outer = self.section(key);
        let names: Vec<String> = outer.table.map(|table| table.keys().cloned().collect()).unwrap_or_default();
        names.into_iter().map(|name| (name.clone(), outer.section(&name))).collect()
    }

    /// Reports something wrong with a key of this table.
    pub fn problem(&self, key: &str, message: impl Into<String>) {
        self.reader.report(&self.path_of(key), self.value(key), message.into());
    }

    /// Reports something wrong with this table as a whole.
    pub fn problem_here(&self, message: impl Into<String>) {
        self.reader.report(&self.path, None, message.into());
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for key in self.table.into_iter().flat_map(Map::keys).filter(|key| !asked.contains(*key)) {
            // A forgotten unit (`max_rate` for `max_rate_mm_s`) is as near as a slip of the finger.
            let steps = |known: &String| if known.starts_with(key.as_str()) { 1 } else { distance(key, known) };
            let nearest = asked.iter().map(|known| (steps(known), known)).min();
            let file = format!("{key}_file");
            let message = match nearest {
                _ if asked.contains(&file) => {
                    format!("is not a key here; a secret stands in a file of its own, which {file} names")
                }
                Some((steps, known)) if steps <= 2.max(key.len() / 3) => {
                    format!("is not a key here; did you mean {known:?}?")
                }
                _ => {
                    let known: Vec<_> = asked.iter().map(String::as_str).collect();
                    format!("is not a key here; the keys are {}", known.join(", "))
                }
            };
            let value = self.table.and_then(|table| table.get(key));
            self.reader.report(&self.path_of(key), value, message);
        }
    }

    fn bounded<T: Setting + PartialOrd + Display>(&self, key: &str, range: &RangeInclusive<T>) -> Option<T> {
        let wrong = || format!("must be {} to {}", range.start(), range.end());
        let value = self.value(key)?;
        match self.read(key, value) {
            Ok(number) if range.contains(&number) => Some(number),
            Ok(_) => {
                self.problem(key, wrong());
                None
            }
            Err(other) => {
                // A number that does not fit its type is told the range that holds here, not that of the type.
                let message = match value {
                    Value::Number(number) if number.is_f64() => format!("{} and whole", wrong()),
                    Value::Number(_) => wrong(),
                    _ => other,
                };
                self.problem(key, message);
                None
            }
        }
    }

    /// Reads a value; a text from an environment variable may stand for a number, a truth or a list.
    fn read<T: Setting>(&self, key: &str, value: &Value) -> Result<T, String> {
        let from_environment = self.reader.document.from_environment.contains_key(&self.path_of(key));
        let meant = value.as_str().filter(|_| from_environment).and_then(|text| serde_json::from_str(text).ok());
        T::read(value).or_else(|wrong| meant.map_or(Err(wrong), |meant: Value| T::read(&meant)))
    }

    fn value(&self, key: &str) -> Option<&'r Value> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.table.and_then(|table| table.get(key))
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// Counts the single-character edits from one word to another.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

/// Tells whether a value may be a secret that was put where none belongs. No error shows such a value.
fn may_be_secret(path: &str, value: &Value) -> bool {
    let key = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    let is_named_so = ["password", "passwd", "passphrase", "secret", "token"].iter().any(|word| key.contains(word));
    // user:password@host
    let has_login = value.as_str().and_then(|text| text.split_once("://")).is_some_and(|(_, rest)| rest.contains('@'));
    has_login || (is_named_so && !key.ends_with("_file"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(root: Value) -> Document {
        Document { origin: "edge.toml".into(), root, from_environment: BTreeMap::new() }
    }

    #[test]
    fn everything_wrong_is_said_at_once_with_file_key_and_value() {
        let document = document(
            json!({"unit": 1.9, "baud": 9601, "prot": "x", "gauge": [{"tank": "T-01", "unit": 0}], "zzz": true}),
        );
        let reader = Reader::new(&document);
        let root = reader.root();
        assert_eq!(root.required::<u8>("unit"), None);
        assert_eq!(root.within("baud", 1200..=9600_u32, 9600), 9600);
        assert_eq!(root.required::<String>("port"), None);
        for gauge in root.list("gauge") {
            assert_eq!(gauge.required_within("unit", 1..=247_u8), None);
            let _ = gauge.required::<String>("tank");
            gauge.finish();
        }
        root.finish();
        let said = reader.finish().unwrap_err().to_string();
        assert_eq!(
            said.lines().collect::<Vec<_>>(),
            [
                "edge.toml: unit = 1.9: must be a whole number from 0 to 255",
                "edge.toml: baud = 9601: must be 1200 to 9600",
                "edge.toml: port: is missing",
                "edge.toml: gauge[T-01].unit = 0: must be 1 to 247",
                "edge.toml: prot = \"x\": is not a key here; did you mean \"port\"?",
                "edge.toml: zzz = true: is not a key here; the keys are baud, gauge, port, unit",
            ]
        );
    }

    #[test]
    fn secret_in_the_wrong_place_is_refused_and_not_shown() {
        let document = document(json!({
            "url": "mqtt://user:hunter2@broker", "password": "hunter2", "api_token": "hunter2", "password_file": 7
        }));
        let reader = Reader::new(&document);
        let root = reader.root();
        root.problem("url", "must not hold a user or password");
        let _ = root.optional::<String>("password_file");
        root.finish();
        let said = reader.finish().unwrap_err().to_string();
        assert!(!said.contains("hunter2"), "{said}");
        for part in [
            "url = <not shown>: must not hold",
            "password = <not shown>: is not a key here; a secret stands in a file of its own, which password_file names",
            "api_token = <not shown>",
            "password_file = 7",
        ] {
            assert!(said.contains(part), "{part:?} in {said}");
        }
    }

    #[test]
    fn text_is_a_number_only_when_an_environment_variable_gave_it() {
        let mut document = document(json!({"unit": "7", "password": "0042"}));
        {
            let reader = Reader::new(&document);
            assert_eq!(reader.root().optional::<u8>("unit"), None);
        }
        document.from_environment.insert("unit".into(), "TANKLINE__UNIT".into());
        document.from_environment.insert("password".into(), "TANKLINE__PASSWORD".into());
        let reader = Reader::new(&document);
        assert_eq!(reader.root().optional::<u8>("unit"), Some(7));
        assert_eq!(reader.root().optional::<String>("password").as_deref(), Some("0042"));
        assert_eq!(reader.root().within("unit", 1..=5_u8, 1), 1);
        assert_eq!(
            reader.finish().unwrap_err().to_string(),
            "environment variable TANKLINE__UNIT: unit = \"7\": must be 1 to 5"
        );
    }

    #[test]
    fn wrong_shapes_are_named() {
        let document = document(json!({"broker": 1, "gauge": {}}));
        let reader = Reader::new(&document);
        assert_eq!(reader.root().section("broker").optional::<String>("url"), None);
        assert!(reader.root().list("gauge").is_empty());
        let said = reader.finish().unwrap_err().to_string();
        assert_eq!(
            said,
            "edge.toml: broker = 1: must be a table\nedge.toml: gauge: must be a list of tables: write [[gauge]]"
        );
    }
}
