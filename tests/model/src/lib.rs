//! The line of one subject as an explicit-state model: all that can happen within bounds, each in every order.
//!
//! One message group, a subject whose events fail, another whose events do not. Two workers, one of which may have outlived its
//! visibility time-out; two people; a sweeper. A step is one read or one conditional write or one send of
//! `shared/worker/src/{batch,process,judge,apply,give_up,release}.rs` and `shared/store/src/resolve.rs`; between any two steps
//! anything else may happen, and a process may die. [`must`] says what is true throughout, [`may`] what the search is to have
//! met, [`Broken`] what it would notice. Since no run goes in a circle (a test says so), what is true of the states in which
//! nothing can happen any more is true of how every run ends.
//!
//! # What is left out
//!
//! - **Payloads, digests, conflicts, handlers**: an event can be done or cannot. A good event that fails all the same stands
//!   for a spent attempt budget; attempts, delays and start marks are not counted. That a message kills the process is a death.
//! - **The property's line** (`Line::Wait`), channels, review items, notices to people, the fallback queue.
//! - **The other subject's item**: it has no failures, so what it does is one step.
//! - **Reads of several items**: item and records are read at once. The worker's writes are conditional on the revision of
//!   each, so a torn read is a lost race. A parked event is read with the line, though the worker reads it a little later: an
//!   edit raises the generation, so a later body is of a later generation.
//! - **SQS's deduplication**: no message is dropped as a duplicate, so more arrive than would. A send that is not accepted is a
//!   death at that place; so is a batch that is answered in part.
//! - **Time**: a visibility time-out may end at any moment, retention never does.
//! - **The SDK**: no write is repeated behind the caller's back. `tests/kit` does that to the real worker.

pub mod bounds;
mod broken;
mod model;
mod people;
mod properties;
mod state;
mod worker;

pub use broken::Broken;
pub use model::{Action, Model};
pub use properties::{may, must};
pub use state::{
    Aim, Body, Budget, Choice, Event, Hold, Item, MOST, Message, PLACES, Parked, Person, Phase, Place, Queued, Record,
    State, Task, Verdict, Worker, Wrongs,
};
