//! The described sites as the worker looks things up in them.

use std::collections::HashMap;
use std::time::Duration;

use tankline_domain::names::{EdgeName, SiteName, TankName};
use tankline_domain::quantity::Basis;
use tankline_domain::site::{Gauge, Site, Tank};

/// A described edge, by its place in [`Stations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeId(usize);

/// A described tank, by its place in [`Stations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TankId(usize);

/// An edge and the site that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedEdge {
    /// The site.
    pub site: SiteName,
    /// The edge.
    pub edge: EdgeName,
}

/// A tank with what the worker needs to know of its gauge.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribedTank {
    /// The site.
    pub site: SiteName,
    /// The tank.
    pub tank: Tank,
    /// What its quantities come of.
    pub basis: Basis,
    /// The edge that its gauge is polled by; absent for a tank without a gauge.
    pub edge: Option<EdgeId>,
    /// Longest time from one reading to the next while nothing is wrong; absent for a tank without a gauge.
    pub longest_silence: Option<Duration>,
}

/// All sites of this worker.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stations {
    edges: Vec<DescribedEdge>,
    tanks: Vec<DescribedTank>,
    sites: HashMap<SiteName, Names>,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Names {
    edges: HashMap<EdgeName, EdgeId>,
    tanks: HashMap<TankName, TankId>,
}

impl Stations {
    /// Takes the descriptions; of two sites with one name the later one counts.
    #[must_use]
    pub fn new(sites: &[Site]) -> Self {
        let mut stations = Self::default();
        for site in sites {
            stations.add(site);
        }
        stations
    }

    /// Gives an edge.
    #[must_use]
    pub fn edge(&self, id: EdgeId) -> &DescribedEdge {
        &self.edges[id.0]
    }

    /// Gives a tank.
    #[must_use]
    pub fn tank(&self, id: TankId) -> &DescribedTank {
        &self.tanks[id.0]
    }

    /// Tells whether the site is described.
    #[must_use]
    pub fn has_site(&self, site: &SiteName) -> bool {
        self.sites.contains_key(site)
    }

    /// Finds an edge by its names.
    #[must_use]
    pub fn find_edge(&self, site: &SiteName, edge: &EdgeName) -> Option<EdgeId> {
        self.sites.get(site)?.edges.get(edge).copied()
    }

    /// Finds a tank by its names.
    #[must_use]
    pub fn find_tank(&self, site: &SiteName, tank: &TankName) -> Option<TankId> {
        self.sites.get(site)?.tanks.get(tank).copied()
    }

    /// Gives the edges in the order of the descriptions.
    pub fn edges(&self) -> impl Iterator<Item = (EdgeId, &DescribedEdge)> {
        self.edges.iter().enumerate().map(|(index, edge)| (EdgeId(index), edge))
    }

    /// Gives the tanks in the order of the descriptions.
    pub fn tanks(&self) -> impl Iterator<Item = (TankId, &DescribedTank)> {
        self.tanks.iter().enumerate().map(|(index, tank)| (TankId(index), tank))
    }

    fn add(&mut self, site: &Site) {
        let mut names = Names::default();
        for edge in site.edges() {
            names.edges.insert(edge.clone(), EdgeId(self.edges.len()));
            self.edges.push(DescribedEdge { site: site.name().clone(), edge: edge.clone() });
        }
        for tank in site.tanks() {
            names.tanks.insert(tank.name.clone(), TankId(self.tanks.len()));
            let gauge = site.gauges().iter().find(|gauge| gauge.tank == tank.name);
            self.tanks.push(DescribedTank {
                site: site.name().clone(),
                tank: tank.clone(),
                basis: basis(site, tank),
                edge: site.edge_of(&tank.name).and_then(|edge| names.edges.get(edge).copied()),
                longest_silence: gauge.map(Gauge::longest_silence),
            });
        }
        self.sites.insert(site.name().clone(), names);
    }
}

fn basis(site: &Site, tank: &Tank) -> Basis {
    let product = site.product_of(tank).expect("a site is refused when a tank's product is not there");
    Basis::new(tank, product).expect("a site is refused when a product's standard does not take its density")
}
