//! The configuration of an edge.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tankline_domain::names::{EdgeName, LineName, SiteName, TankName};
use tankline_domain::settings::{Document, Problems, Reader, Section};
use tankline_domain::site::{Limits, Port, Site, Tank};
use tankline_runtime::mqtt::BrokerSettings;
use tankline_runtime::{document, site_file};

use crate::journal::storage::Disk;
use crate::journal::{JournalConfig, JournalError, Owner};
use crate::line::poller::LineConfig;
use crate::stamp::ClockRule;
use crate::uplink::UplinkConfig;

/// What environment variables begin with that lie over the file: `TANKLINE_EDGE__BROKER__URL`.
pub const ENVIRONMENT: &str = "TANKLINE_EDGE";

/// Smallest and largest bound of the journal, in MiB.
const JOURNAL_MB: std::ops::RangeInclusive<u64> = 1..=1_000_000;

/// Everything that an edge is told.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// The site.
    pub site: SiteName,
    /// Which of its edges this is.
    pub edge: EdgeName,
    /// The lines that it owns.
    pub lines: Vec<LineConfig>,
    /// Where readings are published.
    pub broker: BrokerSettings,
    /// Where they are kept until the centre has them.
    pub journal: JournalConfig,
    /// From an appended reading to its sync to disk at the latest.
    pub sync_interval: Duration,
    /// Bounds and times of the uplink.
    pub uplink: UplinkConfig,
    /// How the machine's clock shows that it is set.
    pub clock: ClockRule,
    /// Names this configuration: differs when anything in it or in the lines that it takes from the site differs. What
    /// stands in other files, as passwords and certificates do, is no part of it.
    pub digest: String,
    /// The files that it was read from.
    pub files: Vec<PathBuf>,
}

impl EdgeConfig {
    /// Tells whether another configuration keeps readings as this one does, for the same edge.
    #[must_use]
    pub fn has_journal_of(&self, other: &Self) -> bool {
        let journal = |config: &Self| (config.site.clone(), config.edge.clone(), config.journal.clone());
        journal(self) == journal(other) && self.sync_interval == other.sync_interval && self.clock == other.clock
    }

    /// Tells whether another configuration sends readings as this one does.
    #[must_use]
    pub fn has_session_of(&self, other: &Self) -> bool {
        self.broker == other.broker && self.uplink == other.uplink
    }
}

/// Times of a line that the site's description does not say.
#[derive(Debug, Clone)]
pub struct LineTimes {
    /// Longest wait for a reply.
    pub reply_timeout: Duration,
    /// Longest pause between probes of a silent gauge.
    pub longest_probe_interval: Duration,
    /// Registers across which two reads are joined.
    pub join_hole: u16,
}

impl Default for LineTimes {
    fn default() -> Self {
        Self { reply_timeout: Duration::from_secs(1), longest_probe_interval: Duration::from_secs(10), join_hole: 8 }
    }
}

impl EdgeConfig {
    /// Reads the configuration file of an edge and the description of its site.
    ///
    /// # Errors
    /// [`Problems`] with all that is wrong in both.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let document = document::load(path, ENVIRONMENT)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut config = read(&document, folder)?;
        config.files.insert(0, path.to_owned());
        Ok(config)
    }

    /// Gives the lines of an edge of a site, as the site describes them.
    #[must_use]
    pub fn lines_of(site: &Site, edge: &EdgeName, times: &LineTimes) -> Vec<LineConfig> {
        let line = |line: &tankline_domain::site::Line| LineConfig {
            gauges: site.gauges_of(&line.name).cloned().collect(),
            limits: site.gauges_of(&line.name).filter_map(|gauge| site.tank(&gauge.tank)).map(limits_of).collect(),
            line: line.clone(),
            reply_timeout: times.reply_timeout,
            longest_probe_interval: times.longest_probe_interval,
            join_hole: times.join_hole,
        };
        site.lines_of(edge).map(line).collect()
    }
}

fn limits_of(tank: &Tank) -> (TankName, Limits) {
    (tank.name.clone(), tank.limits)
}

fn read(document: &Document, folder: &Path) -> Result<EdgeConfig, Problems> {
    let reader = Reader::new(document);
    let root = reader.root();
    let edge = root.required::<EdgeName>("edge");
    let site_path = root.required::<PathBuf>("site");
    let site_path = site_path.map(|path| folder.join(path));
    let site = site_path.as_ref().map(|path| site_file::load(path));
    let broker = BrokerSettings::read(root.section("broker"), folder);
    let owner = match (&edge, &site) {
        (Some(edge), Some(Ok(site))) => Some(Owner { site: site.name().clone(), edge: edge.clone() }),
        _ => None,
    };
    let (journal, sync_interval) = journal(root.section("journal"), folder, owner);
    let uplink = uplink(root.section("uplink"));
    let clock = clock(root.section("clock"));
    let lines = match (&edge, &site) {
        (Some(edge), Some(Ok(site))) => lines(&root, site, edge),
        _ => {
            // Without the site nothing can be said about them.
            let _ = root.named_sections("line");
            Vec::new()
        }
    };
    root.finish();
    let site = match (site, reader.finish()) {
        (Some(Err(wrong)), Err(problems)) => return Err(problems.and(wrong)),
        (Some(Err(wrong)), Ok(())) => return Err(wrong),
        (_, Err(problems)) => return Err(problems),
        (site, Ok(())) => site.and_then(Result::ok),
    };
    let missing = "a missing key is a problem";
    Ok(EdgeConfig {
        site: site.expect(missing).name().clone(),
        edge: edge.expect(missing),
        digest: digest(document, &lines),
        lines,
        files: site_path.into_iter().chain(broker.iter().flat_map(|broker| broker.files.clone())).collect(),
        broker: broker.expect(missing),
        journal: journal.expect(missing),
        sync_interval,
        uplink,
        clock,
    })
}

fn journal(section: Section<'_>, folder: &Path, owner: Option<Owner>) -> (Option<JournalConfig>, Duration) {
    let dir = section.required::<PathBuf>("dir").map(|dir| folder.join(dir));
    let max_bytes = section.within("max_mb", JOURNAL_MB, 64) << 20;
    let segment_bytes = section.within("segment_kb", 16..=65_536_u64, 256) << 10;
    if segment_bytes * 4 > max_bytes {
        section.problem("segment_kb", "must be at most a quarter of max_mb");
    }
    let sync_interval = Duration::from_millis(section.within("sync_interval_ms", 10..=60_000_u64, 1000));
    if let (Some(dir), Some(owner)) = (&dir, owner)
        && let Err(JournalError::OtherOwner { found, .. }) = owner.check(&Disk, dir)
    {
        // Under another name they would be taken for readings of other tanks.
        let message = "run that one until the centre has them and move the folder away, or choose another folder";
        section.problem("dir", format!("has the readings of {found}, and this is {owner}; {message}"));
    }
    section.finish();
    (dir.map(|dir| JournalConfig { dir, max_bytes, segment_bytes }), sync_interval)
}

fn uplink(section: Section<'_>) -> UplinkConfig {
    let usual = UplinkConfig::default();
    let window = section.within("window_readings", 100..=100_000_u64, usual.window);
    let seconds = |key, usual: Duration| Duration::from_secs(section.within(key, 1..=3600_u64, usual.as_secs()));
    let ack_timeout = seconds("ack_timeout_s", usual.ack_timeout);
    let longest_ack_timeout = seconds("longest_ack_timeout_s", usual.longest_ack_timeout).max(ack_timeout);
    section.finish();
    UplinkConfig { window, reserve: window / 8, ack_timeout, longest_ack_timeout, ..usual }
}

fn clock(section: Section<'_>) -> ClockRule {
    // Not sought beside the configuration: it is the time daemon's.
    let synced_file = section.optional::<PathBuf>("synced_file");
    if synced_file.as_ref().is_some_and(|file| !file.is_absolute()) {
        section.problem("synced_file", "must begin with /");
    }
    section.finish();
    ClockRule { synced_file }
}

/// Takes this edge's lines from the site, with what the file says differently (`[line.line-01]`).
fn lines(root: &Section<'_>, site: &Site, edge: &EdgeName) -> Vec<LineConfig> {
    let mut lines = EdgeConfig::lines_of(site, edge, &LineTimes::default());
    if lines.is_empty() {
        let edges: Vec<&str> = site.edges().into_iter().map(EdgeName::as_str).collect();
        root.problem("edge", format!("owns no line of site {}; its edges are {}", site.name(), edges.join(", ")));
    }
    for (name, section) in root.named_sections("line") {
        let known = name.parse::<LineName>().ok().and_then(|name| lines.iter_mut().find(|line| line.line.name == name));
        let Some(line) = known else {
            section.problem_here(format!("the site describes no line of this name for edge {edge}"));
            continue;
        };
        if let Some(port) = section.optional::<Port>("port") {
            line.line.port = port;
        }
        let ms = |key, range, usual: Duration| {
            let usual = u64::try_from(usual.as_millis()).expect("defaults are short");
            Duration::from_millis(section.within(key, range, usual))
        };
        line.reply_timeout = ms("reply_timeout_ms", 20..=60_000, line.reply_timeout);
        line.longest_probe_interval = ms("longest_probe_interval_ms", 1000..=3_600_000, line.longest_probe_interval);
        line.join_hole = section.within("join_hole_registers", 0..=120_u16, line.join_hole);
        section.finish();
    }
    lines
}

fn digest(document: &Document, lines: &[LineConfig]) -> String {
    let hash = Sha256::digest(format!("{}{lines:?}", document.root));
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Host, Journal};

    const SITE: &str = r#"
site = "demo"
[[product]]
name = "crude"
density_20c_kg_m3 = 862.0
[[line]]
name = "line-01"
edge = "rtu-01"
port = "/dev/ttyUSB0"
[[tank]]
name = "T-01"
product = "crude"
[tank.geometry]
shape = "vertical-cylinder"
diameter_m = 10.0
height_m = 12.0
[[gauge]]
tank = "T-01"
line = "line-01"
unit = 1
"#;

    fn load(edge: &str, site: &str) -> Result<EdgeConfig, String> {
        load_in(&tempfile::tempdir().unwrap(), edge, site)
    }

    fn load_in(dir: &tempfile::TempDir, edge: &str, site: &str) -> Result<EdgeConfig, String> {
        std::fs::write(dir.path().join("site.toml"), site).unwrap();
        std::fs::write(dir.path().join("password"), "secret\n").unwrap();
        std::fs::write(dir.path().join("edge.toml"), edge).unwrap();
        let said = |problems: Problems| problems.to_string().replace(&format!("{}/", dir.path().display()), "");
        EdgeConfig::load(&dir.path().join("edge.toml")).map_err(said)
    }

    const EDGE: &str = r#"
edge = "rtu-01"
site = "site.toml"
[broker]
url = "mqtt://127.0.0.1:1883"
user = "rtu-01"
password_file = "password"
[journal]
dir = "journal"
[line.line-01]
port = "tcp://gateway:502"
"#;

    #[test]
    fn an_edge_takes_its_part_of_the_site() {
        let config = load(EDGE, SITE).unwrap();
        assert_eq!(config.lines.len(), 1);
        assert_eq!(config.lines[0].line.port, Port::ModbusTcp("gateway:502".into()));
        assert_eq!(config.lines[0].gauges[0].unit, 1);
        assert_eq!(config.journal.max_bytes, 64 << 20);
        assert_ne!(config.digest, load(&EDGE.replace("gateway", "other"), SITE).unwrap().digest);
        assert!(!format!("{config:?}").contains("secret"), "no secret is shown");
        let names: Vec<_> = config.files.iter().filter_map(|file| file.file_name()?.to_str()).collect();
        assert_eq!(names, ["edge.toml", "site.toml", "password"]);
    }

    #[test]
    fn edge_of_another_name_may_not_have_the_journal() {
        let dir = tempfile::tempdir().unwrap();
        let config = load_in(&dir, EDGE, SITE).unwrap();
        let owner = Owner { site: config.site, edge: config.edge };
        drop(Journal::open_on(&Host::default(), config.journal, Some(owner)).unwrap());
        load_in(&dir, EDGE, SITE).unwrap();
        let renamed = (EDGE.replace("\"rtu-01\"\nsite", "\"rtu-02\"\nsite"), SITE.replace("rtu-01", "rtu-02"));
        let said = load_in(&dir, &renamed.0, &renamed.1).unwrap_err();
        let whose = "has the readings of edge rtu-01 of site demo, and this is edge rtu-02 of site demo; run that one";
        assert!(said.contains(&format!("edge.toml: journal.dir = \"journal\": {whose}")), "{said}");
        load_in(&dir, &renamed.0.replace("dir = \"journal\"", "dir = \"other\""), &renamed.1).unwrap();
    }

    #[test]
    fn what_is_wrong_in_both_files_is_said_at_once() {
        let edge = EDGE.replace("rtu-01\"\nsite", "rtu-09\"\nsite").replace("url", "urrl") + "[line.line-02]\n";
        let said = load(&edge, SITE).unwrap_err();
        for part in [
            "edge.toml: edge = \"rtu-09\": owns no line of site demo; its edges are rtu-01",
            "edge.toml: broker.url: is missing",
            "edge.toml: broker.urrl = \"mqtt://127.0.0.1:1883\": is not a key here; did you mean \"url\"?",
            "edge.toml: line.line-02: the site describes no line of this name for edge rtu-09",
        ] {
            assert!(said.contains(part), "{part}\nnot in\n{said}");
        }
        let said = load(&EDGE.replace("dir =", "folder ="), &SITE.replace("unit = 1", "unit = 0")).unwrap_err();
        assert!(said.contains("edge.toml: journal.dir: is missing"), "{said}");
        assert!(said.contains("site.toml: gauge[T-01].unit = 0: must be 1 to 247"), "{said}");
        let said = load(&format!("{EDGE}[clock]\nsynced_file = \"synced\"\n"), SITE).unwrap_err();
        assert!(said.contains("edge.toml: clock.synced_file = \"synced\": must begin with /"), "{said}");
        let said = load(&EDGE.replace("site.toml", "none.toml"), SITE).unwrap_err();
        assert!(said.contains("none.toml: cannot be read: No such file"), "{said}");
    }
}
