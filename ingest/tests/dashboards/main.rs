//! The dashboards of `deploy/grafana` against servers that the pipeline has filled.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod downsampled;
mod files;
mod filled;
mod influxd;
mod influxql;
mod promql;
#[path = "../station/mod.rs"]
mod station;
mod web;
