//! The JSON of the dashboards: what they ask, and how they show what is answered.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Where the dashboards are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/grafana")
}

/// Gives a dashboard.
pub fn dashboard(path: &str) -> Value {
    let text = std::fs::read_to_string(folder().join("dashboards").join(path)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Gives all dashboards of a data source, each with its name.
pub fn dashboards(of: &str) -> Vec<(String, Value)> {
    let files = std::fs::read_dir(folder().join("dashboards").join(of)).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), dashboard(&format!("{of}/{name}")))).collect()
}

/// What a dashboard asks for.
pub struct Asked {
    /// Where it stands.
    pub place: String,
    /// The query with its variables filled in.
    pub query: String,
    /// The kind of panel that asks; of a variable or an annotation nothing.
    pub kind: String,
    /// How a panel asks; of a variable or an annotation nothing.
    pub target: Value,
}

/// Gives everything that a dashboard asks for: of its variables, its annotations and its panels.
pub fn asked(name: &str, dashboard: &Value, key: &str, fill: &impl Fn(&str) -> String) -> Vec<Asked> {
    let asked = |what: &str, query: &str| Asked {
        place: format!("{name}, {what}"),
        query: fill(query),
        kind: String::new(),
        target: Value::Null,
    };
    let list = |value: &Value| value.as_array().unwrap().clone();
    let mut all = Vec::new();
    for variable in list(&dashboard["templating"]["list"]).iter().filter(|one| one["type"] == "query") {
        let query = variable["query"].as_str().or(variable["query"]["query"].as_str()).unwrap();
        all.push(asked(&format!("variable {}", variable["name"]), query));
    }
    for annotation in list(&dashboard["annotations"]["list"]) {
        all.push(asked(&format!("annotation {}", annotation["name"]), annotation["target"][key].as_str().unwrap()));
    }
    for panel in list(&dashboard["panels"]) {
        for target in list(&panel["targets"]) {
            let what = format!("panel {} {}", panel["title"], target["refId"]);
            let kind = panel["type"].as_str().unwrap().to_owned();
            all.push(Asked { kind, target: target.clone(), ..asked(&what, target[key].as_str().unwrap()) });
        }
    }
    all
}

/// Gives a panel by its title.
pub fn panel<'d>(dashboard: &'d Value, title: &str) -> &'d Value {
    dashboard["panels"].as_array().unwrap().iter().find(|panel| panel["title"] == title).unwrap()
}

/// Shows a value of a field as the panel would: its text and its colour where a mapping says so.
pub fn shown(panel: &Value, field: &str, value: &Value) -> (String, String) {
    let overrides = panel["fieldConfig"]["overrides"].as_array().unwrap();
    let of_field = overrides.iter().filter(|one| one["matcher"]["options"] == field);
    let mut properties = of_field.flat_map(|one| one["properties"].as_array().unwrap());
    let default = &panel["fieldConfig"]["defaults"];
    let mappings = properties.find(|one| one["id"] == "mappings").map_or(&default["mappings"], |one| &one["value"]);
    for mapping in mappings.as_array().unwrap() {
        let result = match mapping["type"].as_str().unwrap() {
            "value" => mapping["options"].get(value.to_string()),
            "range" => {
                let bound = |name: &str| mapping["options"][name].as_f64().unwrap();
                let number = value.as_f64();
                number
                    .filter(|number| (bound("from")..=bound("to")).contains(number))
                    .map(|_| &mapping["options"]["result"])
            }
            _ => value.is_null().then(|| &mapping["options"]["result"]),
        };
        if let Some(result) = result {
            return (result["text"].as_str().unwrap().to_owned(), result["color"].as_str().unwrap().to_owned());
        }
    }
    let nothing = default["noValue"].as_str().unwrap();
    (if value.is_null() { nothing.to_owned() } else { value.to_string() }, String::new())
}

fn python(script: &str, argument: &[&str]) {
    let path = folder().join("generator").join(script);
    let done = Command::new("python3").arg("-B").arg(path).args(argument).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
#[ignore = "needs python3"]
fn dashboards_are_what_the_generator_writes() {
    python("make.py", &["--check"]);
}

#[test]
#[ignore = "needs grafana-foundation-sdk (PyPI)"]
fn dashboards_fit_the_published_schema_and_let_nothing_old_look_live() {
    python("validate.py", &[]);
}
