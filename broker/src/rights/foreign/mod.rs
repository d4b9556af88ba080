//! The same rights in the words of other brokers.
//!
//! None of them knows that `{site}.{edge}` names two levels of a topic, so each name gets its own rules, made from what
//! the gate grants it.

mod emqx;
mod mosquitto;
mod nats;
mod rmqtt;

use std::str::FromStr;

use super::{Granted, Rights, Stranger};

/// A broker whose rights can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// mosquitto: a file for `acl_file`.
    Mosquitto,
    /// NATS: a file that is included in `authorization`.
    Nats,
    /// RMQTT: `rmqtt-acl.toml`.
    Rmqtt,
    /// EMQX: `acl.conf`, for an authorization source of the type `file`.
    Emqx,
}

/// Why rights cannot be written for another broker.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// The name is one of an edge that may come under any client id.
    #[error("{name} has the role of an edge and no name of one: {{site}}.{{edge}} is one")]
    Name {
        /// The name.
        name: String,
        /// Why.
        #[source]
        source: Stranger,
    },
    /// The name cannot stand in a rights file.
    #[error("the name {name:?} holds other characters than A-Z a-z 0-9 . _ -")]
    Characters {
        /// The name.
        name: String,
    },
    /// The broker knows no such topic.
    #[error("NATS cannot have the topic {topic} that {name} is granted: no level of it may hold a point or a space")]
    Topic {
        /// Whose.
        name: String,
        /// The topic.
        topic: String,
    },
}

/// What one name may do.
struct Entry<'n> {
    name: &'n str,
    granted: Granted,
}

impl FromStr for Foreign {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "mosquitto" => Ok(Self::Mosquitto),
            "nats" => Ok(Self::Nats),
            "rmqtt" => Ok(Self::Rmqtt),
            "emqx" => Ok(Self::Emqx),
            _ => Err("there are mosquitto, nats, rmqtt and emqx".to_owned()),
        }
    }
}

impl Foreign {
    /// Writes what each of the names may do; nobody else may do anything.
    ///
    /// # Errors
    /// [`ForeignError`] when a name cannot be let in, or its topics are none of that broker.
    pub fn write(self, rights: &Rights, names: &[String]) -> Result<String, ForeignError> {
        let entries = names.iter().map(|name| entry(rights, name)).collect::<Result<Vec<_>, _>>()?;
        let rules = match self {
            Self::Mosquitto => mosquitto::rules(&entries),
            Self::Nats => nats::rules(&entries)?,
            Self::Rmqtt => rmqtt::rules(&entries),
            Self::Emqx => emqx::rules(&entries),
        };
        let comment = if self == Self::Emqx { "%%" } else { "#" };
        Ok(format!(
            "{comment} Written by `tankline-broker rights`. Write it anew when a site gets another edge.\n{rules}"
        ))
    }
}

fn entry<'n>(rights: &Rights, name: &'n str) -> Result<Entry<'n>, ForeignError> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return Err(ForeignError::Characters { name: name.to_owned() });
    }
    let granted = rights.of(Some(name), name).map_err(|source| ForeignError::Name { name: name.to_owned(), source })?;
    Ok(Entry { name, granted })
}

/// Sets texts in quotes, with commas between them. Names and topics hold nothing that a quote would not hold.
fn quoted<'t>(texts: impl IntoIterator<Item = &'t String>) -> String {
    texts.into_iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(foreign: Foreign, names: &[&str]) -> String {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        foreign.write(&Rights::default(), &names).unwrap()
    }

    #[test]
    fn each_broker_gets_what_the_gate_grants_in_its_words() {
        let table = [
            (
                Foreign::Mosquitto,
                "user a.b\n\
                 topic write tankline/v1/a/b/readings\n\
                 topic write tankline/v1/a/b/state\n\
                 topic write tankline/v1/a/b/health\n\
                 topic read tankline/v1/a/b/committed\n\
                 topic read tankline/v1/a/centre/state\n",
            ),
            (
                Foreign::Nats,
                "{ user: \"a.b\", allowed_connection_types: [\"MQTT\"], permissions: {\n    \
                 publish: { allow: [\"tankline.v1.a.b.readings\", \"tankline.v1.a.b.state\", \"tankline.v1.a.b.health\"] }\n    \
                 subscribe: { allow: [\"tankline.v1.a.b.committed\", \"tankline.v1.a.centre.state\", \"$MQTT.sub.>\"] }\n  } }",
            ),
            (
                Foreign::Rmqtt,
                "[\"allow\", { user = \"a.b\" }, \"subscribe\", \
                 [\"tankline/v1/a/b/committed\", \"tankline/v1/a/centre/state\"]]",
            ),
            (
                Foreign::Emqx,
                "{allow, {username, \"a.b\"}, subscribe, [{eq, \"tankline/v1/a/b/committed\"}, \
                 {eq, \"tankline/v1/a/centre/state\"}]}.",
            ),
        ];
        for (foreign, part) in table {
            let text = written(foreign, &["a.b", "tankline-ingest"]);
            assert!(text.contains(part), "{foreign:?}: {part}\nin\n{text}");
        }
    }

    #[test]
    fn viewer_may_publish_nothing_anywhere() {
        assert!(!written(Foreign::Mosquitto, &["desk"]).contains("write"));
        assert!(written(Foreign::Nats, &["desk"]).contains("publish: { deny: [\">\"] }"));
        assert!(!written(Foreign::Rmqtt, &["desk"]).contains("publish"));
        assert!(!written(Foreign::Emqx, &["desk"]).contains("publish"));
        assert!(
            written(Foreign::Nats, &["desk"]).contains("\"tankline.v1.>\", \"tankline.v1\""),
            "# takes in its parent"
        );
    }

    #[test]
    fn names_that_break_out_of_their_rule_are_refused() {
        for name in ["", "a b", "a\"", "a\ntopic write #", "a#"] {
            let wrong = Foreign::Mosquitto.write(&Rights::default(), &[name.to_owned()]);
            assert_eq!(wrong, Err(ForeignError::Characters { name: name.to_owned() }));
        }
    }
}
