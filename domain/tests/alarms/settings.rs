//! What a description says of alarms.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tankline_domain::alarm::{AlarmKind, Edition, Latch, Priority, Rule, Scope};
use tankline_domain::settings::Document;
use tankline_domain::site::parse;

use crate::bench::{description, site};

fn rules(root: Value, tank: usize) -> Vec<Rule> {
    let site = site(root);
    site.tank_rules(&site.tanks()[tank])
}

fn find(rules: &[Rule], kind: AlarmKind) -> Option<&Rule> {
    rules.iter().find(|rule| rule.kind == kind)
}

#[test]
fn what_a_tank_says_wins_over_what_is_said_for_all() {
    let mut root = description();
    root["alarm_defaults"] = json!({
        "level-hh": {"priority": "high", "deadband_mm": 50, "on_delay_s": 1.5, "guidance": "Ring 110."},
        "level-h": {"enabled": false},
        "gauge-bad": {"silences": []},
        "edge-offline": {"release_s": 90},
        "interface-h": {"limit_mm": 3000},
    });
    root["tank"][0]["alarms"] = json!({
        "level-hh": {"priority": "critical", "latch": true},
        "level-h": {"enabled": true},
    });
    let (first, second) = (rules(root.clone(), 0), rules(root.clone(), 1));
    let highest = find(&first, AlarmKind::LevelHighHigh).unwrap();
    assert_eq!((highest.priority, highest.latch, highest.deadband), (Priority::Critical, Latch::UntilReset, 50.0));
    assert_eq!((highest.on_delay, &*highest.guidance), (Duration::from_millis(1500), "Ring 110."));
    assert_eq!(highest.limit, Some(11_500.0));
    assert_eq!(find(&second, AlarmKind::LevelHighHigh).unwrap().priority, Priority::High);
    assert!(find(&first, AlarmKind::LevelHigh).is_some() && find(&second, AlarmKind::LevelHigh).is_none());
    assert!(find(&second, AlarmKind::GaugeBad).unwrap().silences.is_empty());
    assert_eq!(find(&second, AlarmKind::InterfaceHigh).unwrap().limit, Some(3000.0));
    let site = site(root);
    assert_eq!(site.edge_rules()[0].release, Duration::from_secs(90));
}

#[test]
fn without_a_word_there_are_the_rules_that_can_be_judged() {
    let found: Vec<_> = rules(description(), 0).iter().map(|rule| rule.kind).collect();
    for kind in AlarmKind::ALL.into_iter().filter(|kind| kind.scope() == Scope::Tank) {
        let needs_more = matches!(
            kind,
            AlarmKind::InterfaceHigh
                | AlarmKind::InterfaceLow
                | AlarmKind::TemperatureHigh
                | AlarmKind::TemperatureLow
                | AlarmKind::RateOfChange
        );
        assert_eq!(found.contains(&kind), !needs_more, "{kind}");
    }
    let mut without_gauge = description();
    without_gauge["gauge"].as_array_mut().unwrap().remove(0);
    assert!(rules(without_gauge, 0).is_empty());
    let mut seldom = description();
    seldom["gauge"][0]["poll_interval_ms"] = json!(60_000);
    assert_eq!(find(&rules(seldom, 0), AlarmKind::GaugeStale).unwrap().limit, Some(180.0));
}

#[test]
fn every_rule_tells_the_operator_what_to_do() {
    for kind in AlarmKind::ALL {
        let rule = Rule::of(kind);
        assert!(rule.guidance.len() > 20 && rule.guidance.ends_with('.'), "{kind}: {}", rule.guidance);
        assert!(!rule.silences.contains(&kind), "{kind}");
        for edition in [Edition::Api2350Fourth, Edition::Api2350Fifth] {
            assert!(!kind.title(edition).is_empty());
        }
    }
    assert_eq!(AlarmKind::LevelHighHigh.title(Edition::Api2350Fifth), "Level high-high (LAHH)");
    let mut root = description();
    assert_eq!(site(root.clone()).alarm_names(), Edition::Api2350Fourth);
    root["alarm_names"] = json!("api-2350-5");
    assert_eq!(site(root).alarm_names(), Edition::Api2350Fifth);
}

#[test]
fn each_mistake_is_named_with_file_key_and_value() {
    for (place, value, said) in [
        (
            "alarm_defaults",
            json!({"level-hhh": {}}),
            "site.toml: alarm_defaults.level-hhh: \"level-hhh\" is no alarm; known are level-hh, level-h, level-l, level-ll, \
             interface-h, interface-l, temperature-h, temperature-l, rate-of-change, overfill-soon, dry-soon, movement, leak, \
             reverse-flow, gauge-bad, gauge-stale, gauge-frozen, edge-offline, completeness, clock-wrong, broker-lost",
        ),
        (
            "alarms",
            json!({"level-hh": {"priority": "urgent"}}),
            "site.toml: tank[T-01].alarms.level-hh.priority = \"urgent\": \"urgent\" is no priority; known are critical, high, \
             medium, low",
        ),
        (
            "alarms",
            json!({"level-hh": {"limit_mm": 11_000}}),
            "site.toml: tank[T-01].alarms.level-hh.limit_mm = 11000: stands in [tank.limits]: ll_mm, l_mm, h_mm and hh_mm",
        ),
        (
            "alarms",
            json!({"level-hh": {"on_delay": 5}}),
            "site.toml: tank[T-01].alarms.level-hh.on_delay = 5: is not a key here; did you mean \"on_delay_s\"?",
        ),
        (
            "alarms",
            json!({"level-hh": {"on_delay_s": -5}}),
            "site.toml: tank[T-01].alarms.level-hh.on_delay_s = -5: must be 0 to 86400",
        ),
        (
            "alarms",
            json!({"temperature-h": {"limit_c": 900}}),
            "site.toml: tank[T-01].alarms.temperature-h.limit_c = 900: must be -60 to 400",
        ),
        (
            "alarms",
            json!({"edge-offline": {"on_delay_s": 5}}),
            "site.toml: tank[T-01].alarms.edge-offline: is an alarm of an edge and not of a tank: write \
             [alarm_defaults.edge-offline]",
        ),
        (
            "alarms",
            json!({"gauge-bad": {"silences": ["gauge-bad"]}}),
            "site.toml: tank[T-01].alarms.gauge-bad.silences: an alarm cannot speak for itself; leave it out",
        ),
        (
            "gauge_defaults",
            json!({"poll_interval_ms": 70_000}),
            "site.toml: tank[T-01].alarms: gauge-stale.limit_s (65) must be above 70, the time between two readings",
        ),
        (
            "alarms",
            json!({"gauge-stale": {"silences": ["gauge-bad"]}}),
            "site.toml: tank[T-01].alarms: gauge-bad and gauge-stale speak for each other, so that neither is told of; see \
             silences",
        ),
    ] {
        let mut root = description();
        root["tank"][0]["alarms"] = json!({"gauge-stale": {"limit_s": 65}});
        if place == "alarms" {
            root["tank"][0][place] = value;
        } else {
            root[place] = value;
        }
        let document = Document { origin: "site.toml".into(), root, from_environment: BTreeMap::new() };
        let no_table = |_: &Path| Err("no such file".to_owned());
        let found = parse(&document, &no_table).unwrap_err().to_string();
        assert_eq!(found, said);
    }
}
