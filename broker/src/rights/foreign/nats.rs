//! The users of NATS. A level of a topic is a token of a subject there: `/` is `.`, `+` is `*`, `#` is `>`.

use std::fmt::Write as _;

use super::{Entry, ForeignError, quoted};

/// What every MQTT client needs that subscribes at QoS 1: its own deliveries come over a subject below this. The server
/// makes these subscriptions; a client cannot ask for them.
const DELIVERIES: &str = "$MQTT.sub.>";

/// Writes `users`, to be included in `authorization`.
pub(super) fn rules(entries: &[Entry<'_>]) -> Result<String, ForeignError> {
    let mut text = String::from("users = [\n");
    for Entry { name, granted } in entries {
        let publish = subjects(name, &granted.publish)?;
        let mut subscribe = subjects(name, &granted.subscribe)?;
        subscribe.push(DELIVERIES.to_owned());
        // An empty list would allow everything.
        let publish =
            if publish.is_empty() { "deny: [\">\"]".to_owned() } else { format!("allow: [{}]", quoted(&publish)) };
        let _ = writeln!(
            text,
            "  {{ user: \"{name}\", allowed_connection_types: [\"MQTT\"], permissions: {{\n    \
             publish: {{ {publish} }}\n    subscribe: {{ allow: [{}] }}\n  }} }}",
            quoted(&subscribe),
        );
    }
    text.push_str("]\n");
    Ok(text)
}

fn subjects(name: &str, topics: &[String]) -> Result<Vec<String>, ForeignError> {
    let mut subjects = Vec::new();
    for topic in topics {
        if topic.contains(['.', ' ', '*', '>']) {
            return Err(ForeignError::Topic { name: name.to_owned(), topic: topic.clone() });
        }
        let subject = topic.replace('/', ".").replace('+', "*").replace('#', ">");
        // `a/#` takes in `a`, and `a.>` does not: NATS subscribes to both.
        let parent = subject.strip_suffix(".>").map(str::to_owned);
        subjects.push(subject);
        subjects.extend(parent);
    }
    Ok(subjects)
}
