//! Users and rights that change while the broker runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tankline_domain::settings::Problems;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::policy::Policy;
use crate::{Rights, Users};

/// From one look at the files to the next. A change counts when it stood for one more look: editors write in steps.
const LOOK: Duration = Duration::from_secs(1);

/// The files that tell who may do what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyFiles {
    /// The users file, where there is one.
    pub users: Option<PathBuf>,
    /// The rights file, where there is one.
    pub rights: Option<PathBuf>,
}

impl PolicyFiles {
    /// Reads all of them.
    ///
    /// # Errors
    /// [`Problems`]: everything that is wrong with any of them.
    pub(crate) fn read(&self) -> Result<Policy, Problems> {
        let users = self.users.as_deref().map(Users::read_file).transpose();
        let rights = self.rights.as_deref().map(Rights::read_file).transpose();
        match (users, rights) {
            (Ok(users), Ok(rights)) => Ok(Policy { users, rights: rights.unwrap_or_default() }),
            (users, rights) => {
                let all = [users.err(), rights.err()].into_iter().flatten();
                Err(all.reduce(Problems::and).expect("one of them is wrong"))
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = &Path> {
        [&self.users, &self.rights].into_iter().filter_map(Option::as_deref)
    }

    fn prints(&self) -> Vec<Option<(SystemTime, u64)>> {
        let print = |file: &Path| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        self.all().map(print).collect()
    }
}

/// Brings changed files into use, for ever. One that is wrong is said, and all stays as it was.
pub(crate) async fn watch(files: &PolicyFiles, exchange: watch::Sender<Arc<Policy>>) {
    let mut in_use = files.prints();
    let mut seen = in_use.clone();
    loop {
        sleep(LOOK).await;
        let now = files.prints();
        if now == in_use || now != seen {
            seen = now;
            continue;
        }
        in_use = now;
        match files.read() {
            Ok(policy) if policy == **exchange.borrow() => (),
            Ok(policy) => {
                tracing::info!("users or rights have changed: they are in use");
                exchange.send_replace(Arc::new(policy));
            }
            Err(problems) => {
                for problem in problems.iter() {
                    tracing::error!(%problem, "changed users or rights cannot be used; those before stay");
                }
            }
        }
    }
}
