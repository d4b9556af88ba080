//! A gauge that shares no code with ours is read into the history.

use std::process::Command;

use rustix::process::Signal;

use crate::support::{DEADLINE, Folder, Plan, Process, Role, System, program, wait_for, wait_until};

/// A Modbus RTU slave of pymodbus: three registers from number 50 on two units, the second one in winter.
const SLAVES: &str = r#"
import sys
from pymodbus import FramerType
from pymodbus.server import StartSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

def gauge(unit, registers):
    return SimDevice(unit, simdata=[SimData(49, values=registers, datatype=DataType.REGISTERS)])

StartSerialServer(
    context=[gauge(1, [9641, 6367, 325]), gauge(2, [1200, 300, 0x10000 - 42]), gauge(3, [800, 200, 0])],
    framer=FramerType.RTU, port=sys.argv[1], baudrate=9600, bytesize=8, parity="N", stopbits=1,
)
"#;

/// Two ends of a line, by the paths of their ports.
fn line(folder: &Folder) -> (Process, [String; 2]) {
    let ends = ["line-end-a", "line-end-b"].map(|name| folder.join(name).display().to_string());
    let addresses = ends.clone().map(|end| format!("pty,raw,echo=0,link={end}"));
    let socat = Process::start(folder, "socat", Command::new("socat").args(addresses));
    let is_there = |end: &String| std::path::Path::new(end).exists();
    wait_until("socat has made the line", DEADLINE, || ends.iter().all(is_there));
    (socat, ends)
}

#[test]
#[ignore = "needs socat and pymodbus"]
fn pymodbus_slaves_are_read_by_hand_and_into_the_history() {
    let mut system = System::prepare(&Plan::default());
    let (_socat, [port, slaves_port]) = line(&system.folder);
    system.folder.write("slaves.py", SLAVES);
    let mut python = Command::new("python3");
    let _slaves = Process::start(&system.folder, "pymodbus", python.args(["slaves.py", &slaves_port]));

    let read = wait_for("the slave answers", DEADLINE, || {
        let output = Command::new(program("tankline-edge")).args(["read", "--port", &port, "--unit", "1"]).output();
        output.ok().filter(|output| output.status.success())
    });
    let shown = String::from_utf8(read.stdout).unwrap();
    for part in ["9641 mm", "6367 mm", "32.5 degC", "01 03 00 31 00 03 54 04", "01 03 06 25 A9 18 DF 01 45 8D 61"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }

    let scan = Command::new(program("tankline-edge")).args(["scan", "--port", &port, "--units", "1..3"]).output();
    let found = String::from_utf8(scan.unwrap().stdout).unwrap();
    assert!(["9641", "1200", "800"].iter().all(|level| found.contains(level)), "{found}");

    let file = system.folder.join("rtu-01.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let ours = config.lines().find(|line| line.starts_with("port = ")).unwrap();
    std::fs::write(&file, config.replace(ours, &format!("port = \"{port}\""))).unwrap();
    [Role::Broker, Role::Ingest, Role::Edge(0)].into_iter().for_each(|role| system.run(role));
    let values = "SELECT tank, level_mm, interface_mm, temperature_c, quality, count(*) FROM reading
                  WHERE quality = 'good' GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2";
    let read_all = || {
        system.database.query(values, |row| {
            let values: (String, f64, f64, f64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((values, row.get::<_, i64>(5)?))
        })
    };
    wait_until("each gauge is read ten times", DEADLINE, || {
        let read = read_all();
        read.len() >= 3 && read.iter().all(|(_, count)| *count >= 10)
    });
    // The second gauge has its origin 50 mm above the tank bottom.
    let expected = [("T-01", 9641.0, 6367.0, 32.5), ("T-02", 1250.0, 350.0, -4.2), ("T-03", 800.0, 200.0, 0.0)];
    let values: Vec<_> = read_all().into_iter().map(|(values, _)| values).collect();
    assert_eq!(
        values,
        expected.map(|(tank, level, interface, temperature)| (tank.to_owned(), level, interface, temperature))
    );
    system.stop(Role::Edge(0), Signal::TERM);
}
