//! What is said to a client whose request is not done.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tankline_domain::alarm::Refusal;

use crate::access::Denied;

/// Why a request is not done. As JSON `{"what": …, "why": …, "right": …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    #[serde(skip)]
    status: StatusCode,
    /// What is not done.
    what: String,
    /// Why not.
    why: String,
    /// What would be right.
    right: String,
}

impl Fault {
    /// Makes one.
    #[must_use]
    pub fn new(status: StatusCode, what: impl Into<String>, why: impl Into<String>, right: impl Into<String>) -> Self {
        Self { status, what: what.into(), why: why.into(), right: right.into() }
    }

    /// Nobody may do that, or not this one.
    #[must_use]
    pub fn denied(what: &str, denied: &Denied) -> Self {
        let (status, right) = match denied {
            Denied::NoToken | Denied::Unknown => (
                StatusCode::UNAUTHORIZED,
                "send `Authorization: Bearer TOKEN` with a token of the file http.tokens_file",
            ),
            _ => (StatusCode::FORBIDDEN, "use a token of that role"),
        };
        Self::new(status, what, denied.to_string(), right)
    }

    /// An alarm does not allow it.
    #[must_use]
    pub fn refused(what: &str, refusal: &Refusal) -> Self {
        let (status, right) = match refusal {
            Refusal::Unknown { .. } => {
                (StatusCode::NOT_FOUND, "GET /api/v1/alarms lists the alarms that are not normal")
            }
            Refusal::State { .. } => (StatusCode::CONFLICT, "GET /api/v1/alarms tells how the alarm stands now"),
            Refusal::ShelfEnd { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "give `minutes`, or a later `until`"),
            _ => (StatusCode::UNPROCESSABLE_ENTITY, "give a `reason`, or a `work_order` where it goes out of service"),
        };
        Self::new(status, what, refusal.to_string(), right)
    }

    /// The worker cannot do it now.
    #[must_use]
    pub fn unavailable(what: &str, why: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, what, why, "try again; the log of the worker says more")
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let challenge = (self.status == StatusCode::UNAUTHORIZED).then_some([(header::WWW_AUTHENTICATE, "Bearer")]);
        (self.status, challenge, [(header::CACHE_CONTROL, "no-store")], Json(self)).into_response()
    }
}
