//! HTTP for operators and monitoring.

use std::time::Duration;

use anyhow::Context;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tankline_runtime::clock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::fault::Fault;
use super::served::Served;
use super::{alarms, dips, health, kpi, reports, watched};
use crate::live::TankView;
use crate::metrics;

/// How long a client may go on with what it has begun when the worker stops.
const GRACE: Duration = Duration::from_secs(1);

/// All tanks, with the time at which this was said.
#[derive(Debug, Serialize)]
struct Tanks {
    now: String,
    now_ms: i64,
    tanks: Vec<TankView>,
}

/// Serves until stopped.
///
/// # Errors
/// The listener failed.
pub async fn serve(listener: std::net::TcpListener, served: Served, stop: CancellationToken) -> anyhow::Result<()> {
    let listener = TcpListener::from_std(listener).context("cannot serve HTTP")?;
    let routes = Router::new()
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics_page))
        .route("/api/v1/tanks", get(tanks))
        .merge(alarms::routes())
        .merge(dips::routes())
        .merge(reports::routes())
        .merge(kpi::routes())
        .merge(watched::routes())
        .with_state(served);
    let serving = axum::serve(listener, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        served = std::future::IntoFuture::into_future(serving) => served.context("HTTP failed"),
        () = async { stop.cancelled().await; tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

async fn healthz(State(served): State<Served>) -> impl IntoResponse {
    let health = health(&served.shared);
    let status = if health.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(health))
}

async fn metrics_page(State(served): State<Served>) -> impl IntoResponse {
    let page = metrics::render(&served.shared, clock::unix_ms(), served.has_historian, served.certificate_ends);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page)
}

async fn tanks(State(served): State<Served>, headers: HeaderMap) -> Result<impl IntoResponse, Fault> {
    served.may_read(&headers, "the tanks are not listed")?;
    let now = clock::unix_ms();
    // The uncertainties of many tanks take longer than intake should wait for.
    let computed = tokio::task::spawn_blocking(move || served.shared.tank_views_with_uncertainty(now)).await;
    let tanks = computed.map_err(|error| Fault::unavailable("the tanks are not listed", error.to_string()))?;
    let tanks = Tanks { now: now.to_string(), now_ms: now.get(), tanks };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(tanks)))
}
