//! What travels through Bellhop: the envelope, the ids, the catalogue of event types, routing and JSON Schemas.
//!
//! No I/O and no AWS here: every function is pure, and every type is built only from checked input.

pub mod catalogue;
mod civil;
mod digest;
mod envelope;
mod fallback;
mod fault;
mod group;
mod ids;
mod money;
mod queue;
mod queue_name;
pub mod schema;
mod stay;
mod subject;

pub use civil::{LocalTime, Zone};
pub use digest::{Digest, follow_up_id};
pub use envelope::{Envelope, JsonContent, MAX_BODY_BYTES, SpecVersion};
pub use fallback::FallbackNote;
pub use fault::{Fault, Reason};
pub use group::MessageGroup;
pub use ids::{BookingId, ChannelId, EventId, PropertyId, RateId, TaskId, TenantId, UnitId};
pub use money::{Currency, Money};
pub use queue::Queue;
pub use queue_name::QueueName;
pub use stay::{MAX_NIGHTS, Stay};
pub use subject::{Subject, SubjectKind};
