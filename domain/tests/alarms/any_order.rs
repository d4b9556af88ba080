//! Whatever happens, in whatever order, across restarts and steps of the clock: no alarm that waits for somebody is lost, and
//! none is told of twice for one occurrence.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use tankline_domain::alarm::{Action, AlarmKey, AlarmKind, Event, Reach, Scope, State, Transition};
use tankline_domain::message::Presence;
use tankline_domain::units::UnixMillis;

use crate::bench::{Bench, description};

#[derive(Debug, Clone)]
enum Step {
    /// Readings of a level, one a second.
    Live {
        level: f64,
        quality: &'static str,
        seconds: u32,
    },
    Late {
        level: f64,
    },
    Wait {
        seconds: u64,
    },
    Presence(Presence),
    Reach(Reach),
    Act {
        kind: AlarmKind,
        action: u8,
    },
    Restart {
        away_s: u64,
    },
    Clock {
        millis: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let level = prop::sample::select(vec![400.0, 5000.0, 10_990.0, 11_010.0, 11_490.0, 11_600.0]);
    let quality = prop::sample::select(vec!["good", "good", "good", "uncertain:stuck", "uncertain:jump", "bad:crc"]);
    let kind = prop::sample::select(vec![
        AlarmKind::LevelHighHigh,
        AlarmKind::LevelHigh,
        AlarmKind::LevelLow,
        AlarmKind::GaugeBad,
        AlarmKind::GaugeStale,
        AlarmKind::EdgeOffline,
        AlarmKind::BrokerLost,
    ]);
    let reach = prop::sample::select(vec![Reach::Connected, Reach::CutOff]);
    let presence = prop::sample::select(vec![Presence::Online, Presence::Offline]);
    prop_oneof![
        6 => (level.clone(), quality, 1..15_u32).prop_map(|(level, quality, seconds)| Step::Live { level, quality, seconds }),
        1 => level.prop_map(|level| Step::Late { level }),
        2 => (0..150_u64).prop_map(|seconds| Step::Wait { seconds }),
        2 => presence.prop_map(Step::Presence),
        1 => reach.prop_map(Step::Reach),
        5 => (kind, 0..6_u8).prop_map(|(kind, action)| Step::Act { kind, action }),
        2 => (0..100_u64).prop_map(|away_s| Step::Restart { away_s }),
        1 => (-7_200_000..7_200_000_i64).prop_map(|millis| Step::Clock { millis }),
    ]
}

/// What somebody outside knows of an alarm who hears of transitions alone.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    state: State,
    present: bool,
    /// It was told of aloud and nobody has answered for it.
    waits: bool,
    /// It was acknowledged, and its condition has been there ever since.
    answered: bool,
}

impl Known {
    fn hear(&mut self, told: &Transition) -> Result<(), String> {
        let before = self.clone();
        let fail = |why: &str| Err(format!("{why}: {told:?} after {before:?}"));
        if told.from != self.state {
            return fail("a transition is missing or doubled");
        }
        if told.event == Event::Raised && self.present || told.event == Event::Cleared && !self.present {
            return fail("one occurrence begins or ends twice");
        }
        let hidden = |state| matches!(state, State::Shelved | State::SuppressedByDesign | State::OutOfService);
        if told.annunciates() {
            let may = match told.event {
                Event::Raised => true,
                Event::Unshelved | Event::PutBack => self.present && hidden(told.from),
                Event::Unsuppressed => self.present && hidden(told.from) && !self.answered,
                _ => false,
            };
            if !may {
                return fail("told of again");
            }
        }
        match told.event {
            Event::Raised => (self.present, self.answered) = (true, false),
            Event::Cleared => (self.present, self.answered) = (false, false),
            Event::Acknowledged => (self.waits, self.answered) = (false, self.present),
            Event::Shelved | Event::TakenOut => (self.waits, self.answered) = (false, false),
            _ => (),
        }
        self.waits |= told.annunciates();
        self.state = told.to;
        let waiting =
            matches!(told.to, State::Unacknowledged | State::ReturnedUnacknowledged | State::LatchedUnacknowledged);
        if self.waits && !waiting && !hidden(told.to) {
            return fail("lost, and nobody has acknowledged it");
        }
        if self.present && told.to == State::Normal {
            return fail("present and normal");
        }
        Ok(())
    }
}

#[derive(Default)]
struct Listener(BTreeMap<AlarmKey, Known>);

impl Listener {
    fn hear(&mut self, told: &[Transition]) -> Result<(), TestCaseError> {
        for one in told {
            let normal = Known { state: State::Normal, present: false, waits: false, answered: false };
            let known = self.0.entry(one.key.clone()).or_insert(normal);
            known.hear(one).map_err(TestCaseError::fail)?;
        }
        Ok(())
    }
}

/// For so long after a clock was set back its readings may pass for late ones.
const OUT_OF_ORDER: Duration = Duration::from_secs(10);

fn is_level(kind: AlarmKind) -> bool {
    kind.name().starts_with("level")
}

fn play(bench: &mut Bench, step: &Step) {
    match *step {
        Step::Live { level, quality, seconds } => {
            for _ in 0..seconds {
                bench.wait(Duration::from_secs(1));
                bench.live("T-01", level, quality);
            }
        }
        Step::Late { level } => bench.late("T-01", level, Duration::from_secs(3600)),
        Step::Wait { seconds } => bench.wait(Duration::from_secs(seconds)),
        Step::Presence(presence) => bench.presence(presence),
        Step::Reach(reach) => bench.reach(reach),
        Step::Act { kind, action } => {
            let until = UnixMillis::new(bench.now.unix.get() + 60_000);
            let actions = [
                Action::Acknowledge,
                Action::Reset,
                Action::Shelve(until),
                Action::Unshelve,
                Action::TakeOut,
                Action::PutBack,
            ];
            let source = match kind.scope() {
                Scope::Tank => "T-01",
                Scope::Edge => "rtu-01",
                Scope::Site => "lindong",
            };
            let action = actions[usize::from(action)];
            let (state, told) = (bench.state(source, kind), bench.told.len());
            if bench.act(source, kind, action).is_err() {
                assert_eq!((bench.state(source, kind), bench.told.len()), (state, told), "a refusal changed something");
            }
        }
        Step::Restart { away_s } => bench.restart(Duration::from_secs(away_s)),
        Step::Clock { millis } => bench.step(millis),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_alarm_is_lost_and_none_is_told_of_twice(steps in prop::collection::vec(step(), 1..60), latches in any::<bool>()) {
        let mut root = description();
        root["tank"].as_array_mut().unwrap().truncate(1);
        root["gauge"].as_array_mut().unwrap().truncate(1);
        if latches {
            root["alarm_defaults"] = json!({"level-hh": {"latch": true}, "gauge-bad": {"latch": true}});
        }
        let mut bench = Bench::of(root);
        let mut listener = Listener::default();
        let mut set_at = bench.now;
        for step in &steps {
            let states: Vec<State> = bench.alarms.entries().map(|entry| entry.alarm.state()).collect();
            let begun = bench.now;
            play(&mut bench, step);
            let told = std::mem::take(&mut bench.told);
            listener.hear(&told)?;
            // What the alarms say of themselves is what was told of them.
            for entry in bench.alarms.entries() {
                let known = listener.0.get(entry.alarm.key()).map_or(State::Normal, |known| known.state);
                prop_assert_eq!(known, entry.alarm.state(), "{}", entry.alarm.key());
            }
            match step {
                Step::Clock { .. } => {
                    prop_assert!(told.is_empty(), "{told:?}");
                    set_at = begun;
                }
                Step::Restart { .. } => {
                    prop_assert!(told.is_empty(), "{told:?}");
                    let after: Vec<State> = bench.alarms.entries().map(|entry| entry.alarm.state()).collect();
                    prop_assert_eq!(states, after);
                }
                Step::Late { .. } => prop_assert!(told.iter().all(|told| told.event == Event::FoundInBacklog)),
                Step::Live { quality, .. } if *quality != "good" && begun.monotonic >= set_at.after(OUT_OF_ORDER).monotonic => {
                    // A delay that was under way ends before the first of these readings comes, a second later, or waits.
                    let first = begun.unix.get() + 1000;
                    let by_them = |told: &&Transition| {
                        let turned = matches!(told.event, Event::Raised | Event::Cleared);
                        is_level(told.key.kind) && turned && told.at.get() > first
                    };
                    prop_assert_eq!(told.iter().find(by_them), None);
                }
                _ => (),
            }
        }
        // However it came to be as it is: a level beyond the limit is an alarm now, unless a person hides it.
        play(&mut bench, &Step::Live { level: 11_600.0, quality: "good", seconds: 15 });
        listener.hear(&std::mem::take(&mut bench.told))?;
        let standing = [State::Unacknowledged, State::Acknowledged, State::Shelved, State::OutOfService];
        prop_assert!(standing.contains(&bench.state("T-01", AlarmKind::LevelHighHigh)));
    }
}
