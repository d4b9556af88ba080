//! Where the processor time of the centre goes.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;
use tankline_ingest::Observer;
use tankline_ingest::stages::Stage;
use tankline_runtime::cost::Spent;

/// What the stages of the centre have cost in a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageFigures {
    /// Each stage, in the order of a reading's way.
    pub stages: Vec<StageCost>,
    /// Share of the time in which the thread that writes waited for something to write, 0 to 1.
    pub writer_awaits_work: f64,
    /// Share of the time in which it waited for the disk or for a core, 0 to 1.
    pub writer_waits: f64,
    /// How many cores the stages kept busy, on the average.
    pub cores: f64,
}

/// What one stage has cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageCost {
    /// Its name.
    pub stage: &'static str,
    /// Processor time, s.
    pub busy_s: f64,
    /// Its share of the processor time of all stages, 0 to 1.
    pub share: f64,
    /// Processor time for one reading, in microseconds.
    pub us_per_reading: f64,
    /// Time in it that is no processor time, s.
    pub waited_s: f64,
}

/// What the stages had cost at some moment.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot([Spent; Stage::ALL.len()]);

impl Snapshot {
    /// Takes what they have cost by now.
    #[must_use]
    pub fn of(observer: &Observer) -> Self {
        Self(Stage::ALL.map(|stage| observer.spent(stage)))
    }

    /// Gives what they have cost since an earlier moment, that long ago, for so many readings.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count of readings is far below 2^53")]
    pub fn since(&self, earlier: &Self, took: Duration, readings: u64) -> StageFigures {
        let spent = |stage: Stage| {
            let (now, then) = (self.0[stage as usize], earlier.0[stage as usize]);
            ((now.busy - then.busy).as_secs_f64(), (now.waited - then.waited).as_secs_f64())
        };
        let busy: f64 = Stage::ALL.into_iter().map(|stage| spent(stage).0).sum();
        let cost = |stage: Stage| {
            let (busy_s, waited_s) = spent(stage);
            let us_per_reading = busy_s * 1e6 / readings.max(1) as f64;
            StageCost { stage: stage.name(), busy_s, share: busy_s / busy.max(1e-9), us_per_reading, waited_s }
        };
        let seconds = took.as_secs_f64().max(1e-9);
        let writing = [Stage::Sort, Stage::Watch, Stage::Alarms, Stage::Commit, Stage::Note, Stage::Expire];
        StageFigures {
            stages: Stage::ALL.into_iter().map(cost).collect(),
            writer_awaits_work: spent(Stage::AwaitWork).1 / seconds,
            writer_waits: writing.into_iter().map(|stage| spent(stage).1).sum::<f64>() / seconds,
            cores: busy / seconds,
        }
    }
}

/// Writes runs side by side; each has a name.
#[must_use]
pub fn table(runs: &[(String, &StageFigures)]) -> String {
    let mut text = "\nWhere the centre's processor time goes; broker and publisher run beside it\n\n".to_owned();
    let mut line = |first: &str, cells: &mut dyn Iterator<Item = String>| {
        let cells: String = cells.collect();
        writeln!(text, "{first:<16}{cells}").expect("writing to a text does not fail");
    };
    line("", &mut runs.iter().map(|(name, _)| format!(" {name:>29}")));
    line("", &mut runs.iter().map(|_| format!(" {:>8} {:>10} {:>9}", "share", "us/reading", "waited s")));
    let per_cent = |share: f64| format!("{:.1} %", share * 100.0);
    for stage in Stage::ALL.into_iter().filter(|stage| *stage != Stage::AwaitWork) {
        let cell = |figures: &StageFigures| {
            let StageCost { share, us_per_reading, waited_s, .. } = &figures.stages[stage as usize];
            format!(" {:>8} {us_per_reading:>10.2} {waited_s:>9.2}", per_cent(*share))
        };
        line(stage.name(), &mut runs.iter().map(|(_, figures)| cell(figures)));
    }
    let row = |value: fn(&StageFigures) -> f64| runs.iter().map(move |(_, figures)| value(figures));
    line("cores busy", &mut row(|figures| figures.cores).map(|cores| format!(" {cores:>29.2}")));
    let shares = |value| row(value).map(move |share| format!(" {:>29}", per_cent(share)));
    line("writer idle", &mut shares(|figures| figures.writer_awaits_work));
    line("writer waits", &mut shares(|figures| figures.writer_waits));
    text.push_str(
        "\nIdle is the thread that writes while there is nothing to write; it waits for the disk or for a core.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Snapshot {
        let mut spent = [Spent::default(); Stage::ALL.len()];
        let millis = Duration::from_millis;
        spent[Stage::Parse as usize] = Spent { busy: millis(ms * 3), waited: millis(0) };
        spent[Stage::Commit as usize] = Spent { busy: millis(ms), waited: millis(ms) };
        spent[Stage::AwaitWork as usize] = Spent { busy: millis(0), waited: millis(ms * 2) };
        Snapshot(spent)
    }

    #[test]
    fn costs_are_those_of_the_run_and_shares_add_up() {
        let figures = at(1100).since(&at(100), Duration::from_secs(8), 1000);
        let of = |stage: Stage| &figures.stages[stage as usize];
        assert!((of(Stage::Parse).share - 0.75).abs() < 1e-9 && (of(Stage::Commit).share - 0.25).abs() < 1e-9);
        assert!((of(Stage::Parse).us_per_reading - 3000.0).abs() < 1e-6);
        let found = (figures.cores, figures.writer_awaits_work, figures.writer_waits);
        assert!((found.0 - 0.5).abs() < 1e-9 && (found.1 - 0.25).abs() < 1e-9 && (found.2 - 0.125).abs() < 1e-9);
        let text = table(&[("batches".to_owned(), &figures)]);
        for row in ["parse            ", "75.0 %    3000.00      0.00", "writer idle", "12.5 %"] {
            assert!(text.contains(row), "{text}");
        }
    }
}
