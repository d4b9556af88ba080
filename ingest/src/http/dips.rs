//! Dips over HTTP: record, list, revoke.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use tankline_domain::names::{SiteName, TankName};
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;

use super::fault::Fault;
use super::served::Served;
use crate::access::Role;
use crate::dips::{self, Dip, GivenDip, Measures, RecordError, RevokeError, Statistics, Wanted};
use crate::local_time::GivenMoment;
use crate::stations::{DescribedTank, Stations};
use crate::store;

const RIGHT: &str = "a JSON object with tank, level_mm, and as they are known site, at (such as 2026-11-23T14:05+08:00), \
                     interface_mm, temperature_c, note, and who (if need be)";

/// Gives the routes.
pub fn routes() -> Router<Served> {
    Router::new().route("/api/v1/dips", get(list).post(record)).route("/api/v1/dips/{id}/revoke", post(revoke))
}

/// Dips of one tank, the oldest first, and how well its gauge agrees with them.
#[derive(Debug, Serialize)]
struct DipsOfTank {
    site: SiteName,
    tank: TankName,
    statistics: Statistics,
    dips: Vec<Dip>,
}

#[derive(Debug, Serialize)]
struct DipList {
    tanks: Vec<DipsOfTank>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    site: Option<SiteName>,
    tank: Option<TankName>,
    from: Option<String>,
    to: Option<String>,
}

async fn list(
    State(served): State<Served>,
    headers: HeaderMap,
    query: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Result<impl IntoResponse, Fault> {
    const WHAT: &str = "the dips are not listed";
    served.may_read(&headers, WHAT)?;
    let wrong = |why: String| {
        let right = "site and tank are names, from and to moments such as 2026-11-23T06:00Z; each may be left out";
        Fault::new(StatusCode::UNPROCESSABLE_ENTITY, WHAT, why, right)
    };
    let Query(asked) = query.map_err(|rejection| wrong(rejection.body_text()))?;
    let wanted = Wanted {
        site: asked.site,
        tank: asked.tank,
        from: asked.from.map(|text| moment(&text)).transpose().map_err(wrong)?,
        to: asked.to.map(|text| moment(&text)).transpose().map_err(wrong)?,
    };
    let stations = Arc::clone(&served.shared.stations);
    let listing = move |connection: &Connection| {
        let mut found = dips::list(connection, &wanted)?;
        stations.tanks().try_for_each(|(_, tank)| dips::complete(connection, tank, &mut found))?;
        Ok(found)
    };
    let mut found = served.read(WHAT, listing).await?;
    found.sort_by(|a, b| (&a.site, &a.tank).cmp(&(&b.site, &b.tank)));
    let tanks = found.chunk_by(|a, b| (&a.site, &a.tank) == (&b.site, &b.tank)).map(|dips| DipsOfTank {
        site: dips[0].site.clone(),
        tank: dips[0].tank.clone(),
        statistics: Statistics::of(dips),
        dips: dips.to_vec(),
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(DipList { tanks: tanks.collect() })))
}

fn moment(text: &str) -> Result<UnixMillis, String> {
    text.parse::<GivenMoment>().map(|given| given.0).map_err(|error| error.to_string())
}

/// A dip as a client gives it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    site: Option<SiteName>,
    tank: TankName,
    at: Option<String>,
    level_mm: f64,
    interface_mm: Option<f64>,
    temperature_c: Option<f64>,
    who: Option<String>,
    note: Option<String>,
}

async fn record(State(served): State<Served>, headers: HeaderMap, body: Bytes) -> Result<impl IntoResponse, Fault> {
    const WHAT: &str = "the dip is not recorded";
    let bearer = served.may_act(&headers, Role::Operator, WHAT)?;
    let wrong = |why: String| Fault::new(StatusCode::UNPROCESSABLE_ENTITY, WHAT, why, RIGHT);
    let posted: Posted = serde_json::from_slice(&body).map_err(|error| wrong(error.to_string()))?;
    let now = clock::unix_ms();
    let at = posted.at.as_deref().map(moment).transpose().map_err(wrong)?.unwrap_or(now);
    let measures =
        Measures { level_mm: posted.level_mm, interface_mm: posted.interface_mm, temperature_c: posted.temperature_c };
    let given = GivenDip { at, measures, by: called(&bearer.name, posted.who), note: posted.note };
    let tank = the_tank(&served.shared.stations, &posted.tank, posted.site.as_ref()).map_err(wrong)?.clone();
    let path = served.database.clone();
    let recorded = tokio::task::spawn_blocking(move || {
        let connection = store::open(&path).map_err(|error| Fault::unavailable(WHAT, error.to_string()))?;
        dips::record(&connection, &tank, &given, now).map_err(|error| match error {
            RecordError::Dip(error) => Fault::new(StatusCode::UNPROCESSABLE_ENTITY, WHAT, error.to_string(), RIGHT),
            RecordError::Database(error) => Fault::unavailable(WHAT, error.to_string()),
        })
    });
    let dip = recorded.await.unwrap_or_else(|error| Err(Fault::unavailable(WHAT, error.to_string())))?;
    Ok((StatusCode::CREATED, Json(dip)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoked {
    who: Option<String>,
}

async fn revoke(
    State(served): State<Served>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Dip>, Fault> {
    const WHAT: &str = "the dip is not revoked";
    let bearer = served.may_act(&headers, Role::Operator, WHAT)?;
    let said: Revoked = match &body[..] {
        [] => Revoked::default(),
        body => serde_json::from_slice(body).map_err(|error| {
            Fault::new(StatusCode::UNPROCESSABLE_ENTITY, WHAT, error.to_string(), "a JSON object with who, or nothing")
        })?,
    };
    let (path, by) = (served.database.clone(), called(&bearer.name, said.who));
    let revoked = tokio::task::spawn_blocking(move || {
        let connection = store::open(&path).map_err(|error| Fault::unavailable(WHAT, error.to_string()))?;
        dips::revoke(&connection, id, &by, clock::unix_ms()).map_err(|error| {
            let status = match error {
                RevokeError::Unknown { .. } => StatusCode::NOT_FOUND,
                RevokeError::Before { .. } => StatusCode::CONFLICT,
                RevokeError::Database(_) => return Fault::unavailable(WHAT, error.to_string()),
            };
            Fault::new(status, WHAT, error.to_string(), "GET /api/v1/dips lists the dips with their numbers")
        })
    });
    revoked.await.unwrap_or_else(|error| Err(Fault::unavailable(WHAT, error.to_string()))).map(Json)
}

/// Gives the name of a token, and whom it stood for where that is said.
fn called(name: &str, who: Option<String>) -> String {
    who.filter(|who| who != name).map_or_else(|| name.to_owned(), |who| format!("{name} ({who})"))
}

fn the_tank<'s>(stations: &'s Stations, tank: &TankName, site: Option<&SiteName>) -> Result<&'s DescribedTank, String> {
    let is_meant = |one: &&DescribedTank| one.tank.name == *tank && site.is_none_or(|site| one.site == *site);
    let mut found = stations.tanks().map(|(_, one)| one).filter(is_meant);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(format!("there is no tank {tank}{}", site.map_or_else(String::new, |it| format!(" in {it}")))),
        (Some(_), Some(_)) => Err(format!("several sites have a tank {tank}, and site is not given")),
    }
}
