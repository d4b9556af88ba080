//! Alarms over HTTP: list, history, and what a person can do with one.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tankline_domain::alarm::{Action, AlarmKey, AlarmKind};
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::fault::Fault;
use super::served::Served;
use crate::access::Role;
use crate::alarms::{ActionName, Order, Standing};
use crate::live::{TankState, TankView};
use crate::store::{HistoryQuery, RecordedTransition, Work, history};

/// What is said with every list of alarms.
pub const NOTICE: &str = "Operator alarms. They are not the independent overfill protection layer that GB 50074 and \
                          API 2350 demand, and do not replace it.";

/// How long a client waits for the database to take an order.
const PATIENCE: Duration = Duration::from_secs(10);

/// Transitions that are given when nothing else is said, and at most.
const HISTORY_DEFAULT: u32 = 1000;
const HISTORY_MOST: u32 = 100_000;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Longest text that is taken from a client, in characters.
const LONGEST_TEXT: usize = 500;

/// Gives the routes.
pub fn routes() -> Router<Served> {
    Router::new()
        .route("/api/v1/alarms", get(list))
        .route("/api/v1/alarms/history", get(past))
        .route("/api/v1/alarms/{site}/{source}/{alarm}/{action}", post(act))
}

/// All alarms that are not normal, the most urgent first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlarmList {
    /// What these alarms are not.
    pub notice: String,
    /// When this was said.
    pub now: String,
    /// The same in Unix milliseconds.
    pub now_ms: i64,
    /// The alarms.
    pub alarms: Vec<Listed>,
}

/// An alarm in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
    /// Time since it was raised.
    pub age_s: f64,
    /// What the value is now, in the same unit; absent where that is not known, or there is no such value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<f64>,
}

/// What happened to alarms, the oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlarmHistory {
    /// What these alarms are not.
    pub notice: String,
    /// What happened.
    pub transitions: Vec<RecordedTransition>,
}

impl AlarmList {
    /// Makes the list; `tanks` are the tanks as they are shown now.
    #[must_use]
    pub fn new(now: UnixMillis, alarms: Vec<Standing>, tanks: &[TankView]) -> Self {
        let listed = |standing: Standing| {
            let age_ms = now.millis_since(standing.since).max(0);
            #[expect(clippy::cast_precision_loss, reason = "an age is far below 2^53 ms")]
            let age_s = age_ms as f64 / 1000.0;
            let is_its =
                |view: &&TankView| view.tank == standing.source.as_str() && view.site == standing.site.as_str();
            let present = tanks.iter().find(is_its).and_then(|view| present(standing.alarm, view));
            Listed { standing, age_s, present }
        };
        let alarms = alarms.into_iter().map(listed).collect();
        Self { notice: NOTICE.to_owned(), now: now.to_string(), now_ms: now.get(), alarms }
    }
}

/// Gives what the value that an alarm watches is now, if it holds now.
fn present(kind: AlarmKind, view: &TankView) -> Option<f64> {
    use AlarmKind as K;
    let value = match kind {
        K::LevelHighHigh | K::LevelHigh | K::LevelLow | K::LevelLowLow => view.shown.level_mm,
        K::InterfaceHigh | K::InterfaceLow => view.shown.interface_mm,
        K::TemperatureHigh | K::TemperatureLow => view.shown.temperature_c,
        _ => None,
    };
    value.filter(|_| view.state == TankState::Live)
}

async fn list(State(served): State<Served>, headers: HeaderMap) -> Result<impl IntoResponse, Fault> {
    served.may_read(&headers, "the alarms are not listed")?;
    let (now, alarms) = (clock::unix_ms(), served.shared.alarms().by_urgency());
    let list = AlarmList::new(now, alarms, &served.shared.tank_views(now));
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(list)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Past {
    from: Option<String>,
    to: Option<String>,
    site: Option<String>,
    source: Option<String>,
    limit: Option<u32>,
}

async fn past(
    State(served): State<Served>,
    headers: HeaderMap,
    query: Result<Query<Past>, axum::extract::rejection::QueryRejection>,
) -> Result<impl IntoResponse, Fault> {
    const WHAT: &str = "the history is not given";
    served.may_read(&headers, WHAT)?;
    let wrong = |why: String| {
        let right = "from and to are moments such as 2026-11-23T06:00Z or Unix milliseconds, site and source names, limit a \
                     number up to 100000; each may be left out";
        Fault::new(StatusCode::UNPROCESSABLE_ENTITY, WHAT, why, right)
    };
    let Query(past) = query.map_err(|rejection| wrong(rejection.body_text()))?;
    let moment = |text: Option<String>, default: i64| match text {
        None => Ok(UnixMillis::new(default)),
        Some(text) => moment(&text).map_err(wrong),
    };
    let now = clock::unix_ms().get();
    let name = |error: &dyn std::error::Error| wrong(error.to_string());
    let query = HistoryQuery {
        from: moment(past.from, now - DAY_MS)?,
        to: moment(past.to, i64::MAX)?,
        site: past.site.map(|site| site.parse()).transpose().map_err(|error| name(&error))?,
        source: past.source.map(|source| source.parse()).transpose().map_err(|error| name(&error))?,
        limit: past.limit.unwrap_or(HISTORY_DEFAULT).min(HISTORY_MOST),
    };
    let transitions = served.read(WHAT, move |connection| history(connection, &query)).await?;
    let page = AlarmHistory { notice: NOTICE.to_owned(), transitions };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(page)))
}

/// Reads a moment, or a number of milliseconds since 1970.
fn moment(text: &str) -> Result<UnixMillis, String> {
    match text.parse::<i64>() {
        Ok(millis) if millis > 0 => Ok(UnixMillis::new(millis)),
        _ => text.parse::<UnixMillis>().map_err(|error| error.to_string()),
    }
}

/// What a client says to an order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Who it is, where several people use one token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when it is put aside: a moment such as `2026-11-23T06:00Z`, or Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// For how many minutes it is put aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
    /// The work order under which it is taken out of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_order: Option<String>,
}

/// A moment as a client may write it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Until {
    /// Unix milliseconds.
    Millis(i64),
    /// A date with a time.
    Text(String),
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Whom it is recorded of.
    pub who: String,
    /// The state of the alarm now.
    pub state: String,
    /// How the alarm stands now; absent when it is normal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Standing>,
}

async fn act(
    State(served): State<Served>,
    Path((site, source, alarm, action)): Path<(String, String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Done>, Fault> {
    let what = format!("{site}/{source}/{alarm}: {action} is not done");
    let action: ActionName = action.parse().map_err(|error: crate::alarms::UnknownAction| {
        let right = ActionName::ALL.map(ActionName::name).join(", ");
        Fault::new(StatusCode::NOT_FOUND, &what, error.to_string(), format!("one of {right}"))
    })?;
    let bearer = served.may_act(&headers, needed(action), &what)?;
    let key = key(&site, &source, &alarm).map_err(|why| {
        let right = "the path reads /api/v1/alarms/SITE/SOURCE/ALARM/ACTION, such as lindong/T-01/level-hh/acknowledge";
        Fault::new(StatusCode::NOT_FOUND, &what, why, right)
    })?;
    let wrong = |why: String| {
        let right =
            "a JSON object with reason, minutes or until (shelve), work_order (out-of-service), who (if need be)";
        Fault::new(StatusCode::UNPROCESSABLE_ENTITY, &what, why, right)
    };
    let said: Said = match &body[..] {
        [] => Said::default(),
        body => serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?,
    };
    let order = order(key, action, &bearer.name, said, clock::unix_ms()).map_err(wrong)?;
    let who = order.who.clone();
    let (reply, ordered) = oneshot::channel();
    let gone = || Fault::unavailable(&what, "the worker is stopping");
    let work = served.work.upgrade().ok_or_else(gone)?;
    let asked = async {
        work.send(Work::Order(order, reply)).await.ok()?;
        drop(work);
        ordered.await.ok()
    };
    let late = |_| {
        Fault::unavailable(
            &what,
            format!("the database did not take it within {} s; it may still do so", PATIENCE.as_secs()),
        )
    };
    let ordered = timeout(PATIENCE, asked).await.map_err(late)?.ok_or_else(gone)?;
    let alarm = ordered.map_err(|refusal| Fault::refused(&what, &refusal))?;
    let state = alarm.as_ref().map_or(tankline_domain::alarm::State::Normal, |alarm| alarm.state).to_string();
    Ok(Json(Done { who, state, alarm }))
}

const fn needed(action: ActionName) -> Role {
    match action {
        ActionName::OutOfService | ActionName::ReturnToService => Role::Engineer,
        _ => Role::Operator,
    }
}

fn key(site: &str, source: &str, alarm: &str) -> Result<AlarmKey, String> {
    Ok(AlarmKey {
        site: site.parse().map_err(|error| format!("site: {error}"))?,
        source: source.parse().map_err(|error| format!("source: {error}"))?,
        kind: alarm.parse().map_err(|error| format!("alarm: {error}"))?,
    })
}

fn order(key: AlarmKey, action: ActionName, name: &str, said: Said, now: UnixMillis) -> Result<Order, String> {
    for (key, text) in [("who", &said.who), ("reason", &said.reason), ("work_order", &said.work_order)] {
        if text.as_ref().is_some_and(|text| text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control)) {
            return Err(format!("{key} must have at most {LONGEST_TEXT} characters, on one line"));
        }
    }
    let until = match (said.until, said.minutes) {
        (Some(_), Some(_)) => return Err("until and minutes are both given; one of them is enough".to_owned()),
        (Some(Until::Millis(millis)), None) => Some(UnixMillis::new(millis)),
        (Some(Until::Text(text)), None) => Some(moment(&text)?),
        (None, Some(minutes)) => Some(UnixMillis::new(now.get().saturating_add(i64::from(minutes) * 60_000))),
        (None, None) => None,
    };
    if until.is_some() && action != ActionName::Shelve {
        return Err(format!("{action} has no end; until and minutes belong to shelve"));
    }
    let action = match action {
        ActionName::Acknowledge => Action::Acknowledge,
        ActionName::Reset => Action::Reset,
        ActionName::Shelve => Action::Shelve(until.ok_or_else(|| "neither until nor minutes is given".to_owned())?),
        ActionName::Unshelve => Action::Unshelve,
        ActionName::OutOfService => Action::TakeOut,
        ActionName::ReturnToService => Action::PutBack,
    };
    let note = match action {
        // A work order says why; a reason beside it is kept with it.
        Action::TakeOut => {
            let order = said.work_order.filter(|order| !order.trim().is_empty());
            let order = order.ok_or_else(|| "no work_order is given".to_owned())?;
            said.reason.map_or(order.clone(), |reason| format!("{order}: {reason}"))
        }
        _ => said.reason.or(said.work_order).unwrap_or_default(),
    };
    let who = said.who.filter(|who| who != name).map_or(name.to_owned(), |who| format!("{name} ({who})"));
    Ok(Order { key, action, who, note })
}
