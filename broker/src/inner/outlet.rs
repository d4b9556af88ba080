//! The way from rumqttd to a client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rumqttd::Notification;
use rumqttd::local::LinkRx;
use rumqttd::protocol::v4::V4;
use rumqttd::protocol::{Packet, Protocol, Publish};
use tankline_runtime::clock;
use tokio::time::{sleep_until, timeout};

use super::INNER_TIMEOUT;
use super::book::Due;
use super::delivery::Next;
use super::link::{Ended, Line, at_once};
use super::wire::{Head, numbers, put_message};

/// Bytes that are gathered for a client before they are written.
const BATCH_BYTES: usize = 64 * 1024;
/// Bytes of retained messages that are gathered beside them.
const RETAINED_BYTES: usize = 16 * 1024;
/// Topics that are looked at for one client at once, and when others are.
const LOOKS: usize = 1000;
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The way from rumqttd.
pub(crate) struct Outlet {
    line: Arc<Line>,
    link: LinkRx,
    /// rumqttd waits to be told that it may send more.
    is_awaited: bool,
    scratch: BytesMut,
    /// When more topics may be looked at for retained messages.
    look_at: Option<Instant>,
}

impl Outlet {
    pub(super) fn new(line: Arc<Line>, link: LinkRx) -> Self {
        Self { line, link, is_awaited: false, scratch: BytesMut::new(), look_at: None }
    }

    /// Waits for packets, and appends them. May be dropped at any time.
    ///
    /// # Errors
    /// [`Ended`] when there will be no more.
    pub(crate) async fn receive(&mut self, packets: &mut BytesMut) -> Result<(), Ended> {
        let began = packets.len();
        loop {
            if std::mem::take(&mut self.is_awaited) {
                self.link.ready().map_err(|_| Ended::LetGo)?;
            }
            while packets.len() - began < BATCH_BYTES {
                let Some(next) = at_once(self.link.next()).await else { break };
                self.append(next.map_err(|_| Ended::LetGo)?, packets)?;
            }
            self.append_retained(packets);
            self.settle()?;
            if packets.len() > began {
                return Ok(());
            }
            if self.is_awaited {
                continue;
            }
            let look_at = self.look_at;
            let next = tokio::select! {
                next = self.link.next() => Some(next),
                () = self.line.freed.notified() => None,
                () = sleep_until(look_at.unwrap_or_else(clock::now).into()), if look_at.is_some() => None,
            };
            if let Some(next) = next {
                self.append(next.map_err(|_| Ended::LetGo)?, packets)?;
            }
        }
    }

    /// Waits until rumqttd has forgotten the client; tells whether it has.
    pub(crate) async fn end(mut self) -> bool {
        let ended = async { while self.link.next().await.is_ok() {} };
        timeout(INNER_TIMEOUT, ended).await.is_ok()
    }

    fn append(&mut self, notification: Option<Notification>, packets: &mut BytesMut) -> Result<(), Ended> {
        let Some(notification) = notification else { return Ok(()) };
        let Some(packet): Option<Packet> = notification.into() else {
            self.is_awaited = true;
            return Ok(());
        };
        if let Packet::Publish(publish, _) = packet {
            return self.append_message(publish, packets);
        }
        let is_answer = matches!(packet, Packet::SubAck(..));
        V4.write(packet, packets).map_err(|_| Ended::LetGo)?;
        if is_answer {
            self.line.book().delivery.begin();
        }
        Ok(())
    }

    fn append_message(&mut self, mut publish: Publish, packets: &mut BytesMut) -> Result<(), Ended> {
        let (topic, token) = (std::mem::take(&mut publish.topic), std::mem::take(&mut publish.payload));
        let (payload, quality) = self.line.store.find(&token).ok_or(Ended::TooSlow)?;
        let (granted, packet_id) =
            numbers(Packet::Publish(publish, None), &mut self.scratch).map_err(|_| Ended::LetGo)?;
        // rumqttd sends all with the quality of the subscription. MQTT 3.1.1, 3.8.4: that of the message bounds it.
        let quality = quality.min(granted);
        if granted > 0 {
            self.line.book().note_sent(packet_id, quality);
        }
        put_message(packets, Head { quality, packet_id, is_retained: false }, &topic, &payload);
        Ok(())
    }

    fn append_retained(&mut self, packets: &mut BytesMut) {
        if self.look_at.is_some_and(|look_at| look_at > clock::now()) {
            return;
        }
        self.look_at = None;
        let (until, mut looks) = (packets.len() + RETAINED_BYTES, LOOKS);
        while packets.len() < until {
            match self.next_retained(&mut looks) {
                Next::Message { topic, payload, quality, packet_id } => {
                    put_message(packets, Head { quality, packet_id, is_retained: true }, &topic, &payload);
                }
                Next::Looking => {
                    self.look_at = Some(clock::now() + LOOK_EVERY);
                    return;
                }
                Next::Full | Next::Nothing => return,
            }
        }
    }

    fn next_retained(&self, looks: &mut usize) -> Next {
        let mut book = self.line.book();
        book.delivery.next(&self.line.store.retained(), looks)
    }

    /// Tells rumqttd of messages that went without a packet id to a client who would have acknowledged one.
    fn settle(&self) -> Result<(), Ended> {
        let mut due = Due::default();
        self.line.book().settle(&mut due);
        self.line.push(due.onward)
    }
}
