//! The figures of a span.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tankline_domain::alarm::{AlarmKey, Priority};
use tankline_domain::units::UnixMillis;

use super::flood::{self, BEGINS_ABOVE, Flood, PERIOD_MS};
use super::history::{Annunciation, History, Span};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// An hour with more annunciations than this is more than anybody can deal with (ISA-18.2-2016 table 8).
const BUSY_HOUR: u64 = 30;

/// An alarm that annunciates so often within [`CHATTERING_MS`] chatters (ISA-18.2-2016 clause 16).
const CHATTERING: usize = 3;
const CHATTERING_MS: i64 = 60_000;

/// An alarm that stands or waits for longer is stale (ISA-18.2-2016 clause 16).
const STALE_MS: i64 = DAY_MS;

/// How many alarms are named that annunciate most.
const TOP: usize = 10;

/// What is counted of the alarms of a span. Shares are in percent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// How long the span is, in hours.
    pub hours: f64,
    /// How often an alarm called for somebody.
    pub annunciations: u64,
    /// The same for an average day.
    pub per_day: f64,
    /// The same for an average hour.
    pub per_hour: f64,
    /// The same for average ten minutes.
    pub per_10_min: f64,
    /// The most within ten minutes.
    pub most_in_10_min: u64,
    /// The most within an hour.
    pub most_in_an_hour: u64,
    /// Share of the hours with more than 30.
    pub hours_above_30_percent: f64,
    /// Share of the ten minutes with more than 10.
    pub periods_above_10_percent: f64,
    /// Floods that began.
    pub floods: u64,
    /// Share of the time in a flood.
    pub flooded_percent: f64,
    /// Alarms that annunciated three times or more within a minute.
    pub chattering: BTreeSet<String>,
    /// How often an alarm was over within a minute and unacknowledged.
    pub fleeting: u64,
    /// Alarms that stood or waited for more than a day at some time of the span.
    pub stale: BTreeSet<String>,
    /// How many different alarms annunciated.
    pub different: u64,
    /// The ten that annunciated most.
    pub top: Vec<Frequent>,
    /// What these ten are of all.
    pub top_percent: f64,
    /// How urgent they were.
    pub priorities: Priorities,
    /// How long it took to acknowledge; absent when nothing was acknowledged.
    pub acknowledgement: Option<AcknowledgementTimes>,
}

/// How often one alarm annunciated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Frequent {
    /// The alarm: `site/source/alarm`.
    pub alarm: String,
    /// How often.
    pub annunciations: u64,
    /// What this is of all.
    pub percent: f64,
}

/// How annunciations divide into priorities, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Priorities {
    /// Of the most urgent.
    pub critical_percent: f64,
    /// Of high priority.
    pub high_percent: f64,
    /// Of medium priority.
    pub medium_percent: f64,
    /// Of the least urgent.
    pub low_percent: f64,
}

/// How long it took to acknowledge, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AcknowledgementTimes {
    /// How many there were.
    pub count: u64,
    /// Half of them took no longer.
    pub median_s: f64,
    /// Nine in ten took no longer.
    pub p90_s: f64,
    /// None took longer.
    pub most_s: f64,
}

impl Figures {
    /// Counts what is in a span; `floods` are those of the whole history.
    #[must_use]
    pub fn of(history: &History, floods: &[Flood], span: Span) -> Self {
        let within: Vec<_> = history.annunciations.iter().filter(|one| span.contains(one.at)).collect();
        let count = within.len() as u64;
        let millis = span.millis() as f64;
        let rate = |per: i64| if millis > 0.0 { count as f64 * per as f64 / millis } else { 0.0 };
        let (_, periods) = flood::periods(span, within.iter().map(|one| one.at));
        let hours = hours(span, &within);
        let (top, different) = top(&within);
        let in_top: u64 = top.iter().map(|one| one.annunciations).sum();
        let flooded: i64 = floods.iter().map(|flood| overlap(flood.span, span)).sum();
        Self {
            hours: millis / HOUR_MS as f64,
            annunciations: count,
            per_day: rate(DAY_MS),
            per_hour: rate(HOUR_MS),
            per_10_min: rate(PERIOD_MS),
            most_in_10_min: periods.iter().copied().max().unwrap_or_default(),
            most_in_an_hour: hours.iter().copied().max().unwrap_or_default(),
            hours_above_30_percent: share_above(&hours, BUSY_HOUR),
            periods_above_10_percent: share_above(&periods, BEGINS_ABOVE),
            floods: floods.iter().filter(|flood| span.contains(flood.span.from)).count() as u64,
            flooded_percent: if millis > 0.0 { flooded as f64 * 100.0 / millis } else { 0.0 },
            chattering: chattering(&within),
            fleeting: history.fleeting.iter().filter(|(_, at)| span.contains(*at)).count() as u64,
            stale: stale(history, span),
            different,
            top,
            top_percent: percent(in_top, count),
            priorities: priorities(&within),
            acknowledgement: acknowledgement(history, span),
        }
    }
}

fn percent(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 * 100.0 / all as f64 }
}

fn share_above(counts: &[u64], bound: u64) -> f64 {
    percent(counts.iter().filter(|count| **count > bound).count() as u64, counts.len() as u64)
}

fn overlap(one: Span, other: Span) -> i64 {
    Span { from: one.from.max(other.from), to: one.to.min(other.to) }.millis()
}

/// Counts in hours from the beginning of the span; the last may be shorter.
fn hours(span: Span, annunciations: &[&Annunciation]) -> Vec<u64> {
    let mut counts = vec![0; usize::try_from((span.millis() + HOUR_MS - 1) / HOUR_MS).unwrap_or_default()];
    for one in annunciations {
        let place = usize::try_from(one.at.millis_since(span.from) / HOUR_MS).unwrap_or(usize::MAX);
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
    }
    counts
}

fn times(annunciations: &[&Annunciation]) -> BTreeMap<AlarmKey, Vec<UnixMillis>> {
    let mut times: BTreeMap<AlarmKey, Vec<UnixMillis>> = BTreeMap::new();
    for one in annunciations {
        times.entry(one.key.clone()).or_default().push(one.at);
    }
    times
}

/// Gives the alarms that annunciated most, and how many different ones there were.
fn top(annunciations: &[&Annunciation]) -> (Vec<Frequent>, u64) {
    let all = annunciations.len() as u64;
    let mut counts: Vec<_> = times(annunciations).into_iter().map(|(key, times)| (key, times.len() as u64)).collect();
    let different = counts.len() as u64;
    counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    counts.truncate(TOP);
    let frequent = |(key, count): (AlarmKey, u64)| Frequent {
        alarm: key.to_string(),
        annunciations: count,
        percent: percent(count, all),
    };
    (counts.into_iter().map(frequent).collect(), different)
}

fn chattering(annunciations: &[&Annunciation]) -> BTreeSet<String> {
    let chatters = |times: &Vec<UnixMillis>| {
        times.windows(CHATTERING).any(|some| some[CHATTERING - 1].millis_since(some[0]) <= CHATTERING_MS)
    };
    let times = times(annunciations);
    times.into_iter().filter(|(_, times)| chatters(times)).map(|(key, _)| key.to_string()).collect()
}

fn stale(history: &History, span: Span) -> BTreeSet<String> {
    let stale = history.episodes.iter().filter(|episode| {
        let from = UnixMillis::new(episode.from.get().saturating_add(STALE_MS));
        overlap(Span { from, to: episode.to.unwrap_or(span.to) }, span) > 0
    });
    stale.map(|episode| episode.key.to_string()).collect()
}

fn priorities(annunciations: &[&Annunciation]) -> Priorities {
    let of = |priority: Priority| {
        let count = annunciations.iter().filter(|one| one.priority == priority).count();
        percent(count as u64, annunciations.len() as u64)
    };
    Priorities {
        critical_percent: of(Priority::Critical),
        high_percent: of(Priority::High),
        medium_percent: of(Priority::Medium),
        low_percent: of(Priority::Low),
    }
}

fn acknowledgement(history: &History, span: Span) -> Option<AcknowledgementTimes> {
    let within = history.acknowledgements.iter().filter(|(at, _)| span.contains(*at));
    let mut took: Vec<u64> = within.map(|(_, took)| *took).collect();
    took.sort_unstable();
    // The nearest rank: the smallest that so many of a hundred do not exceed.
    let rank = |percent: usize| took.get((took.len() * percent).div_ceil(100).max(1) - 1);
    let seconds = |millis: &u64| *millis as f64 / 1000.0;
    Some(AcknowledgementTimes {
        count: took.len() as u64,
        median_s: rank(50).map(seconds)?,
        p90_s: rank(90).map(seconds)?,
        most_s: rank(100).map(seconds)?,
    })
}
