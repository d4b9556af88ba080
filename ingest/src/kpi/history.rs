//! What happened to alarms, in the terms in which it is counted.

use std::collections::BTreeMap;

use tankline_domain::alarm::{AlarmKey, Event, Priority, State, Transition};
use tankline_domain::units::UnixMillis;

/// An alarm that is over within this time, and that nobody could acknowledge, is fleeting, in milliseconds.
///
/// ISA-18.2-2016 gives no figure; a minute is what nobody can act in.
const FLEETING_MS: i64 = 60_000;

/// From one moment to another, the first included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first moment.
    pub from: UnixMillis,
    /// The first moment after it.
    pub to: UnixMillis,
}

impl Span {
    /// Tells whether a moment is in it.
    #[must_use]
    pub fn contains(self, at: UnixMillis) -> bool {
        self.from <= at && at < self.to
    }

    /// Gives its length in milliseconds.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.to.millis_since(self.from).max(0)
    }
}

/// An alarm that called for somebody already when what is counted begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The alarm.
    pub key: AlarmKey,
    /// Since when.
    pub since: UnixMillis,
    /// When it last annunciated while nobody has acknowledged that; absent when somebody has.
    pub unacknowledged: Option<UnixMillis>,
}

/// An alarm that called for somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct Annunciation {
    /// The alarm.
    pub key: AlarmKey,
    /// How urgent it was.
    pub priority: Priority,
    /// When.
    pub at: UnixMillis,
}

/// A time in which an alarm stood or waited for somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// The alarm.
    pub key: AlarmKey,
    /// Since when.
    pub from: UnixMillis,
    /// Until when; absent while it goes on.
    pub to: Option<UnixMillis>,
}

/// What happened to alarms, in the terms in which it is counted.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// In the order of time.
    pub annunciations: Vec<Annunciation>,
    /// In no order.
    pub episodes: Vec<Episode>,
    /// When somebody acknowledged, and how many milliseconds after the annunciation.
    pub acknowledgements: Vec<(UnixMillis, u64)>,
    /// Alarms that were over before anybody could act, and when they annunciated.
    pub fleeting: Vec<(AlarmKey, UnixMillis)>,
}

/// How an alarm stands while its transitions are gone through.
#[derive(Debug, Default)]
struct Course {
    called_since: Option<UnixMillis>,
    unacknowledged: Option<UnixMillis>,
}

impl History {
    /// Goes through transitions in the order in which they were recorded.
    #[must_use]
    pub fn of(standing: &[Standing], transitions: &[Transition]) -> Self {
        let mut history = Self::default();
        let mut courses: BTreeMap<&AlarmKey, Course> = BTreeMap::new();
        for alarm in standing {
            let course = Course { called_since: Some(alarm.since), unacknowledged: alarm.unacknowledged };
            courses.insert(&alarm.key, course);
        }
        for transition in transitions {
            history.note(courses.entry(&transition.key).or_default(), transition);
        }
        for (key, course) in courses {
            if let Some(from) = course.called_since {
                history.episodes.push(Episode { key: key.clone(), from, to: None });
            }
        }
        history.annunciations.sort_by_key(|one| one.at);
        history
    }

    fn note(&mut self, course: &mut Course, transition: &Transition) {
        let (key, at) = (&transition.key, transition.at);
        if transition.annunciates() {
            self.annunciations.push(Annunciation { key: key.clone(), priority: transition.priority, at });
            course.unacknowledged = Some(at);
        }
        match transition.event {
            Event::Acknowledged => {
                if let Some(annunciated) = course.unacknowledged.take() {
                    self.acknowledgements.push((at, at.millis_since(annunciated).max(0).unsigned_abs()));
                }
            }
            Event::Cleared if transition.from == State::Unacknowledged => {
                let annunciated = course.unacknowledged;
                if let Some(annunciated) = annunciated.filter(|then| at.millis_since(*then) < FLEETING_MS) {
                    self.fleeting.push((key.clone(), annunciated));
                }
            }
            _ => {}
        }
        match (course.called_since, transition.to.is_annunciated()) {
            (None, true) => course.called_since = Some(at),
            (Some(from), false) => {
                self.episodes.push(Episode { key: key.clone(), from, to: Some(at) });
                *course = Course::default();
            }
            _ => {}
        }
    }
}
