use serde::{Serialize, Serializer};
use tankline_domain::alarm::AlarmKind;
use tankline_domain::alarm::watch::{Findings, Verdict};
use tankline_domain::names::{SiteName, TankName};
use tankline_domain::units::UnixMillis;

/// What the detectors know of a tank, as people are shown it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WatchedTank {
    /// The site.
    pub site: SiteName,
    /// The tank.
    pub tank: TankName,
    /// The newest reading that this was known with. A verdict that changes since is told at once.
    pub as_of: Option<UnixMillis>,
    /// What is known.
    #[serde(flatten, serialize_with = "shown")]
    pub findings: Findings,
}

/// A verdict in words.
#[derive(Debug, Serialize)]
struct Shown {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct AllShown {
    movement: Shown,
    leak: Shown,
    reverse_flow: Shown,
}

fn shown<S: Serializer>(findings: &Findings, serializer: S) -> Result<S::Ok, S::Error> {
    let one = |verdict: &Verdict, kind: AlarmKind| {
        let nothing = Shown { verdict: "clear", why: None, value: None, limit: None, unit: None };
        match verdict {
            Verdict::Clear => nothing,
            Verdict::NotTestable(why) => Shown { verdict: "not-testable", why: Some(why.to_string()), ..nothing },
            Verdict::Found(found) => Shown {
                verdict: "found",
                value: Some(found.value),
                limit: Some(found.limit),
                unit: Some(kind.unit()),
                ..nothing
            },
        }
    };
    let all = AllShown {
        movement: one(&findings.movement, AlarmKind::Movement),
        leak: one(&findings.leak, AlarmKind::Leak),
        reverse_flow: one(&findings.reverse_flow, AlarmKind::ReverseFlow),
    };
    all.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tankline_domain::alarm::watch::{Finding, WhyNot};

    use super::*;

    #[test]
    fn verdicts_are_shown_with_what_they_rest_on() {
        let tank = WatchedTank {
            site: "s".parse().unwrap(),
            tank: "T-01".parse().unwrap(),
            as_of: Some(UnixMillis::new(1000)),
            findings: Findings {
                movement: Verdict::Clear,
                leak: Verdict::Found(Finding { value: 22.0, limit: 17.5 }),
                reverse_flow: Verdict::NotTestable(WhyNot::NotAsked),
            },
        };
        let wanted = json!({
            "site": "s", "tank": "T-01", "as_of": 1000,
            "movement": {"verdict": "clear"},
            "leak": {"verdict": "found", "value": 22.0, "limit": 17.5, "unit": "L/h"},
            "reverse_flow": {"verdict": "not-testable", "why": "the duty of the tank does not ask for it"},
        });
        assert_eq!(serde_json::to_value(&tank).unwrap(), wanted);
    }
}
