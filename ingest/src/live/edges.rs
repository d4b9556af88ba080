//! What the edges said of themselves.

use std::collections::HashMap;

use tankline_domain::message::{EdgeHealth, EdgeState, JournalId, JournalRanges, Presence};
use tankline_domain::ranges::RangeSet;
use tankline_domain::units::UnixMillis;

use crate::stations::EdgeId;
use crate::store::GapNote;

/// What one edge said of itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EdgeNow {
    /// Its last state, and when it came; absent when none came since the start.
    pub state: Option<(EdgeState, UnixMillis)>,
    /// Its last health, and when it came; absent when none came since the start.
    pub health: Option<(EdgeHealth, UnixMillis)>,
    gaps: HashMap<JournalId, RangeSet>,
    /// Whether it could not be heard at some time since its last state.
    is_cut_off: bool,
}

impl EdgeNow {
    /// Gives whether the edge is there; absent when it did not say so since it can be heard.
    #[must_use]
    pub fn presence(&self) -> Option<Presence> {
        self.said().filter(|_| !self.is_cut_off)
    }

    /// Gives what the edge said last of its presence, however long ago.
    fn said(&self) -> Option<Presence> {
        self.state.as_ref().map(|(state, _)| state.state)
    }

    /// Gives what the edge lost of a journal; absent when it told of nothing.
    #[must_use]
    pub fn gaps(&self, journal: JournalId) -> Option<&RangeSet> {
        self.gaps.get(&journal)
    }
}

/// What the edges said of themselves.
#[derive(Debug, Clone, Default)]
pub struct LiveEdges {
    edges: HashMap<EdgeId, EdgeNow>,
}

impl LiveEdges {
    /// Takes over the gaps that are known at start.
    pub fn load(&mut self, note: GapNote) {
        self.edges.entry(note.edge).or_default().gaps.insert(note.journal, note.ranges);
    }

    /// Notes a state; gives the presence when it is another one than the edge said last.
    pub fn note_state(&mut self, now: UnixMillis, edge: EdgeId, state: EdgeState) -> Option<Presence> {
        let known = self.edges.entry(edge).or_default();
        let (before, after) = (known.said(), state.state);
        known.state = Some((state, now));
        known.is_cut_off = false;
        (before != Some(after)).then_some(after)
    }

    /// Notes that an edge cannot be heard: whether it is there is not known until it says so again.
    pub fn cut_off(&mut self, edge: EdgeId) {
        if let Some(known) = self.edges.get_mut(&edge) {
            known.is_cut_off = true;
        }
    }

    /// Notes a health; gives the gaps that are new in it.
    pub fn note_health(&mut self, now: UnixMillis, edge: EdgeId, health: EdgeHealth) -> Vec<GapNote> {
        let known = self.edges.entry(edge).or_default();
        let mut notes = Vec::new();
        for JournalRanges { journal, ranges } in &health.gaps {
            let kept = known.gaps.entry(*journal).or_default();
            // What was once lost stays lost, whatever an edge may have forgotten since.
            let mut all = kept.clone();
            all.extend(ranges);
            if all != *kept {
                let added = all.count() - kept.count();
                kept.clone_from(&all);
                notes.push(GapNote { edge, journal: *journal, ranges: all, added });
            }
        }
        known.health = Some((health, now));
        notes
    }

    /// Gives what is known of an edge.
    #[must_use]
    pub fn get(&self, edge: EdgeId) -> Option<&EdgeNow> {
        self.edges.get(&edge)
    }
}
