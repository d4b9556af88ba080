//! One connection, from CONNECT to its end.

use std::mem;
use std::time::Duration;

use rumqttc::{Event, EventLoop, Outgoing, Packet, Publish, SubAck, SubscribeReasonCode};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::publisher::Line;
use super::reason::{self, Moment};
use super::{Publisher, SessionEvent};

/// How many messages may come before the subscriptions are acknowledged.
const EARLY_MESSAGES: usize = 4096;

/// Polls one connection. `poll` is not safe to cancel, so this lives in a task of its own and waits for nothing else
/// while it polls.
pub(super) struct Connection {
    pub(super) eventloop: EventLoop,
    pub(super) line: Line,
    pub(super) publisher: Publisher,
    pub(super) subscriptions: Vec<String>,
    pub(super) events: mpsc::Sender<SessionEvent>,
    /// Told when the connection stands and is subscribed.
    pub(super) stands: Option<oneshot::Sender<()>>,
    /// How long something written may take to go out.
    pub(super) longest_silence: Duration,
    /// Cancelled when nobody listens to events any more.
    pub(super) unheard: CancellationToken,
    /// What came before the subscriptions were acknowledged.
    pub(super) early: Vec<SessionEvent>,
}

impl Connection {
    /// Polls until the connection ends: `Ok` after a DISCONNECT of ours, else why in words.
    pub(super) async fn poll_until_end(mut self) -> Result<(), String> {
        loop {
            match self.eventloop.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    // From here on the same figure bounds how long something written may take to go out.
                    let bound = self.longest_silence.as_secs();
                    self.eventloop.network_options.set_connection_timeout(bound);
                    if self.subscriptions.is_empty() {
                        self.stand().await;
                    }
                }
                Ok(Event::Incoming(Packet::SubAck(acknowledged))) => {
                    self.subscribed(&acknowledged)?;
                    self.stand().await;
                }
                Ok(Event::Incoming(Packet::Publish(publish))) => self.take(publish).await?,
                Ok(Event::Incoming(Packet::PubAck(_)) | Event::Outgoing(Outgoing::Publish(0))) => {
                    self.line.unsettled.settle();
                }
                Ok(Event::Outgoing(Outgoing::Disconnect)) => return Ok(()),
                Ok(_) => (),
                Err(error) => {
                    let moment = if self.stands.is_some() { Moment::Login } else { Moment::Session };
                    return Err(reason::of(&error, moment, &self.eventloop.mqtt_options));
                }
            }
        }
    }

    fn subscribed(&self, acknowledged: &SubAck) -> Result<(), String> {
        let answers = acknowledged.return_codes.iter().zip(&self.subscriptions);
        let refused: Vec<_> = answers
            .filter(|(code, _)| matches!(code, SubscribeReasonCode::Failure))
            .map(|(_, filter)| filter.as_str())
            .collect();
        if !refused.is_empty() {
            return Err(format!("the broker refused to subscribe this client to {}", refused.join(", ")));
        }
        if acknowledged.return_codes.len() < self.subscriptions.len() {
            return Err("the broker answered only some of the subscriptions".to_owned());
        }
        Ok(())
    }

    async fn stand(&mut self) {
        let Some(stands) = self.stands.take() else { return };
        self.publisher.connected(self.line.clone());
        // The driver is gone only when this task is about to be, too.
        let _ = stands.send(());
        self.tell(SessionEvent::Connected).await;
        for event in mem::take(&mut self.early) {
            self.tell(event).await;
        }
    }

    async fn take(&mut self, publish: Publish) -> Result<(), String> {
        let event = SessionEvent::Message { topic: publish.topic, payload: publish.payload };
        if self.stands.is_none() {
            self.tell(event).await;
        } else if self.early.len() < EARLY_MESSAGES {
            self.early.push(event);
        } else {
            return Err(format!(
                "the broker sent {EARLY_MESSAGES} messages and still did not acknowledge the subscriptions"
            ));
        }
        Ok(())
    }

    async fn tell(&mut self, event: SessionEvent) {
        tokio::select! {
            biased;
            () = self.unheard.cancelled() => (),
            // When the receiver was dropped, nobody wants to know.
            _ = self.events.send(event) => (),
        }
    }
}
