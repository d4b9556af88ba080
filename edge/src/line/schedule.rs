//! Which gauge is polled next: the one with the earliest deadline.

use std::time::{Duration, Instant};

/// Failed polls in a row after which a gauge is probed ever less often.
const SILENT_AFTER: u32 = 3;

/// A gauge that holds the line for so many times as long as is typical has to wait for its turn, too.
const SLOW_TIMES: u32 = 3;

/// After a request that was not answered a gauge is asked something else first: so many exchanges hold the line then.
const AFTER_FAILURE_TIMES: u32 = 2;

/// One part in so many of the line's time may be taken from the others for gauges that have to wait for their turn.
const CREDIT_PART: u32 = 32;

/// Most time of the others that is saved up for them.
const CREDIT_MOST: Duration = Duration::from_millis(200);

/// Decides when which gauge of a line is polled.
///
/// Polls of a gauge stand at fixed moments, one interval apart, so that the time a poll takes does not add up. A gauge
/// that is silent is probed ever less often, up to a bound; it comes back to its own interval with its first answer.
///
/// A gauge that is silent, or far slower than the others, holds the line for long. It is polled when the others can still
/// be polled in time afterwards. Where a line is too busy for that, it is polled at their cost, but that is bounded to a
/// few parts in a hundred of the line's time, however many such gauges there are.
#[derive(Debug, Clone)]
pub struct Schedule {
    gauges: Vec<Entry>,
    longest_probe_interval: Duration,
    /// Since when the time that may be taken from the others adds up.
    credit_from: Instant,
    running: Option<Running>,
}

#[derive(Debug, Clone)]
struct Entry {
    interval: Duration,
    due: Instant,
    /// Start of the last poll.
    polled: Option<Instant>,
    failed_in_a_row: u32,
    skipped: u64,
    /// For how long the last answers held the line.
    held: Option<Duration>,
    /// For how long the last attempt held the line that was not answered.
    wasted: Duration,
    /// For how long the next one will at most.
    worst: Duration,
}

/// The poll that is under way.
#[derive(Debug, Clone, Copy)]
struct Running {
    since: Instant,
    /// From when on it takes the time of others.
    at_cost_since: Option<Instant>,
}

/// How a poll ended, as far as the schedule cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollEnd {
    /// The gauge answered, be it with an exception.
    Answered {
        /// For how long its answers held the line, without attempts that failed.
        held: Duration,
    },
    /// It did not.
    Silent {
        /// For how long the last attempt held the line.
        held: Duration,
    },
    /// It could not be asked, because the line is not open.
    NotAsked,
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
            polled: None,
            failed_in_a_row: 0,
            skipped: 0,
            held: None,
            wasted: Duration::ZERO,
            worst: Duration::MAX,
        };
        let gauges = (0..).zip(intervals).map(entry).collect();
        let credit_from = now.checked_sub(CREDIT_MOST * CREDIT_PART).unwrap_or(now);
        Self { gauges, longest_probe_interval, credit_from, running: None }
    }

    /// Gives the gauge that is to be polled next, and when; `None` when the line has no gauges.
    #[must_use]
    pub fn next(&self, now: Instant) -> Option<(usize, Instant)> {
        let typical = self.typical();
        let moment = |(index, gauge): (usize, &Entry)| {
            let cost = gauge.cost();
            let is_free = !gauge.has_to_wait(typical) || self.fits(gauge, gauge.due.max(now), cost, typical);
            let at = if is_free { gauge.due } else { gauge.due.max(self.affordable_from(cost)) };
            (at.max(now), gauge.deadline(), index)
        };
        self.gauges.iter().enumerate().map(moment).min().map(|(at, _, index)| (index, at))
    }

    /// Gives the line time that is typical of the gauges that answer.
    fn typical(&self) -> Option<Duration> {
        let mut costs: Vec<Duration> =
            self.gauges.iter().filter(|gauge| gauge.failed_in_a_row == 0).filter_map(|gauge| gauge.held).collect();
        costs.sort_unstable();
        costs.get(costs.len().saturating_sub(1) / 2).copied()
    }

    /// Tells whether the line can be held for a time so that all that comes due meanwhile is still polled in time.
    fn fits(&self, except: &Entry, at: Instant, cost: Duration, typical: Option<Duration>) -> bool {
        let end = at + cost;
        let comes_due =
            |other: &&Entry| !std::ptr::eq(*other, except) && !other.has_to_wait(typical) && other.due <= end;
        let waiting = || self.gauges.iter().filter(comes_due);
        let all_done = waiting().fold(end, |end, other| end + other.cost());
        waiting().all(|other| all_done <= other.due + other.interval * 3 / 4)
    }

    /// Gives the moment from which the line may be held for a time at the cost of others.
    fn affordable_from(&self, cost: Duration) -> Instant {
        self.credit_from + cost * CREDIT_PART
    }

    /// Tells whether a second attempt is worth the line's time: it is when the gauge answered the last time, and, where it
    /// is far slower than the others, when they can bear it.
    pub fn may_retry(&mut self, now: Instant, gauge: usize) -> bool {
        let entry = &self.gauges[gauge];
        let Some(held) = entry.held.filter(|_| entry.failed_in_a_row == 0) else { return false };
        !entry.has_to_wait(self.typical()) || self.may_hold(now, gauge, held * AFTER_FAILURE_TIMES)
    }

    /// Tells whether the poll under way may hold the line for this long, and takes that it does if it may.
    pub fn may_hold(&mut self, now: Instant, gauge: usize, time: Duration) -> bool {
        let is_free = self.fits(&self.gauges[gauge], now, time, self.typical());
        if !is_free && let Some(running) = &mut self.running {
            if self.credit_from + time * CREDIT_PART > now {
                return false;
            }
            running.at_cost_since.get_or_insert(now);
        }
        true
    }

    /// Takes how long the next poll of a gauge would hold the line if it failed.
    pub fn set_worst(&mut self, gauge: usize, worst: Duration) {
        self.gauges[gauge].worst = worst;
    }

    /// Takes the start of a poll.
    pub fn handle_poll_start(&mut self, now: Instant, gauge: usize) {
        let typical = self.typical();
        let entry = &self.gauges[gauge];
        let is_at_cost = entry.has_to_wait(typical) && !self.fits(entry, now, entry.cost(), typical);
        self.running = Some(Running { since: now, at_cost_since: is_at_cost.then_some(now) });
    }

    /// Takes how many polls of a gauge were left out since the last time because the line was too busy.
    pub fn take_skipped(&mut self, gauge: usize) -> u64 {
        std::mem::take(&mut self.gauges[gauge].skipped)
    }

    /// Takes that the line is open: polls that came due while it was not are not made up for.
    pub fn handle_line_open(&mut self, now: Instant) {
        for gauge in &mut self.gauges {
            let left_out = now.saturating_duration_since(gauge.due).as_nanos() / gauge.interval.as_nanos().max(1);
            gauge.due += gauge.interval * u32::try_from(left_out).unwrap_or(u32::MAX);
        }
    }

    /// Gives a gauge another interval, from its next poll on: a gauge in alarm may be polled faster.
    pub fn set_interval(&mut self, gauge: usize, interval: Duration) {
        self.gauges[gauge].interval = interval;
    }

    /// Takes the end of a poll and plans the next one of that gauge.
    pub fn handle_poll_end(&mut self, now: Instant, gauge: usize, end: PollEnd) {
        let longest = self.longest_probe_interval;
        let Running { since, at_cost_since } =
            self.running.take().unwrap_or(Running { since: now, at_cost_since: None });
        let has_to_wait = self.gauges[gauge].has_to_wait(self.typical());
        let entry = &mut self.gauges[gauge];
        entry.polled = Some(since);
        if let Some(from) = at_cost_since {
            let most = CREDIT_MOST.max(entry.cost()) * CREDIT_PART;
            let saved = now.checked_sub(most).map_or(self.credit_from, |oldest| oldest.max(self.credit_from));
            self.credit_from = saved + now.saturating_duration_since(from) * CREDIT_PART;
        }
        match end {
            PollEnd::Answered { held } => (entry.failed_in_a_row, entry.held) = (0, Some(held)),
            PollEnd::NotAsked => entry.failed_in_a_row = 0,
            PollEnd::Silent { held } => {
                (entry.failed_in_a_row, entry.wasted) = (entry.failed_in_a_row.saturating_add(1), held);
            }
        }
        let doublings = entry.failed_in_a_row.saturating_sub(SILENT_AFTER).min(16);
        let interval = (entry.interval * 2_u32.pow(doublings)).min(longest.max(entry.interval));
        entry.due += interval;
        if entry.due <= now {
            let left_out = now.duration_since(entry.due).as_nanos() / interval.as_nanos().max(1) + 1;
            let left_out = u32::try_from(left_out).unwrap_or(u32::MAX);
            // One that has to wait, or cannot be asked at all, is not left out because the line is too busy.
            entry.skipped += if has_to_wait || end == PollEnd::NotAsked { 0 } else { u64::from(left_out) };
            entry.due += interval * left_out;
        }
    }
}

impl Entry {
    /// Gives when the next poll should begin, counted from the last; of those that are due the earliest goes first.
    ///
    /// The moment at which a poll is due does not serve for that: on a busy line its place between two polls is chance.
    fn deadline(&self) -> Instant {
        self.polled.map_or(self.due, |polled| polled + self.interval)
    }

    /// Gives the line time that the next poll is expected to take.
    fn cost(&self) -> Duration {
        match self.held {
            Some(held) if self.failed_in_a_row == 0 => held,
            held => self.wasted.min(self.worst).max(held.unwrap_or_default() * AFTER_FAILURE_TIMES),
        }
    }

    /// Tells whether the others go first: it would hold the line far longer than they do.
    fn has_to_wait(&self, typical: Option<Duration>) -> bool {
        typical.is_some_and(|typical| self.cost() > typical * SLOW_TIMES)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any moment serves as the origin of a virtual clock")]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;
    const ANSWERED: PollEnd = PollEnd::Answered { held: Duration::from_millis(30) };

    const fn silent(took: u64) -> (u64, PollEnd) {
        (took, PollEnd::Silent { held: Duration::from_millis(took) })
    }

    /// Polls for a while on a virtual clock; gives the starts of each gauge's polls in ms.
    fn run(intervals: &[Duration], takes: impl Fn(usize, u64) -> (u64, PollEnd), until_ms: u64) -> Vec<Vec<u64>> {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, intervals, MS(10_000));
        let mut now = start;
        let mut polls = vec![Vec::new(); intervals.len()];
        while now < start + MS(until_ms) {
            let (gauge, due) = schedule.next(now).unwrap();
            now = now.max(due);
            let at = u64::try_from(now.duration_since(start).as_millis()).unwrap();
            polls[gauge].push(at);
            let (took, end) = takes(gauge, at);
            schedule.handle_poll_start(now, gauge);
            now += MS(took);
            schedule.handle_poll_end(now, gauge, end);
        }
        polls
    }

    #[test]
    fn each_gauge_keeps_its_own_interval() {
        let polls = run(&[MS(1000), MS(500), MS(2000)], |_, _| (30, ANSWERED), 20_000);
        for (gauge, expected) in [(0, 20), (1, 40), (2, 10)] {
            assert!(polls[gauge].len().abs_diff(expected) <= 1, "{:?}", polls[gauge]);
        }
        assert!(polls[0].windows(2).all(|pair| pair[1] - pair[0] <= 1060));
    }

    #[test]
    fn an_overloaded_line_degrades_evenly() {
        let polls = run(&[MS(100); 10], |_, _| (30, ANSWERED), 30_000);
        let counts: Vec<usize> = polls.iter().map(Vec::len).collect();
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(most - least <= 1, "{counts:?}");
    }

    #[test]
    fn a_gauge_in_alarm_is_polled_faster_and_the_others_keep_their_interval() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, &[MS(1000); 7], MS(10_000));
        let mut polls = [0; 7];
        let mut now = start;
        while now < start + MS(20_000) {
            let (gauge, due) = schedule.next(now).unwrap();
            schedule.handle_poll_start(now.max(due), gauge);
            now = now.max(due) + MS(30);
            polls[gauge] += 1;
            if now > start + MS(10_000) {
                schedule.set_interval(2, MS(200));
            }
            schedule.handle_poll_end(now, gauge, ANSWERED);
        }
        assert!((58..=62).contains(&polls[2]), "{polls:?}");
        assert!(polls.iter().enumerate().all(|(gauge, count)| gauge == 2 || (19..=21).contains(count)), "{polls:?}");
    }

    #[test]
    fn dead_gauges_are_probed_ever_less_often_and_come_back_at_once() {
        let dead_until = 60_000;
        let takes = |gauge: usize, at: u64| {
            if gauge < 5 && at < dead_until { silent(150) } else { (30, ANSWERED) }
        };
        let polls = run(&[MS(1000); 10], takes, 90_000);
        let in_dead_time = polls[0].iter().filter(|at| **at > 20_000 && **at < dead_until).count();
        assert!((4..=6).contains(&in_dead_time), "probed every 10 s: {:?}", polls[0]);
        let back: Vec<_> = polls[0].iter().filter(|at| **at > dead_until + 12_000).collect();
        assert!(back.windows(2).all(|pair| pair[1] - pair[0] <= 1200), "{back:?}");
        let living = polls[9].iter().filter(|at| **at < dead_until).count();
        assert!(living >= 57, "dead gauges cost the living ones little: {living}");
    }
    /// Polls of the last of these gauges, which answers in 30 ms, in a minute after the first thirty seconds.
    fn polls_of_last(intervals: &[Duration], takes: impl Fn(usize, u64) -> (u64, PollEnd)) -> usize {
        let polls = run(intervals, takes, 90_000);
        polls[intervals.len() - 1].iter().filter(|at| **at > 30_000).count()
    }

    #[test]
    fn dead_gauges_cost_the_living_ones_of_a_busy_line_less_than_five_in_a_hundred() {
        for (interval, timeout) in [(MS(100), 115), (MS(100), 1000), (MS(600), 115), (MS(600), 1000)] {
            let alone = polls_of_last(&[interval; 14], |_, _| (30, ANSWERED));
            let with_dead =
                polls_of_last(&[interval; 28], |gauge, _| if gauge < 14 { silent(timeout) } else { (30, ANSWERED) });
            assert!(with_dead * 100 > alone * 95, "{interval:?} {timeout}: {with_dead} instead of {alone}");
        }
    }

    #[test]
    fn slow_gauge_is_polled_when_the_others_can_bear_it() {
        const SLOW: (u64, PollEnd) = (350, PollEnd::Answered { held: Duration::from_millis(350) });
        let takes = |gauge: usize, _| if gauge == 0 { SLOW } else { (30, ANSWERED) };
        let polls = run(&[MS(200); 4], takes, 60_000);
        assert!(polls[1..].iter().all(|polls| polls.len() * 100 > 300 * 95), "{polls:?}");
        assert!((4..20).contains(&polls[0].len()), "{polls:?}");
        // Where there is room, it keeps its interval.
        let polls = run(&[MS(1000); 4], takes, 60_000);
        assert!(polls.iter().all(|polls| polls.len() >= 59), "{polls:?}");
        // Where all are slow, nobody is.
        let polls = run(&[MS(200); 4], |_, _| SLOW, 60_000);
        assert!(polls.iter().all(|polls| (40..46).contains(&polls.len())), "{polls:?}");
    }

    #[test]
    fn slow_gauge_that_fails_now_and_then_costs_the_others_little() {
        let (polls, has_failed) = (std::cell::Cell::new(0), std::cell::Cell::new(false));
        let takes = |gauge: usize, _| {
            if gauge > 0 {
                return (30, ANSWERED);
            }
            polls.set(polls.get() + 1);
            if polls.get() % 5 == 0 {
                has_failed.set(true);
                return silent(180);
            }
            // It is asked something else first.
            let exchanges = if has_failed.take() { 2 } else { 1 };
            (190 * exchanges, PollEnd::Answered { held: MS(190) })
        };
        let polls = run(&[MS(250); 3], takes, 60_000);
        assert!(polls[1..].iter().all(|polls| polls.len() * 100 > 240 * 95), "{polls:?}");
        assert!(polls[0].len() > 20, "{polls:?}");
    }

    #[test]
    fn slow_gauge_is_not_asked_twice_at_the_cost_of_others() {
        let start = Instant::now();
        for (held, may_retry) in [(30, true), (150, false)] {
            let mut schedule = Schedule::new(start, &[MS(250); 3], MS(10_000));
            for gauge in 0..3 {
                schedule.handle_poll_start(start, gauge);
                let held = MS(if gauge == 0 { held } else { 30 });
                schedule.handle_poll_end(start, gauge, PollEnd::Answered { held });
            }
            // Its first attempt took until the others came due, and nothing is saved up.
            schedule.credit_from = start + MS(10_000);
            schedule.handle_poll_start(start + MS(250), 0);
            assert_eq!(schedule.may_retry(start + MS(400), 0), may_retry, "{held}");
        }
    }

    #[test]
    fn one_failure_changes_nothing_for_a_gauge_of_a_busy_line() {
        let hiccup = |gauge: usize, at: u64| match (gauge, at) {
            (0, 5_000..5_300) => silent(230),
            (0, 8_000..8_300) => (180, ANSWERED),
            _ => (30, ANSWERED),
        };
        let polls = run(&[MS(100); 10], hiccup, 20_000);
        assert!(polls[0].windows(2).all(|pair| pair[1] - pair[0] < 900), "{:?}", polls[0]);
    }

    #[test]
    fn gauge_whose_answers_are_damaged_keeps_its_place() {
        let damaged = |gauge: usize, _| if gauge == 0 { (100, DAMAGED) } else { (30, ANSWERED) };
        const DAMAGED: PollEnd = PollEnd::Silent { held: Duration::from_millis(50) };
        let polls = run(&[MS(1000); 20], damaged, 20_000);
        assert!(polls[0].windows(2).take(3).all(|pair| pair[1] - pair[0] <= 1100), "{:?}", polls[0]);
    }

    #[test]
    fn line_that_was_lost_begins_where_it_was() {
        let lost = |_, at| if (5_000..8_000).contains(&at) { (0, PollEnd::NotAsked) } else { (30, ANSWERED) };
        let polls = run(&[MS(100); 3], lost, 20_000);
        assert!(polls.iter().all(|polls| polls.len() >= 198), "{polls:?}");
    }
}
