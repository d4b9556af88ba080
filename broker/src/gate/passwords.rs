//! Passwords, held against their hashes: a few at a time, in turn between origins, and not again once they were right.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::{OwnedMutexGuard, Semaphore};
use tokio::task::spawn_blocking;

use super::Refusal;
use super::addresses::Origin;
use super::packet::{Connect, Login};
use crate::Users;
use crate::lock::hold;
use crate::metrics::Counters;
use crate::policy::{Identity, Policy};

/// Passwords that are held against a hash at once; each takes a processor and 19 MiB.
const AT_ONCE: usize = 2;

/// Holds passwords against their hashes.
///
/// Who comes waits outside until none before it from its origin is looked at, and only then stands in the queue of all. So
/// however many come from one origin, another one waits for one of them at most.
pub(super) struct Passwords {
    places: Arc<Semaphore>,
    origins: Origins,
    proved: Proved,
    counters: Arc<Counters>,
}

impl Passwords {
    /// Begins with nobody.
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Self { places, origins: Origins::default(), proved: Proved::new(), counters }
    }

    /// Finds out who a client without a certificate is.
    ///
    /// # Errors
    /// [`Refusal`] when it proves nothing.
    pub(super) async fn identify(
        &self,
        policy: &Arc<Policy>,
        connect: &Connect,
        address: IpAddr,
    ) -> Result<Identity, Refusal> {
        let (Some(users), Some(login)) = (&policy.users, &connect.login) else {
            return policy.identify(connect, None);
        };
        if !users.has_hashes() {
            return policy.identify(connect, None);
        }
        if let Some(identity) = self.proved.recall(users, login) {
            return Ok(identity);
        }
        let (checked, judged, counters) = (connect.clone(), Arc::clone(policy), Arc::clone(&self.counters));
        let check = move || {
            Counters::add(&counters.password_checks, 1_u64);
            judged.identify(&checked, None)
        };
        let identity = self.in_turn(Origin::of(address), check).await.unwrap_or(Err(Refusal::Unavailable))?;
        self.proved.remember(users, login, &identity);
        Ok(identity)
    }

    /// Does a piece of work when its origin has its turn. Turn and place are the work's until it ends, also when nobody waits
    /// for it any more.
    async fn in_turn<T: Send + 'static>(&self, origin: Origin, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let turn = self.origins.turn(origin).await;
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let working = spawn_blocking(move || {
            let _until_it_ends = (turn, place);
            work()
        });
        working.await.ok()
    }
}

/// One at a time of each origin.
#[derive(Default, Clone)]
struct Origins(Arc<Mutex<HashMap<Origin, Queue>>>);

#[derive(Default)]
struct Queue {
    /// Who waits, and who has the turn.
    claims: usize,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// A claim on the turn of an origin: waiting for it, or having it.
struct Turn {
    origins: Origins,
    origin: Origin,
    held: Option<OwnedMutexGuard<()>>,
}

impl Origins {
    async fn turn(&self, origin: Origin) -> Turn {
        let queue = {
            let mut queues = hold(&self.0);
            let queue = queues.entry(origin).or_default();
            queue.claims += 1;
            Arc::clone(&queue.turn)
        };
        let mut turn = Turn { origins: self.clone(), origin, held: None };
        turn.held = Some(queue.lock_owned().await);
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.held = None;
        let mut queues = hold(&self.origins.0);
        if let Some(queue) = queues.get_mut(&self.origin) {
            queue.claims -= 1;
            if queue.claims == 0 {
                queues.remove(&self.origin);
            }
        }
    }
}

/// What is kept of a login that was right: a code of user, hash and password that only this process can make.
struct Proved {
    /// Nothing is kept without one.
    key: Option<[u8; 32]>,
    /// By user. At most one for each user of the file, and one more.
    codes: Mutex<HashMap<String, Code>>,
}

type Code = [u8; 32];

impl Proved {
    fn new() -> Self {
        let mut key = [0; 32];
        let key = getrandom::fill(&mut key).is_ok().then_some(key);
        Self { key, codes: Mutex::default() }
    }

    fn recall(&self, users: &Users, login: &Login) -> Option<Identity> {
        let proof = users.proof(&login.user)?;
        let known = *hold(&self.codes).get(&login.user)?;
        self.code(login, proof.expose())?.verify_slice(&known).ok()?;
        Some(Identity::User { name: login.user.clone(), proof: proof.clone() })
    }

    fn remember(&self, users: &Users, login: &Login, identity: &Identity) {
        let Identity::User { proof, .. } = identity else { return };
        let Some(code) = self.code(login, proof.expose()) else { return };
        let mut codes = hold(&self.codes);
        codes.insert(login.user.clone(), code.finalize().into_bytes().into());
        if codes.len() > users.len() {
            codes.retain(|user, _| users.proof(user).is_some());
        }
    }

    fn code(&self, login: &Login, proof: &str) -> Option<Hmac<Sha256>> {
        let mut code = Hmac::<Sha256>::new_from_slice(&self.key?).expect("a key may have any length");
        for part in [login.user.as_bytes(), proof.as_bytes(), &login.password] {
            code.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            code.update(part);
        }
        Some(code)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{SyncSender, sync_channel};
    use std::time::Duration;

    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;
    use crate::users;

    const SOON: Duration = Duration::from_secs(60);

    fn passwords() -> Arc<Passwords> {
        Arc::new(Passwords::new(Arc::default()))
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    /// Begins work for an origin that goes on until it is let go.
    async fn long_work(passwords: &Arc<Passwords>, last: u8) -> (tokio::task::JoinHandle<()>, SyncSender<()>) {
        let (let_go, wait) = sync_channel::<()>(1);
        let (tell, begun) = tokio::sync::oneshot::channel();
        let passwords = Arc::clone(passwords);
        #[expect(clippy::disallowed_methods, reason = "a test waits for its tasks itself")]
        let task = tokio::spawn(async move {
            let work = move || {
                tell.send(()).unwrap();
                let _ = wait.recv();
            };
            passwords.in_turn(Origin::of(address(last)), work).await;
        });
        begun.await.unwrap();
        (task, let_go)
    }

    #[tokio::test]
    async fn work_keeps_its_place_when_nobody_waits_for_it_any_more() {
        let passwords = passwords();
        let (first, let_first_go) = long_work(&passwords, 1).await;
        let (second, _let_second_go) = long_work(&passwords, 2).await;
        for task in [&first, &second] {
            task.abort();
        }
        for task in [first, second] {
            assert!(task.await.unwrap_err().is_cancelled());
        }
        assert_eq!(passwords.places.available_permits(), 0, "a place was given back while its work goes on");
        let waiting = passwords.in_turn(Origin::of(address(3)), || ());
        drop(let_first_go);
        timeout(SOON, waiting).await.expect("a place is given back when its work ends");
    }

    #[tokio::test]
    async fn crowd_of_one_origin_waits_outside_and_others_pass_it() {
        let passwords = passwords();
        let (_crowd, let_crowd_go) = long_work(&passwords, 1).await;
        let passed = Arc::new(AtomicUsize::new(0));
        let others: Vec<_> = (0..50)
            .map(|_| {
                let (passwords, passed) = (Arc::clone(&passwords), Arc::clone(&passed));
                #[expect(clippy::disallowed_methods, reason = "a test waits for its tasks itself")]
                tokio::spawn(async move {
                    let work = move || passed.fetch_add(1, Ordering::Relaxed);
                    passwords.in_turn(Origin::of(address(1)), work).await
                })
            })
            .collect();
        while hold(&passwords.origins.0).get(&Origin::of(address(1))).unwrap().claims < 51 {
            yield_now().await;
        }
        let newcomer = passwords.in_turn(Origin::of(address(2)), || ());
        timeout(SOON, newcomer).await.expect("a newcomer waits behind the crowd");
        assert_eq!(passed.load(Ordering::Relaxed), 0, "two of one origin were looked at together");
        others.iter().take(10).for_each(tokio::task::JoinHandle::abort);
        drop(let_crowd_go);
        for task in others.into_iter().skip(10) {
            timeout(SOON, task).await.unwrap().unwrap();
        }
        timeout(SOON, _crowd).await.unwrap().unwrap();
        assert!(hold(&passwords.origins.0).is_empty(), "who has left is forgotten");
    }

    #[tokio::test]
    async fn right_login_needs_no_hash_again_until_its_line_changes() {
        let passwords = passwords();
        let policy = |secret: &str| {
            let users = [("edge", users::hash(secret.as_bytes()).unwrap())].into_iter().collect();
            Arc::new(Policy { users: Some(users), ..Policy::default() })
        };
        let connect = |user: &str, password: &str| {
            let login = Some(Login { user: user.to_owned(), password: password.as_bytes().to_vec() });
            Connect { client_id: "a".to_owned(), is_clean: true, keep_alive_s: 0, will: None, login }
        };
        let (before, after) = (policy("secret"), policy("other"));
        let checks = || passwords.counters.password_checks.load(Ordering::Relaxed);
        let mut expected = 0;
        for (policy, user, password, is_right, is_checked) in [
            (&before, "edge", "secret", true, true),
            (&before, "edge", "secret", true, false),
            (&before, "edge", "Secret", false, true),
            (&before, "edge", "secret", true, false),
            (&before, "nobody", "secret", false, true),
            (&after, "edge", "secret", false, true),
            (&after, "edge", "other", true, true),
            (&after, "edge", "other", true, false),
            (&before, "edge", "secret", true, true),
        ] {
            let identity = passwords.identify(policy, &connect(user, password), address(1)).await;
            expected += u64::from(is_checked);
            assert_eq!((identity.is_ok(), checks()), (is_right, expected), "{user} {password}");
        }
        assert_eq!(hold(&passwords.proved.codes).len(), 1);
    }
}
