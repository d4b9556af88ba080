//! Reaching into a play from outside, to see that the bench notices.

use std::fmt::Debug;
use std::path::Path;

use crate::scenario::command::Act;

/// Breaks the system under test behind the back of the bench.
///
/// A story that passes untouched must fail when it is tampered with; that is how the bench itself is tested.
pub trait Tamper: Debug + Send + Sync {
    /// Is told of each moment of the play; `folder` is that of the story, with configurations, journals and database.
    ///
    /// # Errors
    /// It cannot be done; the play ends with this as its trouble.
    fn tamper(&self, moment: TamperMoment<'_>, folder: &Path) -> anyhow::Result<()>;
}

/// A moment at which a play can be tampered with.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum TamperMoment<'p> {
    /// The site and all configurations are written, and no process has read them.
    Configured,
    /// This is done to the system next.
    Before(&'p Act),
    /// All has arrived and the edges have stopped; what the folder holds is judged next.
    Settled,
}
