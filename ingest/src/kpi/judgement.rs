//! Figures held against what is recommended.

use serde::Serialize;

use super::Figures;

/// A figure held against what is recommended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// What was counted.
    pub figure: &'static str,
    /// How much it is.
    pub value: f64,
    /// Its unit: nothing, or `%`.
    pub unit: &'static str,
    /// What is recommended, in words.
    pub recommended: &'static str,
    /// What follows.
    pub verdict: Verdict,
}

/// What follows from a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// There is too little to judge by.
    NotJudged,
    /// As recommended.
    Acceptable,
    /// The most that can be dealt with.
    Manageable,
    /// More than is recommended.
    Exceeded,
}

impl Verdict {
    /// Says it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotJudged => "not judged",
            Self::Acceptable => "acceptable",
            Self::Manageable => "manageable",
            Self::Exceeded => "exceeded",
        }
    }
}

/// Ten of fewer different alarms than this are more than 5 % of them by themselves.
const ENOUGH_DIFFERENT: u64 = 200;

/// Fewer annunciations say nothing of how they divide.
const ENOUGH_TO_DIVIDE: u64 = 100;

/// Holds the figures of a span, and the most stale alarms of any of its days, against ISA-18.2-2016 table 8. EEMUA 191
/// (3rd edition) gives the same averages.
///
/// They are meant for one operator's position and a month; of less than a day rates are not judged.
#[must_use]
pub fn judge(figures: &Figures, most_stale_on_a_day: usize) -> Vec<Judgement> {
    let long_enough = figures.hours >= 24.0;
    let upto = |value: f64, acceptable: f64, manageable: f64| match value {
        _ if !long_enough => Verdict::NotJudged,
        value if value <= acceptable => Verdict::Acceptable,
        value if value <= manageable => Verdict::Manageable,
        _ => Verdict::Exceeded,
    };
    let below = |value: f64, bound: f64| match value {
        _ if !long_enough => Verdict::NotJudged,
        value if value < bound => Verdict::Acceptable,
        _ => Verdict::Exceeded,
    };
    let none = |value: f64| if value == 0.0 { Verdict::Acceptable } else { Verdict::Exceeded };
    let row = |figure, value, unit, recommended, verdict| Judgement { figure, value, unit, recommended, verdict };
    let most = figures.most_in_10_min as f64;
    let top =
        if figures.different < ENOUGH_DIFFERENT { Verdict::NotJudged } else { upto(figures.top_percent, 1.0, 5.0) };
    let (chattering, fleeting) = (figures.chattering.len() as f64, figures.fleeting as f64);
    let stale = most_stale_on_a_day as f64;
    let urgent = figures.priorities;
    let (critical, high) = (urgent.critical_percent, urgent.critical_percent + urgent.high_percent);
    let medium = high + urgent.medium_percent;
    let divided = if figures.annunciations < ENOUGH_TO_DIVIDE {
        Verdict::NotJudged
    } else if critical <= 1.0 && high <= 6.0 && medium <= 21.0 {
        Verdict::Acceptable
    } else {
        Verdict::Exceeded
    };
    let most_is = if most <= 10.0 { Verdict::Acceptable } else { Verdict::Exceeded };
    let stale_are = if stale < 5.0 { Verdict::Acceptable } else { Verdict::Exceeded };
    vec![
        row("annunciations a day", figures.per_day, "", "150, at most 300", upto(figures.per_day, 150.0, 300.0)),
        row("an hour", figures.per_hour, "", "6, at most 12", upto(figures.per_hour, 6.0, 12.0)),
        row("in 10 minutes", figures.per_10_min, "", "1, at most 2", upto(figures.per_10_min, 1.0, 2.0)),
        row("most in 10 minutes", most, "", "at most 10", most_is),
        row(
            "hours with more than 30",
            figures.hours_above_30_percent,
            "%",
            "below 1 %",
            below(figures.hours_above_30_percent, 1.0),
        ),
        row(
            "10 minutes with more than 10",
            figures.periods_above_10_percent,
            "%",
            "below 1 %",
            below(figures.periods_above_10_percent, 1.0),
        ),
        row("time in flood", figures.flooded_percent, "%", "below 1 %", below(figures.flooded_percent, 1.0)),
        row("the ten most frequent", figures.top_percent, "%", "1 %, at most 5 %", top),
        row("chattering alarms", chattering, "", "none", none(chattering)),
        row("fleeting annunciations", fleeting, "", "none", none(fleeting)),
        row("stale alarms on a day", stale, "", "below 5", stale_are),
        row("critical", critical, "%", "below 1 %", divided),
        row("high", urgent.high_percent, "%", "5 %", divided),
        row("medium", urgent.medium_percent, "%", "15 %", divided),
        row("low", urgent.low_percent, "%", "80 %", divided),
    ]
}
