//! What waits for a person, and what the person does about it.

pub(crate) mod acts;
pub(crate) mod bulk;
pub(crate) mod check;
pub(crate) mod counts;
pub(crate) mod detail;
mod item;
mod line;
pub(crate) mod list;
