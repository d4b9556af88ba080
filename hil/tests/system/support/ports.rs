use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that the system gives to outgoing connections, so that none of those takes a port whose owner is
/// away for a moment.
const FROM: u16 = 20_000;
const COUNT: u16 = 12_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// Finds a port of loopback on which nobody listens.
pub fn free_port() -> u16 {
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).expect("is below the count");
    for _ in 0..COUNT {
        let port = FROM + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port of {FROM} to {} is free", FROM + COUNT);
}
