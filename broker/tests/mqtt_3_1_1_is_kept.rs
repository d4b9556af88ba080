//! What README.md says of MQTT 3.1.1 is so.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use support::Process;

/// Gives what the table of README.md says of each case.
fn promised() -> BTreeMap<String, String> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let rows = readme.lines().filter(|line| line.starts_with("| ")).map(|line| line.split('|').map(str::trim));
    let cells = rows.filter_map(|mut cells| Some((cells.nth(1)?.to_owned(), cells.next()?.to_owned())));
    cells.filter(|(_, does)| does == "yes" || does == "no").collect()
}

#[test]
#[ignore = "needs python3 with paho-mqtt"]
fn what_the_readme_says_of_each_case_is_so() {
    let broker = Process::start("", "");
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/cases.py");
    let (host, port) = (broker.address.ip().to_string(), broker.address.port().to_string());
    let output = Command::new("python3").arg(cases).args([host, port]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let found: BTreeMap<String, String> = said
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(case, outcome)| (case.to_owned(), outcome.split(':').next().unwrap_or_default().to_owned()))
        .collect();
    assert_eq!(found, promised(), "{said}");
}
