//! Calendar feeds (RFC 5545): what outside platforms read from us, and what we read from them.
//!
//! [`feed`] renders the busy nights of one unit; [`import`] reads an outside feed into ranges of nights, whole or not at
//! all; [`diff()`] says which blocks changed. No I/O: bytes in, values out. All ranges are half-open, `[from, until)`: the
//! day `until` is free for the next arrival.

pub mod diff;
pub mod fault;
pub mod feed;
pub mod import;

pub use diff::{Change, Feed, Known, diff};
pub use fault::FeedFault;
pub use feed::{Busy, FeedHeader, etag, render};
pub use import::{Imported, Limits, parse};
