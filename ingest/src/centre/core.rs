//! What is to be said, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tankline_domain::alarm::AlarmKey;
use tankline_domain::message::JournalId;

use crate::stations::EdgeId;

/// An edge hears of commits at most this often.
const INTERVAL: Duration = Duration::from_millis(100);

/// Something to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    /// That the centre is there.
    Online,
    /// How an alarm stands.
    Alarm(AlarmKey),
    /// What is committed of a journal.
    Committed(EdgeId, JournalId),
}

/// What the centre of one site has yet to say.
#[derive(Debug, Default)]
pub struct Centre {
    connected: bool,
    say_online: bool,
    alarms: BTreeSet<AlarmKey>,
    edges: BTreeMap<EdgeId, Due>,
}

/// What one edge has yet to hear.
#[derive(Debug, Default)]
struct Due {
    journals: BTreeSet<JournalId>,
    /// Not before this.
    not_before: Option<Instant>,
}

impl Centre {
    /// A connection stands.
    pub fn handle_connected(&mut self) {
        self.connected = true;
        self.say_online = true;
    }

    /// The connection is gone. What was to be said is said when the next one stands.
    pub fn handle_disconnected(&mut self) {
        self.connected = false;
    }

    /// Somebody said in our place that we are gone: the will of a connection of ours that was given up late.
    pub fn handle_contradiction(&mut self) {
        self.say_online = true;
    }

    /// There is another trouble than before, or none any more.
    pub fn handle_trouble(&mut self) {
        self.say_online = true;
    }

    /// An alarm stands in another way than before, or than somebody thinks.
    pub fn handle_alarm(&mut self, key: AlarmKey) {
        self.alarms.insert(key);
    }

    /// Something of this journal came, whether it was new or not; or the edge asks what is committed of it.
    pub fn handle_touched(&mut self, edge: EdgeId, journal: JournalId) {
        self.edges.entry(edge).or_default().journals.insert(journal);
    }

    /// Something that was to be said could not be said.
    pub fn handle_unsaid(&mut self, say: Say) {
        match say {
            Say::Online => self.say_online = true,
            Say::Alarm(key) => self.handle_alarm(key),
            Say::Committed(edge, journal) => self.handle_touched(edge, journal),
        }
    }

    /// Gives what is to be said of alarms: nothing else comes before that.
    pub fn poll_alarms(&mut self) -> Vec<Say> {
        if !self.connected {
            return Vec::new();
        }
        std::mem::take(&mut self.alarms).into_iter().map(Say::Alarm).collect()
    }

    /// Gives what is to be said now, alarms first.
    pub fn poll_output(&mut self, now: Instant) -> Vec<Say> {
        if !self.connected {
            return Vec::new();
        }
        let mut says = self.poll_alarms();
        if std::mem::take(&mut self.say_online) {
            says.push(Say::Online);
        }
        for (edge, due) in &mut self.edges {
            if !due.journals.is_empty() && due.not_before.is_none_or(|moment| moment <= now) {
                says.extend(
                    std::mem::take(&mut due.journals).into_iter().map(|journal| Say::Committed(*edge, journal)),
                );
                due.not_before = Some(now + INTERVAL);
            }
        }
        says
    }

    /// Gives all that is yet to be said, without waiting; for the end.
    pub fn poll_rest(&mut self) -> Vec<Say> {
        if !self.connected {
            return Vec::new();
        }
        let journals = |(edge, due): (EdgeId, Due)| due.journals.into_iter().map(move |j| Say::Committed(edge, j));
        let mut says = self.poll_alarms();
        says.extend(std::mem::take(&mut self.edges).into_iter().flat_map(journals));
        says
    }

    /// Gives when something is to be said; absent when that waits for something to happen.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = self.edges.values().filter(|due| self.connected && !due.journals.is_empty());
        due.filter_map(|due| due.not_before).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn edge() -> EdgeId {
        testing::stations().edges().next().unwrap().0
    }

    #[test]
    fn commits_are_told_at_once_and_then_at_most_every_interval() {
        let (mut centre, edge, start) = (Centre::default(), edge(), testing::instant());
        let (one, two) = (JournalId::new(1), JournalId::new(2));
        centre.handle_connected();
        assert_eq!(centre.poll_output(start), [Say::Online]);
        centre.handle_touched(edge, one);
        assert_eq!(centre.poll_output(start), [Say::Committed(edge, one)]);
        assert_eq!(centre.poll_timeout(), None);
        for _ in 0..3 {
            centre.handle_touched(edge, one);
            centre.handle_touched(edge, two);
            assert_eq!(centre.poll_output(start + INTERVAL / 2), []);
        }
        assert_eq!(centre.poll_timeout(), Some(start + INTERVAL));
        assert_eq!(centre.poll_output(start + INTERVAL), [Say::Committed(edge, one), Say::Committed(edge, two)]);
        assert_eq!(centre.poll_output(start + 3 * INTERVAL), []);
    }

    #[test]
    fn nothing_is_said_without_a_connection_and_nothing_is_forgotten() {
        let (mut centre, edge, start) = (Centre::default(), edge(), testing::instant());
        let journal = JournalId::new(1);
        centre.handle_touched(edge, journal);
        assert_eq!((centre.poll_output(start), centre.poll_timeout(), centre.poll_rest()), (vec![], None, vec![]));
        centre.handle_connected();
        assert_eq!(centre.poll_output(start), [Say::Online, Say::Committed(edge, journal)]);
        centre.handle_disconnected();
        centre.handle_unsaid(Say::Committed(edge, journal));
        centre.handle_connected();
        assert_eq!(centre.poll_output(start + INTERVAL), [Say::Online, Say::Committed(edge, journal)]);
        centre.handle_touched(edge, journal);
        assert_eq!(centre.poll_rest(), [Say::Committed(edge, journal)]);
    }

    #[test]
    fn alarms_are_said_before_all_else_and_after_each_connection() {
        let (mut centre, edge, start) = (Centre::default(), edge(), testing::instant());
        let (journal, key) = (JournalId::new(1), testing::alarm_key("level-hh"));
        centre.handle_connected();
        centre.handle_touched(edge, journal);
        centre.handle_alarm(key.clone());
        centre.handle_alarm(key.clone());
        let alarm = Say::Alarm(key.clone());
        assert_eq!(centre.poll_output(start), [alarm.clone(), Say::Online, Say::Committed(edge, journal)]);
        assert_eq!(centre.poll_alarms(), []);
        centre.handle_disconnected();
        centre.handle_unsaid(alarm.clone());
        assert_eq!(centre.poll_alarms(), []);
        centre.handle_connected();
        assert_eq!(centre.poll_rest(), [alarm]);
    }

    #[test]
    fn contradiction_is_answered() {
        let mut centre = Centre::default();
        centre.handle_connected();
        centre.poll_output(testing::instant());
        centre.handle_contradiction();
        assert_eq!(centre.poll_output(testing::instant()), [Say::Online]);
    }
}
