//! Taking a message apart.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use tankline_domain::message::{
    EdgeHealth, EdgeState, JournalId, MAX_READINGS_PER_MESSAGE, Readings, SequencedReading,
};
use tankline_domain::topic::Topic;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;

use super::journals::LiveJournals;
use super::plausible;
use super::{Accepted, Batch, DeadLetter, Refused};
use crate::derive::Deriver;
use crate::stations::{EdgeId, Stations, TankId};

/// Largest message of the contract; a larger one is a dead letter.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// A reading that came no later than this after it was measured is a live one.
pub const LIVE_MS: i64 = 10_000;

/// Tells whether a reading that was measured then is a live one.
#[must_use]
pub fn is_live(received: UnixMillis, at: UnixMillis) -> bool {
    received.millis_since(at) <= clock::of_day_ms(LIVE_MS)
}

/// Takes messages apart. Decides alone by its arguments; stores and sends nothing.
#[derive(Debug)]
pub struct Intake {
    stations: Arc<Stations>,
    journals: LiveJournals,
    derivers: HashMap<TankId, Deriver>,
}

/// A message as it was read.
#[derive(Debug)]
pub enum Read<'m> {
    /// What it was is known.
    Taken(Taken),
    /// Readable readings, of which each has yet to be judged: [`Intake::judge`].
    Readings(SoundReadings<'m>),
}

/// The readings of a message that is readable as a whole.
#[derive(Debug)]
pub struct SoundReadings<'m> {
    now: UnixMillis,
    edge: EdgeId,
    topic: &'m str,
    message: Readings,
}

/// What a message was.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// Readings, or something that is a dead letter.
    Batch(Batch),
    /// The state of an edge.
    State(EdgeId, EdgeState),
    /// The health of an edge.
    Health(EdgeId, EdgeHealth),
    /// The state of a centre; ours, or that of another one.
    Centre(Vec<u8>),
}

/// The outer form of a message whose readings are not all sound; of these nothing is asked yet.
#[derive(Deserialize)]
struct RawReadings<'m> {
    journal: JournalId,
    #[serde(borrow)]
    readings: Vec<&'m RawValue>,
}

/// The one thing that is asked of an unsound reading: which it was.
#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

impl Intake {
    /// Makes the intake of a worker.
    #[must_use]
    pub fn new(stations: Arc<Stations>) -> Self {
        Self { stations, journals: LiveJournals::default(), derivers: HashMap::new() }
    }

    /// Takes a message apart. Nothing is lost: what cannot be read is a dead letter with the reason.
    pub fn read<'m>(&mut self, now: UnixMillis, topic: &'m str, payload: &[u8]) -> Read<'m> {
        match self.parse(now, topic, payload) {
            Ok(read) => read,
            Err(reason) => Read::Taken(Taken::Batch(dead(now, topic, payload, reason))),
        }
    }

    /// Judges each reading of a message, and derives what follows from those that are sound.
    pub fn judge(&mut self, read: SoundReadings<'_>) -> Taken {
        let SoundReadings { now, edge, topic, message } = read;
        Taken::Batch(in_order(self.sound(now, edge, topic, message)))
    }

    fn parse<'m>(&mut self, now: UnixMillis, topic: &'m str, payload: &[u8]) -> Result<Read<'m>, String> {
        let parsed = match topic.parse::<Topic>() {
            Ok(Topic::CentreState(_)) => return Ok(Read::Taken(Taken::Centre(payload.to_vec()))),
            Ok(parsed) => parsed,
            Err(error) => return Err(said(&error)),
        };
        let (Topic::Readings(site, edge) | Topic::State(site, edge) | Topic::Health(site, edge)) = &parsed else {
            return Err("nothing that the centre takes comes on this topic".to_owned());
        };
        if !self.stations.has_site(site) {
            return Err(format!("site {site} is not described here"));
        }
        let Some(id) = self.stations.find_edge(site, edge) else {
            return Err(format!("edge {edge} owns no line of site {site}"));
        };
        if payload.len() > MAX_MESSAGE_BYTES {
            return Err(format!("{} bytes are more than the {MAX_MESSAGE_BYTES} allowed", payload.len()));
        }
        Ok(match parsed {
            Topic::Readings(..) => self.readings(now, id, topic, payload),
            // An empty body is how a retained state is taken away.
            Topic::State(..) if payload.is_empty() => Read::Taken(Taken::State(id, EdgeState::offline())),
            Topic::State(..) => {
                let state = serde_json::from_slice(payload).map_err(|error| format!("is no state: {error}"))?;
                Read::Taken(Taken::State(id, state))
            }
            _ => {
                let health = serde_json::from_slice(payload).map_err(|error| format!("is no health: {error}"))?;
                Read::Taken(Taken::Health(id, health))
            }
        })
    }

    fn readings<'m>(&mut self, now: UnixMillis, edge: EdgeId, topic: &'m str, payload: &[u8]) -> Read<'m> {
        let batch = match serde_json::from_slice::<Readings>(payload) {
            Ok(message) if (1..=MAX_READINGS_PER_MESSAGE).contains(&message.readings.len()) => {
                return Read::Readings(SoundReadings { now, edge, topic, message });
            }
            Ok(message) => {
                let count = message.readings.len();
                let reason = format!("{count} readings; a message carries 1 to {MAX_READINGS_PER_MESSAGE}");
                salvage(now, edge, topic, payload, reason)
            }
            Err(error) => self.one_by_one(now, edge, topic, payload, &error),
        };
        Read::Taken(Taken::Batch(in_order(batch)))
    }

    /// Takes a message that is readable as a whole.
    fn sound(&mut self, now: UnixMillis, edge: EdgeId, topic: &str, message: Readings) -> Batch {
        let mut batch = empty(now, Some((edge, message.journal)));
        batch.readings.reserve(message.readings.len());
        for item in message.readings {
            self.one(now, edge, topic, item, None, &mut batch);
        }
        self.watch_journals(now, edge, message.journal, &batch);
        batch
    }

    /// Takes a message in which at least one reading is unreadable.
    fn one_by_one(
        &mut self,
        now: UnixMillis,
        edge: EdgeId,
        topic: &str,
        payload: &[u8],
        error: &serde_json::Error,
    ) -> Batch {
        let raw = match serde_json::from_slice::<RawReadings<'_>>(payload) {
            Ok(raw) if (1..=MAX_READINGS_PER_MESSAGE).contains(&raw.readings.len()) => raw,
            _ => return salvage(now, edge, topic, payload, format!("is no readings message: {error}")),
        };
        let mut batch = empty(now, Some((edge, raw.journal)));
        for text in raw.readings {
            match serde_json::from_str::<SequencedReading>(text.get()) {
                Ok(item) => self.one(now, edge, topic, item, Some(text), &mut batch),
                Err(error) => {
                    let reason = format!("is no reading: {error}");
                    let letter = DeadLetter::new(now, topic, text.get().as_bytes(), reason);
                    batch.refused.push(Refused { seqs: seq_of(text).into_iter().collect(), letter });
                }
            }
        }
        self.watch_journals(now, edge, raw.journal, &batch);
        batch
    }

    fn one(
        &mut self,
        now: UnixMillis,
        edge: EdgeId,
        topic: &str,
        item: SequencedReading,
        text: Option<&RawValue>,
        batch: &mut Batch,
    ) {
        match self.accept(now, edge, &item) {
            Ok(accepted) => batch.readings.push(accepted),
            Err(reason) => {
                let written = serde_json::to_string(&item).unwrap_or_default();
                let payload = text.map_or(written.as_str(), RawValue::get);
                let letter = DeadLetter::new(now, topic, payload.as_bytes(), reason);
                batch.refused.push(Refused { seqs: storable(item.seq).into_iter().collect(), letter });
            }
        }
    }

    fn accept(&mut self, now: UnixMillis, edge: EdgeId, item: &SequencedReading) -> Result<Accepted, String> {
        let reading = &item.reading;
        let sender = self.stations.edge(edge);
        let id = self
            .stations
            .find_tank(&sender.site, &reading.tank)
            .ok_or_else(|| format!("tank {} is not described in site {}", reading.tank, sender.site))?;
        let tank = self.stations.tank(id);
        match tank.edge {
            Some(owner) if owner == edge => (),
            Some(owner) => {
                let owner = &self.stations.edge(owner).edge;
                return Err(format!("tank {} belongs to {owner}, not to {}", reading.tank, sender.edge));
            }
            None => return Err(format!("tank {} has no gauge on any line", reading.tank)),
        }
        plausible::check(now, item, tank.tank.height).map_err(|error| error.to_string())?;
        Ok(Accepted {
            seq: item.seq,
            tank: id,
            at: reading.at,
            level_mm: reading.level.map(|level| level.get()),
            interface_mm: reading.interface.map(|interface| interface.get()),
            temperature_c: reading.temperature.map(|temperature| temperature.get()),
            layer: reading.layer.clone(),
            quality: reading.quality.clone(),
            derived: self.derivers.entry(id).or_default().derive(&tank.basis, reading),
        })
    }

    fn watch_journals(&mut self, now: UnixMillis, edge: EdgeId, journal: JournalId, batch: &Batch) {
        if !batch.readings.iter().any(|reading| is_live(now, reading.at)) {
            return;
        }
        if let Some(other) = self.journals.note(now, edge, journal) {
            let name = self.stations.edge(edge);
            tracing::warn!(
                site = %name.site, edge = %name.edge, %journal, %other,
                "two journals are written under one edge name; two RTUs may have the same configuration"
            );
        }
    }
}

/// Puts readings into an order that is almost always there already, and by which ranges grow at one end only.
fn in_order(mut batch: Batch) -> Batch {
    batch.readings.sort_by_key(|reading| reading.seq);
    batch
}

fn empty(now: UnixMillis, journal: Option<(EdgeId, JournalId)>) -> Batch {
    Batch { journal, received: now, readings: Vec::new(), refused: Vec::new() }
}

fn dead(now: UnixMillis, topic: &str, payload: &[u8], reason: String) -> Batch {
    let mut batch = empty(now, None);
    batch.refused.push(Refused { seqs: Vec::new(), letter: DeadLetter::new(now, topic, payload, reason) });
    batch
}

/// Makes a dead letter of a whole message, and finds the sequence numbers in it where it can, so that they are not sent
/// again for ever.
fn salvage(now: UnixMillis, edge: EdgeId, topic: &str, payload: &[u8], reason: String) -> Batch {
    let mut batch = dead(now, topic, payload, reason);
    if let Ok(raw) = serde_json::from_slice::<RawReadings<'_>>(payload) {
        batch.journal = Some((edge, raw.journal));
        batch.refused[0].seqs = raw.readings.into_iter().filter_map(seq_of).collect();
    }
    batch
}

fn seq_of(reading: &RawValue) -> Option<u64> {
    serde_json::from_str::<Numbered>(reading.get()).ok().and_then(|numbered| storable(numbered.seq))
}

/// Passes a sequence number that can be in a journal.
fn storable(seq: u64) -> Option<u64> {
    (1..=i64::MAX.unsigned_abs()).contains(&seq).then_some(seq)
}

fn said(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
