//! The database of the centre is restored from a backup while edges live on.

use std::process::Command;

use crate::support::{Plan, Role, System, program};

fn ingest(system: &System, args: &[&str]) -> String {
    let mut command = Command::new(program("tankline-ingest"));
    let output = command.current_dir(system.folder.path()).args(args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn edges_send_again_what_a_restored_database_lacks() {
    let mut system = System::start(&Plan::default());
    ingest(&system, &["backup", "--config", "ingest.toml", "--to", "backup.db"]);
    // What is committed from here on is in no backup.
    system.wait_until_live();
    system.wait_until_live();
    system.kill(Role::Ingest);
    let said = ingest(&system, &["restore", "--config", "ingest.toml", "--from", "backup.db"]);
    assert!(said.contains("readings were committed after the backup and are not in it"), "{said}");
    system.run(Role::Ingest);
    system.wait_until_live();
    system.settle().assert_whole();
    system.assert_status_is_whole();
    let log = system.folder.log("rtu-01");
    assert!(log.contains("the centre lacks readings that it had"), "{log}");
}
