//! The calendar feeds that platforms fetch: one unit's busy nights at a secret address, read from what the calendar keeps.
//!
//! Nothing is written here, and nothing about a guest is read. Whoever holds an address sees which nights are taken, and
//! whoever does not sees one and the same 404. A feed is whole or absent: where it cannot be said which nights are taken,
//! a platform is asked to come back and keeps what it has, for an empty calendar would sell every night.

mod busy;
mod feed;
mod http;

pub use busy::{Taken, busy};
pub use http::Feeds;

/// So many nights from today are told.
pub const NIGHTS: i32 = 500;
