use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use super::support::{Folder, wait_for};

/// Counts the processes that have a word of this in their command line, but for the one that plays.
fn processes_of(folder: &Path, but: u32) -> usize {
    let folder = folder.canonicalize().unwrap().display().to_string();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).filter(|id| *id != but);
    let has_folder = |id: &u32| {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&folder)
    };
    ids.filter(has_folder).count()
}

fn ends_all(signal: Signal) {
    let folder = Folder::new();
    folder.scenario("long", "lasts = \"1 h\"", "[[expect]]\nnothing = \"lost\"\n");
    let mut runner = folder.command(&["."]).spawn().unwrap();
    // Broker, ingest and two edges.
    wait_for("all processes run", || (processes_of(folder.path(), runner.id()) == 4).then_some(()));
    kill_process(Pid::from_child(&runner), signal).unwrap();
    let status = runner.wait().unwrap();
    assert!(!status.success());
    wait_for("no process is left", || (processes_of(folder.path(), 0) == 0).then_some(()));
}

#[test]
fn processes_end_with_a_runner_that_is_told_to_stop() {
    ends_all(Signal::INT);
}

#[test]
fn processes_end_with_a_runner_that_is_killed() {
    ends_all(Signal::KILL);
}
