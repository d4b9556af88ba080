use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A folder with programs that are already built: those of another profile, or those that are installed.
const BUILT_BEFORE: &str = "TANKLINE_TEST_PROGRAMS";

/// Gives the path of a program of ours, built as this test is unless the environment names a folder of others.
///
/// Cargo builds only the programs of the package under test, so the others are asked for at the first call.
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| std::env::var_os(BUILT_BEFORE).map_or_else(build, PathBuf::from));
    let path = folder.join(name);
    assert!(path.is_file(), "there is no program {}", path.display());
    path
}

fn build() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_tankline-hil")).parent().unwrap();
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--bins", "--profile", profile]);
    cargo.args(["--package", "tankline-edge", "--package", "tankline-broker", "--package", "tankline-ingest"]);
    cargo.arg("--target-dir").arg(folder.parent().unwrap());
    assert!(cargo.status().unwrap().success(), "the programs cannot be built");
    folder.to_owned()
}
