//! A guarded MQTT session: one connection after another, each begun afresh, none of them trusted with anything.
//!
//! What is handed to a session may be lost with the connection, whatever the broker acknowledged. Who must not lose a
//! message keeps it until the far end has said in words that it has it, and hands it over again after the next
//! [`SessionEvent::Connected`].

mod connection;
mod distrust;
mod driver;
mod ends;
mod publisher;
mod reason;
mod session;
mod settings;
mod tls;
mod url;

pub use driver::Driver;
pub use ends::{ENDS_SOON_MS, End};
pub use publisher::{NotConnected, Publisher};
pub use session::{Outgoing, Qos, SessionEvent, SessionOptions, session};
pub use settings::BrokerSettings;
pub use tls::{ClientFiles, Tls, TlsError, TlsFile};
pub use url::{BrokerUrl, BrokerUrlError, Protection};
