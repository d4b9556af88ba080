//! A running agent takes a valid new configuration and refuses an invalid one.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tankline_domain::message::SequencedReading;
use tankline_edge::journal::{Entry, Journal, JournalConfig};

const DEADLINE: Duration = Duration::from_secs(30);

/// Answers every unit of a Modbus TCP server with the same values, and counts who was asked.
#[derive(Clone, Default)]
struct Gauges(Arc<Mutex<BTreeMap<u8, u64>>>);

impl Gauges {
    fn listen(&self) -> u16 {
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

    fn serve(&self, mut stream: TcpStream) {
        let mut request = [0; 12];
        while stream.read_exact(&mut request).is_ok() {
            let unit = request[6];
            *self.0.lock().unwrap().entry(unit).or_default() += 1;
            let mut reply = request[..4].to_vec();
            reply.extend([0, 9, unit, 3, 6, 0x0F, 0xA0, 0x03, 0xE8, 0x01, 0x45]);
            if stream.write_all(&reply).is_err() {
                return;
            }
        }
    }

    fn asked(&self, unit: u8) -> u64 {
        self.0.lock().unwrap().get(&unit).copied().unwrap_or(0)
    }

    /// Waits until a unit was asked this often more than now.
    fn wait_for_more(&self, unit: u8, more: u64) {
        let wanted = self.asked(unit) + more;
        let mut left = DEADLINE.as_millis() / 10;
        while self.asked(unit) < wanted {
            assert!(left > 0, "unit {unit} was asked {} times, not {wanted}", self.asked(unit));
            left -= 1;
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The agent as a process; ended when the test is.
struct Agent {
    child: Child,
    log: Receiver<String>,
}

impl Agent {
    fn start(config: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tankline-edge"))
            .args(["run", "--config"])
            .arg(config)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (lines, log) = sync_channel(10_000);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        Self { child, log }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn wait_for_line(&self, part: &str) {
        let mut seen = Vec::new();
        while !seen.last().is_some_and(|line: &String| line.contains(part)) {
            match self.log.recv_timeout(DEADLINE) {
                Ok(line) => seen.push(line),
                Err(_) => panic!("no line with {part:?}; the log is\n{}", seen.join("\n")),
            }
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a whole file at once, as an orderly editor does.
fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join("new"), text).unwrap();
    std::fs::rename(dir.join("new"), dir.join(name)).unwrap();
}

fn site(port: u16, gauges: &[(&str, u8)]) -> String {
    let mut text = format!(
        "site = \"demo\"\n[[product]]\nname = \"crude\"\ndensity_20c_kg_m3 = 860.0\n\
         [[line]]\nname = \"line-01\"\nedge = \"rtu-01\"\nport = \"tcp://127.0.0.1:{port}\"\n"
    );
    for (tank, unit) in gauges {
        text.push_str(&format!(
            "[[tank]]\nname = \"{tank}\"\nproduct = \"crude\"\n\
             [tank.geometry]\nshape = \"vertical-cylinder\"\ndiameter_m = 10.0\nheight_m = 12.0\n\
             [[gauge]]\ntank = \"{tank}\"\nline = \"line-01\"\nunit = {unit}\npoll_interval_ms = 100\n"
        ));
    }
    text
}

#[test]
fn a_valid_configuration_is_taken_while_running_and_an_invalid_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let gauges = Gauges::default();
    let port = gauges.listen();
    write(dir.path(), "site.toml", &site(port, &[("T-01", 1)]));
    let edge = "edge = \"rtu-01\"\nsite = \"site.toml\"\n[broker]\nurl = \"mqtt://127.0.0.1:1\"\n[journal]\ndir = \"journal\"\n";
    write(dir.path(), "edge.toml", edge);
    let mut agent = Agent::start(&dir.path().join("edge.toml"));
    gauges.wait_for_more(1, 3);

    write(dir.path(), "site.toml", &site(port, &[("T-01", 1), ("T-02", 2)]));
    agent.signal(Signal::HUP);
    gauges.wait_for_more(2, 3);

    write(dir.path(), "site.toml", &site(port, &[("T-01", 1), ("T-02", 1)]));
    agent.signal(Signal::HUP);
    agent.wait_for_line("is the unit of the gauge of T-01 on line-01 too");
    agent.wait_for_line("the old configuration stays");
    gauges.wait_for_more(1, 3);
    gauges.wait_for_more(2, 3);

    // Without a signal: the change of the file is noticed.
    write(dir.path(), "site.toml", &site(port, &[("T-01", 1), ("T-02", 2), ("T-03", 3)]));
    gauges.wait_for_more(3, 3);

    // Something for which all must start anew; what was read stays.
    write(dir.path(), "edge.toml", &format!("{edge}sync_interval_ms = 50\n"));
    agent.signal(Signal::HUP);
    agent.wait_for_line("starting anew with the new configuration");
    gauges.wait_for_more(3, 3);

    agent.signal(Signal::TERM);
    assert!(agent.child.wait().unwrap().success());
    let config = JournalConfig { dir: dir.path().join("journal"), max_bytes: 1 << 26, segment_bytes: 1 << 18 };
    let (mut journal, _) = Journal::open(config).unwrap();
    let contents = journal.contents();
    assert_eq!(contents.len(), 1, "one journal, for there was no power cut: {contents:?}");
    let (id, numbers) = contents.into_iter().next().unwrap();
    let entries = journal.fetch(id, 1, u64::MAX, usize::MAX).unwrap();
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), numbers.collect::<Vec<_>>());
    for (tank, unit) in [("T-01", 1), ("T-02", 2), ("T-03", 3)] {
        let of_tank = |entry: &&Entry| {
            let sequenced: SequencedReading = serde_json::from_slice(&entry.json).unwrap();
            sequenced.reading.tank.as_str() == tank
        };
        let journalled = entries.iter().filter(of_tank).count() as u64;
        let asked = gauges.asked(unit);
        // A reply that a busy machine makes late is asked for once more; each change of configuration may end a poll.
        assert!(asked <= 2 * journalled + 5, "{tank}: {asked} asked, {journalled} journalled");
        assert!(journalled >= 3, "{tank}: {journalled} journalled");
    }
}
