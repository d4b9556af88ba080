//! What intake makes of a message.

use tankline_domain::layer::TransitionLayer;
use tankline_domain::message::JournalId;
use tankline_domain::reading::Quality;
use tankline_domain::units::UnixMillis;

use crate::derive::Derived;
use crate::stations::{EdgeId, TankId};

/// How much of a payload a dead letter keeps.
pub const MAX_KEPT_BYTES: usize = 64 * 1024;

/// All that one message asks to be committed.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The journal that the sequence numbers count in; absent when the message does not let it be known.
    pub journal: Option<(EdgeId, JournalId)>,
    /// When the message came.
    pub received: UnixMillis,
    /// The readings that are sound.
    pub readings: Vec<Accepted>,
    /// What is not.
    pub refused: Vec<Refused>,
}

/// Something that is not sound. It is kept as a dead letter, and counts as committed so that it is not sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The sequence numbers in it, as far as they can be known.
    pub seqs: Vec<u64>,
    /// What was not sound, and why.
    pub letter: DeadLetter,
}

/// A reading that passed intake, with what was derived from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// Sequence number in the journal, 1 to 2^63 - 1.
    pub seq: u64,
    /// The tank.
    pub tank: TankId,
    /// When it was measured, by the clock of the edge.
    pub at: UnixMillis,
    /// Liquid level, mm above the tank bottom.
    pub level_mm: Option<f64>,
    /// Interface level, mm above the tank bottom.
    pub interface_mm: Option<f64>,
    /// Temperature, degC.
    pub temperature_c: Option<f64>,
    /// Transition layer between water and oil.
    pub layer: Option<TransitionLayer>,
    /// How far the values can be trusted.
    pub quality: Quality,
    /// The volumes.
    pub derived: Derived,
}

/// Something that could not be taken, kept for a person to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// When it came.
    pub at: UnixMillis,
    /// Where it came from: an MQTT topic, or what stands for one.
    pub topic: String,
    /// The first [`MAX_KEPT_BYTES`] of it.
    pub payload: Vec<u8>,
    /// Why it could not be taken.
    pub reason: String,
}

impl DeadLetter {
    /// Keeps a payload; the reason says so when only its beginning is kept.
    #[must_use]
    pub fn new(at: UnixMillis, topic: &str, payload: &[u8], reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        let kept = payload.get(..MAX_KEPT_BYTES).unwrap_or(payload);
        if kept.len() < payload.len() {
            reason.push_str(&format!(" (the first {} of {} bytes are kept)", kept.len(), payload.len()));
        }
        let topic = topic.chars().take(512).collect();
        Self { at, topic, payload: kept.to_vec(), reason }
    }
}
