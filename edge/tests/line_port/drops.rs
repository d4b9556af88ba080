use std::time::Duration;

use tankline_domain::reading::{Bad, Quality};

use super::gateway::Gateway;
use super::log;
use super::watched::{Watched, config};

#[tokio::test]
async fn gateway_that_drops_each_connection_is_tried_ever_less_often_and_told_once() {
    log::begin();
    let gateway = Gateway::start(0).await;
    let mut watched = Watched::start(config(&gateway.port, &[1, 2]));
    let seen = watched.until(|| gateway.connections().len() >= 4).await;
    assert!(seen.iter().all(|reading| reading.quality == Quality::Bad(Bad::Line)), "{seen:?}");
    let attempts = gateway.connections();
    for (pair, least) in attempts.windows(2).zip([250, 500, 1000]) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(least), "{attempts:?}");
    }
    // From the first attempt to the fourth 1.75 s pass at least, and each gauge is told of ten times a second.
    watched.assert_each_goes_on_telling(&seen, &[1, 2]);
    for (text, times) in [("line is open", 1), ("line is lost", 1), ("cannot be opened", 0), ("works again", 0)] {
        assert_eq!(log::with(text).len(), times, "{text}: {:#?}", log::with("line"));
    }
    watched.stop().await;
}

#[tokio::test]
async fn gateway_that_closes_idle_connections_costs_no_reading() {
    log::begin();
    let gateway = Gateway::start(1).await;
    let mut watched = Watched::start(config(&gateway.port, &[1]));
    let seen = watched.until(|| gateway.connections().len() >= 5).await;
    assert!(seen.iter().all(|reading| reading.quality.is_good()), "{seen:?}");
    watched.stop().await;
}
