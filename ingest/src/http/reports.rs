//! Daily reports over HTTP.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Deserialize;
use tankline_domain::names::SiteName;
use tankline_domain::site::Site;
use tankline_runtime::clock;
use tokio::sync::Semaphore;

use super::fault::Fault;
use super::served::Served;
use crate::config::{Language, ReportConfig};
use crate::report::{Date, Day, collect, compose, csv, html, pdf, xlsx};
use crate::store;

const WHAT: &str = "the report is not written";
const RIGHT: &str = "date=2026-11-23, and as needed format=html, csv, xlsx or pdf, lang=en or zh, site=NAME";

/// What reports are made of.
#[derive(Debug)]
pub struct Reporting {
    sites: Vec<Site>,
    settings: ReportConfig,
    /// A report reads a whole day; one at a time leaves room for those who look at what is now.
    turn: Semaphore,
}

impl Reporting {
    /// Takes the sites and what reports go by.
    #[must_use]
    pub fn new(sites: Vec<Site>, settings: ReportConfig) -> Self {
        Self { sites, settings, turn: Semaphore::new(1) }
    }

    fn site(&self, asked: Option<&SiteName>) -> Result<&Site, String> {
        let mut meant = self.sites.iter().filter(|site| asked.is_none_or(|asked| site.name() == asked));
        match (meant.next(), meant.next()) {
            (Some(site), None) => Ok(site),
            (None, _) => Err("there is no such site".to_owned()),
            (Some(_), Some(_)) => Err("there are several sites, and site is not given".to_owned()),
        }
    }
}

/// Gives the routes.
pub fn routes() -> Router<Served> {
    Router::new().route("/api/v1/reports/day", get(day))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    date: String,
    #[serde(default)]
    format: Format,
    lang: Option<Lang>,
    site: Option<SiteName>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Html,
    Csv,
    Xlsx,
    Pdf,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Lang {
    En,
    Zh,
}

impl Format {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Pdf => "application/pdf",
        }
    }
}

async fn day(
    State(served): State<Served>,
    headers: HeaderMap,
    query: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Result<impl IntoResponse, Fault> {
    served.may_read(&headers, WHAT)?;
    let Query(asked) = query.map_err(|rejection| wrong(rejection.body_text()))?;
    let reporting = Arc::clone(&served.reporting);
    let date: Date = asked.date.parse().map_err(|error| wrong(format!("{error}")))?;
    reporting.site(asked.site.as_ref()).map_err(wrong)?;
    let turn = served.reporting.turn.acquire().await.map_err(|error| Fault::unavailable(WHAT, error.to_string()))?;
    let (path, format) = (served.database.clone(), asked.format);
    let written = tokio::task::spawn_blocking(move || {
        let failed = |error: &dyn std::error::Error| Fault::unavailable(WHAT, error.to_string());
        let site = reporting.site(asked.site.as_ref()).map_err(wrong)?;
        let now = clock::unix_ms();
        let day = Day::of(date, &reporting.settings, now).map_err(|error| wrong(error.to_string()))?;
        let mut connection = store::open_read_only(&path).map_err(|error| failed(&error))?;
        let found = collect(&mut connection, site, day, now).map_err(|error| failed(&error))?;
        let language = match asked.lang {
            None => reporting.settings.language,
            Some(Lang::En) => Language::En,
            Some(Lang::Zh) => Language::Zh,
        };
        let document = compose(&found, &reporting.settings, language);
        match format {
            Format::Html => Ok(html(&document).into_bytes()),
            Format::Csv => Ok(csv(&document).into_bytes()),
            Format::Xlsx => Ok(xlsx(&document)),
            Format::Pdf => pdf(&document, None).map_err(|error| {
                let right = "format=html, printed from a browser, or `tankline-ingest report day` with --font FILE";
                Fault::new(StatusCode::UNPROCESSABLE_ENTITY, WHAT, error.to_string(), right)
            }),
        }
    });
    let bytes = written.await.unwrap_or_else(|error| Err(Fault::unavailable(WHAT, error.to_string())))?;
    drop(turn);
    Ok(([(header::CONTENT_TYPE, format.content_type()), (header::CACHE_CONTROL, "no-store")], bytes))
}

fn wrong(why: String) -> Fault {
    Fault::new(StatusCode::UNPROCESSABLE_ENTITY, WHAT, why, RIGHT)
}
