use std::process::Command;

use serde_json::Value;

use super::{FIELDS, Points, expected, historian, run_for_a_while};
use crate::support::http::{escaped, send};
use crate::support::{DEADLINE, Process, System, free_port, wait_until};

/// Gives all points, and how many samples they were made of; the same sample twice counts twice here.
fn export(port: u16) -> (Points, usize) {
    send(port, "GET", "/internal/force_flush", b"").unwrap();
    let query = format!("/api/v1/export?match%5B%5D={}", escaped("{__name__=~\"tank_.*\"}"));
    let (status, body) = send(port, "GET", &query, b"").unwrap();
    assert_eq!(status, 200);
    let (mut points, mut samples) = (Points::new(), 0);
    for series in String::from_utf8(body).unwrap().lines() {
        let series: Value = serde_json::from_str(series).unwrap();
        let name = series["metric"]["__name__"].as_str().unwrap();
        let Some(field) = FIELDS.iter().position(|field| name == format!("tank_{field}")) else { continue };
        let tank = series["metric"]["tank"].as_str().unwrap();
        let values = series["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap());
        let times = series["timestamps"].as_array().unwrap().iter().map(|time| time.as_i64().unwrap());
        for (at, value) in times.zip(values) {
            points.entry((tank.to_owned(), at)).or_default()[field] = Some(value);
            samples += 1;
        }
    }
    (points, samples)
}

#[test]
#[ignore = "needs victoria-metrics"]
fn victoria_metrics_gets_every_reading_once() {
    let port = free_port();
    let mut system = System::prepare(&historian(port, "text_fields = false\n"));
    let mut command = Command::new("victoria-metrics");
    command.arg("-storageDataPath=victoria-metrics").arg(format!("-httpListenAddr=127.0.0.1:{port}"));
    let _server = Process::start(&system.folder, "victoria-metrics", command.arg("-retentionPeriod=100y"));
    wait_until("the server answers", DEADLINE, || send(port, "GET", "/health", b"").is_ok());
    system.run_all();
    run_for_a_while(&mut system);
    let expected = expected(&system);
    wait_until("the server has everything", DEADLINE, || export(port).0.len() >= expected.len());
    let (points, samples) = export(port);
    assert_eq!(points, expected);
    assert_eq!(samples, expected.values().flatten().flatten().count(), "no sample was written twice");
    println!("{} points of {samples} samples", points.len());
}
