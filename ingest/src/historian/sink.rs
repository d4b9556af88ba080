//! Where lines go.

/// Why lines were not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// At least one of the lines is not accepted. Some of the others may have been.
    Lines(String),
    /// There are too many bytes in one write.
    TooLarge(String),
    /// Nothing is accepted until a person puts something right.
    Denied(String),
    /// Nothing is accepted for now.
    Later(String),
}

/// A server that takes line protocol with times in milliseconds. Taking the same line twice changes nothing.
pub trait Sink: Send + Sync + 'static {
    /// Writes lines; returns when the server has them, or not.
    fn write(&self, lines: String) -> impl Future<Output = Result<(), Refusal>> + Send;
}
