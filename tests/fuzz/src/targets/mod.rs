//! The targets, a file each.

mod cursors;
mod envelope;
mod feeds;
mod ids;
mod review;
mod rules;
mod templates;

use crate::Target;

/// All of them.
pub const ALL: &[Target] =
    &[envelope::TARGET, ids::TARGET, cursors::TARGET, feeds::TARGET, templates::TARGET, rules::TARGET, review::TARGET];
