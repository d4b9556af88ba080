use std::time::Duration;

/// What has happened on a line since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LineCounters {
    /// Sound requests for a unit of this line.
    pub requests: u64,
    /// Replies that went out to their last byte, exceptions among them.
    pub replies: u64,
    /// Replies that were exceptions.
    pub exceptions: u64,
    /// Requests that a unit left unanswered because it was made to.
    pub unanswered: u64,
    /// Frames whose CRC was wrong.
    pub crc_errors: u64,
    /// Bytes between two silences that could not be a frame: too few or too many.
    pub noise: u64,
    /// Sound requests for a unit that is not on this line.
    pub foreign: u64,
    /// Sound requests for all units at once.
    pub broadcasts: u64,
    /// Times that two spoke at once.
    pub collisions: u64,
    /// Requests that began before the line had been silent for 3.5 characters; they are answered all the same.
    pub early_requests: u64,
    /// Bytes that went out and that nobody fetched.
    pub lost_bytes: u64,
    /// Bytes heard from the master.
    pub bytes_heard: u64,
    /// Bytes that the gauges sent.
    pub bytes_sent: u64,
    /// Time for which the wire was taken, both ways together: bytes times the time of a byte.
    pub busy: Duration,
}

/// What one unit has been asked since its line was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UnitCounters {
    /// Sound requests for the unit.
    pub requests: u64,
    /// Replies in its name that went out to their last byte, exceptions among them.
    pub replies: u64,
    /// Replies that were exceptions.
    pub exceptions: u64,
    /// Requests that it left unanswered because it was made to.
    pub unanswered: u64,
}
