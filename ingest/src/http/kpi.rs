//! Figures of alarms over HTTP.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use tankline_domain::names::SiteName;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;

use super::fault::Fault;
use super::served::Served;
use crate::kpi::report_of;
use crate::local_time::UtcOffset;

const WHAT: &str = "the figures of the alarms are not given";

/// Longest span that is counted for a client, in milliseconds: 400 days.
const LONGEST_MS: i64 = 400 * 86_400_000;

/// Gives the routes.
pub fn routes() -> Router<Served> {
    Router::new().route("/api/v1/alarms/kpi", get(figures))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    site: Option<String>,
    from: Option<String>,
    to: Option<String>,
    utc_offset: Option<String>,
}

async fn figures(
    State(served): State<Served>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<impl IntoResponse, Fault> {
    served.may_read(&headers, WHAT)?;
    let Query(asked) = query.map_err(|rejection| wrong(&rejection.body_text()))?;
    let site: Option<SiteName> = asked.site.map(|site| site.parse()).transpose().map_err(|error| wrong(&error))?;
    let moment = |text: Option<String>| text.map(|text| text.parse::<UnixMillis>()).transpose();
    let from = moment(asked.from).map_err(|error| wrong(&error))?;
    let to = moment(asked.to).map_err(|error| wrong(&error))?.unwrap_or_else(clock::unix_ms);
    // A plus sign that was not encoded arrives as a space.
    let offset = asked.utc_offset.map(|text| text.replace(' ', "+").parse::<UtcOffset>()).transpose();
    let offset = offset.map_err(|error| wrong(&error))?.unwrap_or_default();
    if from.is_some_and(|from| from >= to || to.millis_since(from) > LONGEST_MS) {
        return Err(wrong(&"from must lie before to, by at most 400 days"));
    }
    let counted = served.read(WHAT, move |connection| report_of(connection, site.as_ref(), from, to, offset)).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(counted)))
}

fn wrong(why: &dyn std::fmt::Display) -> Fault {
    let right = "from and to are moments such as 2026-11-23T06:00Z, site a name, utc_offset such as +08:00; each may be \
                 left out";
    Fault::new(StatusCode::UNPROCESSABLE_ENTITY, WHAT, why.to_string(), right)
}
