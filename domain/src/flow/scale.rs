//! One window: its points, each the mean of as many readings as the window is coarse.

use super::slope::{Grain, MOST, Point, Slope, slope};

/// The newest points of a window, and the slope through them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scale {
    points: [Point; MOST],
    len: usize,
    /// A point that waits for another, to be handed on together.
    waiting: Option<Point>,
    slope: Option<Slope>,
}

impl Scale {
    /// Takes a point; gives the mean of two, for the next coarser window, each second time.
    pub(super) fn push(&mut self, point: Point, grain: Grain) -> Option<Point> {
        if self.len == MOST {
            self.points.copy_within(1.., 0);
            self.len -= 1;
        }
        self.points[self.len] = point;
        self.len += 1;
        self.slope = slope(&self.points[..self.len], grain);
        match self.waiting.take() {
            None => {
                self.waiting = Some(point);
                None
            }
            Some(first) => Some(Point {
                at_s: f64::midpoint(first.at_s, point.at_s),
                volume_m3: f64::midpoint(first.volume_m3, point.volume_m3),
            }),
        }
    }

    pub(super) const fn slope(&self) -> Option<Slope> {
        self.slope
    }
}
