//! What the handlers of requests have at hand.

use std::path::PathBuf;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use rusqlite::Connection;
use tankline_domain::units::UnixMillis;
use tokio::sync::mpsc;

use super::fault::Fault;
use super::reports::Reporting;
use crate::access::{Bearer, Keeper, Role};
use crate::shared::Shared;
use crate::store::{self, Work};

/// What the handlers of requests have at hand.
#[derive(Debug, Clone)]
pub struct Served {
    /// What the tasks share.
    pub shared: Arc<Shared>,
    /// Whether there is a historian.
    pub has_historian: bool,
    /// When the first certificate for the broker ends.
    pub certificate_ends: Option<UnixMillis>,
    /// The operational database, to be read.
    pub database: PathBuf,
    /// To the writer of the database. It ends when all strong ones are gone, and a connection may outlive the server.
    pub work: mpsc::WeakSender<Work>,
    /// Lets in who has a token; absent when there are no tokens, and then reading is open and nothing else is.
    pub keeper: Option<Arc<Keeper>>,
    /// What reports are made of.
    pub reporting: Arc<Reporting>,
}

impl Served {
    /// Lets somebody read.
    ///
    /// # Errors
    /// [`Fault`] when there are tokens, and none that allows it came.
    pub fn may_read(&self, headers: &HeaderMap, what: &str) -> Result<(), Fault> {
        let Some(keeper) = &self.keeper else { return Ok(()) };
        keeper.admit(bearer_token(headers), Role::Viewer).map_err(|denied| Fault::denied(what, &denied))?;
        Ok(())
    }

    /// Tells who it is that wants to do something.
    ///
    /// # Errors
    /// [`Fault`] when no token that allows it came, or there are no tokens at all.
    pub fn may_act(&self, headers: &HeaderMap, needed: Role, what: &str) -> Result<Bearer, Fault> {
        let Some(keeper) = &self.keeper else {
            let right = "set http.tokens_file in the worker's configuration to a file with lines of `name role token`";
            return Err(Fault::new(StatusCode::FORBIDDEN, what, "this worker knows no tokens, so nobody may", right));
        };
        keeper.admit(bearer_token(headers), needed).map_err(|denied| Fault::denied(what, &denied))
    }

    /// Reads from the database, off the threads that serve.
    ///
    /// # Errors
    /// [`Fault`] when the database does not give it.
    pub async fn read<T: Send + 'static>(
        &self,
        what: &str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Fault> {
        let path = self.database.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let connection = store::open_read_only(&path).map_err(|error| error.to_string())?;
            read(&connection).map_err(|error| error.to_string())
        });
        let read = reading.await.unwrap_or_else(|error| Err(error.to_string()));
        read.map_err(|why| Fault::unavailable(what, format!("the database cannot be read: {why}")))
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
