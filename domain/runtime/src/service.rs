//! What the service manager of the machine is told: that a process is ready, alive, stopping, and how it stands.
//!
//! Source: sd_notify(3) and systemd.service(5), of systemd 252.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// How often the service manager hears how a process stands that it does not watch.
const UNWATCHED: Duration = Duration::from_secs(30);

/// When a process that has become ready is asked again.
const AFTER_START: Duration = Duration::from_secs(5);

/// A shorter watchdog time than four times this is not kept.
const SHORTEST: Duration = Duration::from_millis(10);

/// The way to the service manager; there is none when it did not start this process.
#[derive(Debug, Default)]
pub struct Service {
    way: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

/// The service manager cannot be told anything.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The address is of no kind that is known here.
    #[error("NOTIFY_SOCKET is {address:?}, which is neither a path nor the name of an abstract socket (@name)")]
    Address {
        /// The address.
        address: String,
        /// What the system said.
        #[source]
        source: Option<io::Error>,
    },
    /// The system gives no socket.
    #[error("no socket for the service manager")]
    Socket(#[source] io::Error),
}

impl Service {
    /// Finds the service manager that started this process; when it cannot be told anything that is logged.
    #[must_use]
    pub fn from_environment() -> Self {
        let Some(address) = env::var_os("NOTIFY_SOCKET").filter(|address| !address.is_empty()) else {
            return Self::default();
        };
        let number = |name| env::var(name).ok()?.parse().ok();
        let is_meant = number("WATCHDOG_PID").is_none_or(|pid: u64| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|micros| is_meant && *micros > 0);
        Self::at(&address, watchdog.map(Duration::from_micros)).unwrap_or_else(|error| {
            tracing::warn!(error = format!("{:#}", anyhow::Error::from(error)), "the service manager is told nothing");
            Self::default()
        })
    }

    /// Finds the service manager at an address: a path, or `@name` of an abstract socket. With a watchdog time it wants to
    /// hear that the process is alive, at least so often.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn at(address: &OsStr, watchdog: Option<Duration>) -> Result<Self, ServiceError> {
        let wrong = |source| ServiceError::Address { address: address.to_string_lossy().into_owned(), source };
        let place = match address.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
            [b'/', ..] => SocketAddr::from_pathname(address),
            _ => return Err(wrong(None)),
        };
        let place = place.map_err(|source| wrong(Some(source)))?;
        let socket = UnixDatagram::unbound().map_err(ServiceError::Socket)?;
        // A service manager that is busy must not hold up anything here.
        socket.set_nonblocking(true).map_err(ServiceError::Socket)?;
        Ok(Self { way: Some((socket, place)), watchdog })
    }

    /// Tells the service manager how the process stands, until told to stop.
    ///
    /// `ask` is to answer when everything that must live has done so: with how it stands, in a line for a person, or with
    /// what is stuck. The first answer says that the process is ready, each further one that it is alive. Without an
    /// answer the service manager hears nothing, and ends the process when its patience does.
    ///
    /// Does nothing at all, and nothing regularly, where there is no service manager.
    pub async fn attend<A>(self, stop: CancellationToken, ask: impl Fn() -> A)
    where
        A: Future<Output = Result<String, String>>,
    {
        if self.way.is_some() {
            stop.run_until_cancelled(self.tell_regularly(ask)).await;
            self.send("STOPPING=1\nSTATUS=stopping");
        } else {
            stop.cancelled().await;
        }
    }

    async fn tell_regularly<A>(&self, ask: impl Fn() -> A)
    where
        A: Future<Output = Result<String, String>>,
    {
        // One answer may fail to come, and the next one may be late: it is still in time.
        let pace = self.watchdog.map_or(UNWATCHED, |watchdog| watchdog / 4).max(SHORTEST);
        let patience = pace / 2;
        let mut was_ready = false;
        let mut told = Ok(String::new());
        let mut due = interval(pace);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            let answer = timeout(patience, ask()).await;
            let standing = answer.unwrap_or_else(|_| Err("it does not answer".to_owned()));
            let mut news = String::new();
            if standing.is_ok() {
                news.push_str(if was_ready { "WATCHDOG=1\n" } else { "READY=1\nWATCHDOG=1\n" });
                if !was_ready {
                    // At the start much changes soon: connections come to stand.
                    due.reset_after(pace.min(AFTER_START));
                }
                was_ready = true;
            }
            if standing != told {
                match &standing {
                    Ok(words) => {
                        if let Err(reason) = &told {
                            tracing::info!(reason, "what was stuck goes on");
                        }
                        // One line, whatever names stand in it.
                        let _ = writeln!(news, "STATUS={}", words.replace(char::is_control, " "));
                    }
                    Err(reason) => {
                        tracing::error!(
                            reason,
                            "something is stuck; the service manager no longer hears that all is well"
                        );
                        let _ = writeln!(news, "STATUS=stuck: {}", reason.replace(char::is_control, " "));
                    }
                }
                told = standing;
            }
            if !news.is_empty() {
                self.send(news.trim_end());
            }
        }
    }

    /// Sends what the service manager can do without: when it takes nothing there is nobody to tell.
    fn send(&self, news: &str) {
        if let Some((socket, place)) = &self.way
            && let Err(error) = socket.send_to_addr(news.as_bytes(), place)
        {
            tracing::debug!(%error, "the service manager takes nothing");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::pending;

    use super::*;

    const WATCHDOG: Duration = Duration::from_secs(60);

    /// A service manager, and the way to it by a path.
    fn manager(folder: &tempfile::TempDir) -> (UnixDatagram, Service) {
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        (manager, Service::at(path.as_os_str(), Some(WATCHDOG)).unwrap())
    }

    fn heard(manager: &UnixDatagram) -> Vec<String> {
        let mut bytes = [0; 1024];
        let next = || manager.recv(&mut bytes).ok().map(|count| String::from_utf8_lossy(&bytes[..count]).into_owned());
        std::iter::from_fn(next).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_answers_is_ready_then_alive_each_quarter_of_the_interval_then_stopping() {
        let folder = tempfile::tempdir().unwrap();
        let (manager, service) = manager(&folder);
        let stop = CancellationToken::new();
        let attending = service.attend(stop.clone(), async || Ok("8 of 8 gauges live".to_owned()));
        let stopping = async {
            tokio::time::sleep(Duration::from_secs(55)).await;
            stop.cancel();
        };
        tokio::join!(attending, stopping);
        assert_eq!(
            heard(&manager),
            [
                "READY=1\nWATCHDOG=1\nSTATUS=8 of 8 gauges live",
                "WATCHDOG=1",
                "WATCHDOG=1",
                "WATCHDOG=1",
                "WATCHDOG=1",
                "STOPPING=1\nSTATUS=stopping"
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_answer_is_neither_ready_nor_alive() {
        let folder = tempfile::tempdir().unwrap();
        let (manager, service) = manager(&folder);
        let answers = RefCell::new(vec![None, Some(Ok("well".to_owned())), None, Some(Err("line-01".to_owned()))]);
        answers.borrow_mut().reverse();
        let ask = async || {
            let next = answers.borrow_mut().pop();
            match next {
                Some(Some(answer)) => answer,
                _ => pending().await,
            }
        };
        let attending = service.attend(CancellationToken::new(), ask);
        assert!(timeout(Duration::from_secs(50), attending).await.is_err(), "nobody stops it");
        assert_eq!(
            heard(&manager),
            [
                "STATUS=stuck: it does not answer",
                "READY=1\nWATCHDOG=1\nSTATUS=well",
                "STATUS=stuck: it does not answer",
                "STATUS=stuck: line-01"
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn abstract_socket_is_reached_and_what_is_said_stays_one_line() {
        let name = format!("tankline-test-{}-{:x}", std::process::id(), fastrand::u64(..));
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        manager.set_nonblocking(true).unwrap();
        let service = Service::at(OsStr::new(&format!("@{name}")), None).unwrap();
        let attending = service.attend(CancellationToken::new(), async || Ok("a\nREADY=0".to_owned()));
        assert!(timeout(Duration::from_secs(1), attending).await.is_err(), "nobody stops it");
        assert_eq!(heard(&manager), ["READY=1\nWATCHDOG=1\nSTATUS=a READY=0"]);
    }

    #[test]
    fn address_that_cannot_be_is_said() {
        let error = Service::at(OsStr::new("vsock:2:1234"), None).unwrap_err();
        assert!(error.to_string().contains("neither a path nor"), "{error}");
    }

    #[tokio::test]
    async fn without_a_service_manager_nobody_is_asked() {
        let stop = CancellationToken::new();
        stop.cancel();
        Service::default().attend(stop, async || panic!("there is nobody to tell")).await;
    }
}
