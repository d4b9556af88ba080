use std::process::Output;

use tankline_broker::{Broker, BrokerConfig};
use tankline_runtime::mqtt::{self, BrokerSettings, Outgoing, Qos, SessionEvent, SessionOptions};
use tokio_util::sync::CancellationToken;

use super::support::{Folder, said};

const TABLES: &str = r#"
[[expect]]
alarm = "T-01 level-hh"
raised_by = "5 min"
[[expect]]
alarm = "T-01 level-hh"
cleared_by = "5 min"
[[expect]]
alarm = "T-02 level-hh"
never = true
"#;

/// Plays the story at a broker where somebody else tells of alarms.
async fn played_with(bodies: &'static [&'static str]) -> Output {
    let broker = Broker::start(BrokerConfig { listen: ([127, 0, 0, 1], 0).into(), ..BrokerConfig::default() }).unwrap();
    let options = SessionOptions {
        broker: BrokerSettings::new(broker.address().into()),
        client_id: "alarms".to_owned(),
        subscriptions: vec!["tankline/v1/small/rtu-01/readings".to_owned()],
        will: None,
        max_packet_bytes: 1 << 20,
    };
    let (publisher, mut events, driver) = mqtt::session(options, 16);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        let _ = driver.run(CancellationToken::new()).await;
    });
    tasks.spawn(async move {
        // With every few readings something new is told.
        let mut bodies = bodies.iter();
        let mut messages = 0_u32;
        while let Some(event) = events.recv().await {
            messages += u32::from(matches!(event, SessionEvent::Message { .. }));
            if messages % 5 == 1
                && let Some(body) = bodies.next()
            {
                let topic = "tankline/v1/small/alarms/T-01/level-hh".to_owned();
                let alarm = Outgoing { topic, payload: body.as_bytes().to_vec(), retain: true, qos: Qos::AtLeastOnce };
                publisher.publish(alarm).await.unwrap();
            }
        }
    });
    let url = format!("mqtt://{}", broker.address());
    let folder = Folder::new();
    folder.scenario("alarms", "speed = 60\nlasts = \"5 min\"", TABLES);
    let output = tokio::task::spawn_blocking(move || folder.run(&[".", "--broker", &url])).await.unwrap();
    broker.stop();
    output
}

#[tokio::test]
async fn an_alarm_that_is_raised_and_cleared_is_heard() {
    let output = played_with(&[r#"{"state":"active","priority":1}"#, r#"{"state":"normal"}"#]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[tokio::test]
async fn an_alarm_that_nobody_raises_fails() {
    let output = played_with(&[]).await;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("never heard of") && text.contains("1 of 3 expectations met"), "{text}");
}
