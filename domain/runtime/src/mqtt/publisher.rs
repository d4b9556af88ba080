//! Handing messages over to the connection that stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rumqttc::{AsyncClient, QoS};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Outgoing, Qos};

/// How long a full connection may keep a publisher waiting.
const PATIENCE: Duration = Duration::from_secs(10);

/// Publishes over whatever connection stands at the time.
#[derive(Debug, Clone)]
pub struct Publisher {
    line: Arc<watch::Sender<Option<Line>>>,
}

/// The message was not handed over: no connection stands, or it took nothing for 10 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not connected to the broker")]
pub struct NotConnected;

/// The sending end of one connection.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) client: AsyncClient,
    pub(super) unsettled: Unsettled,
}

/// Counts what was handed to a connection and is neither sent (QoS 0) nor acknowledged (QoS 1).
#[derive(Debug, Clone, Default)]
pub(super) struct Unsettled {
    count: Arc<AtomicUsize>,
    changed: Arc<tokio::sync::Notify>,
}

impl Publisher {
    pub(super) fn new() -> Self {
        Self { line: Arc::new(watch::Sender::new(None)) }
    }

    /// Hands a message to the connection; waits at most 10 s while the connection is full.
    ///
    /// `Ok` promises nothing about its arrival.
    ///
    /// # Errors
    /// [`NotConnected`], at once when no connection stands.
    pub async fn publish(&self, message: Outgoing) -> Result<(), NotConnected> {
        let mut changes = self.line.subscribe();
        let line = changes.borrow_and_update().clone().ok_or(NotConnected)?;
        let handed = line.unsettled.begin();
        let given = line.client.publish(message.topic, message.qos.into(), message.retain, message.payload);
        tokio::select! {
            biased;
            given = timeout(PATIENCE, given) => match given {
                Ok(Ok(())) => {
                    handed.keep();
                    Ok(())
                }
                Ok(Err(_)) | Err(_) => Err(NotConnected),
            },
            _ = changes.changed() => Err(NotConnected),
        }
    }

    /// Tells whether a connection stands.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.line.borrow().is_some()
    }

    pub(super) fn connected(&self, line: Line) {
        self.line.send_replace(Some(line));
    }

    pub(super) fn disconnected(&self) {
        self.line.send_replace(None);
    }
}

impl Unsettled {
    fn begin(&self) -> Handed<'_> {
        self.count.fetch_add(1, Ordering::SeqCst);
        Handed(Some(self))
    }

    /// Notes that one message is sent or acknowledged.
    pub(super) fn settle(&self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
        self.changed.notify_one();
    }

    /// Waits until everything is settled.
    pub(super) async fn all_settled(&self) {
        while self.count.load(Ordering::SeqCst) > 0 {
            self.changed.notified().await;
        }
    }
}

/// A message on its way into the connection; taken back when it does not get there.
struct Handed<'u>(Option<&'u Unsettled>);

impl Handed<'_> {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Handed<'_> {
    fn drop(&mut self) {
        if let Some(unsettled) = self.0 {
            unsettled.settle();
        }
    }
}

impl From<Qos> for QoS {
    fn from(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce => Self::AtMostOnce,
            Qos::AtLeastOnce => Self::AtLeastOnce,
        }
    }
}
