//! What people look at, read from the store: the same for the command line and for the console.
//!
//! Nothing is written here. Whose items are read is decided by whoever calls, who has been told, or has seen a token.

pub mod board;
pub mod calendar;
pub mod channels;
pub mod dashboard;
mod error;
pub mod place;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
pub mod tenants;

pub use error::ViewError;
