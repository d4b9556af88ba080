//! Messages of the MQTT contract, version 1: JSON, UTF-8.
//!
//! Optional fields may be added; readers ignore fields that they do not know.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::layer::TransitionLayer;
use crate::names::{LineName, TankName};
use crate::ranges::RangeSet;
use crate::reading::{Quality, Reading};
use crate::units::{Celsius, Millimetres, UnixMillis};

/// Most readings that one message carries.
pub const MAX_READINGS_PER_MESSAGE: usize = 500;

/// Identity of a journal: a random number, made when the journal is made. On the wire 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JournalId(u64);

/// A text is not a journal id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a journal id: it is 16 hexadecimal digits")]
pub struct JournalIdError {
    text: String,
}

impl JournalId {
    /// Takes a random number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Gives the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for JournalId {
    type Err = JournalIdError;

    fn from_str(text: &str) -> Result<Self, JournalIdError> {
        let wrong = || JournalIdError { text: text.chars().take(80).collect() };
        if text.len() != 16 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(wrong());
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| wrong())
    }
}

impl TryFrom<String> for JournalId {
    type Error = JournalIdError;

    fn try_from(text: String) -> Result<Self, JournalIdError> {
        text.parse()
    }
}

impl From<JournalId> for String {
    fn from(id: JournalId) -> Self {
        id.to_string()
    }
}

/// A reading with its place in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "FlatReading")]
pub struct SequencedReading {
    /// Sequence number in the journal, from 1.
    pub seq: u64,
    /// The reading.
    #[serde(flatten)]
    pub reading: Reading,
}

/// The same with its fields side by side: serde reads this form several times faster than a flattened one.
#[derive(Deserialize)]
struct FlatReading {
    seq: u64,
    tank: TankName,
    at: UnixMillis,
    #[serde(default)]
    level_mm: Option<Millimetres>,
    #[serde(default)]
    interface_mm: Option<Millimetres>,
    #[serde(default)]
    temperature_c: Option<Celsius>,
    #[serde(default)]
    layer: Option<TransitionLayer>,
    quality: Quality,
}

impl From<FlatReading> for SequencedReading {
    fn from(flat: FlatReading) -> Self {
        let FlatReading { seq, tank, at, level_mm, interface_mm, temperature_c, layer, quality } = flat;
        let (level, interface, temperature) = (level_mm, interface_mm, temperature_c);
        Self { seq, reading: Reading { tank, at, level, interface, temperature, layer, quality } }
    }
}

/// Readings of an edge: 1 to [`MAX_READINGS_PER_MESSAGE`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    /// The journal that the sequence numbers count in.
    pub journal: JournalId,
    /// The readings.
    pub readings: Vec<SequencedReading>,
}

/// Sequence numbers of one journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRanges {
    /// The journal that the sequence numbers count in.
    pub journal: JournalId,
    /// The sequence numbers.
    pub ranges: RangeSet,
}

/// What the centre has committed of a journal, all of it each time: these numbers need never be sent again.
pub type Committed = JournalRanges;

/// Whether somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// Connected.
    Online,
    /// Gone: said by the last will, or at an orderly stop.
    Offline,
}

/// State of an edge, retained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeState {
    /// Whether the edge is connected.
    pub state: Presence,
    /// Version of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The journal that new readings go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalId>,
    /// Journals with readings that are not known to be committed, the current one among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub journals: Vec<JournalId>,
    /// Digest of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// When the agent was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<UnixMillis>,
}

impl EdgeState {
    /// Gives the state that a last will carries.
    #[must_use]
    pub const fn offline() -> Self {
        Self {
            state: Presence::Offline,
            version: None,
            journal: None,
            journals: Vec::new(),
            config: None,
            started_at: None,
        }
    }
}

/// State of the centre, retained. A new boot makes edges send again what is not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CentreState {
    /// Whether the centre is connected.
    pub state: Presence,
    /// Differs each time the centre's worker starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// Why readings and alarms are not recorded, and so not told of; absent when they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// Health of an edge: counters since its start, and how its journal stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeHealth {
    /// When this was written.
    pub at: UnixMillis,
    /// The gauges, each with its counters.
    pub gauges: Vec<GaugeHealth>,
    /// Readings in the journal that are not known to be committed.
    pub journal_depth: u64,
    /// What is wrong with the disk of the journal: `refuses` or `hangs`; absent when nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<String>,
    /// How many of them are in the edge's memory only, because its disk does not take them; absent when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<u64>,
    /// Age of the oldest of them, in seconds; absent when there is none, or its time is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_oldest_s: Option<f64>,
    /// Readings that were dropped because the journal was full, uncommitted.
    pub gap_readings: u64,
    /// The dropped ones, by journal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<JournalRanges>,
    /// Readings sent since the agent's start whose time is not known; absent when there are none.
    ///
    /// They were stamped while the clock was not set, before the machine was started anew. They have the latest time that
    /// they can have, and the quality `uncertain:time-unknown` or `bad:time-unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_unknown: Option<u64>,
    /// When the first certificate ends that the edge shows or trusts; absent without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_ends: Option<UnixMillis>,
    /// Whether the RTU's clock is set: `set` or `unset`.
    pub clock: String,
}

/// Counters of one gauge since the start of its edge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GaugeHealth {
    /// The line that the gauge is on.
    pub line: LineName,
    /// The tank that the gauge stands on.
    pub tank: TankName,
    /// Modbus address.
    pub unit: u8,
    /// The counters.
    #[serde(flatten)]
    pub counters: GaugeCounters,
    /// Median reply time in ms, from the last bit of the request to the last of the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_ms_p50: Option<f64>,
    /// 99th percentile of the reply time in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_ms_p99: Option<f64>,
    /// Longest of the reply times that are remembered, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_ms_max: Option<f64>,
    /// Time-out of the next request in ms, from its last bit on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<f64>,
    /// What this time-out follows from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_basis: Option<TimeoutBasis>,
    /// Quality of the latest reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
}

/// What the time-out of a gauge follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeoutBasis {
    /// Its own replies: one and a half times the slowest that is remembered, and a margin.
    Replies,
    /// The gauges of its line, because it has not answered yet.
    Line,
    /// Nothing: no gauge of its line has answered yet.
    Start,
    /// The time that its reply takes on the wire, and a margin.
    Wire,
    /// The longest that is configured.
    Limit,
    /// One that this version does not know.
    #[serde(other)]
    Other,
}

/// What happened on the line with one gauge, counted since the start of its edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GaugeCounters {
    /// Requests sent, retries included.
    pub polls: u64,
    /// Replies that answered their request; exceptions are not among them.
    pub replies: u64,
    /// Requests that nothing answered in time.
    pub timeouts: u64,
    /// Frames with a wrong CRC, and bytes that make no frame.
    pub crc_errors: u64,
    /// Frames that came outside the time slot of a request.
    pub late: u64,
    /// Frames of another unit, with another function or another length.
    pub foreign: u64,
    /// Exception replies.
    pub exceptions: u64,
    /// Own requests heard back.
    pub echoes: u64,
    /// Polls that were left out because the line was too busy.
    pub skipped: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_stand_on_the_wire_as_the_contract_says() {
        let json = concat!(
            r#"{"journal":"9f31c2aa07d15e44","readings":[{"seq":1042,"tank":"T-01","at":1795400000123,"level_mm":9641,"#,
            r#""interface_mm":6367,"temperature_c":32.5,"quality":"good"}]}"#
        );
        let message: Readings = serde_json::from_str(json).unwrap();
        assert_eq!(message.journal.get(), 0x9f31_c2aa_07d1_5e44);
        assert_eq!(serde_json::to_string(&message).unwrap(), json);
        let json = json.replace(r#","quality""#, r#","layer":[[6367,0.625],[6540.5,0.05]],"quality""#);
        let layered: Readings = serde_json::from_str(&json).unwrap();
        assert_eq!(
            layered.readings[0].reading.layer.as_ref().map(TransitionLayer::top),
            Some(Millimetres::new(6540.5))
        );
        assert_eq!(serde_json::to_string(&layered).unwrap(), json);
    }

    #[test]
    fn unknown_fields_are_ignored_and_absent_ones_are_absent() {
        let json = r#"{"state":"online","boot":"a1","colour":"red"}"#;
        let state: CentreState = serde_json::from_str(json).unwrap();
        assert_eq!(state, CentreState { state: Presence::Online, boot: Some("a1".into()), trouble: None });
        assert_eq!(serde_json::to_string(&EdgeState::offline()).unwrap(), r#"{"state":"offline"}"#);
        let committed: Committed =
            serde_json::from_str(r#"{"journal":"00000000000000ff","ranges":[[1,2]],"x":1}"#).unwrap();
        assert!(committed.ranges.contains_range(1, 2));
    }

    #[test]
    fn journal_ids_are_sixteen_digits() {
        for bad in ["", "9f31c2aa07d15e4", "9F31C2AA07D15E44", "+f31c2aa07d15e44", "9f31c2aa07d15e44 "] {
            assert!(bad.parse::<JournalId>().is_err(), "{bad}");
        }
    }
}
