//! A plot of values over story time.

use std::io::{self, Write};

use super::Text;
use super::lanes::Shade;
use super::scale::{TimeAxis, ValueAxis};

/// Rows of the grid for a pixel of height.
pub const ROWS_PER_PIXEL: i32 = 2;
/// Pixels that a label at the side needs, so that the next can be read.
const LABEL_PIXELS: f64 = 11.0;

/// A plot and what stands in it.
pub struct Panel {
    /// What is plotted, with its unit.
    pub title: String,
    /// How high it is, in pixels.
    pub pixels: i32,
    /// Where values stand.
    pub axis: ValueAxis,
    /// About how many values are written at its side.
    pub ticks: f64,
    /// Values with a name, drawn as thin lines.
    pub limits: Vec<(String, f64)>,
    /// What is drawn, the first at the bottom.
    pub layers: Vec<Layer>,
}

/// Strokes of one kind.
pub struct Layer {
    /// The kind, as the style sheet knows it.
    pub class: &'static str,
    /// The data of the path.
    pub path: String,
}

impl Panel {
    /// Writes the plot.
    pub fn write(&self, time: &TimeAxis, shades: &[Shade], out: &mut dyn Write) -> io::Result<()> {
        let (columns, rows) = (time.columns(), self.axis.rows());
        write!(out, "<div class=\"panel\" style=\"height:{}px\"><div class=\"ys\">", self.pixels)?;
        let ticks = self.axis.ticks(self.ticks);
        for (value, label) in &ticks {
            write!(out, "<i style=\"top:{:.1}%\">{label}</i>", self.axis.share(*value) * 100.0)?;
        }
        write!(
            out,
            "</div><svg viewBox=\"-.5 0 {columns} {rows}\" preserveAspectRatio=\"none\" role=\"img\"><title>{}</title>",
            Text(&self.title)
        )?;
        for shade in shades {
            shade.write(rows, out)?;
        }
        let across = |row: f64| format!("M-.5 {:.0}h{columns}", row * f64::from(rows));
        let mut grid: String = ticks.iter().map(|(value, _)| across(self.axis.share(*value))).collect();
        grid.extend(time.ticks().iter().map(|tick| format!("M{:.1} 0v{rows}", tick.share * columns as f64 - 0.5)));
        write!(out, "<path class=\"grid\" d=\"{grid}\"/>")?;
        let limits: String = self.limits.iter().map(|(_, value)| across(self.axis.share(*value))).collect();
        if !limits.is_empty() {
            write!(out, "<path class=\"limit\" d=\"{limits}\"/>")?;
        }
        for layer in self.layers.iter().filter(|layer| !layer.path.is_empty()) {
            write!(out, "<path class=\"{}\" d=\"{}\"/>", layer.class, layer.path)?;
        }
        write!(out, "</svg><b>{}</b>", Text(&self.title))?;
        if !self.limits.is_empty() {
            write!(out, "<div class=\"limits\">")?;
            for (name, share) in self.limit_labels() {
                write!(out, "<i style=\"top:{:.1}%\">{}</i>", share * 100.0, Text(name))?;
            }
            write!(out, "</div>")?;
        }
        writeln!(out, "</div>")
    }

    /// Gives the names of limits with places that leave each of them room, from the top.
    fn limit_labels(&self) -> Vec<(&str, f64)> {
        let room = LABEL_PIXELS / f64::from(self.pixels);
        let mut labels: Vec<(&str, f64)> =
            self.limits.iter().map(|(name, value)| (name.as_str(), self.axis.share(*value))).collect();
        labels.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut least = f64::NEG_INFINITY;
        for label in &mut labels {
            label.1 = label.1.max(least);
            least = label.1 + room;
        }
        let mut most = f64::INFINITY;
        for label in labels.iter_mut().rev() {
            label.1 = label.1.min(most.min(1.0));
            most = label.1 - room;
        }
        labels
    }
}

/// Writes the times below plots.
pub fn time_labels(time: &TimeAxis, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "<div class=\"xs\">")?;
    for (index, tick) in time.ticks().into_iter().enumerate() {
        // On a narrow screen every other one is left out.
        let class = if index % 2 == 1 { " class=\"wide\"" } else { "" };
        write!(out, "<i{class} style=\"left:{:.2}%\">{}</i>", tick.share * 100.0, tick.label)?;
    }
    writeln!(out, "</div><div class=\"xt\">{}</div>", time.title())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_limits_do_not_lie_on_each_other() {
        let limits = [("H", 11_300.0), ("HH", 11_800.0), ("LL", 100.0), ("L", 150.0)];
        let panel = Panel {
            title: "level, mm".to_owned(),
            pixels: 200,
            axis: ValueAxis::new(0.0, 12_000.0, 400),
            ticks: 4.0,
            limits: limits.map(|(name, value)| (name.to_owned(), value)).into(),
            layers: Vec::new(),
        };
        let labels = panel.limit_labels();
        assert_eq!(labels.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["HH", "H", "L", "LL"]);
        for pair in labels.windows(2) {
            assert!((pair[1].1 - pair[0].1) * 200.0 >= LABEL_PIXELS - 1e-9, "{labels:?}");
        }
        assert!(labels.iter().all(|(_, share)| (0.0..=1.0).contains(share)), "{labels:?}");
    }
}
