//! What Bellhop remembers, in two DynamoDB tables: keys, items, and tenant-scoped reads and writes.
//!
//! `state` holds what belongs to a tenant and is reached only through a [`Scope`]; `operations` holds what belongs to
//! nobody's tenant yet: start marks of messages, and addresses of feeds by the hash of their token.

pub mod automation;
pub mod calendar;
pub mod channel;
pub mod dashboard;
mod due;
pub mod erasure;
mod error;
pub mod estate;
mod feed_address;
mod hold;
mod item;
pub mod journal;
mod keys;
pub mod mails;
mod mark;
mod read;
mod record;
mod registry;
mod resolve;
pub mod review;
mod scope;
mod search;
mod write;

pub use due::{DUE_SHARDS, Due, DueEntry, DuePage};
pub use error::StoreError;
pub use feed_address::{FeedAddress, FeedListing, FeedToken};
pub use hold::{Hold, Line, OpenHold, Parked, Verdict};
pub use item::{Item, SubjectItem, decode_item, encode_item};
pub use keys::{Key, sort};
pub use mark::Mark;
pub use read::Filter;
pub use record::{Record, RecordState, Seen};
pub use registry::{Mode, Registration, Standing};
pub use resolve::{Resolution, ResolveError};
pub use scope::Scope;
pub use write::{Change, Expect, Write};

use aws_sdk_dynamodb::Client;

/// Records of done events outlive every way in which a duplicate can come back: 14 days in a queue, 14 in a
/// dead-letter queue and 14 after a redrive.
pub const KEEP_DAYS: i64 = 45;

/// Access to the two tables.
#[derive(Clone)]
pub struct Store {
    client: Client,
    state: String,
    operations: String,
    reader: std::sync::Arc<read::Coalescer>,
}

impl Store {
    /// A store on these tables.
    #[must_use]
    pub fn new(client: Client, state: impl Into<String>, operations: impl Into<String>) -> Self {
        Self { client, state: state.into(), operations: operations.into(), reader: std::sync::Arc::default() }
    }
}
