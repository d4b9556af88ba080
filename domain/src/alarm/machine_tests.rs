//! Tests of the states of one alarm: every event in every state.

use super::*;
use crate::alarm::Priority;

const BY: By<'static> = By { who: "li", note: "valve stuck" };

/// An alarm with a clock of its own.
struct Bench {
    alarm: Alarm,
    terms: Terms,
    now: Moment,
}

impl Bench {
    fn new(latch: Latch) -> Self {
        let key = AlarmKey {
            site: "lindong".parse().unwrap(),
            source: "T-01".parse().unwrap(),
            kind: crate::alarm::AlarmKind::LevelHighHigh,
        };
        let terms = Terms { priority: Priority::Critical, latch, unit: "mm" };
        #[expect(clippy::disallowed_methods, reason = "a test needs some monotonic time to begin with")]
        let monotonic = Instant::now();
        let now = Moment { monotonic, unix: UnixMillis::new(1_795_400_000_000) };
        Self { alarm: Alarm::new(key), terms, now }
    }

    /// Brings the alarm through events; each must be taken.
    fn of(latch: Latch, events: &str) -> Self {
        let mut bench = Self::new(latch);
        for event in events.split_whitespace() {
            assert!(matches!(bench.play(event), Ok(Some(_))), "{event} of {events}");
        }
        bench
    }

    fn play(&mut self, event: &str) -> Result<Option<Transition>, Refusal> {
        let (alarm, terms, at) = (&mut self.alarm, self.terms, self.now.unix);
        match event {
            "raise" => Ok(alarm.handle_condition(terms, at, Condition::Present, above(11_801.0))),
            "clear" => Ok(alarm.handle_condition(terms, at, Condition::Absent, above(11_700.0))),
            "ack" => alarm.acknowledge(terms, at, BY).map(Some),
            "reset" => alarm.reset(terms, at, BY).map(Some),
            "shelve" => alarm.shelve(terms, self.now, BY, self.now.after(HOUR).unix).map(Some),
            "unshelve" => alarm.unshelve(terms, at, BY).map(Some),
            "out" => alarm.take_out(terms, at, BY).map(Some),
            "back" => alarm.put_back(terms, at, BY).map(Some),
            "suppress" => Ok(alarm.suppress(terms, at, "lindong/rtu-01/edge-offline")),
            "unsuppress" => Ok(alarm.unsuppress(terms, at)),
            "time" => Ok(alarm.handle_time(terms, self.now.after(2 * HOUR))),
            "late" => Ok(alarm.find_in_backlog(terms, at, above(11_900.0))),
            other => panic!("{other} is no event"),
        }
    }
}

const fn above(value: f64) -> Evidence<'static> {
    Evidence { value: Some(value), limit: Some(11_800.0), note: "" }
}

const HOUR: Duration = Duration::from_secs(3600);
const EVENTS: [&str; 12] =
    ["raise", "clear", "ack", "reset", "shelve", "unshelve", "out", "back", "suppress", "unsuppress", "time", "late"];

/// How the alarm came to be as it is (`L` for one that latches), its state, and what each event makes of it in the order of
/// [`EVENTS`]: a state, `=` for the same with something to record, `.` for nothing, `!` for a refusal.
const TABLE: &str = "
                        | N   | U   .   !   !   S   !   O   !   D   .   .   =
  raise                 | U   | .   R   A   !   S   !   O   !   D   .   .   =
  raise ack             | A   | .   N   !   !   S   !   O   !   D   .   .   =
  raise clear           | R   | U   .   N   !   S   !   O   !   D   .   .   =
L raise                 | U   | .   LU  A   !   S   !   O   !   D   .   .   =
L raise ack             | A   | .   LA  !   !   S   !   O   !   D   .   .   =
L raise clear           | LU  | U   .   LA  R   S   !   O   !   D   .   .   =
L raise clear ack       | LA  | U   .   !   N   S   !   O   !   D   .   .   =
  shelve                | S   | =   .   !   !   =   N   O   !   =   .   N   =
  raise shelve          | S   | .   =   !   !   =   U   O   !   =   .   U   =
  raise ack shelve      | S   | .   =   !   !   =   U   O   !   =   .   U   =
  raise clear shelve    | S   | =   .   !   !   =   N   O   !   =   .   N   =
L raise clear shelve    | S   | =   .   !   !   =   LA  O   !   =   .   LA  =
  suppress shelve       | S   | =   .   !   !   =   D   O   !   .   =   D   =
  raise suppress shelve | S   | .   =   !   !   =   D   O   !   .   =   D   =
  suppress              | D   | =   .   !   !   S   !   O   !   .   N   .   =
  suppress raise        | D   | .   =   !   !   S   !   O   !   .   U   .   =
  suppress raise clear  | D   | =   .   !   !   S   !   O   !   .   N   .   =
  raise suppress        | D   | .   =   !   !   S   !   O   !   .   U   .   =
  raise ack suppress    | D   | .   =   !   !   S   !   O   !   .   A   .   =
  raise clear suppress  | D   | =   .   !   !   S   !   O   !   .   R   .   =
  raise suppress clear  | D   | =   .   !   !   S   !   O   !   .   R   .   =
  raise ack suppress clear       | D   | =   .   !   !   S   !   O   !   .   N   .   =
  raise ack suppress clear raise | D   | .   =   !   !   S   !   O   !   .   U   .   =
L raise clear suppress           | D   | =   .   !   !   S   !   O   !   .   LU  .   =
L raise clear ack suppress       | D   | =   .   !   !   S   !   O   !   .   LA  .   =
L raise suppress clear           | D   | =   .   !   !   S   !   O   !   .   LU  .   =
L raise ack suppress clear       | D   | =   .   !   !   S   !   O   !   .   LA  .   =
L suppress raise clear           | D   | =   .   !   !   S   !   O   !   .   N   .   =
  out                   | O   | =   .   !   !   !   !   !   N   =   .   .   =
  raise out             | O   | .   =   !   !   !   !   !   U   =   .   .   =
  shelve out            | O   | =   .   !   !   !   !   !   N   =   .   .   =
  suppress out          | O   | =   .   !   !   !   !   !   D   .   =   .   =
  raise suppress out    | O   | .   =   !   !   !   !   !   D   .   =   .   =
";

const fn short(state: State) -> &'static str {
    match state {
        State::Normal => "N",
        State::Unacknowledged => "U",
        State::Acknowledged => "A",
        State::ReturnedUnacknowledged => "R",
        State::LatchedUnacknowledged => "LU",
        State::LatchedAcknowledged => "LA",
        State::Shelved => "S",
        State::SuppressedByDesign => "D",
        State::OutOfService => "O",
    }
}

#[test]
fn every_event_in_every_state_does_what_the_standard_says() {
    let mut states = std::collections::BTreeSet::new();
    for row in TABLE.lines().filter(|row| !row.is_empty()) {
        let mut parts = row.split('|').map(str::trim);
        let (way, state, cells) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let (latch, way) = way.strip_prefix("L ").map_or((Latch::None, way), |way| (Latch::UntilReset, way));
        let cells: Vec<&str> = cells.split_whitespace().collect();
        assert_eq!(cells.len(), EVENTS.len(), "{row}");
        for (event, expected) in EVENTS.into_iter().zip(cells) {
            let mut bench = Bench::of(latch, way);
            let before = bench.alarm.clone();
            assert_eq!(short(before.state()), state, "{row}");
            let played = bench.play(event);
            let said = match &played {
                Err(_) => "!",
                Ok(None) => ".",
                Ok(Some(transition)) => {
                    assert_eq!(
                        (transition.from, transition.to),
                        (before.state(), bench.alarm.state()),
                        "{row}: {event}"
                    );
                    if transition.from == transition.to { "=" } else { short(transition.to) }
                }
            };
            assert_eq!(said, expected, "{row}: {event}");
            if matches!(said, "!" | ".") && event != "time" {
                assert_eq!(bench.alarm, before, "{row}: {event} changed something");
            }
        }
        states.insert(state);
    }
    assert_eq!(states.len(), State::ALL.len(), "{states:?}");
}

#[test]
fn transition_says_what_happened_why_and_by_whom() {
    let mut bench = Bench::new(Latch::None);
    let raised = bench.play("raise").unwrap().unwrap();
    assert_eq!((raised.value, raised.limit, raised.unit.as_str()), (Some(11_801.0), Some(11_800.0), "mm"));
    assert!(raised.annunciates() && raised.who.is_none());
    let acknowledged = bench.play("ack").unwrap().unwrap();
    assert_eq!((acknowledged.who.as_deref(), acknowledged.note.as_deref()), (Some("li"), Some("valve stuck")));
    assert_eq!(bench.alarm.acknowledged_by(), Some("li"));
    let suppressed = bench.play("suppress").unwrap().unwrap();
    assert_eq!((suppressed.who, suppressed.note.as_deref()), (None, Some("lindong/rtu-01/edge-offline")));
    bench.play("unsuppress").unwrap();
    assert_eq!(bench.alarm.acknowledged_by(), Some("li"), "it is acknowledged still");
    bench.play("clear").unwrap();
    assert_eq!(bench.alarm.acknowledged_by(), None);
}

#[test]
fn who_hides_an_alarm_says_his_name_and_why_and_for_how_long() {
    let mut bench = Bench::new(Latch::None);
    let (terms, now) = (bench.terms, bench.now);
    let until = now.after(HOUR).unix;
    let said = |refused: Result<Transition, Refusal>| refused.unwrap_err().to_string();
    let nobody = By { who: " ", note: "x" };
    let reasonless = By { who: "li", note: "" };
    assert_eq!(said(bench.alarm.shelve(terms, now, nobody, until)), "nobody is named: say who does it");
    assert_eq!(
        said(bench.alarm.take_out(terms, now.unix, reasonless)),
        "no reason is named: say why, or give a work order"
    );
    for until in [now.unix, now.after(LONGEST_SHELF + Duration::from_millis(1)).unix, UnixMillis::new(i64::MAX)] {
        let said = said(bench.alarm.shelve(terms, now, BY, until));
        assert!(said.starts_with("a shelf cannot end at ") && said.contains("and not after 2026-11-24T"), "{said}");
    }
    assert_eq!(
        said(bench.alarm.acknowledge(terms, now.unix, BY)),
        "cannot acknowledge lindong/T-01/level-hh, which is normal: only what is unacknowledged can be"
    );
    assert_eq!(bench.alarm.state(), State::Normal);
}

#[test]
fn shelf_ends_after_its_time_whatever_the_time_of_day_does() {
    for step_ms in [-86_400_000_i64, 0, 86_400_000] {
        let mut bench = Bench::of(Latch::None, "raise shelve");
        let stepped = |time: Duration| {
            let then = bench.now.after(time);
            Moment { unix: UnixMillis::new(then.unix.get() + step_ms), ..then }
        };
        let (early, late) = (stepped(HOUR - Duration::from_millis(1)), stepped(HOUR));
        assert_eq!(bench.alarm.handle_time(bench.terms, early), None, "{step_ms}");
        let back = bench.alarm.handle_time(bench.terms, late).unwrap();
        assert_eq!((back.event, back.to, back.who), (Event::Unshelved, State::Unacknowledged, None));
    }
}

#[test]
fn shelf_goes_on_after_a_restart_and_never_for_longer_than_it_was() {
    for (step_ms, left) in [(0, HOUR), (-86_400_000, HOUR), (1_800_000, HOUR / 2), (86_400_000, Duration::ZERO)] {
        let bench = Bench::of(Latch::None, "raise shelve");
        let mut loaded: Alarm = serde_json::from_str(&serde_json::to_string(&bench.alarm).unwrap()).unwrap();
        let now = Moment { unix: UnixMillis::new(bench.now.unix.get() + step_ms), ..bench.now };
        assert_eq!(loaded.shelf_ends(now), Some(bench.now.monotonic + left), "{step_ms}");
    }
}
