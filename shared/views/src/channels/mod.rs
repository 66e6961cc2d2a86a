//! How the channels of a property fare.

mod outstanding;
mod read;
mod row;

pub use outstanding::{Changes, Outstanding};
pub use read::{channels, id, kind, rows};
pub use row::{CircuitState, Disabled, Feed, Row, Tested, Told};
