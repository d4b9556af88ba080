//! Every fault of the catalogue against the edge's own line task, over a pseudo-terminal, at the pace of the wire.
//!
//! Each served reply holds values that name their unit and the request that they answer, so that a value that was taken for
//! the answer to another request is found out, whatever it looks like.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod catalogue;
mod late;
mod ledger;
mod rig;
mod whole_line;
