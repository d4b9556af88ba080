//! Receipts and deliveries, found in how the volume of a tank goes.
//!
//! A day is known as a whole, so the volumes are divided into straight lines all at once, by the least squares with a
//! price on each line: that finds where a movement begins to the minute, which a meter that only looks back cannot.
//!
//! Source: optimal partitioning, Jackson et al. 2005.

use tankline_domain::units::UnixMillis;

use super::Amounts;
use super::Quantity;
use super::minutes::{MINUTE_MS, Minute};

/// Slowest movement, mm of level a minute. What is slower is weather.
const LEAST_MM_MIN: f64 = 0.1;
/// Least change of level by a movement, mm.
const LEAST_MM: f64 = 5.0;
/// The same in standard deviations of a minute's volume.
const LEAST_DEVIATIONS: f64 = 6.0;
/// A line's change that is no noise, in the same.
const CLEAR_DEVIATIONS: f64 = 3.0;
/// Pause within a movement, ms.
const PAUSE_MS: i64 = 3 * MINUTE_MS;
/// Time without readings in which nobody saw what moved, ms.
const UNSEEN_MS: i64 = 10 * MINUTE_MS;
/// Minutes beside a movement whose mean says what the tank held then.
const BESIDE: usize = 3;
/// By how much the minutes beside a movement may differ from its lines and still be of it.
const FITTING: std::ops::RangeInclusive<f64> = 0.8..=1.25;

/// Which way a movement goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Into the tank.
    Receipt,
    /// Out of the tank.
    Delivery,
}

/// A receipt or a delivery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Movement {
    /// Which way.
    pub direction: Direction,
    /// When it began; the beginning of the day when it was under way then.
    pub from: UnixMillis,
    /// When it ended; the end of the day when it went on.
    pub to: UnixMillis,
    /// Whether it was under way when the day began.
    pub goes_on_before: bool,
    /// Whether it went on when the day ended.
    pub goes_on_after: bool,
    /// Whether a part of it lies in a time without readings.
    pub unseen: bool,
    /// What was moved, positive both ways; free water may have gone the other way.
    pub amounts: Amounts,
}

impl Movement {
    /// Gives the mean flow of the total volume, m3/h, positive both ways.
    #[must_use]
    pub fn flow_m3h(&self) -> Option<f64> {
        let length_ms = self.to.millis_since(self.from);
        #[expect(clippy::cast_precision_loss, reason = "a day of milliseconds")]
        let hours = length_ms as f64 / 3_600_000.0;
        self.amounts.of(Quantity::Tov).filter(|_| length_ms > 0).map(|tov| tov / hours)
    }
}

/// What tells a movement from weather and noise, for one tank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ruler {
    /// By how much the volume changes with a millimetre of level, m3.
    pub m3_mm: f64,
}

/// A stretch of minutes in which the tank moves one way, by places in the list of minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Minute in which it begins.
    pub first: usize,
    /// Minute in which it ends.
    pub last: usize,
    /// By how much the volume changes, m3.
    pub change_m3: f64,
    /// Whether a part lies in a time without readings.
    pub unseen: bool,
}

/// Finds the movements of a day.
pub(super) fn movements(minutes: &[Minute], ruler: Ruler, (from, to): (UnixMillis, UnixMillis)) -> Vec<Movement> {
    let volumes: Vec<(i64, f64)> =
        minutes.iter().filter_map(|minute| Some((minute.at_ms, minute.amounts.of(Quantity::Tov)?))).collect();
    if volumes.len() != minutes.len() {
        return Vec::new();
    }
    let found = stretches(&volumes, ruler);
    let mut movements = Vec::with_capacity(found.len());
    for (place, stretch) in found.iter().enumerate() {
        let quiet_from = place.checked_sub(1).map_or(0, |before| found[before].last);
        let quiet_to = found.get(place + 1).map_or(minutes.len() - 1, |after| after.first);
        // The minute at an end may have a part of the movement, and is taken only where there is no other.
        let before = held(&minutes[..stretch.first], quiet_from).unwrap_or(minutes[stretch.first].amounts);
        let after = held_first(&minutes[stretch.last + 1..], quiet_to.saturating_sub(stretch.last));
        let change = after.unwrap_or(minutes[stretch.last].amounts) - before;
        let (direction, amounts) = if stretch.change_m3 > 0.0 {
            (Direction::Receipt, change)
        } else {
            (Direction::Delivery, Amounts::ZERO - change)
        };
        let goes_on_before = minutes[stretch.first].at_ms - from.get() <= MINUTE_MS;
        let goes_on_after = to.get() - minutes[stretch.last].at_ms <= MINUTE_MS;
        movements.push(Movement {
            direction,
            from: if goes_on_before { from } else { UnixMillis::new(minutes[stretch.first].at_ms) },
            to: if goes_on_after { to } else { UnixMillis::new(minutes[stretch.last].at_ms) },
            goes_on_before,
            goes_on_after,
            unseen: stretch.unseen,
            amounts: fitted(amounts, stretch.change_m3.abs()),
        });
    }
    movements
}

/// Gives what the tank held in the last of the minutes, none of them before a place.
fn held(minutes: &[Minute], from: usize) -> Option<Amounts> {
    let from = from.max(minutes.len().saturating_sub(BESIDE));
    mean(minutes.get(from..)?)
}

/// Gives what it held in the first of the minutes, of so many at most.
fn held_first(minutes: &[Minute], most: usize) -> Option<Amounts> {
    mean(minutes.get(..most.min(BESIDE).min(minutes.len()))?)
}

fn mean(minutes: &[Minute]) -> Option<Amounts> {
    let amounts: Vec<Amounts> = minutes.iter().map(|minute| minute.amounts).collect();
    (!amounts.is_empty()).then(|| Amounts::mean(&amounts))
}

/// Brings all quantities into line with the total volume that the lines tell, which is known better.
fn fitted(amounts: Amounts, tov_m3: f64) -> Amounts {
    let factor = amounts.of(Quantity::Tov).map_or(1.0, |found| tov_m3 / found);
    let factor = if FITTING.contains(&factor) { factor } else { 1.0 };
    amounts.times(factor).with(Quantity::Tov, Some(tov_m3))
}

/// Finds the stretches in which a tank moves one way. `volumes` are times in ms and m3, in the order of time.
#[must_use]
pub fn stretches(volumes: &[(i64, f64)], ruler: Ruler) -> Vec<Stretch> {
    if volumes.len() < 2 {
        return Vec::new();
    }
    let deviation = deviation(volumes).max(ruler.m3_mm / 12.0_f64.sqrt());
    let lines = lines(volumes, deviation);
    let mut moving: Vec<Stretch> = Vec::new();
    for piece in pieces(volumes, &lines) {
        #[expect(clippy::cast_precision_loss, reason = "a day of milliseconds")]
        let minutes = (volumes[piece.last].0 - volumes[piece.first].0) as f64 / MINUTE_MS as f64;
        let slowest = LEAST_MM_MIN * ruler.m3_mm * minutes;
        if piece.change_m3.abs() > slowest.max(CLEAR_DEVIATIONS * deviation) {
            moving.push(piece);
        }
    }
    let least = (LEAST_MM * ruler.m3_mm).max(LEAST_DEVIATIONS * deviation);
    let mut joined = join(volumes, moving);
    joined.retain(|stretch| stretch.change_m3.abs() >= least);
    join(volumes, joined)
}

/// Joins what goes the same way with no more than a pause between.
fn join(volumes: &[(i64, f64)], stretches: Vec<Stretch>) -> Vec<Stretch> {
    let mut joined: Vec<Stretch> = Vec::new();
    for next in stretches {
        match joined.last_mut() {
            Some(last)
                if last.change_m3.signum() == next.change_m3.signum()
                    && volumes[next.first].0 - volumes[last.last].0 <= PAUSE_MS =>
            {
                last.last = next.last;
                last.change_m3 += next.change_m3;
                last.unseen |= next.unseen;
            }
            _ => joined.push(next),
        }
    }
    joined
}

/// Gives the lines, and what lies between the end of one and the beginning of the next.
///
/// Lines that meet between two minutes are taken to where they meet: a tank that turns does so between readings.
fn pieces(volumes: &[(i64, f64)], lines: &[Line]) -> Vec<Stretch> {
    let mut pieces: Vec<Stretch> = Vec::with_capacity(2 * lines.len());
    for (place, line) in lines.iter().enumerate() {
        let (first, last, mut change_m3) = (line.first, line.last, line.end_m3 - line.begin_m3);
        if let Some(before) = place.checked_sub(1).map(|before| lines[before]) {
            let pause_ms = volumes[line.first].0 - volumes[before.last].0;
            match (meeting(&before, line, pause_ms), pieces.last_mut()) {
                (Some(meeting_m3), Some(piece)) if pause_ms <= PAUSE_MS => {
                    piece.change_m3 += meeting_m3 - before.end_m3;
                    change_m3 += line.begin_m3 - meeting_m3;
                }
                _ => pieces.push(Stretch {
                    first: before.last,
                    last: line.first,
                    change_m3: line.begin_m3 - before.end_m3,
                    unseen: pause_ms > UNSEEN_MS,
                }),
            }
        }
        pieces.push(Stretch { first, last, change_m3, unseen: false });
    }
    pieces
}

/// Gives the volume at which two lines meet in the pause between them; none when they do not.
fn meeting(before: &Line, after: &Line, pause_ms: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a day of milliseconds")]
    let pause = pause_ms as f64 / MINUTE_MS as f64;
    // From where the line before ends.
    let at = (after.begin_m3 - after.slope * pause - before.end_m3) / (before.slope - after.slope);
    (0.0..=pause).contains(&at).then_some(before.end_m3 + before.slope * at)
}

/// Gives the standard deviation of a volume, from how far it is from the middle of its neighbours.
fn deviation(volumes: &[(i64, f64)]) -> f64 {
    let mut bends: Vec<f64> =
        volumes.windows(3).map(|three| (three[0].1 - 2.0 * three[1].1 + three[2].1).abs()).collect();
    if bends.is_empty() {
        return 0.0;
    }
    let middle = bends.len() / 2;
    let (_, median, _) = bends.select_nth_unstable_by(middle, f64::total_cmp);
    // 1.4826 makes a deviation of a median of absolute values; the squares of 1, -2 and 1 sum up to 6.
    1.4826 * *median / 6.0_f64.sqrt()
}

/// A straight line through some volumes.
#[derive(Debug, Clone, Copy)]
struct Line {
    first: usize,
    last: usize,
    begin_m3: f64,
    end_m3: f64,
    /// m3 a minute.
    slope: f64,
}

/// Divides the volumes into the straight lines that cost least.
fn lines(volumes: &[(i64, f64)], deviation: f64) -> Vec<Line> {
    let sums = Sums::new(volumes);
    let count = volumes.len();
    // Two numbers and a place for each line, by the Bayesian criterion.
    #[expect(clippy::cast_precision_loss, reason = "minutes of a day")]
    let price = 3.0 * (count as f64).ln().max(1.0) * deviation.powi(2);
    let mut cost = vec![0.0; count + 1];
    let mut begins = vec![0; count + 1];
    for end in 1..=count {
        let mut best = (f64::INFINITY, 0);
        for first in (0..end).rev() {
            let found = cost[first] + price + sums.squares(first, end - 1);
            if found < best.0 {
                best = (found, first);
            }
        }
        (cost[end], begins[end]) = best;
    }
    let mut lines = Vec::new();
    let mut end = count;
    while end > 0 {
        lines.push(sums.line(begins[end], end - 1));
        end = begins[end];
    }
    lines.reverse();
    lines
}

/// Sums over the first so many volumes, so that any line is found at once. Times are in minutes.
struct Sums {
    sums: Vec<[f64; 6]>,
    times: Vec<f64>,
    middle_m3: f64,
}

impl Sums {
    fn new(volumes: &[(i64, f64)]) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a day of milliseconds")]
        let times: Vec<f64> = volumes.iter().map(|one| (one.0 - volumes[0].0) as f64 / MINUTE_MS as f64).collect();
        // About a volume that they have, so that squares lose no digits.
        let middle_m3 = volumes[volumes.len() / 2].1;
        let mut sums = Vec::with_capacity(volumes.len() + 1);
        let mut sum = [0.0; 6];
        sums.push(sum);
        for (time, volume) in times.iter().zip(volumes) {
            let volume = volume.1 - middle_m3;
            let more = [1.0, *time, time * time, volume, time * volume, volume * volume];
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            sums.push(sum);
        }
        Self { sums, times, middle_m3 }
    }

    /// Gives number, means, and the sums of squares and products about them.
    fn about_means(&self, first: usize, last: usize) -> (f64, f64, [f64; 3]) {
        let mut sum = self.sums[last + 1];
        sum.iter_mut().zip(self.sums[first]).for_each(|(sum, before)| *sum -= before);
        let [count, t, tt, v, tv, vv] = sum;
        (t / count, v / count, [tt - t * t / count, tv - t * v / count, vv - v * v / count])
    }

    fn squares(&self, first: usize, last: usize) -> f64 {
        let (_, _, [tt, tv, vv]) = self.about_means(first, last);
        let explained = if tt > 0.0 { tv * tv / tt } else { 0.0 };
        (vv - explained).max(0.0)
    }

    fn line(&self, first: usize, last: usize) -> Line {
        let (t, v, [tt, tv, _]) = self.about_means(first, last);
        let slope = if last > first && tt > 0.0 { tv / tt } else { 0.0 };
        let at = |place: usize| self.middle_m3 + v + slope * (self.times[place] - t);
        Line { first, last, begin_m3: at(first), end_m3: at(last), slope }
    }
}

#[cfg(test)]
#[path = "movement_tests.rs"]
mod tests;
