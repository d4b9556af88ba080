use std::process::{Command, Stdio};

use super::support::{Folder, said, wait_for};

#[test]
fn edges_that_somebody_else_runs_are_judged_alike() {
    let folder = Folder::new();
    let tables = "[[event]]\nat = \"30 s\"\ndo = \"fault T-01 silent\"\n\
                  [[expect]]\ntank = \"T-01\"\nquality = \"bad:no-reply\"\nafter = \"30 s\"\nwithin_polls = 5\n\
                  [[expect]]\nnothing = [\"twice\", \"invented\"]\n";
    folder.scenario("others", "speed = 60\nlasts = \"3 min\"", tables);
    let runner = folder.command(&[".", "--edge", "none"]).spawn().unwrap();
    // Whoever brings the edges finds lines and broker in what is said, and as configurations among what is kept.
    let configs = ["rtu-01", "rtu-02"].map(|edge| folder.path().join(format!("kept/others/{edge}.toml")));
    let mut edges = configs.map(|config| {
        wait_for("there is a configuration", || config.exists().then_some(()));
        let mut edge = Command::new(env!("CARGO_BIN_EXE_tankline-hil"));
        edge.args(["role", "edge", "--boot", "1", "--config"]).arg(&config);
        edge.current_dir(config.parent().unwrap()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        edge.spawn().unwrap()
    });
    let output = runner.wait_with_output().unwrap();
    for edge in &mut edges {
        edge.kill().unwrap();
        edge.wait().unwrap();
    }
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("waiting for the edges") && text.contains("line-01 on /dev/pts/"), "{text}");
    assert!(text.contains("rtu-01 publishes to mqtt://127.0.0.1:"), "{text}");
}
