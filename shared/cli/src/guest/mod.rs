//! `bellhop guest`: what a guest may ask for (GDPR, article 17), and what was done about it.

mod erase;
mod list;

use clap::Subcommand;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};

/// Behind the list of commands.
pub const AFTER_HELP: &str = "\
Examples:
  bellhop guest erase --tenant seaside --mail ana@example.com --dry-run        what is stored of this guest, and where
  bellhop guest erase --tenant seaside --mail ana@example.com --because letter erase it in all bookings with this address
  bellhop guest erase --tenant seaside --property villa --booking 1001         erase the guest of one booking
  bellhop guest erasures --tenant seaside                                      who had whose erased, when and why

Erase the guest in the PMS first: an event that comes later brings the data back.";

/// What `bellhop guest` is told.
#[derive(Debug, Subcommand)]
pub enum Guest {
    /// Erase one guest's personal data from all that is stored of a tenant; stays and nights stand
    Erase(erase::Erase),
    /// List what was erased, by whom and why
    Erasures(list::List),
}

/// Runs a command of `bellhop guest`.
pub async fn guest(command: &Guest, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    match command {
        Guest::Erase(args) => erase::erase(&cloud, args).await,
        Guest::Erasures(args) => list::list(&cloud, args).await,
    }
}
