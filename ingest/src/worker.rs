//! The whole worker: opened, observed, run.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use rusqlite::Connection;
use tankline_domain::alarm::Moment;
use tankline_domain::names::SiteName;
use tankline_domain::site::Site;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tankline_runtime::cost::Spent;
use tankline_runtime::mqtt::session;
use tankline_runtime::service::Service;
use tankline_runtime::supervisor::{Stage, Supervisor};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::access::{Keeper, TokensError};
use crate::alarms::{Engine, Kept, Standing};
use crate::centre;
use crate::config::Config;
use crate::historian::{self, Feed, Figures, InfluxDb, InfluxDbError, LimitLines, Stream};
use crate::http;
use crate::live::{TankState, TankView};
use crate::notify::{self, Notifier, Outbox, Tally, Target};
use crate::shared::{Loaded, Shared};
use crate::stages;
use crate::stations::Stations;
use crate::store::{self, DatabaseLock, Expiry, LockError, OpenError, Work, Writer};

/// How long a stop may take.
const GRACE: Duration = Duration::from_millis(4500);

/// Messages that wait to be written; when there are more, the broker waits.
const QUEUE: usize = 256;

/// Messages that wait to be taken apart.
const EVENTS: usize = 64;

/// How often it is looked whether readings are too old.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);

/// How long the alarm clock waits for the writer to set it anew before it rings again.
const MOST_PATIENCE: Duration = Duration::from_secs(1);

/// A task that was to be heard of longer ago is stuck: a large transaction on a slow disk takes less.
const LATE_AFTER: Duration = Duration::from_secs(120);

/// Readings that are deleted in one go, so that commits never wait long.
const EXPIRED_AT_ONCE: u32 = 2000;

/// Why a worker cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another worker uses the database.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A site is served by another worker.
    #[error(
        "site {site} was handed over to another worker at {at}; take its description out of `sites`, \
         or take it in again by `tankline-ingest site import`"
    )]
    HandedOver {
        /// The site.
        site: SiteName,
        /// When.
        at: UnixMillis,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The database does not give what is in it.
    #[error("cannot read the database {path}")]
    Load {
        /// The file.
        path: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// HTTP cannot be served there.
    #[error("cannot listen on {address} for HTTP; is another program using that port?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The tokens cannot be read.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// There is no client for the historian.
    #[error(transparent)]
    Historian(#[from] InfluxDbError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// A worker that is ready to run: its database is open and its port is bound.
#[derive(Debug)]
pub struct Ingest {
    config: Config,
    shared: Arc<Shared>,
    lock: DatabaseLock,
    connection: Connection,
    listener: Option<TcpListener>,
    outboxes: Vec<Outbox>,
    historian: Option<Fed>,
    boot: String,
    engine: Engine,
    keeper: Option<Arc<Keeper>>,
    observer: Observer,
}

/// What is fed to, from where, and how far each stream has got.
#[derive(Debug)]
struct Fed {
    sink: InfluxDb,
    reader: Connection,
    cursors: Vec<(Stream, i64)>,
}

/// Looks at a worker from outside, while it runs and after it has ended.
#[derive(Debug, Clone)]
pub struct Observer {
    shared: Arc<Shared>,
    http: Option<SocketAddr>,
}

impl Ingest {
    /// Opens the database, loads what is in it, and binds the port.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn open(config: Config) -> Result<Self, StartError> {
        let stations = Arc::new(Stations::new(&config.sites));
        let lock = DatabaseLock::take(&config.database, "tankline-ingest run")?;
        let mut connection = store::open(&config.database)?;
        forget_orphans(&connection);
        let path = || config.database.display().to_string();
        for site in config.sites.iter().map(Site::name) {
            let custody = store::custody(&connection, site);
            let custody = custody.map_err(|source| StartError::Load { path: path(), source })?;
            if let Some(gone) = custody.filter(|custody| !custody.is_here) {
                return Err(StartError::HandedOver { site: site.clone(), at: gone.changed });
            }
        }
        store::note_bases(&mut connection, &stations, clock::unix_ms())
            .map_err(|source| StartError::Load { path: path(), source })?;
        let mut loaded = load(&connection, &stations).map_err(|source| StartError::Load { path: path(), source })?;
        loaded.notifier = Notifier::new(&config.targets);
        let outboxes = outboxes(&config, &mut connection, &loaded.notifier)?;
        let alarms = store::load_alarms(&connection).map_err(|source| StartError::Load { path: path(), source })?;
        let watches = store::load_watches(&connection).map_err(|source| StartError::Load { path: path(), source })?;
        let kept = Kept { alarms, watches };
        let now = Moment { monotonic: clock::now(), unix: clock::unix_ms() };
        let engine = Engine::new(&config.sites, Arc::clone(&stations), kept, now);
        loaded.alarms = engine.board();
        loaded.watched = engine.watched();
        let keeper = config.tokens_file.as_deref().map(Keeper::new).transpose()?.map(Arc::new);
        let sites = config.sites.iter().map(|site| site.name().clone());
        let shared = Arc::new(Shared::new(stations, sites, loaded));
        let listener = config.http.map(listen).transpose()?;
        let http = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let historian = match &config.historian {
            None => None,
            Some(wanted) => {
                let cursor = |stream: Stream| {
                    let cursor = store::cursor(&connection, &stream.target(&wanted.target()));
                    cursor.map(|cursor| (stream, cursor))
                };
                let cursors = [Stream::Readings, Stream::Alarms].into_iter().map(cursor).collect::<Result<_, _>>();
                let cursors = cursors.map_err(|source| StartError::Load { path: path(), source })?;
                let (sink, reader) = (InfluxDb::new(wanted)?, store::open_read_only(&config.database)?);
                Some(Fed { sink, reader, cursors })
            }
        };
        let boot = boot()?;
        let observer = Observer { shared: Arc::clone(&shared), http };
        Ok(Self { config, shared, lock, connection, listener, historian, outboxes, boot, engine, keeper, observer })
    }

    /// Gives what looks at the worker from outside.
    #[must_use]
    pub fn observer(&self) -> Observer {
        self.observer.clone()
    }

    /// Runs until stopped: then finishes what it has taken in, acknowledges it, and says good-bye.
    ///
    /// # Errors
    /// A task failed, or something could not be finished in time.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        self.run_as(Service::default(), stop).await
    }

    /// Runs until stopped, as [`Ingest::run`] does, and tells the service manager meanwhile how it stands.
    ///
    /// # Errors
    /// A task failed, or something could not be finished in time.
    pub async fn run_as(self, service: Service, stop: CancellationToken) -> anyhow::Result<()> {
        let mut supervisor = Supervisor::new("tankline-ingest", GRACE);
        let (roll_call, observer) = (supervisor.roll_call(), self.observer());
        supervisor.spawn(Stage::Intake, "service", |stop| async move {
            let ask = async || {
                roll_call.answered().await?;
                observer.standing()
            };
            service.attend(stop, ask).await;
            Ok(())
        });
        let (work, queue) = mpsc::channel(QUEUE);
        let drained = CancellationToken::new();
        for index in 0..self.shared.desks().len() {
            self.spawn_site(&mut supervisor, index, &work, &drained);
        }
        let expiry = Expiry {
            retention: self.config.retention,
            target: self.config.historian.as_ref().map(crate::config::HistorianConfig::target),
            at_once: EXPIRED_AT_ONCE,
        };
        let to_expire = work.clone();
        supervisor.spawn(Stage::Work, "retention", move |stop| expire(expiry, to_expire, stop));
        let has_historian = self.historian.is_some();
        if let (Some(listener), shared) = (self.listener, Arc::clone(&self.shared)) {
            let (database, keeper) = (self.config.database.clone(), self.keeper);
            let reporting = Arc::new(http::Reporting::new(self.config.sites.clone(), self.config.report.clone()));
            let work = work.downgrade();
            let certificate_ends = self.config.broker.settings.first_end();
            let served = http::Served { shared, has_historian, certificate_ends, database, work, keeper, reporting };
            supervisor.spawn(Stage::Work, "http", move |stop| http::serve(listener, served, stop));
        }
        if let (Some(Fed { sink, reader, cursors }), Some(config)) = (self.historian, self.config.historian) {
            let (sink, reader) = (Arc::new(sink), Arc::new(Mutex::new(reader)));
            if let Some(interval) = config.figures_interval {
                let figures = Figures {
                    sink: Arc::clone(&sink),
                    interval,
                    text_fields: config.text_fields,
                    shared: Arc::clone(&self.shared),
                    limits: LimitLines::new(&self.config.sites),
                    database: self.config.database.clone(),
                };
                supervisor.spawn(Stage::Work, "historian figures", move |stop| historian::write_figures(figures, stop));
            }
            for (stream, cursor) in cursors {
                let (sink, reader, shared) = (Arc::clone(&sink), Arc::clone(&reader), Arc::clone(&self.shared));
                let feed = Feed { stream, sink, config: config.clone(), shared, reader, work: work.clone(), cursor };
                let name = if stream == Stream::Alarms { "historian feed of alarms" } else { "historian feed" };
                supervisor.spawn(Stage::Work, name, move |stop| historian::feed(feed, stop));
            }
        }
        for outbox in self.outboxes {
            let name = format!("notification {}", outbox.name());
            supervisor.spawn(Stage::Work, &name, move |stop| outbox.run(stop));
        }
        let (due, when) = watch::channel(None);
        let to_wake = work.clone();
        supervisor.spawn(Stage::Work, "alarm clock", move |stop| wake(when, to_wake, stop));
        // From here on the queue is closed when all who fill it have stopped.
        drop(work);
        let (lock, connection, shared, engine) = (self.lock, self.connection, self.shared, self.engine);
        let dead_letter_max_rows = self.config.dead_letter_max_rows;
        supervisor.spawn(Stage::Disk, "store", move |stop| {
            let runtime = tokio::runtime::Handle::current();
            let writer = Writer { connection, shared, work: queue, dead_letter_max_rows, stop, runtime, engine, due };
            write(writer, lock, drained)
        });
        supervisor.run(stop).await?;
        Ok(())
    }

    /// Starts what one site needs: the connection, what listens to it, what speaks on it.
    fn spawn_site(
        &self,
        supervisor: &mut Supervisor,
        index: usize,
        work: &mpsc::Sender<Work>,
        drained: &CancellationToken,
    ) {
        let site = centre::Site { shared: Arc::clone(&self.shared), index, boot: self.boot.clone() };
        let name = site.desk().site.clone();
        let options = centre::session_options(&self.config.broker, &name, &self.boot);
        let (publisher, events, driver) = session(options, EVENTS);
        let (listening, work) = (site.clone(), work.clone());
        supervisor.spawn(Stage::Intake, &format!("intake {name}"), move |stop| {
            centre::receive(listening, events, work, stop)
        });
        let drained = drained.clone();
        // Ends when the store has: it is what acknowledges the last commit.
        supervisor.spawn(Stage::Disk, &format!("acknowledgement {name}"), move |_| {
            centre::announce(site, publisher, drained)
        });
        let driver = driver.charged_to(Arc::clone(self.shared.stage_times.of(stages::Stage::Connection)));
        supervisor.spawn(Stage::Connection, &format!("broker {name}"), move |stop| driver.run(stop));
    }
}

impl Observer {
    /// Counts the readings committed since the start.
    #[must_use]
    pub fn committed(&self) -> u64 {
        self.shared.counters.readings_committed.load(Ordering::Relaxed)
    }

    /// Counts the readings that came since the start and had been committed before.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.shared.counters.duplicates_refused.load(Ordering::Relaxed)
    }

    /// Counts the dead letters since the start.
    #[must_use]
    pub fn dead_letters(&self) -> u64 {
        self.shared.counters.dead_letters.load(Ordering::Relaxed)
    }

    /// Gives the time from gauge to commit, in milliseconds, that a share of all live readings, 0 to 1, did not exceed.
    #[must_use]
    pub fn latency_ms(&self, share: f64) -> Option<u64> {
        self.shared.latencies().quantile_ms(share)
    }

    /// Gives what a stage has cost since the start.
    #[must_use]
    pub fn spent(&self, stage: stages::Stage) -> Spent {
        self.shared.stage_times.of(stage).spent()
    }

    /// Gives the tanks as operators see them, in the order of the descriptions.
    #[must_use]
    pub fn tanks(&self, now: UnixMillis) -> Vec<TankView> {
        self.shared.tank_views(now)
    }

    /// Gives the alarms that are not normal, the most urgent first.
    #[must_use]
    pub fn alarms(&self) -> Vec<Standing> {
        self.shared.alarms().by_urgency()
    }

    /// Gives where HTTP is served.
    #[must_use]
    pub const fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Says how the worker stands, in a line for a person.
    ///
    /// # Errors
    /// Names what of it is stuck.
    pub fn standing(&self) -> Result<String, String> {
        let late = self.shared.pulses.late(clock::now(), LATE_AFTER);
        if !late.is_empty() {
            return Err(late.join(", "));
        }
        let tanks = self.tanks(clock::unix_ms());
        let live = tanks.iter().filter(|tank| matches!(tank.state, TankState::Live)).count();
        let words = format!("{live} of {} tanks live, {} alarms", tanks.len(), self.alarms().len());
        Ok(self.health().reasons.iter().fold(words, |words, reason| words + "; " + reason))
    }

    /// Tells whether the worker does what it is there for, and why not.
    #[must_use]
    pub fn health(&self) -> http::Health {
        http::health(&self.shared)
    }
}

fn load(connection: &Connection, stations: &Stations) -> rusqlite::Result<Loaded> {
    let mut loaded = Loaded { ledger: store::load_ledger(connection, stations)?, ..Loaded::default() };
    for (id, tank) in stations.tanks() {
        loaded.tanks.load(id, store::newest_of(connection, tank)?);
    }
    for note in store::load_gaps(connection, stations)? {
        loaded.edges.load(note);
    }
    loaded.newest_transition =
        connection.query_row("SELECT ifnull(max(id), 0) FROM alarm_transition", [], |row| row.get(0))?;
    loaded.newest_id = connection.query_row("SELECT ifnull(max(id), 0) FROM reading", [], |row| row.get(0))?;
    Ok(loaded)
}

/// Opens what tells those who are to be told of alarms.
fn outboxes(config: &Config, connection: &mut Connection, notifier: &Notifier) -> Result<Vec<Outbox>, StartError> {
    let names: Vec<_> = config.targets.iter().map(|target| target.name.as_str()).collect();
    notify::give_up_orphans(connection, &names, clock::unix_ms())
        .map_err(|source| StartError::Load { path: config.database.display().to_string(), source })?;
    let outbox = |(target, tally): (&Target, &Arc<Tally>)| {
        Outbox::open(target.clone(), &config.database, notifier.bell(), Arc::clone(tally))
    };
    let opened: Result<Vec<_>, _> = config.targets.iter().zip(notifier.tallies()).map(outbox).collect();
    Ok(opened?)
}

fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Gives a name that no other start of a worker has.
fn boot() -> Result<String, StartError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(StartError::Random)?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

/// Runs the writer on a thread of its own.
async fn write(writer: Writer, lock: DatabaseLock, drained: CancellationToken) -> anyhow::Result<()> {
    let (tell, ended) = oneshot::channel();
    std::thread::Builder::new()
        .name("store-writer".to_owned())
        .spawn(move || {
            // Nobody waits any more when the grace is over.
            let _ = tell.send(writer.run());
            drop(lock);
        })
        .context("cannot start a thread for the database")?;
    let outcome = ended.await;
    drained.cancel();
    outcome.context("the writer of the database broke down")?.map_err(anyhow::Error::from)
}

/// Sees to it that alarms get their time: delays that end while nothing else comes.
async fn wake(
    mut when: watch::Receiver<Option<Instant>>,
    work: mpsc::Sender<Work>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let waking = async {
        // The writer is gone when there is nothing to receive any more; then this has nothing to do.
        loop {
            let due = *when.borrow_and_update();
            let Some(due) = due else {
                if when.changed().await.is_err() {
                    return;
                }
                continue;
            };
            tokio::select! {
                changed = when.changed() => if changed.is_err() { return },
                () = tokio::time::sleep_until(due.into()) => {
                    if work.send(Work::Time).await.is_err() {
                        return;
                    }
                    // However long that takes: what is due now is not due twice.
                    if let Ok(Err(_)) = tokio::time::timeout(MOST_PATIENCE, when.changed()).await {
                        return;
                    }
                }
            }
        }
    };
    stop.run_until_cancelled(waking).await;
    stop.cancelled().await;
    Ok(())
}

/// Sees to it that readings that are too old go.
async fn expire(expiry: Expiry, work: mpsc::Sender<Work>, stop: CancellationToken) -> anyhow::Result<()> {
    let expiring = async {
        loop {
            let (reply, expired) = oneshot::channel();
            work.send(Work::Expire(expiry.clone(), reply)).await.ok().context("the writer of the database is gone")?;
            // A failure was logged where it happened.
            let gone = expired.await.map_or(0, |expired| expired.readings);
            if gone < u64::from(expiry.at_once) {
                tokio::time::sleep(EXPIRY_INTERVAL).await;
            }
        }
    };
    stop.run_until_cancelled(expiring).await.unwrap_or(Ok(()))
}

/// Gives what the database holds, while a worker may be using it.
///
/// # Errors
/// The database is not there, of another version, or cannot be read.
pub fn status_of(database: &Path) -> anyhow::Result<store::StoreStatus> {
    let connection = store::open_read_only(database)?;
    store::survey(&connection).with_context(|| format!("cannot read the database {}", database.display()))
}

/// Takes away what belongs to nothing any more. A database that cannot do so now is as good for all else.
fn forget_orphans(connection: &Connection) {
    match store::forget_orphans(connection) {
        Ok(0) => (),
        Ok(rows) => tracing::info!(rows, "what was derived before of readings that are gone is deleted"),
        Err(error) => tracing::warn!(%error, "what was derived before of readings that are gone cannot be deleted"),
    }
}
