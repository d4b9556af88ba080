//! Configuration files: TOML, with single values laid over by environment variables.

use std::collections::BTreeMap;
use std::path::Path;

use config::{Config, Environment, File, FileFormat, Value, ValueKind};
use serde_json::{Map, Number};
use tankline_domain::settings::{Document, Problems};

/// Between the prefix and the key, and between the keys of a path.
const SEPARATOR: &str = "__";

/// Reads a configuration file and lays environment variables over it.
///
/// `TANKLINE_EDGE__BROKER__URL=…` with the prefix `TANKLINE_EDGE` sets `broker.url`. The document remembers it, so that
/// a wrong value is blamed on the variable. Values are taken as written: nothing is rounded or turned into a number.
///
/// # Errors
/// [`Problems`] naming the file when it cannot be read or is not TOML.
pub fn load(path: &Path, env_prefix: &str) -> Result<Document, Problems> {
    load_with(
        path,
        env_prefix,
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    )
}

/// Does what [`load`] does, with the given variables in the place of those of the process.
///
/// # Errors
/// [`Problems`] naming the file when it cannot be read or is not TOML.
pub fn load_with(
    path: &Path,
    env_prefix: &str,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Document, Problems> {
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Problems::of_file(&origin, format!("cannot be read: {error}")))?;
    let prefix = format!("{env_prefix}{SEPARATOR}").to_lowercase();
    let ours: BTreeMap<String, String> =
        variables.into_iter().filter(|(name, _)| name.to_lowercase().starts_with(&prefix)).collect();
    let from_environment = ours.keys().map(|name| (key_path(name, &prefix), name.clone())).collect();
    let overlay = Environment::with_prefix(env_prefix)
        .prefix_separator(SEPARATOR)
        .separator(SEPARATOR)
        .source(Some(ours.into_iter().collect()));
    let merged = Config::builder()
        .add_source(File::from_str(&text, FileFormat::Toml))
        .add_source(overlay)
        .build()
        .map_err(|error| Problems::of_file(&origin, error.to_string().trim_end()))?;
    let root = serde_json::Value::Object(
        merged.cache.into_table().map(tree).map_err(|error| Problems::of_file(&origin, error.to_string()))?,
    );
    Ok(Document { origin, root, from_environment })
}

fn key_path(variable: &str, prefix: &str) -> String {
    variable.to_lowercase()[prefix.len()..].replace(SEPARATOR, ".")
}

fn tree(table: config::Map<String, Value>) -> Map<String, serde_json::Value> {
    table.into_iter().map(|(key, value)| (key, plain(value.kind))).collect()
}

fn plain(kind: ValueKind) -> serde_json::Value {
    match kind {
        ValueKind::Nil => serde_json::Value::Null,
        ValueKind::Boolean(truth) => truth.into(),
        ValueKind::I64(number) => number.into(),
        ValueKind::U64(number) => number.into(),
        ValueKind::I128(number) => Number::from_i128(number).into(),
        ValueKind::U128(number) => Number::from_u128(number).into(),
        // TOML knows `nan` and `inf`; as texts they are refused where a number is wanted.
        ValueKind::Float(number) => {
            Number::from_f64(number).map_or_else(|| number.to_string().into(), serde_json::Value::Number)
        }
        ValueKind::String(text) => text.into(),
        ValueKind::Table(table) => serde_json::Value::Object(tree(table)),
        ValueKind::Array(items) => items.into_iter().map(|item| plain(item.kind)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;
    use tankline_domain::settings::Reader;

    use super::*;

    fn file_with(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("edge.toml");
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Document, Problems> {
        let (_dir, path) = file_with(text);
        load_with(&path, "TANKLINE_EDGE", variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn values_are_taken_as_written() {
        let document =
            read("unit = 1.9\ncode = \"0042\"\n[Broker]\nURL = \"mqtt://a\"\n[[tank]]\nname = \"T-01\"", &[]);
        let expected = json!({"unit": 1.9, "code": "0042", "Broker": {"URL": "mqtt://a"}, "tank": [{"name": "T-01"}]});
        assert_eq!(document.unwrap().root, expected);
    }

    #[test]
    fn variable_lies_over_the_file_and_is_remembered() {
        let text = "[broker]\nurl = \"mqtt://a\"\nuser = \"edge\"";
        let variables = [("TANKLINE_EDGE__BROKER__URL", "mqtt://b"), ("TANKLINE_INGEST__BROKER__USER", "no")];
        let document = read(text, &variables).unwrap();
        assert_eq!(document.root, json!({"broker": {"url": "mqtt://b", "user": "edge"}}));
        let remembered = [("broker.url".to_owned(), "TANKLINE_EDGE__BROKER__URL".to_owned())];
        assert_eq!(document.from_environment, remembered.into());
    }

    #[test]
    fn wrong_value_is_blamed_on_the_variable_and_a_right_one_is_a_number() {
        let variables = [("TANKLINE_EDGE__UNIT", "many"), ("TANKLINE_EDGE__BAUD", "19200")];
        let document = read("unit = 1\nbaud = 9600", &variables).unwrap();
        let reader = Reader::new(&document);
        let root = reader.root();
        assert_eq!(root.required::<u32>("baud"), Some(19200));
        assert_eq!(root.required::<u8>("unit"), None);
        let problems = reader.finish().unwrap_err().to_string();
        assert!(problems.contains("environment variable TANKLINE_EDGE__UNIT"), "{problems}");
        assert!(problems.contains("\"many\""), "{problems}");
    }

    #[test]
    fn file_that_is_not_there_is_named_with_the_reason() {
        let problems = load(Path::new("/nonexistent/edge.toml"), "TANKLINE_EDGE").unwrap_err().to_string();
        assert!(problems.starts_with("/nonexistent/edge.toml: cannot be read: No such file"), "{problems}");
    }

    #[test]
    fn syntax_error_names_file_and_line() {
        let problems = read("site = \"lindong\"\nbaud = = 9600\n", &[]).unwrap_err().to_string();
        assert!(problems.contains("edge.toml: "), "{problems}");
        assert!(problems.contains("line 2"), "{problems}");
    }
}
