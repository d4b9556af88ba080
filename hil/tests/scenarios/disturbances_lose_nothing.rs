use super::support::{Folder, said};

#[test]
fn whatever_is_killed_cut_or_full_nothing_is_lost() {
    let folder = Folder::new();
    let head = "speed = 60\nlasts = \"16 min\"\nstart = [\"set T-01 level_mm=6000\", \"set T-02 level_mm=3000\"]";
    let tables = r#"
[[event]]
at = "1 min"
do = ["inflow T-02 100m3/h", "kill ingest for 1 min"]
[[event]]
at = "3 min"
do = ["kill rtu-01 for 30 s", "cut rtu-02 for 1 min"]
[[event]]
at = "5 min"
do = ["restart broker", "refuse influxdb 503 for 1 min"]
[[event]]
at = "7 min"
do = ["cut rtu-01 for 2 min", "disk rtu-02 full for 1 min"]
[[event]]
at = "8 min"
do = "power-cut rtu-01 for 30 s"
[[event]]
at = "10 min"
do = ["stall rtu-01 for 30 s", "slow rtu-02 delay=100ms rate=64kbit/s for 1 min", "kill influxdb for 1 min"]
[[event]]
at = "12 min"
do = ["clock rtu-01 -3650 d for 1 min", "drop rtu-02", "stop rtu-02 for 30 s"]

[[expect]]
nothing = ["lost", "twice", "invented"]
[[expect]]
level = { within_mm = 10 }
[[expect]]
influxdb = "complete"
[[expect]]
dead_letters = { at_most = 0 }
[[expect]]
gap_readings = { at_most = 0 }
"#;
    folder.scenario("everything at once", head, tables);
    let output = folder.run(&["."]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn two_rtus_with_one_identity_lose_nothing() {
    let folder = Folder::new();
    let tables = r#"
[[event]]
at = "1 min"
do = "twin rtu-01 for 4 min"

[[expect]]
nothing = ["lost", "twice", "invented"]
[[expect]]
log = { of = "ingest", contains = "two journals are written under one edge name" }
"#;
    let head = "speed = 60\nlasts = \"6 min\"\nlines = { line-01 = \"tcp\", line-02 = \"rtu+tcp\" }";
    folder.scenario("twins", head, tables);
    let output = folder.run(&["."]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn a_disk_that_lies_loses_readings_and_the_bench_sees_it() {
    let folder = Folder::new();
    let tables = r#"
[[event]]
at = "1 min"
do = ["disk rtu-01 lying", "cut rtu-01"]
[[event]]
at = "5 min"
do = "power-cut rtu-01 for 30 s"

[[expect]]
nothing = "lost"
"#;
    folder.scenario("lies", "speed = 60\nlasts = \"6 min\"", tables);
    let output = folder.run(&["."]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("seen     lost: ") && text.contains("T-01: the answer "), "{text}");
    assert!(!text.contains("T-02: the answer "), "the other edge has a good disk\n{text}");
}

#[test]
fn a_clock_that_is_wrong_at_a_cold_start_is_told_and_put_right() {
    let folder = Folder::new();
    let tables = r#"
[[event]]
at = "0 s"
do = "clock rtu-01 unset for 4 min"

[[expect]]
tank = "T-01"
quality = "uncertain:clock"
until = "3 min"
[[expect]]
tank = "T-01"
quality = "good"
after = "4 min"
within_polls = 12
[[expect]]
tank = "T-02"
never_quality = "uncertain:clock"
[[expect]]
nothing = ["lost", "twice", "invented"]
"#;
    folder.scenario("cold", "speed = 60\nlasts = \"8 min\"\nbegins = \"cold\"", tables);
    let output = folder.run(&["."]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}
