//! The files that a configuration names, also when it cannot be used.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tankline_runtime::{document, site_file};

use crate::config::ENVIRONMENT;

/// Gives the configuration file, the description of the site that it names, and all files that these two name, as far as
/// they can be read.
pub(crate) fn named_files(path: &Path) -> Vec<PathBuf> {
    let mut files = vec![path.to_owned()];
    let Ok(document) = document::load(path, ENVIRONMENT) else { return files };
    let folder = path.parent().unwrap_or(Path::new("."));
    let in_folder = |name: &Value| name.as_str().map(|name| folder.join(name));
    let broker = document.root.get("broker").and_then(Value::as_object);
    let of_broker = broker.into_iter().flatten().filter(|(key, _)| key.ends_with("_file"));
    files.extend(of_broker.filter_map(|(_, name)| in_folder(name)));
    let Some(site) = document.root.get("site").and_then(in_folder) else { return files };
    files.push(site.clone());
    let Ok(document) = document::load(&site, site_file::VARIABLES) else { return files };
    let folder = site.parent().unwrap_or(Path::new("."));
    let tanks = document.root.get("tank").and_then(Value::as_array);
    let tables = tanks.into_iter().flatten().filter_map(|tank| tank.get("geometry")?.get("strapping_table")?.as_str());
    files.extend(tables.map(|table| folder.join(table)));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_also_of_a_configuration_that_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("edge.toml");
        let names = || -> Vec<_> {
            named_files(&file)
                .iter()
                .map(|file| file.strip_prefix(&dir).unwrap().to_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(names(), ["edge.toml"]);
        let text = "site = \"here/site.toml\"\nwrong = 1\n[broker]\npassword_file = \"password\"\nurl = \"nothing\"\n";
        std::fs::write(&file, text).unwrap();
        assert_eq!(names(), ["edge.toml", "password", "here/site.toml"]);
        std::fs::create_dir(dir.path().join("here")).unwrap();
        let text = "wrong = 1\n[[tank]]\n[tank.geometry]\nstrapping_table = \"t.csv\"\n[[tank]]\nname = \"T\"\n";
        std::fs::write(dir.path().join("here/site.toml"), text).unwrap();
        assert_eq!(names(), ["edge.toml", "password", "here/site.toml", "here/t.csv"]);
    }
}
