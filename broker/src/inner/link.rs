//! A client's line to rumqttd, in this process.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::BytesMut;
use rumqttd::Notification;
use rumqttd::local::{LinkRx, LinkTx};
use rumqttd::protocol::v4::V4;
use rumqttd::protocol::{Disconnect, DisconnectReasonCode, Error, Packet, Protocol, Publish};
use tokio::time::{sleep, timeout};

use super::INNER_TIMEOUT;
use super::book::{Book, Due, Message, Onward};
use super::room::Room;
use super::store::Store;
use crate::gate::packet::length;

/// The flag of a PUBLISH that was sent before.
const DUPLICATE: u8 = 0x08;
/// Bytes that are gathered for a client before they are written.
const BATCH_BYTES: usize = 64 * 1024;
/// Packets of one client that may wait for rumqttd; then the client is read later.
const MAX_WAITING: usize = 400;
/// How long to wait for rumqttd when it has that many.
const PAUSE: Duration = Duration::from_millis(1);

/// Why a line has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// rumqttd has let the client go.
    LetGo,
    /// The client was too slow: what it was to be sent next is gone.
    TooSlow,
    /// The client began more messages of quality 2 than it may.
    TooMuch,
}

/// What has come of packets that were handed over.
#[derive(Debug)]
pub(crate) struct HandedOver {
    /// What the client is to be answered at once.
    pub(crate) answers: Vec<[u8; 4]>,
    /// Acknowledgements that nobody waited for.
    pub(crate) unasked: u32,
}

/// The way to rumqttd. Dropping it takes leave of it.
pub(crate) struct Intake {
    link: LinkTx,
    store: Arc<Store>,
    book: Arc<Mutex<Book>>,
    /// What was put in and not handed over.
    begun: BytesMut,
    max_packet_bytes: usize,
    /// The topic of the last message: many have the same.
    topic: bytes::Bytes,
    has_left: bool,
}

/// The way from rumqttd.
pub(crate) struct Outlet {
    link: LinkRx,
    store: Arc<Store>,
    book: Arc<Mutex<Book>>,
    /// rumqttd waits to be told that it may send more.
    is_awaited: bool,
}

/// Makes the two ways of a line.
pub(super) fn line(
    link: (LinkTx, LinkRx),
    store: &Arc<Store>,
    room: Room,
    max_packet_bytes: usize,
) -> (Intake, Outlet) {
    let book = Arc::new(Mutex::new(Book::new(room)));
    let intake = Intake {
        link: link.0,
        store: Arc::clone(store),
        book: Arc::clone(&book),
        begun: BytesMut::new(),
        max_packet_bytes,
        topic: bytes::Bytes::new(),
        has_left: false,
    };
    (intake, Outlet { link: link.1, store: Arc::clone(store), book, is_awaited: false })
}

impl Intake {
    /// Puts in bytes of packets, which need not be whole.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.begun.extend_from_slice(bytes);
    }

    /// Hands over all packets that are whole; gives what has come of them.
    ///
    /// # Errors
    /// [`Ended`] when the client has to go.
    pub(crate) async fn hand_over(&mut self) -> Result<HandedOver, Ended> {
        let mut due = Due::default();
        while !self.has_left {
            let quality = self.open_packet();
            let packet = match V4.read_mut(&mut self.begun, self.max_packet_bytes) {
                Ok(packet) => packet,
                Err(Error::InsufficientBytes(_)) => break,
                Err(_) => return Err(Ended::LetGo),
            };
            self.judge(packet, quality, &mut due)?;
        }
        while self.link.buffer().len() >= MAX_WAITING {
            sleep(PAUSE).await;
        }
        self.push(due.onward)?;
        Ok(HandedOver { answers: due.answers, unasked: due.unasked })
    }

    /// Takes leave, and has this packet published, if any: the will.
    pub(crate) fn leave(mut self, will: Option<&[u8]>) {
        if self.has_left {
            return;
        }
        let Some(will) = will else { return };
        // The packet that has begun ends here.
        self.begun = BytesMut::from(will);
        let quality = self.open_packet();
        let mut due = Due::default();
        if let Ok(packet) = V4.read_mut(&mut self.begun, usize::MAX)
            && self.judge(packet, quality, &mut due).is_ok()
        {
            // When rumqttd is gone there is nobody to hear it.
            let _ = self.push(due.onward);
        }
    }

    /// Tells whether the client has said that it leaves.
    pub(crate) const fn has_left(&self) -> bool {
        self.has_left
    }

    /// Looks at the next packet: quality of service and packet id of a message, which rumqttd does not show.
    fn open_packet(&mut self) -> Option<(u8, u16)> {
        let first = self.begun.first_mut()?;
        if *first >> 4 != 3 {
            return None;
        }
        // That a client sends it again is nothing to subscribers. MQTT 3.1.1, 3.3.1.1.
        *first &= !DUPLICATE;
        quality(&self.begun)
    }

    fn judge(&mut self, packet: Packet, quality: Option<(u8, u16)>, due: &mut Due) -> Result<(), Ended> {
        match packet {
            Packet::Publish(publish, _) => return self.judge_publish(publish, quality, due),
            Packet::Disconnect(..) => {
                self.has_left = true;
                due.onward.push(Onward::Packet(packet));
            }
            other => hold(&self.book).judge(other, due),
        }
        Ok(())
    }

    fn judge_publish(&mut self, mut publish: Publish, quality: Option<(u8, u16)>, due: &mut Due) -> Result<(), Ended> {
        let is_for_nobody = publish.topic.starts_with(b"$");
        if let Some((2, packet_id)) = quality {
            let message = (!is_for_nobody).then(|| self.message(&publish));
            return hold(&self.book).begin(packet_id, message, due);
        }
        if !is_for_nobody {
            let message = self.message(&publish);
            self.keep(&mut publish, message);
        }
        due.onward.push(Onward::Packet(Packet::Publish(publish, None)));
        Ok(())
    }

    /// Takes out of a packet what stays: slices of what was read would keep all of it in memory.
    fn message(&mut self, publish: &Publish) -> Message {
        if self.topic != publish.topic {
            self.topic = bytes::Bytes::copy_from_slice(&publish.topic);
        }
        let payload = bytes::Bytes::copy_from_slice(&publish.payload);
        Message { topic: self.topic.clone(), payload, is_retained: publish.retain }
    }

    /// Keeps a message, and puts what stands for it into the packet for rumqttd.
    fn keep(&self, publish: &mut Publish, message: Message) {
        let kept = self.store.keep(&message.topic, message.payload, message.is_retained);
        publish.topic = message.topic;
        publish.payload = kept.token;
        publish.retain = kept.is_retained;
    }

    /// Gives packets to rumqttd, which is told of them unless it has yet to fetch others.
    fn push(&mut self, onward: Vec<Onward>) -> Result<(), Ended> {
        let packets = onward.into_iter().map(|onward| match onward {
            Onward::Packet(packet) => packet,
            Onward::Message(message) => {
                let mut publish = Publish::new(bytes::Bytes::new(), bytes::Bytes::new(), false);
                self.keep(&mut publish, message);
                Packet::Publish(publish, None)
            }
        });
        let mut packets: Vec<_> = packets.collect();
        let Some(last) = packets.pop() else { return Ok(()) };
        {
            let mut waiting = self.link.buffer();
            let is_told = !waiting.is_empty();
            waiting.extend(packets);
            if is_told {
                waiting.push_back(last);
                return Ok(());
            }
        }
        send(&mut self.link, last)
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        if !self.has_left {
            let leave = Disconnect { reason_code: DisconnectReasonCode::NormalDisconnection };
            // When rumqttd is gone there is nobody to take leave of.
            let _ = self.push(vec![Onward::Packet(Packet::Disconnect(leave, None))]);
        }
    }
}

impl Outlet {
    /// Waits for packets, and appends them. May be dropped at any time.
    ///
    /// # Errors
    /// [`Ended`] when there will be no more.
    pub(crate) async fn receive(&mut self, packets: &mut BytesMut) -> Result<(), Ended> {
        if std::mem::take(&mut self.is_awaited) {
            self.link.ready().map_err(|_| Ended::LetGo)?;
        }
        let first = self.link.next().await.map_err(|_| Ended::LetGo)?;
        self.append(first, packets)?;
        while packets.len() < BATCH_BYTES {
            let Some(next) = at_once(self.link.next()).await else { break };
            self.append(next.map_err(|_| Ended::LetGo)?, packets)?;
        }
        Ok(())
    }

    /// Waits until rumqttd has forgotten the client; tells whether it has.
    pub(crate) async fn end(mut self) -> bool {
        let ended = async { while self.link.next().await.is_ok() {} };
        timeout(INNER_TIMEOUT, ended).await.is_ok()
    }

    fn append(&mut self, notification: Option<Notification>, packets: &mut BytesMut) -> Result<(), Ended> {
        let Some(notification) = notification else { return Ok(()) };
        let Some(mut packet): Option<Packet> = notification.into() else {
            self.is_awaited = true;
            return Ok(());
        };
        if let Packet::Publish(publish, _) = &mut packet {
            publish.payload = match self.store.find(&publish.payload) {
                Some(payload) => payload,
                // Another message took its place while it was on its way to who has just subscribed.
                None if publish.retain => self.store.retained(&publish.topic),
                None => return Err(Ended::TooSlow),
            };
        }
        let from = packets.len();
        V4.write(packet, packets).map_err(|_| Ended::LetGo)?;
        let written = &packets[from..];
        if written.first().is_some_and(|first| first >> 4 == 3)
            && let Some((quality @ 1.., packet_id)) = quality(written)
        {
            hold(&self.book).note_sent(packet_id, quality);
        }
        Ok(())
    }
}

/// Gives quality of service and packet id of a PUBLISH; `None` when it is not there as far as that.
fn quality(packet: &[u8]) -> Option<(u8, u16)> {
    let quality = (packet.first()? >> 1) & 3;
    if quality == 0 {
        return Some((0, 0));
    }
    let (header_bytes, _) = length(packet).ok()??;
    let (topic_bytes, rest) = packet.get(header_bytes..)?.split_first_chunk()?;
    let (packet_id, _) = rest.get(usize::from(u16::from_be_bytes(*topic_bytes))..)?.split_first_chunk()?;
    Some((quality, u16::from_be_bytes(*packet_id)))
}

/// Sends what never has to be waited for.
fn send(link: &mut LinkTx, packet: Packet) -> Result<(), Ended> {
    let sent = pin!(link.send(packet));
    match sent.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(_)) => Ok(()),
        Poll::Ready(Err(_)) | Poll::Pending => Err(Ended::LetGo),
    }
}

/// Gives what a future has to give without waiting.
async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

fn hold(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}
