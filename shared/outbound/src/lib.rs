//! The only way in which Bellhop's functions call an address that a tenant gave.
//!
//! Such an address is an attack until the contrary is shown: it may name the machine itself, the network around it or the
//! cloud's metadata service, in many notations, or through a name whose answer changes between check and call
//! (server-side request forgery). So a [`GuardedUrl`] is checked when it is saved, and again at each call: the name is
//! resolved once, every address of the answer must be a public one, and the connection goes to just these addresses.
//! There is no proxy, redirect, cookie, referrer, cache or decompression, and one time limit over everything.
//!
//! What belongs to such calls is here too: signatures of [`webhook`]s, and [`secrets`] by reference.

mod address;
mod client;
mod connection;
mod exchange;
mod fault;
mod guarded_url;
mod host;
mod message;
mod network;
mod policy;
#[cfg(test)]
mod rebinding;
mod retry_after;
mod route;
pub mod secrets;
mod tls;
pub mod webhook;

pub use client::Client;
pub use fault::UrlFault;
pub use guarded_url::GuardedUrl;
pub use message::{Answer, Limits, Method, Request};
pub use policy::Policy;
