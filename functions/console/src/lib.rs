//! The console: pages and a JSON API for operators and property managers.
//!
//! Who asks is told by a token of an OpenID Connect issuer (`auth`), and that alone decides whose items they see. `routes` is the
//! one list of what can be asked; requests are routed by it and described by it (`openapi`). What is shown is read by
//! `bellhop-views`, what is decided is done by `bellhop-review`: the same as on the command line.

mod api;
mod assets;
mod auth;
mod call;
mod console;
mod cursor;
mod depths;
mod help;
mod http;
mod input;
mod limit;
mod openapi;
mod refusal;
mod routes;

pub use auth::{Issuer, SignIn};
pub use console::{Console, Parts};
pub use depths::Depths;
pub use openapi::document;
