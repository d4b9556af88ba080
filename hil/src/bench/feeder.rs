//! One publisher that offers readings as fast as they arrive, with a bounded number under way.

use std::time::{Duration, Instant};

use anyhow::ensure;
use tankline_domain::message::{JournalId, Readings, SequencedReading};
use tankline_domain::names::{EdgeName, SiteName, TankName};
use tankline_domain::reading::{Quality, Reading};
use tankline_domain::site::Site;
use tankline_domain::topic::Topic;
use tankline_domain::units::{Celsius, Millimetres};
use tankline_runtime::clock;
use tankline_runtime::mqtt::{Outgoing, Publisher, Qos};
use tokio::sync::watch;
use tokio::time::timeout;

use super::arguments::Enough;

/// How long the last readings may take to arrive, and any readings when the window is full.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes readings and offers them.
#[derive(Debug)]
pub struct Feeder {
    topic: String,
    journal: JournalId,
    tanks: Vec<(TankName, Millimetres)>,
    per_message: u64,
    window: u64,
    next_seq: u64,
}

/// What was offered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fed {
    /// Readings offered.
    pub offered: u64,
    /// From the first one until all had arrived.
    pub took: Duration,
}

impl Feeder {
    /// Makes a feeder that speaks for an edge of a site.
    #[must_use]
    pub fn new(site: &Site, edge: &EdgeName, per_message: u64, window: u64) -> Self {
        let gauges = site.gauges().iter().filter(|gauge| site.edge_of(&gauge.tank) == Some(edge));
        let tanks = gauges.filter_map(|gauge| site.tank(&gauge.tank)).map(|tank| (tank.name.clone(), tank.height));
        Self {
            topic: readings_topic(site.name(), edge),
            journal: JournalId::new(fastrand::u64(..)),
            tanks: tanks.collect(),
            per_message,
            window,
            next_seq: 1,
        }
    }

    /// Offers readings until it is enough, and waits until all have arrived.
    ///
    /// # Errors
    /// The connection is lost, or what was offered does not arrive.
    pub async fn feed(
        mut self,
        publisher: &Publisher,
        arrived: &mut watch::Receiver<u64>,
        enough: Enough,
    ) -> anyhow::Result<Fed> {
        let started = clock::now();
        let is_enough = |offered: u64, now: Instant| match enough {
            Enough::Time(time) => now.saturating_duration_since(started) >= time,
            Enough::Readings(readings) => offered >= readings,
        };
        let mut offered = 0;
        while !is_enough(offered, clock::now()) {
            let room = self.window.saturating_sub(self.per_message);
            wait_until(arrived, |arrived| offered - arrived <= room).await?;
            let message = self.message();
            publisher.publish(message).await?;
            offered += self.per_message;
        }
        wait_until(arrived, |arrived| arrived >= offered).await?;
        Ok(Fed { offered, took: clock::now().saturating_duration_since(started) })
    }

    fn message(&mut self) -> Outgoing {
        let at = clock::unix_ms();
        let readings = (0..self.per_message).map(|index| {
            let seq = self.next_seq + index;
            let place = usize::try_from(seq).unwrap_or(0) % self.tanks.len();
            let (tank, height) = &self.tanks[place];
            // Whole millimetres, as a gauge gives them.
            let level = (height.get() * 0.6).floor() + f64::from(u8::try_from(seq % 100).unwrap_or(0));
            let reading = Reading {
                tank: tank.clone(),
                at,
                level: Some(Millimetres::new(level)),
                interface: Some(Millimetres::new((level / 3.0).floor())),
                temperature: Some(Celsius::new(32.5)),
                layer: None,
                quality: Quality::Good,
            };
            SequencedReading { seq, reading }
        });
        let body = Readings { journal: self.journal, readings: readings.collect() };
        self.next_seq += self.per_message;
        let payload = serde_json::to_vec(&body).expect("messages are plain data");
        Outgoing { topic: self.topic.clone(), payload, retain: false, qos: Qos::AtLeastOnce }
    }
}

/// Gives the topic of an edge's readings.
#[must_use]
pub fn readings_topic(site: &SiteName, edge: &EdgeName) -> String {
    Topic::Readings(site.clone(), edge.clone()).to_string()
}

async fn wait_until(arrived: &mut watch::Receiver<u64>, is_it: impl Fn(u64) -> bool) -> anyhow::Result<()> {
    if is_it(*arrived.borrow()) {
        return Ok(());
    }
    let waited = timeout(PATIENCE, arrived.wait_for(|arrived| is_it(*arrived))).await;
    ensure!(waited.is_ok(), "for {} s nothing of what was offered has arrived", PATIENCE.as_secs());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::demo::demo_site;

    use super::*;

    #[test]
    fn messages_are_those_of_the_contract_and_numbers_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let site = demo_site(folder.path()).unwrap();
        let edge = site.edges()[0].clone();
        let mut feeder = Feeder::new(&site, &edge, 3, 100);
        let numbers: Vec<u64> = (0..2)
            .flat_map(|_| {
                let message: Readings = serde_json::from_slice(&feeder.message().payload).unwrap();
                message.readings.into_iter().map(|sequenced| {
                    let height = site.tank(&sequenced.reading.tank).unwrap().height;
                    assert!(sequenced.reading.level.unwrap() < height);
                    sequenced.seq
                })
            })
            .collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    }
}
