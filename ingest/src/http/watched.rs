//! What the detectors know of the tanks: `/api/v1/watch`.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::fault::Fault;
use super::served::Served;
use crate::alarms::WatchedTank;

#[derive(Debug, Serialize)]
struct Watch {
    tanks: Vec<WatchedTank>,
}

pub(super) fn routes() -> Router<Served> {
    Router::new().route("/api/v1/watch", get(list))
}

async fn list(State(served): State<Served>, headers: HeaderMap) -> Result<impl IntoResponse, Fault> {
    served.may_read(&headers, "what is known of the tanks is not told")?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Watch { tanks: served.shared.watched() })))
}
