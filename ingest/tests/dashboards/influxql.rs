//! What the dashboards ask an InfluxDB, and what they show of its answers.

use serde_json::Value;

use crate::files::{Asked, asked, dashboard, dashboards, panel, shown};
use crate::filled::{BAD, Filled, LIVE, NEVER, STALE, UNCERTAIN, until_so};
use crate::influxd::Influxd;

/// Fills in what Grafana would.
pub fn fill(tank: &str, site: &str) -> impl Fn(&str) -> String {
    move |query| {
        let filled = [
            ("$timeFilter", "time >= now() - 15m AND time <= now()"),
            ("$__interval", "1s"),
            ("$site", site),
            ("$tank", tank),
            ("$edge", "(rtu-01|rtu-02)"),
            ("$line", "(line-01|line-02)"),
        ];
        let query = filled.iter().fold(query.to_owned(), |query, (name, value)| query.replace(name, value));
        // A dollar that is left ends a regular expression.
        assert!(!query.replace("$/", "").contains('$'), "{query}");
        query
    }
}

/// Tells whether there is a row with something in it beside its time and its tags.
fn says_something(rows: &[Value]) -> bool {
    let tags = ["time", "site", "tank", "edge", "line", "gauge", "alarm", "priority"];
    let says = |row: &Value| {
        row.as_object().unwrap().iter().any(|(name, value)| !tags.contains(&name.as_str()) && !value.is_null())
    };
    rows.iter().any(says)
}

/// Gives what returns no row that says something.
pub async fn unanswered(influxd: &Influxd, all: &[Asked]) -> Vec<String> {
    let mut unanswered = Vec::new();
    for Asked { place, query, .. } in all {
        if !says_something(&influxd.rows(query).await) {
            unanswered.push(format!("{place}: {query}"));
        }
    }
    unanswered
}

/// Gives the row of a tank.
fn row<'r>(rows: &'r [Value], tank: &str) -> &'r Value {
    let of_tank: Vec<_> = rows.iter().filter(|row| row["tank"] == tank).collect();
    assert_eq!(of_tank.len(), 1, "{tank}: {rows:?}");
    of_tank[0]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs influxd"]
async fn every_query_returns_rows_and_what_is_stale_looks_stale() {
    let influxd = Influxd::start().await;
    let mut filled = Filled::start(influxd.writes, "").await;
    let all: Vec<Asked> = dashboards("influxdb")
        .iter()
        .filter(|(name, _)| name != "history.json")
        .flat_map(|(name, dashboard)| asked(name, dashboard, "query", &fill(LIVE, "s")))
        .collect();
    assert!(all.len() > 80, "{}", all.len());
    until_so("every query returns rows", async || {
        filled.tell_now().await;
        let left = unanswered(&influxd, &all).await;
        if let Some(first) = left.first() {
            println!("{} unanswered, the first: {first}", left.len());
        }
        left.is_empty()
    })
    .await;
    println!("{} queries return rows", all.len());
    filled.tell_now().await;
    stale_tank_looks_stale(&influxd).await;
    bar_of_a_stale_tank_is_one_block(&influxd).await;
    edge_that_is_gone_says_nothing_of_itself(&influxd).await;
    nothing_is_shown_of_a_centre_that_is_silent(&influxd).await;
    filled.stop().await;
}

async fn ask(influxd: &Influxd, panel: &Value, tank: &str, site: &str) -> Vec<Value> {
    influxd.rows(&fill(tank, site)(panel["targets"][0]["query"].as_str().unwrap())).await
}

async fn stale_tank_looks_stale(influxd: &Influxd) {
    let (station, tank) = (dashboard("influxdb/station.json"), dashboard("influxdb/tank.json"));
    let (table, now) = (panel(&station, "All tanks"), panel(&tank, "Now"));
    let rows = ask(influxd, table, "", "s").await;
    assert_eq!(rows.len(), 5, "{rows:?}");
    let values = ["level_mm", "interface_mm", "temperature_c", "oil_m3", "fw_m3", "ullage_m3", "flow_m3h"];
    for (name, text, color, holds) in [
        (LIVE, "live", "green", true),
        (STALE, "STALE", "purple", false),
        (BAD, "bad", "red", false),
        (UNCERTAIN, "uncertain", "orange", true),
        (NEVER, "never read", "#6e7079", false),
    ] {
        let row = row(&rows, name);
        assert_eq!(shown(table, "state", &row["state"]), (text.to_owned(), color.to_owned()), "{row}");
        assert_eq!(row["level_mm"].is_f64() || row["level_mm"].is_i64(), holds, "{row}");
        let mut of_tank = ask(influxd, now, name, "s").await;
        let of_tank = of_tank.remove(0);
        assert_eq!(shown(now, "state", &of_tank["state"]).0, text, "{of_tank}");
        if !holds {
            for value in values {
                assert!(row[value].is_null() && of_tank[value].is_null(), "{value}: {row} {of_tank}");
                assert_eq!(shown(table, value, &row[value]).0, "-");
                assert_eq!(shown(now, value, &of_tank[value]).0, "not known now");
            }
        }
    }
    assert!(row(&rows, STALE)["age_s"].as_f64().unwrap() > 60.0, "{rows:?}");
    // Its curve ends where its readings end.
    let curve = panel(&tank, "Level and interface");
    let ends_at = |rows: &[Value]| {
        rows.iter().filter(|row| !row["level"].is_null()).map(|row| row["time"].as_i64().unwrap()).max()
    };
    let (stale, live) = (ask(influxd, curve, STALE, "s").await, ask(influxd, curve, LIVE, "s").await);
    assert!(ends_at(&live) > ends_at(&stale).map(|end| end + 50_000), "{:?} {:?}", ends_at(&live), ends_at(&stale));
    let quality = panel(&dashboard("influxdb/tank.json"), "Quality of readings").clone();
    let words = |rows: &[Value]| {
        let codes = rows.iter().map(|row| shown(&quality, "quality", &row["quality"]).0);
        codes.collect::<std::collections::BTreeSet<_>>()
    };
    assert!(words(&ask(influxd, &quality, BAD, "s").await).contains("no reply"));
    let uncertain = words(&ask(influxd, &quality, UNCERTAIN, "s").await);
    assert!(
        uncertain.contains("blind zone") && uncertain.contains("good") && uncertain.contains("no data"),
        "{uncertain:?}"
    );
}

async fn bar_of_a_stale_tank_is_one_block(influxd: &Influxd) {
    let station = dashboard("influxdb/station.json");
    let rows = ask(influxd, panel(&station, "Levels"), "", "s").await;
    for (tank, unknown) in [(LIVE, 0.0), (UNCERTAIN, 0.0), (STALE, 100.0), (BAD, 100.0), (NEVER, 100.0)] {
        assert_eq!(row(&rows, tank)["unknown"].as_f64(), Some(unknown), "{rows:?}");
    }
    assert_eq!(row(&rows, LIVE)["above_hh"].as_f64(), Some(5.0), "{rows:?}");
}

async fn edge_that_is_gone_says_nothing_of_itself(influxd: &Influxd) {
    let edges = dashboard("influxdb/edges.json");
    let table = panel(&edges, "Edges now");
    let rows = ask(influxd, table, "", "s").await;
    let of = |edge: &str| rows.iter().find(|row| row["edge"] == edge).unwrap();
    assert_eq!(shown(table, "state", &of("rtu-01")["state"]).0, "online");
    assert_eq!(shown(table, "clock_set", &of("rtu-01")["clock_set"]).0, "set");
    assert_eq!(shown(table, "state", &of("rtu-02")["state"]), ("OFFLINE".to_owned(), "red".to_owned()));
    assert!(of("rtu-02")["journal_depth"].is_null() && of("rtu-01")["journal_depth"] == 17, "{rows:?}");
}

/// What was written of a site whose centre fell silent 31 s ago is not shown as what is now.
async fn nothing_is_shown_of_a_centre_that_is_silent(influxd: &Influxd) {
    let now = crate::station::now().get();
    let lines = |site: &str, age_s: i64| {
        let at = now - age_s * 1000;
        format!(
            "live,site={site},tank=T-01 state=0i,age_s=1,level_mm=5000 {at}\nbar,site={site},tank=T-01 water=10,oil=90 {at}\n\
             station,site={site} live=1i,edges_online=1i,alarms_unacknowledged=1i {at}\n\
             standing,site={site},tank=T-01,alarm=level-h,priority=high state=1i {at}\nedge,site={site},edge=e state=0i {at}\n"
        )
    };
    influxd.write(&(lines("silent", 31) + &lines("speaks", 0))).await;
    let mut asked = 0;
    for (_, dashboard) in dashboards("influxdb") {
        for panel in dashboard["panels"].as_array().unwrap() {
            if panel["targets"][0]["query"].as_str().unwrap().contains("now() - 30s") {
                let rows = async |site: &str| ask(influxd, panel, "T-01", site).await;
                assert!(rows("silent").await.is_empty(), "{}", panel["title"]);
                assert!(
                    !rows("speaks").await.is_empty() || panel["title"] == "Stale, bad and uncertain tanks now",
                    "{}",
                    panel["title"]
                );
                asked += 1;
            }
        }
    }
    assert!(asked >= 9, "{asked}");
}
