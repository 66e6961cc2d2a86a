//! Erases one guest's personal data from all that a tenant stores, and leaves what calendar, order and idempotency stand on.
//!
//! Pure: [`Census`] says who the guest is, [`Guest::look`] what of one item is theirs and what it becomes. [`Eraser`] reads and
//! writes. What is personal in an event says the catalogue ([`bellhop_events::catalogue::personal`]).

mod body;
mod census;
mod eraser;
mod item;
mod words;

pub use census::{Asked, BookingRef, Census, Guest, Unsearched};
pub use eraser::{Asker, Erased, Eraser, ErasureError, Plan};
pub use item::{Change, Found, Kind, Reworded};
pub use words::Words;
