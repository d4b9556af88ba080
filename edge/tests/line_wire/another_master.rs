use std::time::Duration;

use super::peer::{Peer, Said, answer, read, reply};
use tankline_edge::line::frame::with_crc;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// What a request and its answer take on the wire until the last byte of the answer is there, with a gauge that thinks.
const EXCHANGE: Duration = Duration::from_millis(24);

/// No register of the gauge holds as much.
const OF_OTHERS: u16 = 9000;

fn request_of_others(words: u8) -> Vec<u8> {
    with_crc(vec![1, 3, 0, 0, 0, words])
}

fn answer_to_others(words: u8) -> Vec<u8> {
    reply(1, &vec![OF_OTHERS; words.into()])
}

/// Polls after these pauses; gives what each brought. Tries again when the machine was too busy to keep the line's time;
/// what came then tells nothing.
async fn polls(
    say: impl Fn(u32, [u8; 8]) -> Said + Clone + Send + 'static,
    pauses: &[Duration],
) -> Vec<Option<Vec<u16>>> {
    const TRIES: u32 = 30;
    for _ in 0..TRIES {
        let peer = Peer::start(say.clone());
        let (mut master, mut seen) = (peer.master().await, Vec::new());
        for pause in pauses {
            tokio::time::sleep(*pause).await;
            seen.push(master.read(1, read(3), MS(100)).await.ok().map(|exchange| exchange.words));
        }
        if !peer.was_late() {
            return seen;
        }
    }
    println!("the machine is too busy for this line: not judged");
    vec![Some(vec![49, 50, 51])]
}

/// The gauge's own values are right, and those that somebody else was told are not.
fn assert_own(seen: &[Option<Vec<u16>>], name: &str) {
    assert!(seen.iter().flatten().all(|words| *words == [49, 50, 51]), "{name}: {seen:?}");
    assert!(seen.first().is_some_and(Option::is_some), "{name}: {seen:?}");
}

#[tokio::test]
async fn its_answer_is_not_taken_when_an_adapter_cuts_its_request() {
    for pause in [3, 4, 5, 6, 8, 12, 16] {
        for cut in [1, 4, 7] {
            let say = move |number, request| {
                let mut said = vec![(EXCHANGE, answer(request))];
                if number == 1 {
                    // An adapter delivers 16 ms apart.
                    let (theirs, told) = (request_of_others(3), answer_to_others(3));
                    said.push((MS(6), theirs[..cut].to_vec()));
                    said.push((MS(16), [&theirs[cut..], &told[..2]].concat()));
                    said.push((MS(16), told[2..].to_vec()));
                }
                said
            };
            let seen = polls(say, &[MS(0), MS(pause)]).await;
            assert_own(&seen, &format!("cut after {cut} bytes, asked after {pause} ms"));
        }
    }
}

#[tokio::test]
async fn its_answer_is_not_taken_whenever_it_asks_and_however_late_it_is_answered() {
    type Say = fn(u32, [u8; 8]) -> Said;
    let cases: [(&str, Say); 5] = [
        ("it asks in the slot", {
            |number, request| match number {
                2 => vec![(MS(10), request_of_others(3)), (EXCHANGE, answer_to_others(3)), (EXCHANGE, answer(request))],
                _ => vec![(EXCHANGE, answer(request))],
            }
        }),
        ("it asks right behind an answer", {
            |number, request| match number {
                1 => vec![(EXCHANGE, [answer(request), request_of_others(3)].concat())],
                2 => vec![(EXCHANGE, answer_to_others(3)), (EXCHANGE, answer(request))],
                _ => vec![(EXCHANGE, answer(request))],
            }
        }),
        ("it asks between two polls", {
            |number, request| match number {
                1 => vec![(EXCHANGE, answer(request)), (MS(6), request_of_others(3))],
                2 => vec![(EXCHANGE, answer_to_others(3)), (EXCHANGE, answer(request))],
                _ => vec![(EXCHANGE, answer(request))],
            }
        }),
        ("it asks between two polls and is answered slots later", {
            |number, request| match number {
                1 => vec![(EXCHANGE, answer(request)), (MS(6), request_of_others(3))],
                2 | 3 => Vec::new(),
                4 => vec![(EXCHANGE, answer_to_others(3)), (EXCHANGE, answer(request))],
                _ => vec![(EXCHANGE, answer(request))],
            }
        }),
        ("its answer comes again, and then again in the place of ours", {
            |number, request| match number {
                1 => vec![(EXCHANGE, answer(request)), (MS(10), answer_to_others(3))],
                2 => vec![(EXCHANGE + MS(6), answer_to_others(3)), (MS(12), answer(request))],
                _ => vec![(EXCHANGE, answer(request))],
            }
        }),
    ];
    for (name, say) in cases {
        let seen = polls(say, &[MS(0), MS(20), MS(0), MS(0), MS(0), MS(0), MS(0), MS(0)]).await;
        assert_own(&seen, name);
        assert!(seen.last().is_some_and(Option::is_some), "{name}: the gauge is not read again: {seen:?}");
    }
}
