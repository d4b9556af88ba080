//! mosquitto's `acl_file`.

use std::fmt::Write as _;

use super::Entry;

/// Writes a block for each name.
pub(super) fn rules(entries: &[Entry<'_>]) -> String {
    let mut text = String::new();
    for Entry { name, granted } in entries {
        let _ = writeln!(text, "\nuser {name}");
        for topic in &granted.publish {
            let _ = writeln!(text, "topic write {topic}");
        }
        for topic in &granted.subscribe {
            let _ = writeln!(text, "topic read {topic}");
        }
    }
    text
}
