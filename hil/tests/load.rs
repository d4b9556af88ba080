//! A load of many edges against a broker and a centre: nothing lost, outages mend, figures add up.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::Path;

use clap::Parser;
use serde_json::Value;
use tankline_hil::load::{self, LoadArgs};
use tankline_runtime::exit::Failure;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    load: LoadArgs,
}

/// Runs a load; gives what it said and its summary.
async fn run(words: &str, folder: &Path) -> (Result<(), Failure>, String, Value) {
    let summary = folder.join("summary.json");
    let words = format!("load {words} --summary {}", summary.display());
    let args = Cli::try_parse_from(words.split(' ')).unwrap().load;
    let mut said = Vec::new();
    let outcome = load::run(&args, &mut said, CancellationToken::new()).await;
    let summary = std::fs::read(&summary).map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap());
    (outcome, String::from_utf8(said).unwrap(), summary)
}

fn number(summary: &Value, key: &str) -> u64 {
    summary[key].as_u64().unwrap_or_else(|| panic!("{key} is no count in {summary}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reading_is_committed_once_and_the_figures_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let words = "--own --edges 20 --gauges 3 --rate 5 --for 3s --ramp 1s";
    let (outcome, said, summary) = run(words, folder.path()).await;
    outcome.unwrap_or_else(|failure| panic!("{failure:?}\n{said}"));
    let offered = number(&summary, "offered");
    // 60 gauges at 5 Hz: 900 readings in 3 s, and 150 more or less in the ramp; a busy machine shifts the end.
    assert!((600..=1500).contains(&offered), "{offered} readings were made");
    assert_eq!(number(&summary, "committed"), offered);
    assert_eq!(number(&summary, "lost"), 0);
    assert_eq!(number(&summary["own"], "stored"), offered);
    assert_eq!(number(&summary["own"], "stored_twice"), 0);
    assert_eq!(number(&summary["own"], "dead_letters"), 0);
    assert_eq!((number(&summary, "edges"), number(&summary, "gauges")), (20, 60));
    assert!(number(&summary, "messages") <= offered + number(&summary, "resent"));
    assert!(number(&summary, "latency_ms_p50") <= number(&summary, "latency_ms_p99"));
    assert!(said.contains("none lost"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn outage_mends_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let words = "--own --edges 10 --gauges 2 --rate 10 --batch 2 --for 5s --ramp 500ms --outage 2s,2s";
    let (outcome, said, summary) = run(words, folder.path()).await;
    outcome.unwrap_or_else(|failure| panic!("{failure:?}\n{said}"));
    let offered = number(&summary, "offered");
    assert!(offered >= 1000, "readings were made while there was no connection: {offered}");
    assert_eq!((number(&summary, "lost"), number(&summary["own"], "stored_twice")), (0, 0));
    assert_eq!(number(&summary["own"], "stored"), offered);
    assert!(number(&summary, "reconnects") >= 10, "every edge was cut off: {summary}");
    let outage = &summary["outages"][0];
    // 20 gauges at 10 Hz for 2 s, less what a busy machine shifts.
    assert!(number(outage, "backlog") >= 200, "{summary}");
    assert!(outage["drained_s"].is_number(), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_that_nobody_commits_are_lost_and_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let broker = tankline_broker::BrokerConfig { listen: ([127, 0, 0, 1], 0).into(), ..Default::default() };
    let broker = tankline_broker::Broker::start(broker).unwrap();
    let words = format!(
        "--broker mqtt://{} --edges 3 --gauges 1 --rate 10 --for 1s --ramp 100ms --patience 1s",
        broker.address()
    );
    let (outcome, said, summary) = run(&words, folder.path()).await;
    assert_eq!(outcome.unwrap_err().code(), 1);
    assert_eq!(number(&summary, "lost"), number(&summary, "offered"));
    assert!(number(&summary, "messages") > 0 && summary["own"].is_null(), "{summary}");
    assert!(said.contains("LOST"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn site_that_is_described_is_loaded_with_its_own_tanks() {
    let folder = tempfile::tempdir().unwrap();
    let site = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/sites/lindong.toml");
    let words = format!("--own --site-file {site} --rate 2 --for 2s --ramp 100ms");
    let (outcome, said, summary) = run(&words, folder.path()).await;
    outcome.unwrap_or_else(|failure| panic!("{failure:?}\n{said}"));
    assert_eq!((number(&summary, "edges"), number(&summary, "gauges")), (4, 28));
}

#[tokio::test(flavor = "multi_thread")]
async fn description_for_the_centre_is_written_and_nothing_else_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    let words = format!("--write-site {} --edges 5 --gauges 2", file.display());
    let (outcome, said, _) = run(&words, folder.path()).await;
    outcome.unwrap();
    assert!(said.contains("sites = ["), "{said}");
    assert_eq!(tankline_runtime::site_file::load(&file).unwrap().gauges().len(), 10);
}
