//! A tenant's workflow rules: what they are, when they are due, and whether they hold. No I/O.
//!
//! A [`Rulebook`] is JSON that people write. It is checked whole when it is saved: what is taken can neither run long, nor
//! nest deep, nor name something that does not exist. A [`Condition`] is an expression of the Common Expression Language
//! (<https://cel.dev>) over [`Facts`], which hold no personal data.

mod assignment;
mod chain;
mod condition;
mod duration;
mod facts;
mod moment;
mod raw;
mod rule;
mod rulebook;
mod text;

pub use assignment::{Assignment, Day};
pub use chain::{Chain, MAX_DEPTH};
pub use condition::{Condition, MAX_CONDITION_BYTES};
pub use facts::{BookingFacts, EventFacts, Facts, PropertyFacts, ReportFacts, TaskFacts};
pub use moment::{Anchor, Anchors, How, Moment};
pub use rule::{Action, EVENTS, Rule, RuleId, Trigger};
pub use rulebook::{MAX_ASSIGNMENTS, MAX_RULEBOOK_BYTES, MAX_RULES, Rulebook};
