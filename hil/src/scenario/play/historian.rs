//! A stand-in for InfluxDB: it takes writes, remembers which readings came, and refuses when it is told to.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The largest write that is taken, in bytes.
const LARGEST_WRITE: usize = 32 << 20;

/// Takes writes until it is dropped.
#[derive(Debug)]
pub struct Historian {
    address: SocketAddr,
    store: Arc<Store>,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Store {
    /// Tags and time of each reading that came.
    readings: Mutex<HashSet<(String, i64)>>,
    refuses_with: Mutex<Option<u16>>,
}

impl Historian {
    /// Begins to listen on a free port of loopback.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, store) = (listener.local_addr()?, Arc::new(Store::default()));
        let limit = axum::extract::DefaultBodyLimit::max(LARGEST_WRITE);
        let routes = Router::new()
            .route("/api/v2/write", post(write))
            .route("/health", get(|| async { "{}" }))
            .layer(limit)
            .with_state(store.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "the historian's stand-in ended");
            }
        });
        Ok(Self { address, store, _tasks: tasks })
    }

    /// Gives where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers writes with this status from now on, or takes them.
    pub fn refuse(&self, status: Option<u16>) {
        *locked(&self.store.refuses_with) = status;
    }

    /// Tells whether a reading of a tank at a time in ms has come.
    #[must_use]
    pub fn has(&self, site: &str, tank: &str, at_ms: i64) -> bool {
        locked(&self.store.readings).contains(&(format!("tank,site={site},tank={tank}"), at_ms))
    }
}

async fn write(State(store): State<Arc<Store>>, lines: String) -> StatusCode {
    let refusal = *locked(&store.refuses_with);
    if let Some(status) = refusal.and_then(|status| StatusCode::from_u16(status).ok()) {
        return status;
    }
    locked(&store.readings).extend(lines.lines().filter_map(reading));
    StatusCode::NO_CONTENT
}

/// Takes measurement, tags and time of a line; `None` for what is no reading of a tank.
fn reading(line: &str) -> Option<(String, i64)> {
    let (series, rest) = line.split_once(' ')?;
    let at = rest.rsplit_once(' ')?.1.parse().ok()?;
    series.starts_with("tank,").then(|| (series.to_owned(), at))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_known_by_their_tags_and_time() {
        let line = r#"tank,site=s,tank=T-01 level_mm=9641,quality="good one" 1795400000123"#;
        assert_eq!(reading(line), Some(("tank,site=s,tank=T-01".to_owned(), 1_795_400_000_123)));
        assert_eq!(reading("edge,site=s,edge=e journal_depth=1i 5"), None);
        assert_eq!(reading(""), None);
    }
}
