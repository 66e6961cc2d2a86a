//! Measures function binaries as Lambda would run them: through the Runtime API, against a null AWS backend that
//! answers at once (or after a fixed delay) and counts what it is asked.
//!
//! Read [`subjects`] for what is measured, [`measure`] for how, [`report`] for what is printed.
#![cfg(feature = "driver")]

pub mod backend;
pub mod bookings;
pub mod calls;
pub mod events;
pub mod items;
pub mod loopback;
pub mod measure;
pub mod process;
pub mod report;
pub mod runtime_api;
pub mod statistics;
pub mod subjects;
pub mod write_units;
