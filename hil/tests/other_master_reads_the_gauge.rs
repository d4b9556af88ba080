//! Masters that share no code with the gauges read them.

mod bench_line;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bench_line::{PUBLISHED, SITE, WINTER, start, start_with};
use tankline_domain::profile::ProfileBlock;
use tankline_runtime::clock;
use tokio_modbus::prelude::*;
use tokio_serial::SerialStream;

#[tokio::test]
async fn tokio_modbus_reads_both_units() {
    let bench = start();
    let settings = tokio_serial::new(bench.line.path().to_str().unwrap(), 9600);
    let port = SerialStream::open(&settings).unwrap();
    let mut client = rtu::attach_slave(port, Slave(1));
    for (unit, values) in [(1, PUBLISHED), (2, WINTER), (1, PUBLISHED)] {
        client.set_slave(Slave(unit));
        let read = tokio::time::timeout(Duration::from_secs(10), client.read_holding_registers(49, 3)).await;
        let words = read.unwrap().unwrap().unwrap();
        assert_eq!(words, [values.level_mm, values.interface_mm, values.temperature_tenths.cast_unsigned()]);
    }
    let refused = client.read_input_registers(60, 10).await.unwrap();
    assert_eq!(refused, Err(ExceptionCode::IllegalDataAddress));
}

#[tokio::test]
async fn tokio_modbus_reads_the_profile_and_finds_the_interface_in_it() {
    let bench = start_with(Some(ProfileBlock::default()));
    let settings = tokio_serial::new(bench.line.path().to_str().unwrap(), 9600);
    let mut client = rtu::attach_slave(SerialStream::open(&settings).unwrap(), Slave(1));
    let read = tokio::time::timeout(Duration::from_secs(10), client.read_holding_registers(199, 124)).await;
    let words = read.unwrap().unwrap().unwrap();
    let (heading, points) = words.split_at(8);
    assert_eq!((heading[0], &heading[2..5], heading[5..7].to_vec()), (2, &[52, heading[3], 0][..], vec![64, 8]));
    let interface_in = |points: &[u16], first_mm: u16, spacing_mm: u16| {
        let jump = points.windows(2).position(|pair| pair[1] > pair[0].saturating_add(10_000)).unwrap();
        let from_mm = first_mm + spacing_mm * u16::try_from(jump).unwrap();
        assert!((from_mm..=from_mm + spacing_mm).contains(&PUBLISHED.interface_mm), "{from_mm}");
    };
    interface_in(&points[..52], 0, heading[3]);
    interface_in(&points[52..], heading[7], heading[6]);
    let published = client.read_holding_registers(49, 1).await.unwrap().unwrap();
    assert_eq!(published, [PUBLISHED.level_mm]);
}

/// Ends the process when a test ends, however it ends.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs socat and mbpoll"]
fn mbpoll_reads_the_gauges_at_the_far_end_of_a_wire() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("site.toml"), SITE).unwrap();
    let ends = ["adapter", "rtu"].map(|end| format!("pty,raw,echo=0,link={}", path(end).display()));
    let _wire = Ending(Command::new("socat").args(ends).spawn().unwrap());
    wait_until(|| path("adapter").exists() && path("rtu").exists());
    let mut gauges = Command::new(env!("CARGO_BIN_EXE_tankline-hil"));
    gauges.arg("gauges").args(["--set", "T-01=9641/6367/32.5"]).stdout(Stdio::null());
    gauges.arg("--site").arg(path("site.toml")).arg("--port").arg(path("adapter"));
    let _gauges = Ending(gauges.arg("--control").arg(path("bench.sock")).spawn().unwrap());
    wait_until(|| path("bench.sock").exists());

    let read = || {
        let mut mbpoll = Command::new("mbpoll");
        mbpoll.args(["-m", "rtu", "-b", "9600", "-P", "none", "-a", "1", "-r", "50", "-c", "3", "-1"]).arg(path("rtu"));
        let output = mbpoll.output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    let said = read();
    assert!(said.contains("[50]: \t9641\n[51]: \t6367\n[52]: \t325"), "{said}");
    // Any program that speaks to a unix socket can steer it.
    let mut socat = Command::new("socat");
    socat.arg("-").arg(format!("UNIX-CONNECT:{}", path("bench.sock").display()));
    let mut socat = Ending(socat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    socat.0.stdin.take().unwrap().write_all(b"fault T-01 exception=6\n").unwrap();
    let mut answer = String::new();
    socat.0.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "ok\n");
    let said = read();
    assert!(said.contains("Slave device or server is busy"), "{said}");
}

fn wait_until(is_so: impl Fn() -> bool) {
    let end = clock::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(clock::now() < end, "it does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
#[ignore = "needs mbpoll"]
fn mbpoll_reads_the_gauges_of_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let (site, links) = (folder.path().join("site.toml"), folder.path().join("ports"));
    std::fs::write(&site, SITE).unwrap();
    let mut gauges = Ending(
        Command::new(env!("CARGO_BIN_EXE_tankline-hil"))
            .arg("gauges")
            .args([PathBuf::from("--site"), site, PathBuf::from("--link-dir"), links.clone()])
            .args(["--set", "T-01=9641/6367/32.5", "--set", "T-02=1200/300/-4.2"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut output = BufReader::new(gauges.0.stdout.take().unwrap());
    let said: Vec<_> =
        output.by_ref().lines().map(Result::unwrap).take_while(|line| !line.starts_with("Ctrl-C")).collect();
    let said = said.join("\n");
    let link = links.join("line-01");
    assert!(said.contains(&format!("mbpoll -m rtu -b 9600 -P none -a 1 -r 50 -c 3 -1 {}", link.display())), "{said}");

    for (unit, expected) in [("1", ["9641", "6367", "325"]), ("2", ["1200", "300", "65494 (-42)"])] {
        let mbpoll = Command::new("mbpoll")
            .args(["-m", "rtu", "-b", "9600", "-P", "none", "-a", unit, "-r", "50", "-c", "3", "-1"])
            .arg(&link)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&mbpoll.stdout);
        assert!(mbpoll.status.success(), "{text}{}", String::from_utf8_lossy(&mbpoll.stderr));
        for (register, value) in (50..).zip(expected) {
            let found = text.lines().find_map(|line| line.strip_prefix(&format!("[{register}]:"))).map(str::trim);
            assert_eq!(found, Some(value), "{text}");
        }
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&gauges.0), rustix::process::Signal::INT).unwrap();
    let mut summary = String::new();
    output.read_to_string(&mut summary).unwrap();
    assert!(summary.contains("line-01: 2 requests, 2 replies, 0 crc errors"), "{summary}");
    assert_eq!(gauges.0.wait().unwrap().code(), Some(0));
    assert!(!link.is_symlink());
}
