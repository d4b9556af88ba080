use std::fs;
use std::path::Path;

use rusqlite::Connection;
use tankline_hil::scenario::{Act, Role, Tamper, TamperMoment};

/// What is broken behind the back of the bench.
#[derive(Debug, Clone, Copy)]
pub enum Tampering {
    /// While the edge does not run, its journal is deleted.
    JournalDeleted,
    /// This is done to the database when all has arrived.
    Database(&'static str),
    /// Before the centre starts, what it keeps of alarms is deleted.
    AlarmsForgotten,
    /// The processes read another site than the bench has: one text in place of another.
    Site(&'static str, &'static str),
    /// The same, with a text that stands in the tables of two gauges.
    UnitsSwapped,
}

impl Tamper for Tampering {
    fn tamper(&self, moment: TamperMoment<'_>, folder: &Path) -> anyhow::Result<()> {
        match (self, moment) {
            (Self::JournalDeleted, TamperMoment::Before(Act::Start(Role::Edge(edge)))) => {
                Ok(fs::remove_dir_all(folder.join(format!("journal-{edge}")))?)
            }
            (Self::AlarmsForgotten, TamperMoment::Before(Act::Start(Role::Ingest))) => {
                let connection = Connection::open(folder.join("ops.db"))?;
                connection.busy_timeout(std::time::Duration::from_secs(30))?;
                let forgotten = connection.execute("DELETE FROM alarm", ())?;
                anyhow::ensure!(forgotten > 0, "there is no alarm to forget");
                Ok(())
            }
            (Self::Database(sql), TamperMoment::Settled) => {
                let connection = Connection::open(folder.join("ops.db"))?;
                connection.busy_timeout(std::time::Duration::from_secs(30))?;
                let changed = connection.execute(sql, ())?;
                anyhow::ensure!(changed > 0, "no row is changed by {sql}");
                Ok(())
            }
            (Self::Site(from, to), TamperMoment::Configured) => rewrite(folder, |site| site.replace(from, to)),
            (Self::UnitsSwapped, TamperMoment::Configured) => rewrite(folder, |site| {
                site.replace("unit = 1\n", "unit = x\n")
                    .replace("unit = 2\n", "unit = 1\n")
                    .replace("unit = x\n", "unit = 2\n")
            }),
            _ => Ok(()),
        }
    }
}

fn rewrite(folder: &Path, change: impl Fn(&str) -> String) -> anyhow::Result<()> {
    let file = folder.join("site/site.toml");
    let was = fs::read_to_string(&file)?;
    let is = change(&was);
    anyhow::ensure!(is != was, "nothing is changed in\n{was}");
    Ok(fs::write(file, is)?)
}
