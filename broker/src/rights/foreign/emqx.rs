//! EMQX's `acl.conf`, in the terms of Erlang.

use std::fmt::Write as _;

use super::{Entry, quoted};

/// Writes the rules in their order; the first that fits counts.
pub(super) fn rules(entries: &[Entry<'_>]) -> String {
    let mut text = String::new();
    for Entry { name, granted } in entries {
        if !granted.publish.is_empty() {
            let topics = quoted(&granted.publish);
            let _ = writeln!(text, "{{allow, {{username, \"{name}\"}}, publish, [{topics}]}}.");
        }
        if !granted.subscribe.is_empty() {
            let topics: Vec<_> = granted.subscribe.iter().map(|topic| filter(topic)).collect();
            let topics = topics.join(", ");
            let _ = writeln!(text, "{{allow, {{username, \"{name}\"}}, subscribe, [{topics}]}}.");
        }
    }
    text.push_str("{deny, all}.\n");
    text
}

/// A topic without wildcards is granted as such, so that no wildcard can stand for it.
fn filter(topic: &str) -> String {
    if topic.contains(['+', '#']) { format!("{topic:?}") } else { format!("{{eq, {topic:?}}}") }
}
