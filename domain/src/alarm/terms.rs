use super::Priority;

/// Whether what an alarm tells of is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It is.
    Present,
    /// It is not, or no longer.
    Absent,
}

/// What is laid down for an alarm and goes into each of its transitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How urgent it is.
    pub priority: Priority,
    /// What keeps it after its condition is over.
    pub latch: Latch,
    /// Unit of value and limit; empty where there is none.
    pub unit: &'static str,
}

/// What shows a condition, or its end.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Evidence<'a> {
    /// The value.
    pub value: Option<f64>,
    /// The limit that it is held against.
    pub limit: Option<f64>,
    /// What numbers do not say, such as the reason of a bad quality; empty where they say all.
    pub note: &'a str,
}

/// Whether an alarm stays after its condition is over, until somebody resets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Latch {
    /// It goes by itself when it is acknowledged.
    #[default]
    None,
    /// It stays until it is reset.
    UntilReset,
}

/// What somebody does to an alarm: who, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By<'a> {
    /// Who does it.
    pub who: &'a str,
    /// Why, or under which work order; empty where nothing was said.
    pub note: &'a str,
}
