//! HTTP for monitoring: `/metrics` and `/healthz`.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use tankline_runtime::clock;
use tokio::sync::watch;

use crate::health::Health;
use crate::inner::Access;
use crate::metrics::{self, Counters};
use crate::policy::Policy;

/// What is told of.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) counters: Arc<Counters>,
    pub(crate) policy: watch::Receiver<Arc<Policy>>,
    pub(crate) health: Arc<Health>,
    pub(crate) inner: Access,
}

/// Serves until it is dropped; gives why it ended.
pub(crate) async fn serve(listener: TcpListener, served: Served) -> String {
    let routes = Router::new().route("/healthz", get(healthz)).route("/metrics", get(page)).with_state(served);
    let outcome = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => axum::serve(listener, routes).await,
        Err(error) => Err(error),
    };
    outcome.map_or_else(|error| format!("HTTP failed: {error}"), |()| "HTTP ended".to_owned())
}

/// Says which part is ill, with 503. When the inner broker breaks for good, the process ends.
async fn healthz(State(served): State<Served>) -> impl IntoResponse {
    let connections = served.counters.connected.load(Ordering::Relaxed);
    let reasons = served.health.reasons().await;
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({ "healthy": reasons.is_empty(), "reasons": reasons, "connections": connections });
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body))
}

async fn page(State(served): State<Served>) -> impl IntoResponse {
    let page = metrics::render(&served.counters, &served.policy.borrow(), &served.inner, clock::unix_ms());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page)
}
