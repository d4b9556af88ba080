//! A broker and the centre behind it, in one: takes readings, commits them, answers with what it has.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use tankline_domain::message::{Committed, EdgeHealth, EdgeState, JournalId, Readings};
use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::Reading;

use super::DEADLINE;

/// A reading's place: journal and number.
pub type Number = (JournalId, u64);

/// What the centre has.
#[derive(Default)]
pub struct Kept {
    /// What is committed.
    pub readings: BTreeMap<Number, Reading>,
    /// Readings that came under a number that another one has.
    pub twice: Vec<Number>,
    /// How often a reading came that was committed already.
    pub repeats: u64,
    /// What the edge last said of itself.
    pub state: Option<EdgeState>,
    pub health: Option<EdgeHealth>,
    /// Gaps that the edge ever told.
    pub gaps: BTreeMap<JournalId, RangeSet>,
    is_away: bool,
    connections: Vec<TcpStream>,
}

/// The centre.
#[derive(Clone)]
pub struct Centre {
    port: u16,
    kept: Arc<(Mutex<Kept>, Condvar)>,
}

impl Centre {
    /// Begins to listen.
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let centre = Self { port: listener.local_addr().unwrap().port(), kept: Arc::default() };
        let accepting = centre.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (centre, stream) = (accepting.clone(), stream.unwrap());
                let mut kept = centre.kept();
                if !kept.is_away {
                    kept.connections.push(stream.try_clone().unwrap());
                    drop(kept);
                    std::thread::spawn(move || centre.serve(stream));
                }
            }
        });
        centre
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Gives what it has.
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.0.lock().unwrap()
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        for connection in self.kept().connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Is there or not; when it goes its connections are cut.
    pub fn set_away(&self, is_away: bool) {
        self.kept().is_away = is_away;
        if is_away {
            self.cut();
        }
    }

    /// Waits until what it has is as wanted.
    #[track_caller]
    pub fn wait(&self, what: &str, is_so: impl Fn(&Kept) -> bool) {
        let (_kept, waited) = self.kept.1.wait_timeout_while(self.kept(), DEADLINE, |kept| !is_so(kept)).unwrap();
        assert!(!waited.timed_out(), "{what}");
    }

    fn serve(&self, stream: TcpStream) {
        // The edge went, or a test cut it off.
        let _ = self.talk(stream);
    }

    fn talk(&self, mut stream: TcpStream) -> io::Result<()> {
        loop {
            let (head, body) = packet(&mut stream)?;
            match head >> 4 {
                1 => stream.write_all(&[0x20, 2, 0, 0])?,
                8 => {
                    // Two filters, both at QoS 1.
                    stream.write_all(&[0x90, 4, body[0], body[1], 1, 1])?;
                    publish(&mut stream, "tankline/v1/s/centre/state", br#"{"state":"online","boot":"1"}"#)?;
                }
                3 => {
                    let end = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
                    let (topic, id, payload) = (&body[2..end], &body[end..end + 2], &body[end + 2..]);
                    assert_eq!(head >> 1 & 3, 1, "all is published at QoS 1");
                    stream.write_all(&[0x40, 2, id[0], id[1]])?;
                    for journal in self.take(topic, payload) {
                        let committed = serde_json::to_vec(&self.committed(journal)).unwrap();
                        publish(&mut stream, "tankline/v1/s/e/committed", &committed)?;
                    }
                }
                12 => stream.write_all(&[0xd0, 0])?,
                14 => return Ok(()),
                // What the edge acknowledges was sent at QoS 0.
                kind => panic!("a packet of kind {kind}"),
            }
        }
    }

    /// Takes a message; gives the journals of which it is to be said what is committed.
    fn take(&self, topic: &[u8], payload: &[u8]) -> Vec<JournalId> {
        let mut kept = self.kept();
        let journals = match topic {
            b"tankline/v1/s/e/readings" => {
                let Readings { journal, readings } = serde_json::from_slice(payload).unwrap();
                for sequenced in readings {
                    let number = (journal, sequenced.seq);
                    match kept.readings.insert(number, sequenced.reading.clone()) {
                        Some(known) if known != sequenced.reading => kept.twice.push(number),
                        Some(_) => kept.repeats += 1,
                        None => {}
                    }
                }
                vec![journal]
            }
            b"tankline/v1/s/e/state" => {
                let state: EdgeState = serde_json::from_slice(payload).unwrap();
                let journals = state.journals.clone();
                kept.state = Some(state);
                journals
            }
            b"tankline/v1/s/e/health" => {
                let health: EdgeHealth = serde_json::from_slice(payload).unwrap();
                for gap in &health.gaps {
                    kept.gaps.entry(gap.journal).or_default().extend(&gap.ranges);
                }
                kept.health = Some(health);
                Vec::new()
            }
            other => panic!("published on {}", String::from_utf8_lossy(other)),
        };
        self.kept.1.notify_all();
        journals
    }

    fn committed(&self, journal: JournalId) -> Committed {
        let kept = self.kept();
        let numbers = kept.readings.range((journal, 0)..=(journal, u64::MAX)).map(|((_, seq), _)| *seq);
        Committed { journal, ranges: numbers.collect() }
    }
}

fn packet(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut byte = || {
        let mut byte = [0];
        stream.read_exact(&mut byte).map(|()| byte[0])
    };
    let head = byte()?;
    let (mut length, mut shift) = (0, 0);
    loop {
        let next = byte()?;
        length |= usize::from(next & 0x7f) << shift;
        shift += 7;
        if next & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((head, body))
}

/// Publishes at QoS 0, which needs no acknowledgement.
fn publish(stream: &mut TcpStream, topic: &str, payload: &[u8]) -> io::Result<()> {
    let mut packet = vec![0x30];
    let mut length = 2 + topic.len() + payload.len();
    while length > 0x7f {
        packet.push(length as u8 & 0x7f | 0x80);
        length >>= 7;
    }
    packet.push(length as u8);
    packet.extend((topic.len() as u16).to_be_bytes());
    packet.extend(topic.as_bytes());
    packet.extend(payload);
    stream.write_all(&packet)
}
