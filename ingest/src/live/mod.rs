//! What operators are shown of the tanks and edges: the newest readings, and whether they can be trusted now.

mod edges;
mod tanks;
mod uncertainty;
mod view;

pub use edges::{EdgeNow, LiveEdges};
pub use tanks::{LiveTanks, Seen};
pub use uncertainty::Uncertainty;
pub use view::{Shown, TankState, TankView, TransitionKind, view};
