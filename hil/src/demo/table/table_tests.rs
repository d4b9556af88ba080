use std::time::Duration;

use tankline_domain::alarm::State;
use tankline_domain::units::UnixMillis;
use tankline_ingest::alarms::Standing;
use tankline_ingest::live::{Shown, TankView};

use super::*;

fn row(index: usize, state: TankState) -> TankRow {
    let quality = match state {
        TankState::Live | TankState::Stale => Some("good"),
        TankState::Uncertain => Some("uncertain:blind-zone"),
        TankState::Bad => Some("bad:no-reply"),
        TankState::Never => None,
    };
    let values = Shown {
        level_mm: Some(9641.0),
        interface_mm: Some(6367.0),
        temperature_c: Some(-10.5),
        oil_m3: Some(1421.4),
        fw_m3: Some(2812.2),
        ..Shown::default()
    };
    let has_values = !matches!(state, TankState::Bad | TankState::Never);
    let shown =
        Shown { quality: quality.map(str::to_owned), ..if has_values { values.clone() } else { Shown::default() } };
    let view = TankView {
        site: "lindong".into(),
        tank: format!("T-{index:02}"),
        title: format!("Crude tank {index}, 5000 m3"),
        product: "crude".into(),
        state,
        stale: matches!(state, TankState::Stale | TankState::Never),
        shown,
        age_s: (state != TankState::Never).then_some(if state == TankState::Stale { 75.0 } else { 0.4 }),
        last_good: (state == TankState::Bad).then_some(values),
    };
    TankRow { view, height_mm: 12_000.0, limits_mm: vec![1000.0, 11_000.0] }
}

fn snapshot(states: &[TankState]) -> Snapshot {
    Snapshot {
        site: "lindong".into(),
        at: UnixMillis::new(1_795_400_000_123),
        up: Duration::from_secs(3723),
        gauges: states.len(),
        committed: 104_216,
        rate_per_s: Some(28.0),
        p50_ms: Some(12),
        p99_ms: Some(31),
        journal_depth: 3,
        broker: "mqtt://127.0.0.1:40123".into(),
        http: Some("127.0.0.1:40124".parse().unwrap()),
        data: "tankline-data".into(),
        tanks: states.iter().enumerate().map(|(index, state)| row(index + 1, *state)).collect(),
        alarms: Vec::new(),
    }
}

/// How an alarm stands, as the centre tells it.
fn standing(state: &str) -> Standing {
    serde_json::from_value(serde_json::json!({
        "site": "lindong", "source": "T-01", "alarm": "level-hh", "state": state, "priority": "critical",
        "title": "Level high-high", "value": 11_805.0, "limit": 11_800.0, "unit": "mm", "since": 1, "changed": 1,
    }))
    .unwrap()
}

#[test]
fn alarms_are_counted_and_the_most_urgent_are_named() {
    let mut snapshot = snapshot(&[TankState::Live]);
    let look = Look { columns: 120, lines: 40, glyphs: Glyphs::ASCII };
    let told = |snapshot: &Snapshot| lay_out(snapshot, &look).iter().map(Line::plain).collect::<Vec<_>>().join("\n");
    assert!(told(&snapshot).contains("\nno alarm\n"));
    assert!(!snapshot.in_one_line().contains("alarm"));
    snapshot.alarms = vec![standing("unacknowledged"), standing("acknowledged"), standing("acknowledged")];
    let said = told(&snapshot);
    assert!(said.contains("\n3 alarms, 1 unacknowledged | T-01 Level high-high 11805 mm | T-01"), "{said}");
    assert!(snapshot.in_one_line().ends_with("; 3 alarms: T-01 level-hh, T-01 level-hh, T-01 level-hh"));
    snapshot.alarms.truncate(1);
    snapshot.alarms[0].state = State::Acknowledged;
    assert!(told(&snapshot).contains("\n1 alarm | T-01 Level high-high 11805 mm\n"));
}

fn shown(states: &[TankState], columns: usize, lines: usize) -> Vec<String> {
    let look = Look { columns, lines, glyphs: Glyphs::ASCII };
    lay_out(&snapshot(states), &look).iter().map(Line::plain).collect()
}

#[test]
fn every_size_of_terminal_is_kept_to() {
    let states = [TankState::Live; 28];
    for columns in (80..240).step_by(7) {
        for lines in [10, 24, 40, 60] {
            let shown = shown(&states, columns, lines);
            assert!(shown.len() <= lines, "{columns}x{lines}");
            for line in &shown {
                assert!(line.chars().count() <= columns, "{columns}x{lines}: {line:?}");
            }
        }
    }
    // Too small to be of use, but no reason to fall over.
    for size in [(0, 0), (1, 1), (20, 5), (79, 3)] {
        shown(&states, size.0, size.1);
    }
}

#[test]
fn narrow_terminal_drops_title_and_bar_and_keeps_the_figures() {
    let narrow = shown(&[TankState::Live], 80, 40).join("\n");
    for part in ["T-01", "9641", "6367", "-10.5", "1421.4", "2812.2", "good", "0.4", "1/1 gauges live", "p99 31 ms"] {
        assert!(narrow.contains(part), "{part} in\n{narrow}");
    }
    assert!(!narrow.contains("Crude tank") && !narrow.contains('#'), "{narrow}");
    let wide = shown(&[TankState::Live], 160, 40).join("\n");
    assert!(wide.contains("Crude tank 1, 5000 m3") && wide.contains("~~~") && wide.contains("###"), "{wide}");
}

#[test]
fn what_is_not_live_never_looks_live() {
    let states = [TankState::Uncertain, TankState::Bad, TankState::Stale, TankState::Never];
    let look = Look { columns: 160, lines: 40, glyphs: Glyphs::ASCII };
    let lines = lay_out(&snapshot(&states), &look);
    let row = |tank: &str| lines.iter().find(|line| line.plain().starts_with(tank)).unwrap();
    let said = row("T-01").plain();
    assert!(said.contains("uncertain:blind-zone") && said.contains(" 9641 "), "{said}");
    for (tank, word) in [("T-02", "BAD no-reply"), ("T-03", "STALE"), ("T-04", "no reading yet")] {
        let said = row(tank).plain();
        assert!(said.contains(word) && !said.contains(" 9641 ") && !said.contains('#'), "{said}");
        let dim = row(tank).0.iter().filter(|span| span.text.contains("9641"));
        assert!(dim.into_iter().all(|span| span.tone == Tone::Dim), "{said}");
    }
    assert!(row("T-02").plain().contains("(9641)") && row("T-03").plain().contains("(9641)"));
    assert!(lines.iter().any(|line| line.plain().contains("1/4 gauges live")));
}

#[test]
fn hidden_tanks_are_counted_and_those_in_trouble_are_hidden_last() {
    let mut states = [TankState::Live; 28];
    states[20] = TankState::Stale;
    states[27] = TankState::Bad;
    let low = shown(&states, 100, 20);
    assert_eq!(low.len(), 20);
    assert!(low.iter().any(|line| line.starts_with("T-21")) && low.iter().any(|line| line.starts_with("T-28")));
    assert!(low.iter().any(|line| line.contains("more tanks are hidden, all live")), "{low:#?}");
    let lower = shown(&[TankState::Stale; 28], 100, 12);
    assert!(lower.iter().any(|line| line.contains("NOT as they should be")), "{lower:#?}");
}
