//! What all edges of a load have in common.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tankline_domain::names::{EdgeName, SiteName, TankName};
use tankline_domain::site::Site;
use tankline_runtime::secret::Secret;

use super::arguments::Outage;

/// What is to be done, and by whom.
#[derive(Debug)]
pub struct Plan {
    /// The site that the edges belong to.
    pub site: SiteName,
    /// The edges.
    pub edges: Vec<EdgePlan>,
    /// Where the broker is.
    pub broker: SocketAddr,
    /// User and password, where the broker wants them.
    pub login: Option<(String, Secret)>,
    /// Readings of a gauge in a second.
    pub rate: f64,
    /// New readings in a message.
    pub batch: u16,
    /// When the first edge begins.
    pub started: Instant,
    /// Over how long the edges come.
    pub ramp: Duration,
    /// How long readings are made, counted from the start.
    pub length: Duration,
    /// When there is no connection.
    pub outages: Vec<Outage>,
}

/// One edge.
#[derive(Debug, Clone)]
pub struct EdgePlan {
    /// Its name.
    pub name: EdgeName,
    /// Its tanks, each with its height in mm.
    pub tanks: Vec<(TankName, f64)>,
}

impl EdgePlan {
    /// Gives the edges of a site with the tanks that they gauge; edges without gauges are left out.
    pub fn all_of(site: &Site) -> Vec<Self> {
        let heights: HashMap<_, _> = site.tanks().iter().map(|tank| (&tank.name, tank.height.get())).collect();
        let lines: HashMap<_, _> = site.lines().iter().map(|line| (&line.name, &line.edge)).collect();
        let mut places: HashMap<&EdgeName, usize> = HashMap::new();
        let mut edges: Vec<Self> = Vec::new();
        for gauge in site.gauges() {
            let (Some(edge), Some(height)) = (lines.get(&gauge.line), heights.get(&gauge.tank)) else { continue };
            let place = *places.entry(edge).or_insert_with(|| {
                edges.push(Self { name: (*edge).clone(), tanks: Vec::new() });
                edges.len() - 1
            });
            edges[place].tanks.push((gauge.tank.clone(), *height));
        }
        edges
    }
}

impl Plan {
    /// Gives where in the ramp an edge has its place, from the start of the ramp.
    pub fn place_in_ramp(&self, index: usize) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let share = index as f64 / self.edges.len().max(1) as f64;
        self.ramp.mul_f64(share)
    }

    /// Gives the time from one group of readings of an edge to its next.
    pub fn interval(&self, index: usize) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let readings_per_s = self.edges[index].tanks.len().max(1) as f64 * self.rate;
        Duration::from_secs_f64(f64::from(self.batch) / readings_per_s)
    }

    /// Gives when the edges are let back on after the outage that covers a time; `None` when there is none.
    pub fn outage_until(&self, elapsed: Duration) -> Option<Duration> {
        self.outages.iter().filter(|outage| outage.at <= elapsed && elapsed < outage.ends()).map(Outage::ends).max()
    }

    /// Gives when the next outage begins.
    pub fn next_outage(&self, elapsed: Duration) -> Option<Instant> {
        let next = self.outages.iter().map(|outage| outage.at).filter(|at| *at > elapsed).min()?;
        Some(self.started + next)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tankline_runtime::{clock, site_file};

    use super::super::description::describe;
    use super::*;

    #[test]
    fn description_that_is_written_gives_the_edges_that_are_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("load.toml");
        std::fs::write(&file, describe(3, 2, 0.5)).unwrap();
        let site = site_file::load(&file).unwrap();
        let edges = EdgePlan::all_of(&site);
        let names: Vec<_> = edges.iter().map(|edge| edge.name.as_str()).collect();
        assert_eq!(names, ["e-1", "e-2", "e-3"]);
        assert_eq!(edges[2].tanks.iter().map(|tank| tank.0.as_str()).collect::<Vec<_>>(), ["t-3-1", "t-3-2"]);
        assert!((edges[0].tanks[0].1 - 11_370.0).abs() < 1e-6);
    }

    #[test]
    fn edges_stay_away_while_an_outage_lasts() {
        let seconds = Duration::from_secs;
        let outage = |at, lasts| Outage { at: seconds(at), lasts: seconds(lasts) };
        let started = clock::now();
        let edge = EdgePlan { name: "e-1".parse().unwrap(), tanks: vec![("t-1".parse().unwrap(), 1000.0); 4] };
        let plan = Plan {
            site: "load".parse().unwrap(),
            edges: vec![edge; 10],
            broker: (Ipv4Addr::LOCALHOST, 1883).into(),
            login: None,
            rate: 0.5,
            batch: 1,
            started,
            ramp: seconds(5),
            length: seconds(60),
            outages: vec![outage(20, 10), outage(40, 1)],
        };
        assert_eq!(plan.outage_until(seconds(19)), None);
        assert_eq!(plan.outage_until(seconds(20)), Some(seconds(30)));
        assert_eq!(plan.outage_until(seconds(30)), None);
        assert_eq!(plan.next_outage(seconds(20)), Some(started + seconds(40)));
        assert_eq!(plan.next_outage(seconds(40)), None);
        assert_eq!((plan.place_in_ramp(0), plan.place_in_ramp(5)), (Duration::ZERO, Duration::from_millis(2500)));
        assert_eq!(plan.interval(0), Duration::from_millis(500));
    }
}
