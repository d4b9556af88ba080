//! Long series as few pixels as show them: nothing that would be seen is left out.
//!
//! A point is a column and a row of a grid of pixels. What falls on one pixel is one pixel; extremes always stay.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Runs of pixels that a column keeps at most; where it has more, the narrowest gaps are filled.
const MOST_RUNS: usize = 4;

/// Gives the path of a line through points in the order of time: each column keeps its lowest and its highest point, and
/// points on a straight stretch are left out.
pub fn line(points: impl Iterator<Item = (usize, i32)>) -> String {
    let mut kept: Vec<(i64, i64)> = Vec::new();
    let mut push = |(column, row): (usize, i32)| {
        let next = (i64::try_from(column).unwrap_or(i64::MAX), i64::from(row));
        if let [.., before, last] = kept[..] {
            let (first, second) = ((last.0 - before.0, last.1 - before.1), (next.0 - last.0, next.1 - last.1));
            let straight = first.0 * second.1 == first.1 * second.0 && first.0 * second.0 + first.1 * second.1 >= 0;
            if straight {
                kept.pop();
            }
        }
        if kept.last() != Some(&next) {
            kept.push(next);
        }
    };
    let mut open: Option<(usize, Extremes)> = None;
    for (column, row) in points {
        match &mut open {
            Some((current, extremes)) if *current == column => extremes.take(row),
            _ => {
                if let Some((done, extremes)) = open.replace((column, Extremes::new(row))) {
                    extremes.in_time().into_iter().for_each(|row| push((done, row)));
                }
            }
        }
    }
    if let Some((done, extremes)) = open {
        extremes.in_time().into_iter().for_each(|row| push((done, row)));
    }
    let mut path = Pen::default();
    for (index, (x, y)) in kept.iter().enumerate() {
        if index == 0 { path.rise(*x, *y) } else { path.draw(*x, *y) }
    }
    if kept.len() == 1 {
        path.draw(kept[0].0, kept[0].1);
    }
    path.text
}

/// Gives the path of points: one dot for each pixel that has any, in runs where they touch.
pub fn dots(points: impl Iterator<Item = (usize, i32)>) -> String {
    let mut columns: BTreeMap<usize, Vec<i32>> = BTreeMap::new();
    for (column, row) in points {
        let rows = columns.entry(column).or_default();
        if rows.last() != Some(&row) {
            rows.push(row);
        }
    }
    let mut pen = Pen::default();
    // A single pixel beside single pixels of the same row becomes a horizontal run: first column, last column, row.
    let mut flat: Option<(usize, usize, i32)> = None;
    for (column, rows) in columns {
        let runs = runs(rows);
        if let ([(top, bottom)], Some((first, last, row))) = (&runs[..], flat)
            && top == bottom
            && *top == row
            && last + 1 == column
        {
            flat = Some((first, column, row));
            continue;
        }
        flat.take().into_iter().for_each(|run| pen.level(run));
        match runs[..] {
            [(top, bottom)] if top == bottom => flat = Some((column, column, top)),
            _ => runs.into_iter().for_each(|(top, bottom)| pen.column(column, top, bottom)),
        }
    }
    flat.into_iter().for_each(|run| pen.level(run));
    pen.text
}

/// Gives the runs of rows that touch, top first.
fn runs(mut rows: Vec<i32>) -> Vec<(i32, i32)> {
    rows.sort_unstable();
    let mut runs: Vec<(i32, i32)> = Vec::new();
    for row in rows {
        match runs.last_mut() {
            Some((_, bottom)) if row <= *bottom + 1 => *bottom = row,
            _ => runs.push((row, row)),
        }
    }
    while runs.len() > MOST_RUNS {
        let narrowest = (1..runs.len()).min_by_key(|index| runs[*index].0 - runs[index - 1].1);
        let Some(index) = narrowest else { break };
        runs[index - 1].1 = runs[index].1;
        runs.remove(index);
    }
    runs
}

/// The lowest and the highest row of a column, and which of them came first.
#[derive(Debug, Clone, Copy)]
struct Extremes {
    least: (usize, i32),
    most: (usize, i32),
    count: usize,
}

impl Extremes {
    fn new(row: i32) -> Self {
        Self { least: (0, row), most: (0, row), count: 1 }
    }

    fn take(&mut self, row: i32) {
        if row < self.least.1 {
            self.least = (self.count, row);
        }
        if row > self.most.1 {
            self.most = (self.count, row);
        }
        self.count += 1;
    }

    fn in_time(self) -> [i32; 2] {
        if self.least.0 <= self.most.0 { [self.least.1, self.most.1] } else { [self.most.1, self.least.1] }
    }
}

/// Writes the data of a path with relative steps, which are short.
#[derive(Debug, Default)]
struct Pen {
    text: String,
    at: (i64, i64),
}

impl Pen {
    fn rise(&mut self, x: i64, y: i64) {
        let step = (x - self.at.0, y - self.at.1);
        self.step('m', &[step.0, step.1]);
        self.at = (x, y);
    }

    fn draw(&mut self, x: i64, y: i64) {
        let step = (x - self.at.0, y - self.at.1);
        match step {
            (_, 0) => self.step('h', &[step.0]),
            (0, _) => self.step('v', &[step.1]),
            _ => self.step('l', &[step.0, step.1]),
        }
        self.at = (x, y);
    }

    fn level(&mut self, (first, last, row): (usize, usize, i32)) {
        let x = |column| i64::try_from(column).unwrap_or(i64::MAX);
        self.rise(x(first), i64::from(row));
        self.draw(x(last), i64::from(row));
    }

    fn column(&mut self, column: usize, top: i32, bottom: i32) {
        let x = i64::try_from(column).unwrap_or(i64::MAX);
        self.rise(x, i64::from(top));
        self.draw(x, i64::from(bottom));
    }

    fn step(&mut self, command: char, numbers: &[i64]) {
        self.text.push(command);
        for (index, number) in numbers.iter().enumerate() {
            let space = if index > 0 && *number >= 0 { " " } else { "" };
            write!(self.text, "{space}{number}").expect("writing to a text does not fail");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Gives all pixels that a path touches, by drawing it.
    fn pixels(path: &str) -> BTreeSet<(i64, i64)> {
        let mut at = (0, 0);
        let mut seen = BTreeSet::new();
        let starts: Vec<usize> = path.char_indices().filter(|(_, c)| c.is_ascii_alphabetic()).map(|(i, _)| i).collect();
        for (index, start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(path.len());
            let numbers: Vec<i64> = path[start + 1..end]
                .replace('-', " -")
                .split_whitespace()
                .map(|number| number.parse().unwrap())
                .collect();
            let step = match (&path[*start..=*start], &numbers[..]) {
                ("h", [dx]) => (*dx, 0),
                ("v", [dy]) => (0, *dy),
                ("m" | "l", [dx, dy]) => (*dx, *dy),
                other => panic!("{other:?} is no step"),
            };
            let length = step.0.abs().max(step.1.abs()).max(1);
            if &path[*start..=*start] != "m" {
                for part in 0..=length {
                    seen.insert((at.0 + step.0 * part / length, at.1 + step.1 * part / length));
                }
            }
            at = (at.0 + step.0, at.1 + step.1);
        }
        seen
    }

    fn as_pixel((column, row): (usize, i32)) -> (i64, i64) {
        (i64::try_from(column).unwrap(), i64::from(row))
    }

    #[test]
    fn straight_stretch_is_two_points() {
        assert_eq!(line((0..700).map(|column| (column, 100))), "m0 100h699");
        assert_eq!(line((0..10).map(|column| (column, i32::try_from(column * 3).unwrap()))), "m0 0l9 27");
        assert_eq!(dots((0..700).map(|column| (column, 100))), "m0 100h699");
    }

    #[test]
    fn turn_on_one_line_is_kept() {
        // Up and down again within one column: the peak must not fall to the rule for straight stretches.
        assert_eq!(line([(3, 50), (3, 10), (4, 50)].into_iter()), "m3 50v-40l1 40");
    }

    #[test]
    fn outlier_among_thousands_is_drawn() {
        let points = || (0..10_000_usize).map(|index| (index / 100, if index == 5_050 { 3 } else { 200 }));
        assert!(pixels(&line(points())).contains(&(50, 3)));
        let drawn = pixels(&dots(points()));
        assert!(drawn.contains(&(50, 3)));
        assert!(!drawn.contains(&(50, 100)), "what lies between was never measured");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(line(std::iter::empty()), "");
        assert_eq!(dots(std::iter::empty()), "");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn extremes_of_every_column_stay(rows in prop::collection::vec(0..400_i32, 1..500), per_column in 1..50_usize) {
            let points: Vec<(usize, i32)> = rows.iter().enumerate().map(|(i, row)| (i / per_column, *row)).collect();
            let (line, dots) = (pixels(&line(points.iter().copied())), pixels(&dots(points.iter().copied())));
            for column in points.chunks(per_column) {
                for extreme in [column.iter().min_by_key(|p| p.1), column.iter().max_by_key(|p| p.1)] {
                    let extreme = as_pixel(*extreme.unwrap());
                    prop_assert!(line.contains(&extreme), "{extreme:?} is not on the line");
                    prop_assert!(dots.contains(&extreme), "{extreme:?} is no dot");
                }
            }
        }

        #[test]
        fn every_point_is_a_dot(points in prop::collection::vec((0..60_usize, 0..400_i32), 0..500)) {
            let drawn = pixels(&dots(points.iter().copied()));
            for point in points {
                prop_assert!(drawn.contains(&as_pixel(point)));
            }
        }
    }
}
