//! The speaking side: publishes what the centre has to say.

use std::sync::Arc;

use tankline_domain::message::{JournalRanges, Presence};
use tankline_domain::ranges::RangeSet;
use tankline_domain::topic::Topic;
use tankline_runtime::clock;
use tankline_runtime::mqtt::{Outgoing, Publisher, Qos};
use tokio_util::sync::CancellationToken;

use super::{Say, Site};
use crate::stages::Stage;

/// Most ranges that one message tells of.
const MAX_RANGES: usize = 2000;

/// Says what there is to say until the writer of the database is done, then the rest, then that the centre is gone.
///
/// # Errors
/// None; what cannot be said is said after the next connection.
pub async fn announce(site: Site, publisher: Publisher, drained: CancellationToken) -> anyhow::Result<()> {
    let cost = Arc::clone(site.shared.stage_times.of(Stage::Publish));
    loop {
        let says = site.desk().centre().poll_output(clock::now());
        if !says.is_empty() {
            cost.measure(speak_all(&site, &publisher, says)).await;
        }
        let due = site.desk().centre().poll_timeout().map(tokio::time::Instant::from_std);
        let sleep = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = drained.cancelled() => break,
            () = site.desk().changed.notified() => (),
            () = sleep => (),
        }
    }
    let rest = site.desk().centre().poll_rest();
    for say in rest {
        speak(&site, &publisher, say).await;
    }
    if publisher.is_connected() {
        // Without a connection there is nobody to say good-bye to; the will does it.
        let _ = publisher.publish(site.state_message(Presence::Offline)).await;
    }
    Ok(())
}

async fn speak_all(site: &Site, publisher: &Publisher, says: Vec<Say>) {
    for say in says {
        speak(site, publisher, say).await;
        // A thousand edges may be waiting for their turn; an alarm does not wait with them.
        let alarms = site.desk().centre().poll_alarms();
        for alarm in alarms {
            speak(site, publisher, alarm).await;
        }
    }
}

async fn speak(site: &Site, publisher: &Publisher, say: Say) {
    let message = match say {
        Say::Online => site.state_message(Presence::Online),
        Say::Alarm(ref key) => {
            // An empty body takes a retained message away.
            let standing = site.shared.alarms().get(key).map(serde_json::to_vec);
            let payload = standing.transpose().expect("an alarm is a JSON object").unwrap_or_default();
            Outgoing { topic: key.topic().to_string(), payload, retain: true, qos: Qos::AtLeastOnce }
        }
        Say::Committed(edge, journal) => {
            let ranges = bounded(site.shared.ledger().committed((edge, journal)));
            let edge = site.shared.stations.edge(edge);
            let payload = serde_json::to_vec(&JournalRanges { journal, ranges }).expect("ranges are a JSON object");
            let topic = Topic::Committed(edge.site.clone(), edge.edge.clone()).to_string();
            Outgoing { topic, payload, retain: false, qos: Qos::AtLeastOnce }
        }
    };
    if publisher.publish(message).await.is_err() {
        site.desk().centre().handle_unsaid(say);
    }
}

/// Leaves out ranges in the middle when there are absurdly many: the edge still has what lies in between, sends it
/// again, and by and by it becomes one range.
fn bounded(ranges: RangeSet) -> RangeSet {
    let all = ranges.ranges();
    if all.len() <= MAX_RANGES {
        return ranges;
    }
    let mut kept = RangeSet::new();
    let ends = all.iter().take(MAX_RANGES / 2).chain(all.iter().rev().take(MAX_RANGES / 2));
    ends.for_each(|&(first, last)| kept.insert(first, last));
    kept
}
