//! From a reading over a limit to a webhook, an e-mail and the figures.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod receivers;
mod station;

use std::time::Duration;

use receivers::mail::MailServer;
use receivers::web::{Answer, Web};
use serde_json::Value;
use station::{Edge, Folder, Running, SITE, broker, get, reading, until};

const JOURNAL: &str = "9f31c2aa07d15e44";

/// A site whose tank T-01 calls at once when it is over 9 m.
fn folder() -> Folder {
    let folder = Folder::new();
    let limits = "height_m = 10.0 }\n[tank.limits]\nhh_mm = 9000\n[[tank]]\nname = \"T-02\"";
    let site = SITE.replacen("height_m = 10.0 }\n[[tank]]\nname = \"T-02\"", limits, 1);
    assert_ne!(site, SITE);
    std::fs::write(folder.0.path().join("s.toml"), site).unwrap();
    std::fs::write(folder.0.path().join("secret"), "a secret of the control room").unwrap();
    std::fs::set_permissions(folder.0.path().join("secret"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_over_its_limit_is_told_by_webhook_and_email_and_counted() {
    let (folder, broker) = (folder(), broker());
    let (web, mail) = (Web::start(&[Answer::Status(503)]).await, MailServer::start(&[], &[], None).await);
    let more = format!(
        "[[webhook]]\nname = \"control-room\"\nurl = \"http://{}/\"\nsecret_file = \"secret\"\n\
         events = [\"annunciated\", \"cleared\"]\nminimum_priority = \"critical\"\n\
         [[email]]\nname = \"night-shift\"\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n\
         from = \"tanks@s.example\"\nto = [\"night@s.example\"]\nminimum_priority = \"critical\"\ngather_s = 0\n\
         [report]\nutc_offset = \"+08:00\"",
        web.address, mail.port
    );
    let running = Running::start(folder.config(&broker, &more)).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    let told = |event: &str| {
        let bodies = web.seen().into_iter().filter(|request| request.answered == 204);
        let bodies = bodies.map(|request| serde_json::from_str::<Value>(&request.body).unwrap());
        bodies.filter(|body| body["alarm"] == "level-hh" && body["event"] == event).collect::<Vec<_>>()
    };
    let mut seq = 0;
    for (level_mm, event) in [(9100.0, "raised"), (5000.0, "cleared")] {
        // Again and again: an alarm may have delays, which only further readings end.
        while told(event).is_empty() {
            seq += 1;
            edge.readings(JOURNAL, &[reading(seq, "T-01", level_mm)]).await;
            edge.next_within("/committed", Duration::from_millis(50)).await;
            assert!(seq < 1800, "{event} is not told");
        }
    }
    let raised = &told("raised")[0];
    assert_eq!((raised["value"].as_f64(), raised["limit"].as_f64()), (Some(9100.0), Some(9000.0)));
    assert!(!raised["title"].as_str().unwrap().is_empty() && !raised["guidance"].as_str().unwrap().is_empty());
    until("the mail has come", || !mail.mails().is_empty()).await;
    let letter = mail.mails()[0].clone();
    assert!(letter.header("Subject").contains("CRITICAL T-01"), "{}", letter.data);
    assert!(letter.data.contains("9100 mm, limit 9000 mm") && letter.data.contains("+08:00"), "{}", letter.data);

    let (status, body) = get(&running.observer, "/api/v1/alarms/kpi?site=s&utc_offset=+08:00").await;
    let counted: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200, "{body}");
    assert!(counted["all"]["annunciations"].as_u64().unwrap() >= 1, "{body}");
    let (status, body) = get(&running.observer, "/api/v1/alarms/kpi?from=2026-11-24&to=2026-11-23").await;
    assert!(status == 422 && body.contains("must lie before"), "{status} {body}");
    let page = get(&running.observer, "/metrics").await.1;
    assert!(page.contains("tankline_ingest_notifications_told_total{target=\"control-room\"}"), "{page}");
    running.stop().await;
    let status = tankline_ingest::status_of(&folder.database()).unwrap();
    let told: Vec<_> = status.notifications.iter().map(|one| (one.target.as_str(), one.told > 0)).collect();
    assert_eq!(told, [("control-room", true), ("night-shift", true)]);
}
