//! The historian feed: committed readings go to InfluxDB behind a cursor, and nothing ever waits for it. Beside it the
//! figures of now are written for dashboards.
//!
//! Identity there is (measurement, tags, time), so that writing twice changes nothing. Two readings of one tank in the
//! same millisecond, which only two RTUs on one gauge or a clock that was set back can make, become one point: the later
//! commit wins, field by field, and so does its quality. The database keeps both.

mod delivery;
mod feed;
mod figures;
mod influxdb;
mod line;
mod lines;
mod sink;
mod stream;
mod window;

pub use delivery::{Delivery, Outcome, Verdict};
pub use feed::{Feed, feed};
pub use figures::{Bar, Composer, Figures, LimitLines, Now, write_figures};
pub use influxdb::{InfluxDb, InfluxDbError};
pub use line::{LineError, Point};
pub use lines::Lines;
pub use sink::{Refusal, Sink};
pub use stream::Stream;
pub use window::Window;
