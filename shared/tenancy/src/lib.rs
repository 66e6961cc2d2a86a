//! What an operator does with a tenant as a whole: suspend it, let it go on, and in the end take it out.
//!
//! The workers do the rest: while a tenant is suspended they put its events by, in order, and on a wake-up they work them.

mod removal;
mod standing;

pub use removal::Removed;
pub use standing::{Office, Resumed, Settled, TenancyError};
