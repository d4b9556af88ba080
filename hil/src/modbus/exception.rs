use thiserror::Error;

/// Why a unit refuses a request that it understood as a frame.
///
/// Source: MODBUS Application Protocol V1.1b3, section 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ExceptionCode {
    /// The unit does not know the function.
    #[error("function not supported (exception 1)")]
    IllegalFunction,
    /// At least one of the registers does not exist.
    #[error("no such register (exception 2)")]
    IllegalDataAddress,
    /// The count is out of range, or the request has the wrong length.
    #[error("bad count or length (exception 3)")]
    IllegalDataValue,
    /// A gateway has no such unit behind it.
    #[error("no answer from behind the gateway (exception 11)")]
    GatewayTargetFailed,
}

impl ExceptionCode {
    /// Returns the code as it goes on the wire.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::IllegalFunction => 1,
            Self::IllegalDataAddress => 2,
            Self::IllegalDataValue => 3,
            Self::GatewayTargetFailed => 11,
        }
    }
}
