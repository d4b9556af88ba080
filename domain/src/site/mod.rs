//! The description of a site: its tanks, products, lines and gauges, and which edge owns which line.
//!
//! Every role reads the same description and takes its part of it.

mod alarms;
mod conditions;
mod gauge;
mod gauges;
mod line;
mod parse;
mod profile;
mod tank;
mod watch;

pub use alarms::SaidOfAlarms;
pub use gauge::{Gauge, Report};
pub use line::{Direction, Framing, Line, Parity, Port, PortError};
pub use parse::{ReadTable, parse};
pub use tank::{Limits, Product, ProductKind, Tank};

pub use crate::vcf::Standard;

use crate::alarm::Edition;
use crate::names::{EdgeName, LineName, SiteName, TankName};

/// A site that was checked: every gauge has its tank and line, no unit is twice on a line, limits are in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    name: SiteName,
    products: Vec<Product>,
    lines: Vec<Line>,
    tanks: Vec<Tank>,
    gauges: Vec<Gauge>,
    alarm_defaults: SaidOfAlarms,
    alarm_names: Edition,
}

impl Site {
    /// Gives the name of the site.
    #[must_use]
    pub const fn name(&self) -> &SiteName {
        &self.name
    }

    /// Gives the products in the order of the description.
    #[must_use]
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// Gives the lines in the order of the description.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Gives the tanks in the order of the description.
    #[must_use]
    pub fn tanks(&self) -> &[Tank] {
        &self.tanks
    }

    /// Gives the gauges in the order of the description.
    #[must_use]
    pub fn gauges(&self) -> &[Gauge] {
        &self.gauges
    }

    /// Finds a tank by its name.
    #[must_use]
    pub fn tank(&self, name: &TankName) -> Option<&Tank> {
        self.tanks.iter().find(|tank| tank.name == *name)
    }

    /// Finds the product that a tank holds.
    #[must_use]
    pub fn product_of(&self, tank: &Tank) -> Option<&Product> {
        self.products.iter().find(|product| product.name == tank.product)
    }

    /// Finds a line by its name.
    #[must_use]
    pub fn line(&self, name: &LineName) -> Option<&Line> {
        self.lines.iter().find(|line| line.name == *name)
    }

    /// Gives the gauges of a line.
    pub fn gauges_of<'s>(&'s self, line: &'s LineName) -> impl Iterator<Item = &'s Gauge> {
        self.gauges.iter().filter(move |gauge| gauge.line == *line)
    }

    /// Gives the lines that an edge owns.
    pub fn lines_of<'s>(&'s self, edge: &'s EdgeName) -> impl Iterator<Item = &'s Line> {
        self.lines.iter().filter(move |line| line.edge == *edge)
    }

    /// Gives the names of the edges, each once, in the order of their first line.
    #[must_use]
    pub fn edges(&self) -> Vec<&EdgeName> {
        let mut edges: Vec<&EdgeName> = Vec::new();
        for line in &self.lines {
            if !edges.contains(&&line.edge) {
                edges.push(&line.edge);
            }
        }
        edges
    }

    /// Finds the edge that owns the line of a tank's gauge.
    #[must_use]
    pub fn edge_of(&self, tank: &TankName) -> Option<&EdgeName> {
        let gauge = self.gauges.iter().find(|gauge| gauge.tank == *tank)?;
        self.line(&gauge.line).map(|line| &line.edge)
    }
}
