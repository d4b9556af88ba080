//! Volume correction: what a liquid's volume and density become at another temperature and pressure.
//!
//! By API MPMS chapter 11.1-2004 with Addendum 2 and by GB/T 1885-1998. Factors are not rounded, and each names the
//! edition that it comes from. What lies outside a standard's range is an error; nothing is clamped.

mod api;
mod base;
mod commodity;
mod correction;
mod error;
mod gb;
mod inside;
mod standard;

pub use base::{Base, density_of_api_gravity};
pub use commodity::Commodity;
pub use correction::{Correction, Factors, Observed, Taken};
pub use error::{CorrectionError, Range};
pub use inside::Inside;
pub use standard::Standard;
