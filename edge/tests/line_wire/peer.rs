//! The other end of a pseudo-terminal: says what a test has it say to each request.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tankline_domain::register::{RegisterKind, RegisterRead, WireAddress};
use tankline_domain::site::{Framing, Port};
use tankline_edge::line::frame::with_crc;
use tankline_edge::line::master::Master;
use tankline_edge::line::port;
use tankline_runtime::clock;

/// A thread that wakes later than this did not keep the time of the line.
const TOLERANCE: Duration = Duration::from_millis(3);

/// How often a thread wakes that does nothing else, to see whether the machine lets it.
const BEAT: Duration = Duration::from_millis(1);

/// What is said after a request, in pieces, each so long after the one before.
pub type Said = Vec<(Duration, Vec<u8>)>;

/// Listens until it is dropped.
pub struct Peer {
    path: Port,
    is_over: Arc<AtomicBool>,
    was_late: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Peer {
    /// Answers each request, of which the first has the number 1.
    pub fn start(mut say: impl FnMut(u32, [u8; 8]) -> Said + Send + 'static) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let path = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let was_late = Arc::new(AtomicBool::new(false));
        let (over, late) = (is_over.clone(), was_late.clone());
        let serve = move || {
            let mut number = 0;
            while let Some(request) = hear(&ours, &over) {
                number += 1;
                for (pause, bytes) in say(number, request) {
                    let due = clock::now() + pause;
                    std::thread::sleep(pause);
                    late.fetch_or(due.elapsed() > TOLERANCE, Ordering::AcqRel);
                    rustix::io::write(&ours, &bytes).unwrap();
                }
            }
        };
        let (over, late) = (is_over.clone(), was_late.clone());
        let beat = move || {
            while !over.load(Ordering::Acquire) {
                let due = clock::now() + BEAT;
                std::thread::sleep(BEAT);
                late.fetch_or(due.elapsed() > TOLERANCE, Ordering::AcqRel);
            }
        };
        let threads = vec![std::thread::spawn(serve), std::thread::spawn(beat)];
        Self { path: Port::Serial(path.into()), is_over, was_late, threads }
    }

    /// Tells whether the machine was too busy for the time of a line, since the last look.
    pub fn was_late(&self) -> bool {
        self.was_late.swap(false, Ordering::AcqRel)
    }

    pub async fn master(&self) -> Master {
        let framing = Framing::default();
        Master::new(port::open(&self.path, &framing).await.unwrap(), framing)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            assert!(thread.join().is_ok() || std::thread::panicking());
        }
    }
}

/// Takes one request; `None` when it is over.
fn hear(ours: &OwnedFd, is_over: &AtomicBool) -> Option<[u8; 8]> {
    let (mut request, mut there) = ([0; 8], 0);
    let soon = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    while there < request.len() {
        if is_over.load(Ordering::Acquire) {
            return None;
        }
        let mut ends = [PollFd::new(ours, PollFlags::IN)];
        // Until the master opens its end, this one is hung up.
        if poll(&mut ends, Some(&soon)).unwrap() > 0 && ends[0].revents().contains(PollFlags::IN) {
            there += rustix::io::read(ours, &mut request[there..]).unwrap_or(0);
        } else {
            std::thread::yield_now();
        }
    }
    Some(request)
}

/// Reads so many registers from the one of the level on.
pub fn read(count: u16) -> RegisterRead {
    RegisterRead { kind: RegisterKind::Holding, start: WireAddress::new(49), count }
}

/// The reply of a unit with these registers.
pub fn reply(unit: u8, words: &[u16]) -> Vec<u8> {
    let mut bytes = vec![unit, 3, u8::try_from(words.len() * 2).unwrap()];
    bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    with_crc(bytes)
}

/// The true answer to a request: each register holds its own address.
pub fn answer(request: [u8; 8]) -> Vec<u8> {
    let [unit, _, start_high, start_low, _, count, ..] = request;
    let start = u16::from_be_bytes([start_high, start_low]);
    reply(unit, &(start..start + u16::from(count)).collect::<Vec<_>>())
}
