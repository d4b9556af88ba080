//! The gauges at a real serial port, through RTU over TCP and through Modbus TCP.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod bench_line;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use bench_line::{Bench, PUBLISHED, REPLY, REQUEST, WINTER, start_at};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::tcgetattr;
use tankline_hil::line::{Fault, FaultTarget, Place, Wire};
use tankline_hil::modbus::seal;
use tankline_runtime::clock;
use tokio_modbus::client::{Context, Reader, rtu, tcp};
use tokio_modbus::slave::{Slave, SlaveContext};

/// Long enough on a loaded machine; no test waits for it when all is well.
const DEADLINE: Duration = Duration::from_secs(60);

const ANYWHERE: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

fn address(bench: &Bench) -> SocketAddr {
    match bench.line.handle().place() {
        Place::RtuOverTcp(address) | Place::ModbusTcp(address) => *address,
        other => panic!("{other}"),
    }
}

fn connect(bench: &Bench) -> TcpStream {
    let client = TcpStream::connect(address(bench)).unwrap();
    client.set_nodelay(true).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client
}

fn read<const N: usize>(mut from: impl Read) -> [u8; N] {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).unwrap();
    bytes
}

/// Reads what comes until nothing has come for a while.
fn hear(mut from: &File, pause: Duration) -> Vec<u8> {
    let pause = Timespec { tv_sec: 0, tv_nsec: pause.subsec_nanos().into() };
    let mut heard = Vec::new();
    while poll(&mut [PollFd::new(&from, PollFlags::IN)], Some(&pause)).unwrap() > 0 {
        let mut buffer = [0; 64];
        let count = from.read(&mut buffer).unwrap();
        heard.extend(&buffer[..count]);
    }
    heard
}

fn faults(text: &str) -> Vec<Fault> {
    text.split(' ').map(|fault| fault.parse().unwrap()).collect()
}

/// The far end of a wire, and the port at its near end.
fn wire() -> (File, PathBuf) {
    let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&far).unwrap();
    unlockpt(&far).unwrap();
    let near = ptsname(&far, Vec::new()).unwrap().into_string().unwrap();
    (far.into(), near.into())
}

#[test]
fn gauges_answer_at_a_serial_port_that_is_there() {
    let (mut far, near) = wire();
    let bench = start_at(&Place::Port(near));
    let rate = tcgetattr(&far).unwrap();
    assert_eq!((rate.input_speed(), rate.output_speed()), (9600, 9600));
    for request in [REQUEST.to_vec(), seal(vec![2, 3, 0, 49, 0, 3]), REQUEST.to_vec()] {
        // As an adapter delivers it.
        far.write_all(&request[..3]).unwrap();
        far.write_all(&request[3..]).unwrap();
        let reply: [u8; 11] = read(&far);
        assert_eq!((reply[0], reply == REPLY), (request[0], request[0] == 1));
    }
    assert!(bench.line.set_faults(FaultTarget::Unit(1), faults("exception=6")));
    far.write_all(&REQUEST).unwrap();
    assert_eq!(read::<5>(&far).to_vec(), seal(vec![1, 0x83, 6]));
    assert_eq!(bench.line.stop().requests, 4);
    let served: Vec<_> = bench.served.take().iter().map(|reading| reading.values).collect();
    assert_eq!(served, [PUBLISHED, WINTER, PUBLISHED]);
}

#[test]
fn a_port_that_cannot_be_had_is_told_with_what_to_check() {
    let place = Place::Port("/dev/tty-none".into());
    let error =
        bench_line::try_start_at(&place).err().map(|error| format!("{:#}", anyhow::Error::from(error))).unwrap();
    assert!(error.contains("line-01") && error.contains("/dev/tty-none; is the adapter plugged in?"), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let place = Place::Port(file.path().to_owned());
    let error =
        bench_line::try_start_at(&place).err().map(|error| format!("{:#}", anyhow::Error::from(error))).unwrap();
    assert!(error.contains("it is not a serial port"), "{error}");
    let taken = start_at(&Place::ModbusTcp(ANYWHERE.into()));
    let error = bench_line::try_start_at(taken.line.handle().place()).err().unwrap();
    assert!(error.to_string().contains("line-01 cannot listen on 127.0.0.1:"), "{error}");
}

#[test]
fn a_port_that_goes_away_is_used_again_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let adapter = folder.path().join("ttyUSB0");
    let (far, near) = wire();
    std::os::unix::fs::symlink(near, &adapter).unwrap();
    let _bench = start_at(&Place::Port(adapter.clone()));
    drop(far);
    let (mut far, near) = wire();
    std::fs::remove_file(&adapter).unwrap();
    std::os::unix::fs::symlink(near, &adapter).unwrap();
    let end = clock::now() + DEADLINE;
    let mut heard = Vec::new();
    // Until it is opened raw, a terminal echoes what it gets.
    while !heard.ends_with(&REPLY) {
        assert!(clock::now() < end, "the port is not used again: {heard:02x?}");
        far.write_all(&REQUEST).unwrap();
        heard = hear(&far, Duration::from_millis(200));
    }
}

#[test]
fn rtu_over_tcp_is_as_slow_as_the_wire_behind_it() {
    let bench = start_at(&Place::RtuOverTcp(ANYWHERE.into()));
    let mut client = connect(&bench);
    for _ in 0..5 {
        let asked = clock::now();
        client.write_all(&REQUEST).unwrap();
        assert_eq!(read::<11>(&client), REPLY);
        let least = Wire::PUBLISHED.time(8 + 11) + Wire::PUBLISHED.silence();
        assert!(clock::now() - asked >= least);
    }
    // Who else is connected hears it too, as on any line.
    let witness = connect(&bench);
    let end = clock::now() + DEADLINE;
    witness.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    while (&witness).read_exact(&mut [0; 11]).is_err() {
        client.write_all(&REQUEST).unwrap();
        assert_eq!(read::<11>(&client), REPLY);
        assert!(clock::now() < end);
    }
    client.shutdown(Shutdown::Both).unwrap();
    let mut again = connect(&bench);
    again.write_all(&REQUEST).unwrap();
    assert_eq!(read::<11>(&again), REPLY);
}

#[test]
fn modbus_tcp_clients_are_answered_at_the_same_time() {
    let bench = start_at(&Place::ModbusTcp(ANYWHERE.into()));
    let clients: Vec<_> = (0..8u8).map(|number| (number, connect(&bench))).collect();
    for (number, mut client) in clients.iter().map(|(number, client)| (*number, client)) {
        client.write_all(&[number, 7, 0, 0, 0, 6, 1, 3, 0, 49, 0, 3]).unwrap();
    }
    for (number, client) in &clients {
        assert_eq!(read::<15>(client), [*number, 7, 0, 0, 0, 9, 1, 3, 6, 0x25, 0xA9, 0x18, 0xDF, 0x01, 0x45]);
    }
    assert!(bench.line.set_faults(FaultTarget::Unit(1), faults("hang-up")));
    let mut client = &clients[0].1;
    client.write_all(&[0, 8, 0, 0, 0, 6, 1, 3, 0, 49, 0, 3]).unwrap();
    assert_eq!(client.read(&mut [0; 16]).unwrap(), 0);
    assert_eq!(bench.line.counters().replies, 8);
}

#[test]
fn a_fault_that_cannot_be_had_at_a_place_is_refused_and_changes_nothing() {
    let (_far, near) = wire();
    for (place, fault, is_had) in [
        (Place::Pty, "echo", true),
        (Place::Pty, "hang-up", false),
        (Place::Port(near), "echo", false),
        (Place::RtuOverTcp(ANYWHERE.into()), "babble=50ms", true),
        (Place::ModbusTcp(ANYWHERE.into()), "crc", false),
        (Place::ModbusTcp(ANYWHERE.into()), "transaction", true),
        (Place::ModbusTcp(ANYWHERE.into()), "twin=follows", true),
        (Place::ModbusTcp(ANYWHERE.into()), "twin", false),
    ] {
        let bench = start_at(&place);
        let line = bench.line.handle();
        let unit = FaultTarget::Unit(1);
        line.set_faults(unit, faults("late=1ms")).unwrap();
        let outcome = line.set_faults(unit, faults(fault));
        assert_eq!(outcome.is_ok(), is_had, "{place} {fault}: {outcome:?}");
        assert_eq!(line.faults(unit), faults(if is_had { fault } else { "late=1ms" }));
        if let Err(error) = outcome {
            assert!(error.to_string().contains("it works "), "{error}");
        }
    }
}

async fn read_both(mut client: Context) {
    for (unit, values) in [(1, PUBLISHED), (2, WINTER), (1, PUBLISHED)] {
        client.set_slave(Slave(unit));
        let read = tokio::time::timeout(DEADLINE, client.read_holding_registers(49, 3)).await;
        let words = read.unwrap().unwrap().unwrap();
        assert_eq!(words, [values.level_mm, values.interface_mm, values.temperature_tenths.cast_unsigned()]);
    }
}

#[tokio::test]
async fn tokio_modbus_reads_both_units_through_tcp() {
    let bench = start_at(&Place::ModbusTcp(ANYWHERE.into()));
    read_both(tcp::connect(address(&bench)).await.unwrap()).await;
    let bench = start_at(&Place::RtuOverTcp(ANYWHERE.into()));
    let stream = tokio::net::TcpStream::connect(address(&bench)).await.unwrap();
    read_both(rtu::attach_slave(stream, Slave(1))).await;
}
