//! The rights file.

use std::path::Path;

use serde_json::Value;
use tankline_domain::settings::{Document, Problems, Reader, Section, Setting};
use tankline_runtime::document;

use super::pattern::Pattern;
use super::role::{Rights, Role};

/// No environment variable lies over a rights file: this prefix is nobody's.
const NO_PREFIX: &str = "TANKLINE_BROKER_RIGHTS_FILE";

impl Setting for Pattern {
    fn read(value: &Value) -> Result<Self, String> {
        String::read(value)?.parse()
    }
}

impl Rights {
    /// Reads a rights file: `[[role]]` with `name`, `publish` and `subscribe`, `[[identity]]` with `name` and `role`.
    ///
    /// Roles that it does not name stay as they are built in.
    ///
    /// # Errors
    /// [`Problems`]: everything that is wrong with it.
    pub fn read_file(path: &Path) -> Result<Self, Problems> {
        Self::read(&document::load_with(path, NO_PREFIX, [])?)
    }

    fn read(document: &Document) -> Result<Self, Problems> {
        let mut rights = Self::default();
        let reader = Reader::new(document);
        let root = reader.root();
        let mut names = Vec::new();
        for role in root.list("role") {
            let publish = role.or("publish", Vec::new());
            let subscribe = role.or("subscribe", Vec::new());
            if let Some(name) = name_of(&role, &mut names) {
                rights.roles.insert(name, Role { publish, subscribe });
            }
            role.finish();
        }
        let mut names = Vec::new();
        for identity in root.list("identity") {
            let role: Option<String> = identity.required("role");
            if let Some(role) = role.as_ref().filter(|role| !rights.roles.contains_key(*role)) {
                let known: Vec<_> = rights.roles.keys().map(String::as_str).collect();
                identity.problem("role", format!("{role:?} is no role; there are {}", known.join(", ")));
            }
            if let (Some(name), Some(role)) = (name_of(&identity, &mut names), role) {
                rights.identities.insert(name, role);
            }
            identity.finish();
        }
        root.finish();
        reader.finish().map(|()| rights)
    }
}

fn name_of(section: &Section<'_>, earlier: &mut Vec<String>) -> Option<String> {
    let name: String = section.required("name")?;
    if name.is_empty() || earlier.contains(&name) {
        section.problem("name", "is empty or stands here a second time");
        return None;
    }
    earlier.push(name.clone());
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(text: &str) -> Result<Rights, Problems> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rights.toml");
        std::fs::write(&file, text).unwrap();
        Rights::read_file(&file)
    }

    #[test]
    fn file_adds_roles_and_gives_them_to_names() {
        let rights = rights(
            "[[role]]\nname = \"reporter\"\npublish = [\"reports/{identity}/#\"]\n\
             [[identity]]\nname = \"desk\"\nrole = \"reporter\"\n\
             [[identity]]\nname = \"rtus\"\nrole = \"edge\"\n",
        );
        let rights = rights.unwrap();
        let desk = rights.of(Some("desk"), "x").unwrap();
        assert!(desk.may_publish("reports/desk/today") && !desk.may_publish("reports/other/today"));
        assert!(!desk.may_subscribe("tankline/v1/#"));
        let shared = rights.of(Some("rtus"), "lindong.rtu-01").unwrap();
        assert!(shared.may_publish("tankline/v1/lindong/rtu-01/readings"));
        assert!(!shared.may_publish("tankline/v1/lindong/rtu-02/readings"));
        assert!(rights.of(Some("rtus"), "tankline-ingest.lindong").is_err());
        assert!(rights.of(Some("a.b"), "a.b").unwrap().may_publish("tankline/v1/a/b/state"), "built in as before");
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let wrong = rights(
            "[[role]]\nname = \"a\"\npublish = [\"x/#/y\"]\nsubscirbe = []\n\
             [[role]]\nname = \"a\"\n[[identity]]\nname = \"b\"\nrole = \"c\"\n",
        );
        let text = wrong.unwrap_err().to_string();
        for part in
            ["role[a].publish", "not a topic filter", "did you mean \"subscribe\"?", "second time", "is no role"]
        {
            assert!(text.contains(part), "{part:?} in {text}");
        }
    }
}
