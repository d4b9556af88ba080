use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tankline_domain::site::Framing;
use tankline_edge::line::frame::with_crc;
use tankline_edge::line::master::Master;

use super::peer::{Peer, answer, read, reply};

const TIMEOUT: Duration = Duration::from_millis(60);
const AT_ONCE: Duration = Duration::ZERO;

/// Polls once; again when the machine was too busy to keep the line's time.
async fn words(peer: &Peer, master: &mut Master, count: u16) -> Option<Vec<u16>> {
    for _ in 0..100 {
        let exchange = master.read(1, read(count), TIMEOUT).await.ok();
        if exchange.is_some() || !peer.was_late() {
            return exchange.map(|exchange| exchange.words);
        }
    }
    None
}

/// Gives an answer that was taken though no wire can carry it so soon. On a busy machine one may come so late that it is in
/// time for a wire.
async fn words_too_early(master: &mut Master, count: u16) -> Option<Vec<u16>> {
    let on_wire = Framing::default().bytes(5 + 2 * usize::from(count));
    let taken = master.read(1, read(count), TIMEOUT).await.ok();
    taken.filter(|exchange| exchange.took < on_wire / 2).map(|exchange| exchange.words)
}

#[tokio::test]
async fn quick_slave_on_a_virtual_port_is_believed_from_its_first_answer_on() {
    for count in 1..=4 {
        // One that knows its registers only, and refuses what lies beyond.
        let peer = Peer::start(move |_, request| {
            let is_known = u16::from(request[5]) <= count;
            let said = if is_known { answer(request) } else { with_crc(vec![1, 0x83, 2]) };
            vec![(AT_ONCE, said)]
        });
        let mut master = peer.master().await;
        for poll in 0..3 {
            let expected: Vec<u16> = (49..49 + count).collect();
            assert_eq!(words(&peer, &mut master, count).await, Some(expected), "{count} registers, poll {poll}");
        }
    }
}

/// An adapter that hands over late what another master was answered: each time early in the slot, and each time the same.
/// The gauge itself is never heard.
#[tokio::test]
async fn answers_to_another_master_are_not_believed_however_often_they_come_early() {
    for count in 1..=4 {
        let peer = Peer::start(move |number, _| {
            let words: Vec<u16> = (0..count).map(|word| 9000 + word + u16::try_from(number).unwrap()).collect();
            vec![(AT_ONCE, reply(1, &words))]
        });
        let mut master = peer.master().await;
        for poll in 0..20 {
            assert_eq!(words_too_early(&mut master, count).await, None, "{count} registers, poll {poll}");
        }
    }
}

#[tokio::test]
async fn port_on_which_another_master_is_heard_is_a_wire_for_ever() {
    let mut request_of_others = vec![9, 3, 0, 0, 0, 1];
    request_of_others = with_crc(request_of_others);
    let is_over = Arc::new(AtomicBool::new(false));
    let over = is_over.clone();
    let peer = Peer::start(move |number, request| {
        let mut said = vec![(AT_ONCE, answer(request))];
        if number == 6 {
            said.push((Duration::from_millis(20), request_of_others.clone()));
        }
        over.store(number > 6, Ordering::Release);
        said
    });
    let mut master = peer.master().await;
    // Three answers prove that there is no wire, the fourth and what follows pass.
    for poll in 0..3 {
        assert_eq!(words(&peer, &mut master, 3).await, Some(vec![49, 50, 51]), "poll {poll}");
    }
    let mut polls = 0;
    while !is_over.load(Ordering::Acquire) || words_too_early(&mut master, 3).await.is_some() {
        master.read(1, read(3), TIMEOUT).await.ok();
        polls += 1;
        assert!(polls < 1000, "nobody hears the other master");
    }
    for poll in 0..10 {
        assert_eq!(words_too_early(&mut master, 3).await, None, "poll {poll}");
    }
}
