//! Mail to guests: templates, what they may say, addresses, languages, quiet hours. No I/O.
//!
//! A [`Template`] has a subject, an HTML and a plain text part, written in a part of Jinja: values, `if`, `set` and the
//! filters of [`FILTERS`]. It is checked when it is saved and rendered within bounds of time and size, so that neither a
//! template nor a guest's name can do more than be text.

mod address;
mod builtin;
mod engine;
mod facts;
mod filters;
mod locales;
mod markup;
mod quiet;
mod syntax;
mod template;

pub use address::Address;
pub use builtin::{KINDS, builtin};
pub use facts::{BookingFacts, Facts, GuestFacts, MessageFacts, PlaceFacts};
pub use filters::FILTERS;
pub use locales::{MOST_LOCALES, locales};
pub use quiet::quiet_until;
pub use template::{MAX_PART_BYTES, MAX_SUBJECT_CHARS, Rendered, Template, render};
