//! Roles, and which of them a peer has.

use std::collections::BTreeMap;

use tankline_domain::names::{EdgeName, SiteName};

use super::granted::Granted;
use super::pattern::{Blanks, Pattern};

/// Role of an edge.
const EDGE: &str = "edge";
/// Role of the centre.
const CENTRE: &str = "centre";
/// Role of those who look on.
const VIEWER: &str = "viewer";
/// Role of everybody where nobody is asked who he is.
const ANYONE: &str = "anyone";
/// What the centre is called, and what its names begin with.
const CENTRE_NAME: &str = "tankline-ingest";

/// The roles that need no rights file: name, what it publishes, what it subscribes.
const BUILT_IN: [(&str, &[&str], &[&str]); 4] = [
    (
        EDGE,
        &["tankline/v1/{site}/{edge}/readings", "tankline/v1/{site}/{edge}/state", "tankline/v1/{site}/{edge}/health"],
        &["tankline/v1/{site}/{edge}/committed", "tankline/v1/{site}/centre/state"],
    ),
    (
        CENTRE,
        &["tankline/v1/+/+/committed", "tankline/v1/+/centre/state", "tankline/v1/+/alarms/+/+"],
        &["tankline/v1/+/+/readings", "tankline/v1/+/+/state", "tankline/v1/+/+/health", "tankline/v1/+/alarms/+/+"],
    ),
    (VIEWER, &[], &["tankline/v1/#"]),
    (ANYONE, &["#"], &["#"]),
];

/// What a role may publish and subscribe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) publish: Vec<Pattern>,
    pub(super) subscribe: Vec<Pattern>,
}

/// All roles, and the peers whose role their name does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    pub(super) roles: BTreeMap<String, Role>,
    /// Names of peers, with their role.
    pub(super) identities: BTreeMap<String, String>,
}

/// A peer comes under a client id that is not its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an edge connects under the client id {{site}}.{{edge}} that is its name")]
pub struct Stranger;

impl Default for Rights {
    /// Gives the roles that are built in.
    fn default() -> Self {
        let patterns = |texts: &[&str]| {
            let parse = |text: &&str| text.parse().expect("the built-in patterns are filters");
            texts.iter().map(parse).collect()
        };
        let role = |(name, publish, subscribe): (&str, &[&str], &[&str])| {
            (name.to_owned(), Role { publish: patterns(publish), subscribe: patterns(subscribe) })
        };
        Self { roles: BUILT_IN.into_iter().map(role).collect(), identities: BTreeMap::new() }
    }
}

impl Rights {
    /// Gives what a peer may do: `identity` is who it has proved to be, where that was asked.
    ///
    /// # Errors
    /// [`Stranger`] when it is an edge that comes under another's client id.
    pub fn of(&self, identity: Option<&str>, client_id: &str) -> Result<Granted, Stranger> {
        let name = identity.unwrap_or(client_id);
        let role = self.role_of(identity, client_id);
        let (site, edge) = match edge_name(name) {
            Some(_) if role == EDGE && name != client_id => return Err(Stranger),
            Some(own) => own,
            // Several edges may share a login; then the client id tells them apart.
            None if role == EDGE => edge_name(client_id).ok_or(Stranger)?,
            None => ("", ""),
        };
        let blanks = Blanks { identity: Some(name), site: Some(site), edge: Some(edge) };
        let Some(role) = self.roles.get(role) else { return Ok(Granted::default()) };
        let fill = |patterns: &[Pattern]| patterns.iter().filter_map(|pattern| pattern.fill(&blanks)).collect();
        Ok(Granted { publish: fill(&role.publish), subscribe: fill(&role.subscribe) })
    }

    fn role_of(&self, identity: Option<&str>, client_id: &str) -> &str {
        let name = identity.unwrap_or(client_id);
        let is_known = self.identities.get(name).map(String::as_str);
        let other = if identity.is_some() { VIEWER } else { ANYONE };
        let is_centre = identity.is_some() && is_centre_name(name);
        is_known.unwrap_or(match edge_name(name) {
            _ if is_centre => CENTRE,
            Some(_) => EDGE,
            None => other,
        })
    }
}

/// Takes `{site}.{edge}` apart; the names of the centre have that form too and are none.
pub(super) fn edge_name(name: &str) -> Option<(&str, &str)> {
    let (site, edge) = name.split_once('.')?;
    let is_one = site.parse::<SiteName>().is_ok() && edge.parse::<EdgeName>().is_ok() && !is_centre_name(name);
    is_one.then_some((site, edge))
}

pub(super) fn is_centre_name(name: &str) -> bool {
    name.strip_prefix(CENTRE_NAME).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: [&str; 3] = [
        "tankline/v1/lindong/rtu-01/readings",
        "tankline/v1/lindong/rtu-01/state",
        "tankline/v1/lindong/rtu-01/health",
    ];
    const HEARD: [&str; 2] = ["tankline/v1/lindong/rtu-01/committed", "tankline/v1/lindong/centre/state"];

    fn granted(identity: Option<&str>, client_id: &str) -> Granted {
        Rights::default().of(identity, client_id).unwrap()
    }

    #[test]
    fn edge_reaches_its_own_topics_and_nothing_else() {
        for edge in [granted(Some("lindong.rtu-01"), "lindong.rtu-01"), granted(None, "lindong.rtu-01")] {
            for topic in OWN {
                assert!(edge.may_publish(topic) && !edge.may_subscribe(topic), "{topic}");
            }
            for topic in HEARD {
                assert!(edge.may_subscribe(topic) && !edge.may_publish(topic), "{topic}");
            }
            for other in [
                "tankline/v1/lindong/rtu-02/readings",
                "tankline/v1/other/rtu-01/readings",
                "tankline/v1/lindong/rtu-01/readings/more",
                "tankline/v1/lindong/rtu-01",
                "tankline/v1/lindong/alarms/T-01/level-hh",
                "other",
                "$SYS/x",
                "$refused",
            ] {
                assert!(!edge.may_publish(other) && !edge.may_subscribe(other), "{other}");
            }
            for filter in ["#", "+/#", "tankline/v1/lindong/rtu-01/#", "tankline/v1/lindong/rtu-01/+", "$share/g/#"] {
                assert!(!edge.may_subscribe(filter), "{filter}");
            }
        }
    }

    #[test]
    fn edge_comes_under_its_own_client_id_alone() {
        let rights = Rights::default();
        assert_eq!(rights.of(Some("lindong.rtu-01"), "lindong.rtu-02"), Err(Stranger));
        assert_eq!(rights.of(Some("lindong.rtu-01"), ""), Err(Stranger));
    }

    #[test]
    fn centre_answers_all_edges_and_speaks_for_none() {
        for name in ["tankline-ingest", "tankline-ingest.lindong", "tankline-ingest-west"] {
            let centre = granted(Some(name), "anything");
            assert!(centre.may_publish("tankline/v1/lindong/rtu-01/committed"), "{name}");
            assert!(centre.may_publish("tankline/v1/lindong/alarms/T-01/level-hh"), "{name}");
            assert!(centre.may_subscribe("tankline/v1/lindong/+/readings"), "{name}");
            assert!(!centre.may_publish("tankline/v1/lindong/rtu-01/readings"), "{name}");
            assert!(!centre.may_subscribe("#"), "{name}");
        }
        let viewer = granted(Some("tankline-ingestor"), "tankline-ingest");
        assert!(!viewer.may_publish("tankline/v1/lindong/rtu-01/committed"), "the client id proves nothing");
    }

    #[test]
    fn others_look_on_where_names_are_asked_for_and_do_as_they_like_where_not() {
        let viewer = granted(Some("control-room"), "lindong.rtu-01");
        assert!(viewer.may_subscribe("tankline/v1/#") && !viewer.may_publish(OWN[0]));
        let anyone = granted(None, "mqttx");
        assert!(anyone.may_subscribe("#") && anyone.may_publish(OWN[0]) && !anyone.may_publish("$SYS/x"));
        assert!(granted(None, "tankline-ingest.lindong").may_publish("tankline/v1/lindong/rtu-01/committed"));
    }
}
