//! RMQTT's `rmqtt-acl.toml`.

use std::fmt::Write as _;

use super::{Entry, quoted};

/// Writes the rules in their order; the first that fits counts.
pub(super) fn rules(entries: &[Entry<'_>]) -> String {
    // A message that is refused goes nowhere; the connection stays.
    let mut text = String::from("disconnect_if_pub_rejected = false\nrules = [\n");
    for Entry { name, granted } in entries {
        let _ = writeln!(text, "  [\"allow\", {{ user = \"{name}\" }}, \"connect\"],");
        for (verb, topics) in [("publish", &granted.publish), ("subscribe", &granted.subscribe)] {
            if !topics.is_empty() {
                let _ = writeln!(text, "  [\"allow\", {{ user = \"{name}\" }}, \"{verb}\", [{}]],", quoted(topics));
            }
        }
    }
    text.push_str("  [\"deny\", \"all\"],\n]\n");
    text
}
