use std::time::Duration;

/// What is wrong with one unit, as seen from the line.
///
/// A fault acts in two places: here, where a reply is planned ([`LineFault::shape`]), and where its bytes go out
/// (`Transmission::byte`), which already spoils the bytes of a collision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineFault {
    /// The unit hears but does not answer.
    Silent,
    /// The unit answers this much later than it would.
    Late(Duration),
}

/// A reply that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyPlan {
    /// The bytes to send.
    pub frame: Vec<u8>,
    /// How long after the end of the request's silence the first bit goes out.
    pub delay: Duration,
}

impl LineFault {
    /// Makes of a sound reply what this fault makes of it; `None` when nothing is sent.
    #[must_use]
    pub fn shape(self, plan: ReplyPlan) -> Option<ReplyPlan> {
        match self {
            Self::Silent => None,
            Self::Late(by) => Some(ReplyPlan { delay: plan.delay + by, ..plan }),
        }
    }
}
