//! The running broker.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tankline_domain::settings::Problems;
use tankline_runtime::service::Service;
use tankline_runtime::supervisor::{Stage, Supervisor, SupervisorError};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::BrokerConfig;
use crate::gate::{Gate, Rules};
use crate::health::Health;
use crate::http::{self, Served};
use crate::inner::Access;
use crate::metrics::Counters;
use crate::reload;

/// For connections to be closed when the broker stops.
const CLOSING_TIME: Duration = Duration::from_secs(1);

/// For the broker to stop, all in all.
const GRACE: Duration = Duration::from_secs(4);

/// Why the broker could not begin, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; {advice}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What to do.
        advice: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused a thread or the like.
    #[error("cannot start the threads of the broker")]
    Threads {
        /// What the system said.
        source: io::Error,
    },
    /// Users or rights cannot be read.
    #[error("the files of users and rights cannot be used: {problems}")]
    Files {
        /// What is wrong with them.
        problems: Problems,
    },
    /// The broker ended although nobody had asked for it.
    #[error("the broker ended: {reason}")]
    Ended {
        /// Why, in words.
        reason: String,
    },
}

/// A broker with threads of its own; dropping it stops it without waiting.
#[derive(Debug)]
pub struct Broker {
    address: SocketAddr,
    http_address: Option<SocketAddr>,
    stop: CancellationToken,
    ended: CancellationToken,
    thread: Option<JoinHandle<Result<(), BrokerError>>>,
    asking: mpsc::Sender<Reply>,
}

/// Where the broker says how many clients it has.
type Reply = oneshot::Sender<u64>;

impl Broker {
    /// Starts a broker; it takes clients when this returns.
    ///
    /// # Errors
    /// [`BrokerError`] when the address cannot be listened on or the system refuses something else.
    pub fn start(config: BrokerConfig) -> Result<Self, BrokerError> {
        let (listener, address) = listen(config.listen)?;
        let http = config.http.map(listen).transpose()?;
        let http_address = http.as_ref().map(|(_, address)| *address);
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        let (tell_begun, begun) = sync_channel(1);
        let (asking, asked) = mpsc::channel(1);
        let thread = std::thread::Builder::new().name("broker".to_owned()).spawn({
            let (stop, ended) = (stop.clone(), ended.clone());
            move || {
                // Also when this thread panics.
                let _ended = ended.drop_guard();
                live(&config, (listener, http.map(|(listener, _)| listener)), &stop, tell_begun, asked)
            }
        });
        let thread = thread.map_err(|source| BrokerError::Threads { source })?;
        let broker = Self { address, http_address, stop, ended, thread: Some(thread), asking };
        match begun.recv() {
            Ok(()) => {
                if let Some(address) = http_address {
                    tracing::info!(%address, "broker serves metrics");
                }
                tracing::info!(%address, "broker takes clients");
                Ok(broker)
            }
            // It ended before it had begun, and knows why.
            Err(_) => Err(broker.join().err().unwrap_or_else(ended_without_reason)),
        }
    }

    /// Gives the address that clients connect to, with the port that was taken.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives where metrics and health are served, if anywhere.
    #[must_use]
    pub const fn http_address(&self) -> Option<SocketAddr> {
        self.http_address
    }

    /// Runs under a supervisor until told to stop, and tells the service manager meanwhile how it stands.
    ///
    /// # Errors
    /// [`SupervisorError`] when it ended unasked or did not stop in time.
    pub async fn run(self, service: Service, stop: CancellationToken) -> Result<(), SupervisorError> {
        let mut supervisor = Supervisor::new("tankline-broker", GRACE);
        let (roll_call, asking) = (supervisor.roll_call(), self.asking.clone());
        supervisor.spawn(Stage::Intake, "service", |stop| async move {
            let ask = async || {
                roll_call.answered().await?;
                clients(&asking).await.map(|clients| format!("{clients} clients"))
            };
            service.attend(stop, ask).await;
            Ok(())
        });
        supervisor.spawn(Stage::Connection, "broker", |stop| async move { Ok(self.serve(stop).await?) });
        supervisor.run(stop).await
    }

    /// Runs until it is stopped, or ends by itself.
    ///
    /// # Errors
    /// [`BrokerError::Ended`] when it ended unasked.
    pub async fn serve(self, stop: CancellationToken) -> Result<(), BrokerError> {
        tokio::select! {
            () = stop.cancelled() => (),
            () = self.ended.cancelled() => (),
        }
        self.stop.cancel();
        self.ended.cancelled().await;
        self.join()
    }

    /// Stops the broker, and waits until its port is free; that takes at most about a second.
    pub fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.join() {
            tracing::error!(%error, "the broker had already ended");
        }
    }

    fn join(mut self) -> Result<(), BrokerError> {
        let joined = self.thread.take().map(JoinHandle::join);
        let panicked = || BrokerError::Ended { reason: "its thread panicked".to_owned() };
        joined.map_or(Ok(()), |joined| joined.unwrap_or_else(|_| Err(panicked())))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The life of the broker's thread.
fn live(
    config: &BrokerConfig,
    (listener, http): (TcpListener, Option<TcpListener>),
    stop: &CancellationToken,
    tell_begun: SyncSender<()>,
    asked: mpsc::Receiver<Reply>,
) -> Result<(), BrokerError> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).thread_name("broker-worker").enable_all().build();
    let runtime: Runtime = runtime.map_err(|source| BrokerError::Threads { source })?;
    let outcome = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(|source| BrokerError::Threads { source })?;
        let inner = Access::start(config);
        let policy = config.files.read().map_err(|problems| BrokerError::Files { problems })?;
        let (exchange, policy) = watch::channel(Arc::new(policy));
        let counters = Arc::new(Counters::default());
        let answering = answer(asked, Arc::clone(&counters));
        let (problem_with, files) = watch::channel(None);
        let (health, knocked) = Health::new(inner.clone(), policy.clone(), files);
        let health = Arc::new(health);
        let served = Served { counters: Arc::clone(&counters), policy: policy.clone(), health, inner: inner.clone() };
        let serving_http = async {
            match http {
                Some(listener) => http::serve(listener, served).await,
                None => std::future::pending().await,
            }
        };
        let watched = Arc::clone(&counters);
        let gate = Gate { listener, rules: Rules::new(config, policy, counters, inner), asked: knocked };
        // Who started this has gone away only when it panicked; then the token stops us.
        let _ = tell_begun.send(());
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            reason = gate.serve() => Err(BrokerError::Ended { reason }),
            reason = serving_http => Err(BrokerError::Ended { reason }),
            () = reload::watch(&config.files, exchange, problem_with, &watched.ends) => Ok(()),
            () = answering => Ok(()),
        }
    });
    runtime.shutdown_timeout(CLOSING_TIME);
    outcome
}

/// Answers who asks how many clients there are: here, and then on a worker thread, so that both are known to live.
async fn answer(mut asked: mpsc::Receiver<Reply>, counters: Arc<Counters>) {
    let mut answers = JoinSet::new();
    while let Some(reply) = asked.recv().await {
        let clients = counters.connected.load(Ordering::Relaxed);
        // Who asked may have given up.
        answers.spawn(async move { reply.send(clients) });
        while answers.try_join_next().is_some() {}
    }
    // Nobody can ask any more; the broker goes on.
    std::future::pending().await
}

async fn clients(asking: &mpsc::Sender<Reply>) -> Result<u64, String> {
    let ended = "the broker has ended";
    let (reply, answer) = oneshot::channel();
    asking.send(reply).await.map_err(|_| ended)?;
    Ok(answer.await.map_err(|_| ended)?)
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), BrokerError> {
    let wrong = |source| BrokerError::Listen { address, advice: advice(&source), source };
    let listener = TcpListener::bind(address).map_err(wrong)?;
    listener.set_nonblocking(true).map_err(wrong)?;
    let bound = listener.local_addr().map_err(wrong)?;
    Ok((listener, bound))
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program has this port, perhaps another broker (`ss -ltnp` shows it); stop that one, or choose \
             another port with the key `listen`"
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; correct the key `listen`",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege; choose one above with the key `listen`",
        _ => "correct the key `listen`",
    }
}

fn ended_without_reason() -> BrokerError {
    BrokerError::Ended { reason: "nobody knows why".to_owned() }
}
