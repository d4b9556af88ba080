//! Floods: more alarms than anybody can follow.

use tankline_domain::units::UnixMillis;

use super::Span;

/// Ten minutes in milliseconds: the period in which alarms are counted (ISA-18.2-2016, EEMUA 191).
pub const PERIOD_MS: i64 = 600_000;

/// A flood begins with a period of more than this (ISA-18.2-2016 clause 16).
pub const BEGINS_ABOVE: u64 = 10;

/// It ends with a period of less than this (the same).
const ENDS_BELOW: u64 = 5;

/// More alarms than anybody can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flood {
    /// When its first period began, and its last one ended.
    pub span: Span,
    /// Annunciations in it.
    pub annunciations: u64,
}

/// Counts annunciations in each period of ten minutes that touches a span. Periods begin at whole ten minutes in UTC.
///
/// Gives the beginning of the first period, and the counts.
#[must_use]
pub fn periods(span: Span, annunciated: impl IntoIterator<Item = UnixMillis>) -> (UnixMillis, Vec<u64>) {
    let first = span.from.get().div_euclid(PERIOD_MS);
    let last = (span.to.get() - 1).div_euclid(PERIOD_MS).max(first - 1);
    let mut counts = vec![0; usize::try_from(last - first + 1).unwrap_or_default()];
    for at in annunciated.into_iter().filter(|at| span.contains(*at)) {
        let place = usize::try_from(at.get().div_euclid(PERIOD_MS) - first).unwrap_or(usize::MAX);
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
    }
    (UnixMillis::new(first * PERIOD_MS), counts)
}

/// Finds the floods in periods that begin at `first`.
#[must_use]
pub fn floods(first: UnixMillis, counts: &[u64]) -> Vec<Flood> {
    let mut found: Vec<Flood> = Vec::new();
    let mut flooded = false;
    for (count, begins) in counts.iter().zip((first.get()..).step_by(PERIOD_MS as usize)) {
        let ends = UnixMillis::new(begins + PERIOD_MS);
        match found.last_mut().filter(|_| flooded) {
            Some(flood) if *count >= ENDS_BELOW => {
                flood.span.to = ends;
                flood.annunciations += count;
            }
            _ => {
                flooded = *count > BEGINS_ABOVE;
                if flooded {
                    let span = Span { from: UnixMillis::new(begins), to: ends };
                    found.push(Flood { span, annunciations: *count });
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_begins_above_ten_and_ends_below_five_in_ten_minutes() {
        // Counted by hand: 10 is none yet; 11, 10, 5 is one of 30 minutes with 26; 4 ends it; 12 is another, 13 follows 0.
        let counts = [10, 11, 10, 5, 4, 9, 12, 0, 13];
        let floods = floods(UnixMillis::new(PERIOD_MS), &counts);
        let found: Vec<_> = floods
            .iter()
            .map(|flood| (flood.span.from.get() / PERIOD_MS, flood.span.millis() / PERIOD_MS, flood.annunciations))
            .collect();
        assert_eq!(found, [(2, 3, 26), (7, 1, 12), (9, 1, 13)]);
    }

    #[test]
    fn each_annunciation_is_in_the_period_of_the_clock() {
        let at = |seconds: i64| UnixMillis::new(seconds * 1000);
        let span = Span { from: at(300), to: at(1801) };
        let (first, counts) = periods(span, [0, 299, 300, 599, 600, 1199, 1800, 1801].map(at));
        assert_eq!((first, counts), (at(0), vec![2, 2, 0, 1]));
        assert_eq!(periods(Span { from: at(600), to: at(600) }, []).1, Vec::<u64>::new());
    }
}
