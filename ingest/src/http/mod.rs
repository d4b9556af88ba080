//! What operators and monitoring are served.

mod alarms;
mod dips;
mod fault;
mod health;
mod kpi;
mod reports;
mod served;
mod server;
mod watched;

pub use alarms::{AlarmHistory, AlarmList, Done, Listed, NOTICE, Said, Until};
pub use fault::Fault;
pub use health::{Health, SiteHealth, health};
pub use reports::Reporting;
pub use served::Served;
pub use server::serve;
