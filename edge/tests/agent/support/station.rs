use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tankline_edge::config::EdgeConfig;
use tempfile::TempDir;

use super::{Agent, Centre, Gauges};

static ALONE: Mutex<()> = Mutex::new(());

/// Six gauges, an agent's folder and a centre.
///
/// One at a time: a process that another test starts has, for a moment, all that is open here, the lock of a journal's
/// folder among it.
pub struct Station {
    _alone: MutexGuard<'static, ()>,
    folder: TempDir,
    pub gauges: Gauges,
    pub centre: Centre,
}

impl Station {
    /// Sets it up; the agent is not started. `more` goes into the agent's `[journal]`.
    pub fn new(more: &str) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (folder, gauges, centre) = (tempfile::tempdir().unwrap(), Gauges::default(), Centre::listen());
        let mut site = format!(
            "site = \"s\"\n[[product]]\nname = \"crude\"\ndensity_20c_kg_m3 = 860.0\n\
             [[line]]\nname = \"line-01\"\nedge = \"e\"\nport = \"tcp://127.0.0.1:{}\"\n",
            gauges.listen()
        );
        for unit in 1..=6 {
            site.push_str(&format!(
                "[[tank]]\nname = \"T-{unit}\"\nproduct = \"crude\"\n\
                 [tank.geometry]\nshape = \"vertical-cylinder\"\ndiameter_m = 10.0\nheight_m = 12.0\n\
                 [[gauge]]\ntank = \"T-{unit}\"\nline = \"line-01\"\nunit = {unit}\npoll_interval_ms = 50\n"
            ));
        }
        let edge = format!(
            "edge = \"e\"\nsite = \"site.toml\"\n[broker]\nurl = \"mqtt://127.0.0.1:{}\"\n\
             [uplink]\nack_timeout_s = 1\n[journal]\ndir = \"journal\"\n{more}",
            centre.port()
        );
        std::fs::write(folder.path().join("site.toml"), site).unwrap();
        std::fs::write(folder.path().join("edge.toml"), edge).unwrap();
        Self { _alone: alone, folder, gauges, centre }
    }

    /// Puts something else into the agent's configuration, as an orderly editor does.
    pub fn change(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.config_file()).unwrap();
        assert!(text.contains(from), "{from:?} is not in {text}");
        self.write("edge.toml", &text.replace(from, to));
    }

    /// Writes a file beside the agent's configuration, all at once.
    pub fn write(&self, name: &str, text: &str) {
        let (new, file) = (self.folder.path().join("new"), self.folder.path().join(name));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, file).unwrap();
    }

    /// Gives the agent's configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("edge.toml")
    }

    /// Starts the agent.
    #[must_use]
    pub fn start(&self) -> Agent {
        Agent::start(&self.config_file())
    }

    /// Gives the agent's configuration.
    pub fn config(&self) -> EdgeConfig {
        EdgeConfig::load(&self.config_file()).unwrap()
    }

    /// Gives the journal's folder.
    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }
}
