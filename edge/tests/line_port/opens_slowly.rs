use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tankline_domain::reading::{Bad, Quality};
use tankline_runtime::clock;

use super::log;
use super::watched::{Watched, config};

/// A listener whose queue is full: a further connection is neither taken nor refused.
fn overrun() -> (TcpListener, Vec<TcpStream>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
    let queued: Vec<TcpStream> = std::iter::from_fn(connect).take(10).collect();
    assert!(queued.len() < 10, "the queue is never full");
    (listener, queued)
}

#[tokio::test]
async fn gauges_tell_that_their_line_is_not_there_while_it_opens() {
    log::begin();
    let (listener, _queued) = overrun();
    let port = format!("tcp://{}", listener.local_addr().unwrap());
    let mut watched = Watched::start(config(&port, &[1, 2, 3]));
    // A connection is waited for five seconds, which are fifty polls of each gauge.
    let seen = watched.until(|| !log::with("cannot be opened").is_empty()).await;
    assert!(seen.iter().all(|reading| reading.quality == Quality::Bad(Bad::Line)), "{seen:?}");
    watched.assert_each_goes_on_telling(&seen, &[1, 2, 3]);
    watched.stop().await;
}

#[tokio::test]
async fn line_that_is_not_there_tells_no_more_than_the_wire_could_carry() {
    log::begin();
    let mut config = config("/dev/tankline-none", &[1, 2, 3]);
    config.gauges.iter_mut().for_each(|gauge| gauge.poll_interval = Duration::from_millis(10));
    let mut watched = Watched::start(config);
    watched.next().await;
    let began = clock::now();
    for _ in 0..30 {
        watched.next().await;
    }
    // Two silences and 15 bytes at 9600 bit/s.
    assert!(began.elapsed() > Duration::from_micros(22_900) * 29, "{:?}", began.elapsed());
    assert_eq!((watched.skipped(), log::with("cannot be opened").len()), (0, 1));
    watched.stop().await;
}
