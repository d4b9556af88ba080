use serde::{Deserialize, Serialize};
use tankline_domain::alarm::{AlarmKind, Event, Priority, State, Transition};
use tankline_domain::names::{SiteName, TankName};
use tankline_domain::units::UnixMillis;

/// How an alarm is spoken of to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words<'w> {
    /// Its title, such as `high-high level`.
    pub title: &'w str,
    /// What an operator should do; absent where nothing is said.
    pub guidance: Option<&'w str>,
}

/// What is told of one transition: the body of a webhook, and what an e-mail is written from.
///
/// Its words are those of the time of the transition; a later change of the site description does not reach it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Tells repeats of one message; the same for every target and every attempt.
    pub id: String,
    /// The site.
    pub site: SiteName,
    /// The tank; for an alarm of an edge the name of the edge.
    pub source: TankName,
    /// Which alarm.
    pub alarm: AlarmKind,
    /// What it is called.
    pub title: String,
    /// What an operator should do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<String>,
    /// How urgent it is.
    pub priority: Priority,
    /// What happened.
    pub event: Event,
    /// State before.
    pub from: State,
    /// State after.
    pub to: State,
    /// When it happened, in milliseconds since 1970.
    pub at: UnixMillis,
    /// The same as a date and a time in UTC.
    pub time: String,
    /// The value that brought it about, in `unit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The limit that it was held against, in `unit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// Unit of both; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// Who did it; absent for what happened by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Message {
    /// Puts a transition, as recorded under `transition_id`, into words.
    #[must_use]
    pub fn new(transition_id: i64, transition: &Transition, words: Words<'_>) -> Self {
        let key = transition.key.clone();
        Self {
            // The time stands in it for a database that was begun anew: its first transitions have the old numbers.
            id: format!("{transition_id}-{}", transition.at.get()),
            site: key.site,
            source: key.source,
            alarm: key.kind,
            title: words.title.to_owned(),
            guidance: words.guidance.map(str::to_owned),
            priority: transition.priority,
            event: transition.event,
            from: transition.from,
            to: transition.to,
            at: transition.at,
            time: transition.at.to_string(),
            value: transition.value,
            limit: transition.limit,
            unit: transition.unit.clone(),
            who: transition.who.clone(),
            note: transition.note.clone(),
        }
    }
}
