//! What cannot be done ends here, and in front of a person: each failure is one item, however often and by whichever road it is
//! told, and stays until somebody has decided.
//!
//! `understand` is pure: a message of the fallback queue or of a dead-letter queue becomes an item, whatever it holds. `intake`
//! stores it. `act` is what a person does with it, `supersede` with many of one subject, `redrive` with what even this function
//! did not take. `sweep` picks up, once an hour, what fell between them.

mod act;
mod bell;
mod intake;
mod notice;
mod redrive;
mod supersede;
mod sweep;
mod understand;

pub use act::{ActError, Acted, Decision, act};
pub use bell::Bell;
pub use intake::{Intake, Taken};
pub use notice::{Notice, Waiting, at_once};
pub use redrive::{DeadLetter, DeadLetters, DrainError, drain};
pub use supersede::{Pass, Snapshot, SupersedeError, Superseding};
pub use sweep::{Sweeper, Swept};
pub use understand::{Incoming, Origin, Understood, understand};
