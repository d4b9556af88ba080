//! Whether the broker does its work, and which part of it does not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::certificate::Certificate;
use crate::inner::Access;
use crate::policy::Policy;
use crate::tls::CLIENT_AUTHORITIES;

/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long an answer holds, so that it costs nothing to ask often.
const FRESH: Duration = Duration::from_secs(1);
/// By what name the router knows who asks it. No client has a name that is no number.
const NAME: &str = "pulse";

/// What the door answers: why it could not let in who came last, if it could not.
pub(crate) type DoorState = Option<String>;

/// Asks all parts of the broker how they fare.
pub(crate) struct Health {
    router: Access,
    door: mpsc::Sender<oneshot::Sender<DoorState>>,
    policy: watch::Receiver<Arc<Policy>>,
    /// What is wrong with files that have changed.
    files: watch::Receiver<Option<String>>,
    last: Mutex<Option<(Instant, Vec<String>)>>,
}

impl Health {
    /// Begins to ask; gives where the door hears its questions.
    pub(crate) fn new(
        router: Access,
        policy: watch::Receiver<Arc<Policy>>,
        files: watch::Receiver<Option<String>>,
    ) -> (Self, mpsc::Receiver<oneshot::Sender<DoorState>>) {
        let (door, asked) = mpsc::channel(4);
        (Self { router, door, policy, files, last: Mutex::default() }, asked)
    }

    /// Gives what is wrong, with the part of the broker before it; nothing when it is healthy.
    pub(crate) async fn reasons(&self) -> Vec<String> {
        let mut last = self.last.lock().await;
        if let Some((at, reasons)) = &*last
            && at.elapsed() < FRESH
        {
            return reasons.clone();
        }
        let mut reasons = self.ask().await;
        reasons.extend(ended(&self.policy.borrow(), clock::unix_ms()));
        reasons.extend(self.files.borrow().iter().map(|problem| format!("files: {problem}")));
        *last = Some((clock::now(), reasons.clone()));
        reasons
    }

    async fn ask(&self) -> Vec<String> {
        let (router, door) =
            tokio::join!(self.router.answers(NAME.to_owned(), PATIENCE), timeout(PATIENCE, self.knock()));
        let router = (!router).then(|| "router: does not answer".to_owned());
        let door = match door {
            Ok(Some(None)) => None,
            Ok(Some(Some(error))) => Some(format!("door: lets nobody in: {error}")),
            Ok(None) | Err(_) => Some("door: does not answer".to_owned()),
        };
        router.into_iter().chain(door).collect()
    }

    async fn knock(&self) -> Option<DoorState> {
        let (tell, told) = oneshot::channel();
        self.door.send(tell).await.ok()?;
        told.await.ok()
    }
}

fn ended(policy: &Policy, now: UnixMillis) -> Vec<String> {
    let own: Vec<_> = policy.tls.iter().flat_map(|tls| &tls.own).collect();
    let has_ended = |certificate: &Certificate| certificate.not_after.get() < now.get();
    // An old authority may be left beside the new one.
    let is_trusted = own.iter().any(|(file, certificate)| *file == CLIENT_AUTHORITIES && !has_ended(certificate));
    let ended =
        own.iter().filter(|(file, certificate)| has_ended(certificate) && !(*file == CLIENT_AUTHORITIES && is_trusted));
    ended.map(|(file, certificate)| format!("{file}: {} ended {}", certificate.name(), certificate.not_after)).collect()
}
