//! Users and rights that change while the broker runs.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tankline_domain::settings::Problems;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::denied::Denied;
use crate::ends::Ends;
use crate::looks::{LOOK, Looks};
use crate::policy::Policy;
use crate::tls::TlsFiles;
use crate::{Rights, Users};

/// From one warning of an end that comes near to the next.
const WARNING: Duration = Duration::from_secs(24 * 3600);

/// The files that tell who may do what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyFiles {
    /// The users file, where there is one.
    pub users: Option<PathBuf>,
    /// The rights file, where there is one.
    pub rights: Option<PathBuf>,
    /// The deny list, where there is one.
    pub denied: Option<PathBuf>,
    /// The files of encryption, where it is wanted.
    pub tls: Option<TlsFiles>,
}

impl PolicyFiles {
    /// Reads all of them.
    ///
    /// # Errors
    /// [`Problems`]: everything that is wrong with any of them.
    pub(crate) fn read(&self) -> Result<Policy, Problems> {
        let users = self.users.as_deref().map(Users::read_file).transpose();
        let rights = self.rights.as_deref().map(Rights::read_file).transpose();
        let denied = self.denied.as_deref().map(Denied::read_file).transpose();
        let tls = self.tls.as_ref().map(TlsFiles::read).transpose();
        match (users, rights, denied, tls) {
            (Ok(users), Ok(rights), Ok(denied), Ok(tls)) => {
                Ok(Policy { users, rights: rights.unwrap_or_default(), denied: denied.unwrap_or_default(), tls })
            }
            (users, rights, denied, tls) => {
                let all = [users.err(), rights.err(), denied.err(), tls.err()].into_iter().flatten();
                Err(all.reduce(Problems::and).expect("one of them is wrong"))
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = &Path> {
        let plain = [&self.users, &self.rights, &self.denied].into_iter().filter_map(Option::as_deref);
        plain.chain(self.tls.iter().flat_map(TlsFiles::all))
    }

    fn prints(&self) -> Vec<Option<Print>> {
        let print = |file: &Path| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.ino(), metadata.ctime(), metadata.ctime_nsec(), metadata.len()))
        };
        self.all().map(print).collect()
    }
}

/// A file, when it was changed, and its length. A copy may keep the time of writing, and not this one.
type Print = (u64, i64, i64, u64);

/// Brings changed files into use, for ever. One that is wrong is said, and all stays as it was.
pub(crate) async fn watch(
    files: &PolicyFiles,
    exchange: watch::Sender<Arc<Policy>>,
    problem_with: watch::Sender<Option<String>>,
    ends: &Ends,
) {
    // Read once more at first: they may have changed since the broker read them to begin.
    let mut looks = Looks::new();
    let mut warned_at = None;
    loop {
        let moment = clock::now();
        if warned_at.is_none_or(|at| moment.saturating_duration_since(at) >= WARNING) {
            exchange.borrow().tls.iter().for_each(|tls| tls.warn(clock::unix_ms()));
            warn_of_clients(ends, clock::unix_ms());
            warned_at = Some(moment);
        }
        sleep(LOOK).await;
        if !looks.is_due(clock::now(), files.prints()) {
            continue;
        }
        let read = files.read();
        let problem = read.as_ref().err().map(ToString::to_string);
        let was = problem_with.send_replace(problem.clone());
        match read {
            Ok(policy) if policy == **exchange.borrow() => looks.note_use(),
            Ok(policy) => {
                looks.note_use();
                tracing::info!("users or rights have changed: they are in use");
                exchange.send_replace(Arc::new(policy));
                warned_at = None;
            }
            Err(_) if problem == was => looks.note_failure(clock::now()),
            Err(problems) => {
                looks.note_failure(clock::now());
                for problem in problems.iter() {
                    tracing::error!(%problem, "changed users or rights cannot be used; those before stay");
                }
            }
        }
    }
}

fn warn_of_clients(ends: &Ends, now: UnixMillis) {
    for (identity, until) in ends.soon(now) {
        tracing::warn!(identity, %until, "the certificate of a client ends soon: give it a new one");
    }
}
