//! The site of a story: a file, some tanks of a file, or a small one in the scenario itself.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tankline_domain::settings::{Document, Problems, Section};
use tankline_domain::site::{self, Site};
use tankline_runtime::document;

use super::TomlText;

/// A site, and what is needed to write it for the processes.
#[derive(Debug, Clone)]
pub struct StorySite {
    /// The site.
    pub site: Site,
    root: Value,
    tables: Vec<(PathBuf, String)>,
}

impl StorySite {
    /// Writes the description and its strapping tables into a folder; gives the file.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        for (path, text) in &self.tables {
            let path = folder.join(path);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(path, text)?;
        }
        let file = folder.join("site.toml");
        fs::write(&file, toml::to_string(&self.root).map_err(io::Error::other)?)?;
        Ok(file)
    }
}

/// Reads `site = "FILE"` with an optional `tanks = […]`, or a `[site]` table with the tables of a site's file; lays the
/// tables of `[site_changes]` over it.
///
/// Problems of a file are given as they are; those of the table get the lines of this text.
pub(super) fn read(root: &Section<'_>, text: &TomlText, folder: &Path) -> Result<Option<StorySite>, Problems> {
    let tanks = root.optional::<Vec<String>>("tanks");
    let here = text.document.root.get("site").filter(|site| site.is_object());
    let (document, folder) = match here {
        Some(table) => {
            // It is the reader's of the site to say what is wrong inside.
            let _ = root.has("site");
            let mut table = table.clone();
            // In a table of this name, `site.name` reads better than `site.site`.
            if let Some(table) = table.as_object_mut()
                && let Some(name) = table.remove("name")
            {
                table.insert("site".to_owned(), name);
            }
            let document = Document { origin: text.document.origin.clone(), root: table, ..text.document.clone() };
            (document, folder.to_owned())
        }
        None => {
            let Some(path) = root.required::<PathBuf>("site") else { return Ok(None) };
            let path = folder.join(path);
            let document = document::load_with(&path, "TANKLINE_SITE", [])?;
            (document, path.parent().unwrap_or(Path::new(".")).to_owned())
        }
    };
    let mut document = document;
    let _ = root.has("site_changes");
    if let Some(changes) = text.document.root.get("site_changes") {
        lay_over(&mut document.root, changes);
    }
    if let Some(tanks) = tanks {
        let gone: Vec<_> = keep_only(&mut document.root, &tanks);
        for tank in gone {
            root.problem("tanks", format!("the site has no gauge on a tank {tank:?}"));
        }
    }
    let tables = RefCell::new(Vec::new());
    let parsed = site::parse(&document, &|table| {
        let path = folder.join(table);
        let text = fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        tables.borrow_mut().push((table.to_owned(), text.clone()));
        Ok(text)
    });
    let site = parsed.map_err(|problems| match here {
        Some(_) => Problems::found(text.located(&problems, "site.")).unwrap_or(problems),
        None => problems,
    })?;
    Ok(Some(StorySite { site, root: document.root, tables: tables.into_inner() }))
}

/// Lays a tree over another: tables key by key, lists of tables by the names of the tables; all else takes the place.
fn lay_over(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                lay_over(under.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(under), Value::Array(over)) if over.iter().all(|item| name_of(item).is_some()) => {
            for item in over {
                match under.iter_mut().find(|known| name_of(known) == name_of(item)) {
                    Some(known) => lay_over(known, item),
                    None => under.push(item.clone()),
                }
            }
        }
        (under, over) => *under = over.clone(),
    }
}

fn name_of(item: &Value) -> Option<&str> {
    item.get("name").or(item.get("tank"))?.as_str()
}

/// Leaves only these tanks, their gauges and the lines of these; gives the tanks that are not there.
fn keep_only(root: &mut Value, tanks: &[String]) -> Vec<String> {
    let Some(root) = root.as_object_mut() else { return Vec::new() };
    let is_kept = |item: &Value, key: &str| {
        item.get(key).and_then(Value::as_str).is_some_and(|name| tanks.iter().any(|tank| tank == name))
    };
    retain(root, "gauge", |gauge| is_kept(gauge, "tank"));
    retain(root, "tank", |tank| is_kept(tank, "name"));
    let texts = |root: &Map<String, Value>, list: &str, key: &str| -> BTreeSet<String> {
        let items = root.get(list).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|item| item.get(key)?.as_str().map(str::to_owned)).collect()
    };
    let (gauged, lines) = (texts(root, "gauge", "tank"), texts(root, "gauge", "line"));
    retain(root, "line", |line| line.get("name").and_then(Value::as_str).is_some_and(|name| lines.contains(name)));
    tanks.iter().filter(|tank| !gauged.contains(*tank)).cloned().collect()
}

fn retain(root: &mut Map<String, Value>, list: &str, is_kept: impl Fn(&Value) -> bool) {
    if let Some(items) = root.get_mut(list).and_then(Value::as_array_mut) {
        items.retain(is_kept);
    }
}
