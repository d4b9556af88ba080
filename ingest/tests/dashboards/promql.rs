//! What the dashboards ask VictoriaMetrics, as Grafana asks it, and what they show of its answers.

use std::process::Command;

use serde_json::Value;

use crate::files::{Asked, asked, dashboards, folder};
use crate::filled::{BAD, Filled, LIVE, STALE, UNCERTAIN, until_so};
use crate::influxd::Process;
use crate::web::{escaped, free_port, send};

/// A VictoriaMetrics with nothing in it.
struct Victoria {
    port: u16,
    /// What the data source adds to each query.
    custom: String,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Victoria {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = Command::new("victoria-metrics");
        command.arg(format!("-storageDataPath={}", folder.path().join("data").display()));
        command.arg(format!("-httpListenAddr=127.0.0.1:{port}"));
        let process = Process::start(&mut command);
        until_so("the server answers", async || send(port, "GET", "/health", b"").await.is_some()).await;
        Self { port, custom: custom_query_parameters(), _process: process, _folder: folder }
    }

    async fn get(&self, target: &str) -> Value {
        let (status, body) = send(self.port, "GET", target, b"").await.unwrap();
        assert_eq!(status, 200, "{target}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Makes all that was written visible.
    async fn flush(&self) {
        send(self.port, "GET", "/internal/force_flush", b"").await.unwrap();
    }

    /// Gives the values of a label.
    async fn labels(&self, query: &str) -> Vec<Value> {
        let (series, label) =
            query.strip_prefix("label_values(").unwrap().trim_end_matches(')').rsplit_once(", ").unwrap();
        let answer = self.get(&format!("/api/v1/label/{label}/values?match%5B%5D={}", escaped(series))).await;
        answer["data"].as_array().unwrap().clone()
    }

    /// Gives what a panel shows of a query at a moment: a moment's values, or the newest of each curve in the span.
    async fn shown(&self, asked: &Asked, at_ms: i64) -> Vec<(Value, f64)> {
        let (query, at) = (escaped(&asked.query), at_ms as f64 / 1000.0);
        let (is_instant, is_range) = (asked.target["instant"] == true, asked.target["range"] == true);
        assert!(is_instant != is_range && asked.target["format"] == "time_series", "{}", asked.place);
        let target = if is_instant {
            format!("/api/v1/query?query={query}&time={at}&{}", self.custom)
        } else {
            let start = at - 3600.0;
            format!("/api/v1/query_range?query={query}&start={start}&end={at}&step=10&{}", self.custom)
        };
        let answer = self.get(&target).await;
        let series = answer["data"]["result"].as_array().unwrap();
        let newest =
            |one: &Value| one["values"].as_array().map_or(one["value"].clone(), |all| all[all.len() - 1].clone());
        let number = |one: &Value| newest(one)[1].as_str().unwrap().parse().unwrap();
        series.iter().map(|one| (one["metric"].clone(), number(one))).collect()
    }
}

/// Gives what `sources/victoria-metrics.yaml` has Grafana add to each query.
fn custom_query_parameters() -> String {
    let source = std::fs::read_to_string(folder().join("sources/victoria-metrics.yaml")).unwrap();
    let line = source.lines().find_map(|line| line.trim().strip_prefix("customQueryParameters: "));
    line.unwrap().to_owned()
}

fn fill(site: &str, tank: &str) -> impl Fn(&str) -> String {
    move |query| {
        let filled = [("$__interval", "10s"), ("$site", site), ("$tank", tank)];
        filled.iter().fold(query.to_owned(), |query, (name, value)| query.replace(name, value))
    }
}

fn all_asked(site: &str, tank: &str) -> Vec<Asked> {
    let of = |(name, dashboard): &(String, Value)| asked(name, dashboard, "expr", &fill(site, tank));
    dashboards("victoria-metrics").iter().flat_map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs victoria-metrics"]
async fn every_expression_returns_series_and_none_of_a_stale_tank() {
    let victoria = Victoria::start().await;
    let mut filled = Filled::start(victoria.port, "text_fields = false\n").await;
    let all = all_asked("s", LIVE);
    assert!(all.len() > 25, "{}", all.len());
    until_so("every expression returns series", async || {
        filled.tell_now().await;
        victoria.flush().await;
        let mut left = Vec::new();
        for asked in &all {
            let is_silent = match asked.target.is_null() {
                true => victoria.labels(&asked.query).await.is_empty(),
                false => victoria.shown(asked, crate::station::now().get()).await.is_empty(),
            };
            if is_silent {
                left.push(format!("{}: {}", asked.place, asked.query));
            }
        }
        if let Some(first) = left.first() {
            println!("{} unanswered, the first: {first}", left.len());
        }
        left.is_empty()
    })
    .await;
    println!("{} expressions return series", all.len());
    let levels = all.iter().find(|asked| asked.query.contains("live_level_percent")).unwrap();
    let shown = victoria.shown(levels, crate::station::now().get()).await;
    let mut tanks: Vec<_> = shown.iter().map(|(labels, _)| labels["tank"].to_string()).collect();
    tanks.sort();
    assert_eq!(tanks, [format!("{LIVE:?}"), format!("{UNCERTAIN:?}")], "not {STALE} and {BAD}");
    filled.stop().await;
}

/// What a centre wrote every 5 s of one station from ten minutes ago until `silent_s` ago. Its second tank became stale
/// 40 s before that.
fn written(site: &str, now_ms: i64, silent_s: i64) -> String {
    let lines = (silent_s..600).step_by(5).map(|age_s| {
        let at = now_ms - age_s * 1000;
        let values =
            "level_percent=50,level_mm=5000,interface_mm=1000,oil_m3=400,fw_m3=100,temperature_c=32.5,flow_m3h=3";
        let second =
            if age_s > silent_s + 40 { format!("state=0,age_s=1,{values}") } else { "state=3,age_s=40".into() };
        format!(
            "live,site={site},tank=T-01 state=0,age_s=1,{values} {at}\nlive,site={site},tank=T-02 {second} {at}\n\
             station,site={site} live=1,uncertain=0,bad=0,stale=1,never=0,edges_away=0,alarms_unacknowledged=0 {at}\n"
        )
    });
    lines.collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs victoria-metrics"]
async fn nothing_is_shown_as_now_of_a_stale_tank_a_silent_centre_or_a_span_of_the_past() {
    let victoria = Victoria::start().await;
    let is_of_now = |asked: &Asked| ["stat", "bargauge", "table"].iter().any(|kind| asked.kind == *kind);
    let (live, stale) = ("T-01", "T-02");
    let now = crate::station::now().get();
    let lines = written("silent", now, 31) + &written("speaks", now, 0);
    let (status, body) = send(victoria.port, "POST", "/write?precision=ms", lines.as_bytes()).await.unwrap();
    assert_eq!(status, 204, "{body}");
    victoria.flush().await;
    let mut asked = 0;
    let others = all_asked("speaks", stale).into_iter().zip(all_asked("silent", live));
    for (of_live, (of_stale, of_silent)) in all_asked("speaks", live).into_iter().zip(others) {
        if !is_of_now(&of_live) {
            continue;
        }
        asked += 1;
        let place = &of_live.place;
        let tanks = |shown: Vec<(Value, f64)>| shown.into_iter().map(|(labels, _)| labels["tank"].clone());
        let shown: Vec<_> = tanks(victoria.shown(&of_live, now).await).collect();
        assert!(!shown.is_empty(), "{place}");
        assert!(place.contains("station.json") || shown == [live], "{place}: {shown:?}");
        assert!(!place.contains("Levels") || shown == [live], "{place}: {shown:?}");
        assert_eq!(victoria.shown(&of_silent, now).await, [], "{place}: a silent centre");
        assert_eq!(victoria.shown(&of_live, now - 120_000).await, [], "{place}: a span of the past");
        let of_stale = victoria.shown(&of_stale, now).await;
        match place.as_str() {
            one if one.contains("station.json") => {}
            one if one.ends_with("\"Now\" \"A\"") => assert_eq!(of_stale[0].1, 3.0, "{of_stale:?}"),
            one if one.ends_with("\"Now\" \"B\"") => assert!(of_stale[0].1 >= 40.0, "{of_stale:?}"),
            _ => assert_eq!(of_stale, [], "{place}: a stale tank"),
        }
    }
    assert!(asked >= 16, "{asked}");
}
