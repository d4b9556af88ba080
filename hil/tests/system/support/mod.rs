//! What the tests stand on.

mod account;
mod database;
mod folder;
pub mod http;
mod onlooker;
mod ports;
mod process;
mod programs;
mod secured;
mod station;
mod system;
mod wait;
mod witness;

pub use account::{Account, Death, Unanswered};
pub use database::{Database, Row};
pub use folder::Folder;
pub use onlooker::Onlooker;
pub use ports::free_port;
pub use process::Process;
pub use programs::program;
pub use secured::{CENTRE, Secured, SecuredKind, VIEWER, name_of, ours};
pub use station::{EDGES, INTERVAL, Station};
pub use system::{BrokerKind, DEADLINE, Plan, Role, System};
pub use wait::{wait_for, wait_for_ok, wait_until};
