//! Which gauge is polled next: the one with the earliest deadline.

use std::time::{Duration, Instant};

/// Failed polls in a row after which a gauge counts as silent.
const SILENT_AFTER: u32 = 3;

/// Decides when which gauge of a line is polled.
///
/// Polls of a gauge stand at fixed moments, one interval apart, so that the time a poll takes does not add up. A gauge
/// that is silent is probed ever less often, up to a bound, so that dead gauges cost the living ones little; it comes
/// back to its own interval with its first answer.
#[derive(Debug, Clone)]
pub struct Schedule {
    gauges: Vec<Entry>,
    longest_probe_interval: Duration,
}

#[derive(Debug, Clone)]
struct Entry {
    interval: Duration,
    due: Instant,
    failed_in_a_row: u32,
    skipped: u64,
}

/// How a poll ended, as far as the schedule cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollEnd {
    /// The gauge answered, be it with an exception.
    Answered,
    /// It did not.
    Silent,
}

impl Schedule {
    /// Plans the first polls: in order, spread evenly over the shorter of one interval and one second.
    #[must_use]
    pub fn new(now: Instant, intervals: &[Duration], longest_probe_interval: Duration) -> Self {
        let count = u32::try_from(intervals.len().max(1)).expect("a line has at most 247 gauges");
        let spread = |interval: Duration| interval.min(Duration::from_secs(1)) / count;
        let entry = |(index, &interval): (u32, &Duration)| Entry {
            interval,
            due: now + spread(interval) * index,
            failed_in_a_row: 0,
            skipped: 0,
        };
        Self { gauges: (0..).zip(intervals).map(entry).collect(), longest_probe_interval }
    }

    /// Gives the gauge with the earliest deadline and that deadline; `None` when the line has no gauges.
    #[must_use]
    pub fn next(&self) -> Option<(usize, Instant)> {
        self.gauges.iter().enumerate().map(|(index, gauge)| (index, gauge.due)).min_by_key(|(_, due)| *due)
    }

    /// Tells whether a gauge failed so often in a row that a retry is not worth the line's time.
    #[must_use]
    pub fn is_silent(&self, gauge: usize) -> bool {
        self.gauges[gauge].failed_in_a_row >= SILENT_AFTER
    }

    /// Gives the polls of a gauge that were left out because the line was too busy.
    #[must_use]
    pub fn skipped(&self, gauge: usize) -> u64 {
        self.gauges[gauge].skipped
    }

    /// Gives a gauge another interval, from its next poll on: a gauge in alarm may be polled faster.
    pub fn set_interval(&mut self, gauge: usize, interval: Duration) {
        self.gauges[gauge].interval = interval;
    }

    /// Takes the end of a poll and plans the next one of that gauge.
    pub fn handle_poll_end(&mut self, now: Instant, gauge: usize, end: PollEnd) {
        let longest = self.longest_probe_interval;
        let entry = &mut self.gauges[gauge];
        entry.failed_in_a_row = match end {
            PollEnd::Answered => 0,
            PollEnd::Silent => entry.failed_in_a_row.saturating_add(1),
        };
        let doublings = entry.failed_in_a_row.saturating_sub(SILENT_AFTER).min(16);
        let interval = (entry.interval * 2_u32.pow(doublings)).min(longest.max(entry.interval));
        entry.due += interval;
        if entry.due <= now {
            let left_out = now.duration_since(entry.due).as_nanos() / interval.as_nanos().max(1) + 1;
            let left_out = u32::try_from(left_out).unwrap_or(u32::MAX);
            entry.skipped += u64::from(left_out);
            entry.due += interval * left_out;
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any moment serves as the origin of a virtual clock")]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Polls for a while on a virtual clock; gives the starts of each gauge's polls in ms.
    fn run(intervals: &[Duration], takes: impl Fn(usize, u64) -> (u64, PollEnd), until_ms: u64) -> Vec<Vec<u64>> {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, intervals, MS(10_000));
        let mut now = start;
        let mut polls = vec![Vec::new(); intervals.len()];
        while now < start + MS(until_ms) {
            let (gauge, due) = schedule.next().unwrap();
            now = now.max(due);
            let at = u64::try_from(now.duration_since(start).as_millis()).unwrap();
            polls[gauge].push(at);
            let (took, end) = takes(gauge, at);
            now += MS(took);
            schedule.handle_poll_end(now, gauge, end);
        }
        polls
    }

    #[test]
    fn each_gauge_keeps_its_own_interval() {
        let polls = run(&[MS(1000), MS(500), MS(2000)], |_, _| (30, PollEnd::Answered), 20_000);
        for (gauge, expected) in [(0, 20), (1, 40), (2, 10)] {
            assert!(polls[gauge].len().abs_diff(expected) <= 1, "{:?}", polls[gauge]);
        }
        assert!(polls[0].windows(2).all(|pair| pair[1] - pair[0] <= 1060));
    }

    #[test]
    fn an_overloaded_line_degrades_evenly() {
        let polls = run(&[MS(100); 10], |_, _| (30, PollEnd::Answered), 30_000);
        let counts: Vec<usize> = polls.iter().map(Vec::len).collect();
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(most - least <= 2 + most / 10, "{counts:?}");
    }

    #[test]
    fn a_gauge_in_alarm_is_polled_faster_and_the_others_keep_their_interval() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, &[MS(1000); 7], MS(10_000));
        let mut polls = [0; 7];
        let mut now = start;
        while now < start + MS(20_000) {
            let (gauge, due) = schedule.next().unwrap();
            now = now.max(due) + MS(30);
            polls[gauge] += 1;
            if now > start + MS(10_000) {
                schedule.set_interval(2, MS(200));
            }
            schedule.handle_poll_end(now, gauge, PollEnd::Answered);
        }
        assert!((58..=62).contains(&polls[2]), "{polls:?}");
        assert!(polls.iter().enumerate().all(|(gauge, count)| gauge == 2 || (19..=21).contains(count)), "{polls:?}");
    }

    #[test]
    fn dead_gauges_are_probed_ever_less_often_and_come_back_at_once() {
        let dead_until = 60_000;
        let takes = |gauge: usize, at: u64| {
            if gauge < 5 && at < dead_until { (150, PollEnd::Silent) } else { (30, PollEnd::Answered) }
        };
        let polls = run(&[MS(1000); 10], takes, 90_000);
        let in_dead_time = polls[0].iter().filter(|at| **at > 20_000 && **at < dead_until).count();
        assert!((4..=6).contains(&in_dead_time), "probed every 10 s: {:?}", polls[0]);
        let back: Vec<_> = polls[0].iter().filter(|at| **at > dead_until + 12_000).collect();
        assert!(back.windows(2).all(|pair| pair[1] - pair[0] <= 1200), "{back:?}");
        let living = polls[9].iter().filter(|at| **at < dead_until).count();
        assert!(living >= 57, "dead gauges cost the living ones little: {living}");
    }
}
