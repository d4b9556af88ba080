use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use super::DEADLINE;

/// The level runs through so many values; then the interface is one higher.
const ROUND: u64 = 10_000;

/// The lowest level.
const LOWEST: u16 = 1000;

/// Gauges behind a Modbus TCP gateway. No two replies are the same.
#[derive(Clone, Default)]
pub struct Gauges(Arc<(Mutex<u64>, Condvar)>);

impl Gauges {
    /// Begins to answer; gives the port.
    pub fn listen(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let gauges = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (gauges, stream) = (gauges.clone(), stream.unwrap());
                std::thread::spawn(move || gauges.serve(stream));
            }
        });
        port
    }

    /// Tells whether some gauge gave this level and interface.
    pub fn gave(&self, (level_mm, interface_mm): (u16, u16)) -> bool {
        let level = u64::from(level_mm.wrapping_sub(LOWEST));
        level < ROUND && u64::from(interface_mm) * ROUND + level < self.replies()
    }

    /// Counts the replies that were given.
    pub fn replies(&self) -> u64 {
        *self.0.0.lock().unwrap()
    }

    /// Waits until so many replies were given.
    #[track_caller]
    pub fn wait_for(&self, replies: u64) {
        let (given, came) = &*self.0;
        let (_given, waited) =
            came.wait_timeout_while(given.lock().unwrap(), DEADLINE, |given| *given < replies).unwrap();
        assert!(!waited.timed_out(), "the gauges were not asked");
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut request = [0; 12];
        while stream.read_exact(&mut request).is_ok() {
            let (level, interface) = self.next();
            let mut reply = request[..4].to_vec();
            reply.extend([0, 9, request[6], 3, 6]);
            reply.extend(level.to_be_bytes());
            reply.extend(interface.to_be_bytes());
            reply.extend(325_u16.to_be_bytes());
            if stream.write_all(&reply).is_err() {
                return;
            }
        }
    }

    /// Gives a level and an interface that were never given together before.
    fn next(&self) -> (u16, u16) {
        let (given, came) = &*self.0;
        let mut given = given.lock().unwrap();
        let values = (LOWEST + (*given % ROUND) as u16, (*given / ROUND) as u16);
        *given += 1;
        came.notify_all();
        values
    }
}
