//! A client's line to rumqttd, in this process.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use rumqttd::local::{LinkRx, LinkTx};
use rumqttd::protocol::Packet;
use tokio::sync::Notify;

use super::book::{Book, Onward};
use super::intake::Intake;
use super::outlet::Outlet;
use super::room::Room;
use super::store::Store;
use crate::lock::hold;

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

/// What both ways of a line share.
pub(super) struct Line {
    link: Mutex<LinkTx>,
    pub(super) store: Arc<Store>,
    book: Mutex<Book>,
    /// Told when another retained message may be sent.
    pub(super) freed: Notify,
}

/// Makes the two ways of a line.
pub(super) fn line(
    link: (LinkTx, LinkRx),
    store: &Arc<Store>,
    room: Room,
    max_packet_bytes: usize,
) -> (Intake, Outlet) {
    let (book, store) = (Mutex::new(Book::new(room)), Arc::clone(store));
    let line = Arc::new(Line { link: Mutex::new(link.0), store, book, freed: Notify::new() });
    (Intake::new(Arc::clone(&line), max_packet_bytes), Outlet::new(line, link.1))
}

impl Line {
    /// Gives what client and broker owe each other.
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        hold(&self.book)
    }

    /// Tells how many packets rumqttd has yet to fetch.
    pub(super) fn waiting(&self) -> usize {
        self.link().buffer().len()
    }

    /// Gives packets to rumqttd, which is told of them unless it has yet to fetch others. Messages are kept at this moment.
    ///
    /// # Errors
    /// [`Ended::LetGo`] when rumqttd is gone.
    pub(super) fn push(&self, onward: Vec<Onward>) -> Result<(), Ended> {
        let packets = onward.into_iter().map(|onward| match onward {
            Onward::Packet(packet) => packet,
            Onward::Message(mut publish, message) => {
                publish.payload = self.store.keep(&message);
                publish.topic = message.topic;
                // rumqttd keeps none: it would send a part of them to who subscribes.
                publish.retain = false;
                Packet::Publish(publish, None)
            }
        });
        let mut packets: Vec<_> = packets.collect();
        let Some(last) = packets.pop() else { return Ok(()) };
        let mut link = self.link();
        {
            let mut waiting = link.buffer();
            let is_told = !waiting.is_empty();
            waiting.extend(packets);
            if is_told {
                waiting.push_back(last);
                return Ok(());
            }
        }
        send(&mut link, last)
    }

    fn link(&self) -> MutexGuard<'_, LinkTx> {
        hold(&self.link)
    }
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
pub(super) async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
