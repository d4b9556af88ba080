//! The states of one alarm, and what may happen in each. Source: ISA-18.2-2016 section 6 and IEC 62682:2014.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::hiding::Suppression;
use super::moment::{later, stamped_after, time_between};
use super::{
    AlarmKey, By, Condition, Event, Evidence, Latch, Moment, Outage, Refusal, Shelf, State, Terms, Transition,
};
use crate::units::UnixMillis;

/// Longest time for which an alarm may be put aside: longer work is a matter for out of service, with a work order.
pub const LONGEST_SHELF: Duration = Duration::from_secs(24 * 3600);

/// One alarm: how it stands, and all that is needed to go on with it after a restart.
///
/// The condition is followed whatever hides the alarm, and what becomes of it is recorded. Three things hide it: a shelf, a
/// work order, another alarm. A shelf and a work order are the acts of a person, who answers for what they hide: an alarm that
/// comes out of them is judged by its condition alone, and told of again if that is present. A suppression is the act of a
/// rule, so that nothing unacknowledged gets lost in it, and what was acknowledged need not be acknowledged again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    key: AlarmKey,
    /// The state that it has, or would have if nothing hid it.
    shown: State,
    present: bool,
    /// Since when it has the state that it has.
    since: UnixMillis,
    /// When the condition last came to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raised: Option<UnixMillis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acknowledged_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shelf: Option<Shelf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outage: Option<Outage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suppression: Option<Suppression>,
    /// A stretch of late readings shows the condition, and that is recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    found_in_backlog: bool,
}

impl Alarm {
    /// Makes an alarm that is normal.
    #[must_use]
    pub const fn new(key: AlarmKey) -> Self {
        Self {
            key,
            shown: State::Normal,
            present: false,
            since: UnixMillis::new(0),
            raised: None,
            value: None,
            limit: None,
            note: None,
            acknowledged_by: None,
            shelf: None,
            outage: None,
            suppression: None,
            found_in_backlog: false,
        }
    }

    /// Gives which alarm it is.
    #[must_use]
    pub const fn key(&self) -> &AlarmKey {
        &self.key
    }

    /// Gives its state.
    #[must_use]
    pub const fn state(&self) -> State {
        if self.outage.is_some() {
            State::OutOfService
        } else if self.shelf.is_some() {
            State::Shelved
        } else if self.suppression.is_some() {
            State::SuppressedByDesign
        } else {
            self.shown
        }
    }

    /// Gives whether its condition is there, whatever its state.
    #[must_use]
    pub const fn condition(&self) -> Condition {
        if self.present { Condition::Present } else { Condition::Absent }
    }

    /// Gives since when it has the state that it has; 1970 for one that was never anything but normal.
    #[must_use]
    pub const fn since(&self) -> UnixMillis {
        self.since
    }

    /// Gives when its condition last came to be.
    #[must_use]
    pub const fn raised(&self) -> Option<UnixMillis> {
        self.raised
    }

    /// Gives the value that last brought its condition about or ended it.
    #[must_use]
    pub const fn value(&self) -> Option<f64> {
        self.value
    }

    /// Gives the limit that this value was held against.
    #[must_use]
    pub const fn limit(&self) -> Option<f64> {
        self.limit
    }

    /// Gives what these numbers do not say.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Gives who acknowledged what stands.
    #[must_use]
    pub fn acknowledged_by(&self) -> Option<&str> {
        self.acknowledged_by.as_deref()
    }

    /// Gives who put it aside, why and until when.
    #[must_use]
    pub const fn shelf(&self) -> Option<&Shelf> {
        self.shelf.as_ref()
    }

    /// Gives who took it out of service.
    #[must_use]
    pub const fn outage(&self) -> Option<&Outage> {
        self.outage.as_ref()
    }

    /// Gives the alarm that speaks for it.
    #[must_use]
    pub fn suppressed_by(&self) -> Option<&str> {
        self.suppression.as_ref().map(|suppression| suppression.by.as_str())
    }

    /// Tells whether it is normal and knows nothing, so that it need not be kept.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.state() == State::Normal && !self.present && !self.found_in_backlog
    }

    /// Takes what its condition is by now. Nothing happens unless that is new.
    pub fn handle_condition(
        &mut self,
        terms: Terms,
        at: UnixMillis,
        condition: Condition,
        evidence: Evidence<'_>,
    ) -> Option<Transition> {
        if self.condition() == condition {
            return None;
        }
        let from = self.state();
        (self.value, self.limit) = (evidence.value, evidence.limit);
        self.note = (!evidence.note.is_empty()).then(|| evidence.note.to_owned());
        let event = match condition {
            Condition::Present => {
                self.present = true;
                self.raised = Some(at);
                self.raise();
                Event::Raised
            }
            Condition::Absent => {
                self.present = false;
                self.clear(terms.latch);
                Event::Cleared
            }
        };
        Some(self.record(terms, at, event, from, Some(By { who: "", note: evidence.note })))
    }

    /// Somebody has taken notice.
    ///
    /// # Errors
    /// [`Refusal`] when there is nothing to acknowledge.
    pub fn acknowledge(&mut self, terms: Terms, at: UnixMillis, by: By<'_>) -> Result<Transition, Refusal> {
        let from = self.state();
        self.shown = match from {
            State::Unacknowledged => State::Acknowledged,
            State::ReturnedUnacknowledged => State::Normal,
            State::LatchedUnacknowledged => State::LatchedAcknowledged,
            _ => return Err(self.refusal("acknowledge", "only what is unacknowledged can be")),
        };
        let by = checked(by)?;
        self.acknowledged_by = (self.shown != State::Normal).then(|| by.who.to_owned());
        Ok(self.record(terms, at, Event::Acknowledged, from, Some(by)))
    }

    /// Somebody has reset what was latched.
    ///
    /// # Errors
    /// [`Refusal`] when nothing is latched, or the condition is still there.
    pub fn reset(&mut self, terms: Terms, at: UnixMillis, by: By<'_>) -> Result<Transition, Refusal> {
        let from = self.state();
        let to = match from {
            State::LatchedAcknowledged => State::Normal,
            State::LatchedUnacknowledged => State::ReturnedUnacknowledged,
            _ => return Err(self.refusal("reset", "only what is latched can be, after its condition is over")),
        };
        let by = checked(by)?;
        self.shown = to;
        self.forget_acknowledgement();
        Ok(self.record(terms, at, Event::Reset, from, Some(by)))
    }

    /// Somebody puts it aside until `until`; one that is shelved already gets the new end.
    ///
    /// # Errors
    /// [`Refusal`] when it is out of service, nobody or no reason is named, or the end is past or too far off.
    pub fn shelve(&mut self, terms: Terms, now: Moment, by: By<'_>, until: UnixMillis) -> Result<Transition, Refusal> {
        let from = self.state();
        if from == State::OutOfService {
            return Err(self.refusal("shelve", "it is out of service, and hidden anyway"));
        }
        let by = reasoned(by)?;
        let time = time_between(now.unix, until);
        if time.is_zero() || time > LONGEST_SHELF {
            return Err(Refusal::ShelfEnd { until, now: now.unix, most: stamped_after(now.unix, LONGEST_SHELF) });
        }
        self.shelf = Some(Shelf {
            who: by.who.to_owned(),
            why: by.note.to_owned(),
            at: now.unix,
            until,
            ends: Some(later(now.monotonic, time)),
        });
        self.answered_for();
        Ok(self.record(terms, now.unix, Event::Shelved, from, Some(by)))
    }

    /// Somebody takes it back from the shelf.
    ///
    /// # Errors
    /// [`Refusal`] when it is not shelved.
    pub fn unshelve(&mut self, terms: Terms, at: UnixMillis, by: By<'_>) -> Result<Transition, Refusal> {
        if self.state() != State::Shelved {
            return Err(self.refusal("unshelve", "only what is shelved can be"));
        }
        let by = checked(by)?;
        Ok(self.end_shelf(terms, at, Some(by)))
    }

    /// Somebody takes it out of service for work; that ends a shelf.
    ///
    /// # Errors
    /// [`Refusal`] when it is out of service already, or nobody or no work order is named.
    pub fn take_out(&mut self, terms: Terms, at: UnixMillis, by: By<'_>) -> Result<Transition, Refusal> {
        let from = self.state();
        if from == State::OutOfService {
            return Err(self.refusal("take out of service", "it is out of service already"));
        }
        let by = reasoned(by)?;
        self.shelf = None;
        self.outage = Some(Outage { who: by.who.to_owned(), work_order: by.note.to_owned(), at });
        self.answered_for();
        Ok(self.record(terms, at, Event::TakenOut, from, Some(by)))
    }

    /// Somebody puts it back into service.
    ///
    /// # Errors
    /// [`Refusal`] when it is not out of service.
    pub fn put_back(&mut self, terms: Terms, at: UnixMillis, by: By<'_>) -> Result<Transition, Refusal> {
        let from = self.state();
        if from != State::OutOfService {
            return Err(self.refusal("put back into service", "it is not out of service"));
        }
        let by = checked(by)?;
        self.outage = None;
        self.come_back();
        Ok(self.record(terms, at, Event::PutBack, from, Some(by)))
    }

    /// Another alarm begins to speak for it. Nothing happens when one does already.
    pub fn suppress(&mut self, terms: Terms, at: UnixMillis, by: &str) -> Option<Transition> {
        if self.suppression.is_some() {
            return None;
        }
        let from = self.state();
        let is_shown = !self.is_hidden();
        let unacknowledged =
            matches!(self.shown, State::Unacknowledged | State::ReturnedUnacknowledged | State::LatchedUnacknowledged);
        self.suppression = Some(Suppression {
            by: by.to_owned(),
            unacknowledged: is_shown && unacknowledged,
            acknowledged: is_shown && self.shown == State::Acknowledged,
        });
        Some(self.record(terms, at, Event::Suppressed, from, Some(By { who: "", note: by })))
    }

    /// No other alarm speaks for it any more. Nothing happens when none did.
    pub fn unsuppress(&mut self, terms: Terms, at: UnixMillis) -> Option<Transition> {
        let from = self.state();
        let suppression = self.suppression.take()?;
        if !self.is_hidden() {
            self.shown = match (self.present, self.is_latched()) {
                (true, _) if suppression.acknowledged => State::Acknowledged,
                (true, _) => State::Unacknowledged,
                (false, true) if suppression.unacknowledged => State::LatchedUnacknowledged,
                (false, true) => State::LatchedAcknowledged,
                (false, false) if suppression.unacknowledged => State::ReturnedUnacknowledged,
                (false, false) => State::Normal,
            };
            self.forget_acknowledgement();
        }
        Some(self.record(terms, at, Event::Unsuppressed, from, Some(By { who: "", note: &suppression.by })))
    }

    /// Ends a shelf whose time is over.
    ///
    /// The time counts by the monotonic clock. After a restart it is what is left of it by the time of day, and never
    /// more than it was.
    pub fn handle_time(&mut self, terms: Terms, now: Moment) -> Option<Transition> {
        let ends = self.shelf_ends(now)?;
        (now.monotonic >= ends).then(|| self.end_shelf(terms, now.unix, None))
    }

    /// Gives when its shelf ends.
    pub fn shelf_ends(&mut self, now: Moment) -> Option<Instant> {
        let shelf = self.shelf.as_mut()?;
        let left = || time_between(now.unix, shelf.until).min(time_between(shelf.at, shelf.until));
        Some(*shelf.ends.get_or_insert_with(|| later(now.monotonic, left())))
    }

    /// Readings that came late show the condition. Nothing happens when that is recorded of this stretch already.
    pub fn find_in_backlog(&mut self, terms: Terms, at: UnixMillis, evidence: Evidence<'_>) -> Option<Transition> {
        if std::mem::replace(&mut self.found_in_backlog, true) {
            return None;
        }
        let state = self.state();
        let (Evidence { value, limit, .. }, unit) = (evidence, terms.unit.to_owned());
        let (key, priority, event) = (self.key.clone(), terms.priority, Event::FoundInBacklog);
        Some(Transition { key, at, event, from: state, to: state, priority, value, limit, unit, who: None, note: None })
    }

    /// The stretch of late readings that showed the condition is over; tells whether there was one.
    pub fn end_backlog(&mut self) -> bool {
        std::mem::take(&mut self.found_in_backlog)
    }

    /// The condition has come to be.
    fn raise(&mut self) {
        if let Some(suppression) = &mut self.suppression {
            suppression.acknowledged = false;
        }
        if !self.is_hidden() {
            self.shown = State::Unacknowledged;
            self.acknowledged_by = None;
        }
    }

    /// The condition is over.
    fn clear(&mut self, latch: Latch) {
        // Of what came while it was hidden nobody was told, and nothing stays of it.
        let known = self.suppression.as_ref().map_or(!self.is_hidden(), |by| by.unacknowledged || by.acknowledged);
        if let Some(suppression) = &mut self.suppression {
            suppression.acknowledged = false;
        }
        if !known {
            return;
        }
        self.shown = match (self.shown, latch) {
            (State::Acknowledged, Latch::None) => State::Normal,
            (State::Acknowledged, Latch::UntilReset) => State::LatchedAcknowledged,
            (State::Unacknowledged, Latch::UntilReset) => State::LatchedUnacknowledged,
            (State::Unacknowledged, Latch::None) => State::ReturnedUnacknowledged,
            (hidden, _) => hidden,
        };
        self.forget_acknowledgement();
    }

    /// A person has hidden it, and so knows of it.
    fn answered_for(&mut self) {
        if let Some(suppression) = &mut self.suppression {
            (suppression.unacknowledged, suppression.acknowledged) = (false, false);
        }
        self.shown = if self.is_latched() { State::LatchedAcknowledged } else { State::Normal };
        self.acknowledged_by = None;
    }

    fn end_shelf(&mut self, terms: Terms, at: UnixMillis, by: Option<By<'_>>) -> Transition {
        let from = self.state();
        self.shelf = None;
        self.come_back();
        self.record(terms, at, Event::Unshelved, from, by)
    }

    /// Nobody hides it any more: its condition decides, unless another alarm speaks for it.
    fn come_back(&mut self) {
        if !self.is_hidden() && self.present {
            self.shown = State::Unacknowledged;
        }
    }

    const fn is_hidden(&self) -> bool {
        self.outage.is_some() || self.shelf.is_some() || self.suppression.is_some()
    }

    const fn is_latched(&self) -> bool {
        matches!(self.shown, State::LatchedAcknowledged | State::LatchedUnacknowledged)
    }

    fn forget_acknowledgement(&mut self) {
        if !matches!(self.shown, State::Acknowledged | State::LatchedAcknowledged) {
            self.acknowledged_by = None;
        }
    }

    fn refusal(&self, action: &'static str, why: &'static str) -> Refusal {
        Refusal::State { key: self.key.clone(), state: self.state(), action, why }
    }

    fn record(&mut self, terms: Terms, at: UnixMillis, event: Event, from: State, by: Option<By<'_>>) -> Transition {
        let to = self.state();
        if to != from || event == Event::Raised {
            self.since = at;
        }
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Transition {
            key: self.key.clone(),
            at,
            event,
            from,
            to,
            priority: terms.priority,
            value: self.value,
            limit: self.limit,
            unit: terms.unit.to_owned(),
            who: by.and_then(|by| said(by.who)),
            note: by.and_then(|by| said(by.note)),
        }
    }
}

/// Passes what names somebody.
fn checked(by: By<'_>) -> Result<By<'_>, Refusal> {
    if by.who.trim().is_empty() { Err(Refusal::Nobody) } else { Ok(by) }
}

/// Passes what names somebody and says why.
fn reasoned(by: By<'_>) -> Result<By<'_>, Refusal> {
    let by = checked(by)?;
    if by.note.trim().is_empty() { Err(Refusal::NoReason) } else { Ok(by) }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
