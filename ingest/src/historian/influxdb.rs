//! InfluxDB 2, and whatever takes its writes, by the crate `influxdb2`. This file is all that knows of it.

use std::time::Duration;

use influxdb2::api::write::TimestampPrecision;
use influxdb2::{Client, ClientBuilder, RequestError};
use tankline_runtime::secret::Secret;
use tokio::time::timeout;

use super::{Refusal, Sink};
use crate::config::HistorianConfig;

/// How much of a server's words is kept.
const WORDS: usize = 500;

/// An InfluxDB.
#[derive(Debug)]
pub struct InfluxDb {
    client: Client,
    org: String,
    bucket: String,
    timeout: Duration,
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a client for the historian: {reason}")]
pub struct InfluxDbError {
    reason: String,
}

impl InfluxDb {
    /// Makes a client; nothing is connected yet.
    ///
    /// # Errors
    /// [`InfluxDbError`] when the system's part of it fails.
    pub fn new(config: &HistorianConfig) -> Result<Self, InfluxDbError> {
        let token = config.token.as_ref().map(Secret::expose).unwrap_or_default();
        let client = ClientBuilder::new(config.url.as_str(), &config.org, token)
            .build()
            .map_err(|error| InfluxDbError { reason: error.to_string() })?;
        Ok(Self { client, org: config.org.clone(), bucket: config.bucket.clone(), timeout: config.timeout })
    }
}

impl Sink for InfluxDb {
    async fn write(&self, lines: String) -> Result<(), Refusal> {
        let write = self.client.write_line_protocol_with_precision(
            &self.org,
            &self.bucket,
            lines,
            TimestampPrecision::Milliseconds,
        );
        match timeout(self.timeout, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(RequestError::Http { status, text })) => answer(status.as_u16(), &text),
            Ok(Err(error)) => Err(Refusal::Later(chain(&error))),
            Err(_) => Err(Refusal::Later(format!("no answer within {} ms", self.timeout.as_millis()))),
        }
    }
}

/// Judges an answer; the client reports every status but 204 as an error.
fn answer(status: u16, text: &str) -> Result<(), Refusal> {
    let words: String = text.trim().chars().take(WORDS).collect();
    let words = format!("status {status}: {words}");
    match status {
        200..=299 => Ok(()),
        400 | 422 => Err(Refusal::Lines(words)),
        413 => Err(Refusal::TooLarge(words)),
        408 | 429 | 500..=599 => Err(Refusal::Later(words)),
        _ => Err(Refusal::Denied(words)),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // The crate's own texts often contain those of their causes.
        let more = error.to_string();
        if !words.contains(&more) {
            words.push_str(": ");
            words.push_str(&more);
        }
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged_by_their_status() {
        for status in [200, 204] {
            assert_eq!(answer(status, ""), Ok(()));
        }
        for (statuses, refusal) in [
            (&[400, 422][..], Refusal::Lines as fn(String) -> Refusal),
            (&[413], Refusal::TooLarge),
            (&[301, 401, 403, 404, 405], Refusal::Denied),
            (&[408, 429, 500, 502, 503, 504], Refusal::Later),
        ] {
            for &status in statuses {
                assert_eq!(answer(status, " why\n"), Err(refusal(format!("status {status}: why"))));
            }
        }
    }
}
