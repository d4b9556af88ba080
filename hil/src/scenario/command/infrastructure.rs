//! What can be done to processes, connections, disks and clocks.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tankline_domain::names::EdgeName;
use tankline_domain::site::Site;

use crate::scenario::story::in_words;

/// What stands behind the name of an edge in that of its twin.
const TWIN: &str = "-twin";

/// A process of the system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The MQTT broker.
    Broker,
    /// The centre's worker.
    Ingest,
    /// The historian that ingest feeds.
    Influxdb,
    /// An edge.
    Edge(EdgeName),
}

/// A connection that can be disturbed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// From an edge to the broker.
    Edge(EdgeName),
    /// From ingest to the broker.
    Ingest,
    /// From ingest to the historian.
    Influxdb,
}

/// How a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// It passes everything at once.
    Open,
    /// It is closed, and new ones are refused.
    Cut,
    /// It stands, and nothing comes through.
    Stalled,
    /// It passes everything late, and no faster than a rate.
    Slow {
        /// How late.
        delay: Duration,
        /// Most bytes a second each way; no bound when absent.
        bytes_per_s: Option<u32>,
    },
}

/// How an edge's disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskState {
    /// It works.
    Good,
    /// Nothing more fits.
    Full,
    /// Nothing can be written.
    ReadOnly,
    /// Each write and each sync takes this long.
    Slow(Duration),
    /// It says that it has synced, and has not.
    Lying,
}

/// How an edge's clock is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockSetting {
    /// It is right.
    Right,
    /// It stands at 1970, as after a start without a battery.
    Unset,
    /// It is wrong by so many milliseconds; ahead when positive.
    Off(i64),
}

/// Something that is done to the system.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// SIGKILL.
    Kill(Role),
    /// SIGTERM; the process stops in good order.
    Stop(Role),
    /// Started when it does not run.
    Start(Role),
    /// Stopped in good order and started.
    Restart(Role),
    /// A second RTU is installed with the identity of this one, on gauges and a journal of its own. It is called
    /// `rtu-01-twin` in other commands.
    Twin(EdgeName),
    /// The power of an RTU fails: what was not synced to its disk is lost.
    PowerCut(EdgeName),
    /// A connection gets another state.
    Link(Link, LinkState),
    /// The connection that stands is closed; a new one can be made at once.
    Drop(Link),
    /// A disk gets another state.
    Disk(EdgeName, DiskState),
    /// A clock is set.
    Clock(EdgeName, ClockSetting),
    /// The historian answers writes with this HTTP status; it takes them again when absent.
    Refuse(Option<u16>),
}

impl Act {
    /// Gives what takes this back; nothing for what is over at once.
    #[must_use]
    pub fn end(&self) -> Option<Self> {
        match self {
            Self::Kill(role) | Self::Stop(role) => Some(Self::Start(role.clone())),
            Self::PowerCut(edge) => Some(Self::Start(Role::Edge(edge.clone()))),
            Self::Twin(edge) => Some(Self::Stop(Role::Edge(twin_of(edge)))),
            Self::Link(link, _) => Some(Self::Link(link.clone(), LinkState::Open)),
            Self::Disk(edge, _) => Some(Self::Disk(edge.clone(), DiskState::Good)),
            Self::Clock(edge, _) => Some(Self::Clock(edge.clone(), ClockSetting::Right)),
            Self::Refuse(_) => Some(Self::Refuse(None)),
            Self::Start(_) | Self::Restart(_) | Self::Drop(_) => None,
        }
    }

    /// Gives the edge that this is done to.
    #[must_use]
    pub const fn edge(&self) -> Option<&EdgeName> {
        match self {
            Self::Kill(Role::Edge(edge))
            | Self::Stop(Role::Edge(edge))
            | Self::Start(Role::Edge(edge))
            | Self::Restart(Role::Edge(edge))
            | Self::PowerCut(edge)
            | Self::Twin(edge)
            | Self::Link(Link::Edge(edge), _)
            | Self::Drop(Link::Edge(edge))
            | Self::Disk(edge, _)
            | Self::Clock(edge, _) => Some(edge),
            _ => None,
        }
    }

    /// Tells whether this concerns the historian.
    #[must_use]
    pub const fn is_about_influxdb(&self) -> bool {
        matches!(
            self,
            Self::Refuse(_)
                | Self::Link(Link::Influxdb, _)
                | Self::Drop(Link::Influxdb)
                | Self::Kill(Role::Influxdb)
                | Self::Stop(Role::Influxdb)
                | Self::Start(Role::Influxdb)
                | Self::Restart(Role::Influxdb)
        )
    }

    /// Checks that the site has the edge that is meant.
    ///
    /// # Errors
    /// A sentence that says which edges there are.
    pub fn check(&self, site: &Site) -> Result<(), String> {
        let edges = site.edges();
        match self.edge() {
            Some(edge) if !edges.iter().any(|known| *known == edge || twin_of(known) == *edge) => {
                let known: Vec<_> = edges.iter().map(|edge| edge.as_str()).collect();
                Err(format!("there is no process {edge}; there are broker, ingest, influxdb, {}", known.join(", ")))
            }
            _ => Ok(()),
        }
    }
}

/// Gives the name of the second RTU with the identity of an edge.
#[must_use]
pub fn twin_of(edge: &EdgeName) -> EdgeName {
    let name = format!("{edge}{TWIN}").parse();
    // Only a name that is as long as a name can be has no room for more.
    name.unwrap_or_else(|_| edge.clone())
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "broker" => Self::Broker,
            "ingest" => Self::Ingest,
            "influxdb" => Self::Influxdb,
            edge => Self::Edge(edge.parse().map_err(|error| format!("{error}"))?),
        })
    }
}

impl FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse()? {
            Role::Edge(edge) => Ok(Self::Edge(edge)),
            Role::Ingest => Ok(Self::Ingest),
            Role::Influxdb => Ok(Self::Influxdb),
            Role::Broker => Err("the broker has no connection of its own; name an edge, ingest or influxdb".to_owned()),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker => f.pad("broker"),
            Self::Ingest => f.pad("ingest"),
            Self::Influxdb => f.pad("influxdb"),
            Self::Edge(edge) => edge.fmt(f),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edge(edge) => edge.fmt(f),
            Self::Ingest => f.pad("ingest"),
            Self::Influxdb => f.pad("influxdb"),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(role) => write!(f, "kill {role}"),
            Self::Stop(role) => write!(f, "stop {role}"),
            Self::Start(role) => write!(f, "start {role}"),
            Self::Restart(role) => write!(f, "restart {role}"),
            Self::PowerCut(edge) => write!(f, "power-cut {edge}"),
            Self::Twin(edge) => write!(f, "twin {edge}"),
            Self::Link(link, LinkState::Open) => write!(f, "mend {link}"),
            Self::Link(link, LinkState::Cut) => write!(f, "cut {link}"),
            Self::Link(link, LinkState::Stalled) => write!(f, "stall {link}"),
            Self::Link(link, LinkState::Slow { delay, bytes_per_s }) => {
                write!(f, "slow {link} delay={}ms", delay.as_millis())?;
                bytes_per_s.map_or(Ok(()), |rate| write!(f, " rate={}kbit/s", f64::from(rate) / 125.0))
            }
            Self::Drop(link) => write!(f, "drop {link}"),
            Self::Disk(edge, DiskState::Good) => write!(f, "disk {edge} good"),
            Self::Disk(edge, DiskState::Full) => write!(f, "disk {edge} full"),
            Self::Disk(edge, DiskState::ReadOnly) => write!(f, "disk {edge} read-only"),
            Self::Disk(edge, DiskState::Lying) => write!(f, "disk {edge} lying"),
            Self::Disk(edge, DiskState::Slow(time)) => write!(f, "disk {edge} slow={}ms", time.as_millis()),
            Self::Clock(edge, ClockSetting::Right) => write!(f, "clock {edge} right"),
            Self::Clock(edge, ClockSetting::Unset) => write!(f, "clock {edge} unset"),
            Self::Clock(edge, ClockSetting::Off(millis)) => {
                let sign = if *millis < 0 { '-' } else { '+' };
                write!(f, "clock {edge} {sign}{}", in_words(Duration::from_millis(millis.unsigned_abs())))
            }
            Self::Refuse(Some(status)) => write!(f, "refuse influxdb {status}"),
            Self::Refuse(None) => f.write_str("accept influxdb"),
        }
    }
}
