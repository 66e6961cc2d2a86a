//! `bellhop mail`: what became of mails to guests, and whom none may go to.

mod erase;
mod list;
mod suppressed;

use bellhop_events::TenantId;
use bellhop_mail::Address;
use bellhop_store::mails::CONSUMER;
use bellhop_store::{Key, Scope, sort};
use clap::Subcommand;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};

/// Behind the list of commands.
pub const AFTER_HELP: &str = "\
Examples:
  bellhop mail list --tenant seaside --property villa --booking 1001
  bellhop mail list --tenant seaside --property villa --guest ana@example.com
  bellhop mail suppressed --tenant seaside --add ana@example.com --reason asked-by-phone
  bellhop mail erase --tenant seaside --property villa --guest ana@example.com

Addresses are compared by their hash: none is kept, and none is printed.";

/// What `bellhop mail` is told.
#[derive(Debug, Subcommand)]
pub enum Mail {
    /// List the mails to a property's guests and what became of each
    List(list::List),
    /// List how many addresses get no mail of a tenant, and why; add one, or remove one
    Suppressed(suppressed::Suppressed),
    /// Forget which mails went to a guest
    Erase(erase::Erase),
}

/// Runs a command of `bellhop mail`.
pub async fn mail(command: &Mail, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    match command {
        Mail::List(args) => list::list(&cloud, args).await,
        Mail::Suppressed(args) => suppressed::suppressed(&cloud, args).await,
        Mail::Erase(args) => erase::erase(&cloud, args).await,
    }
}

/// An address on the command line, which no error shows again.
fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|fault| format!("expected {}", fault.expected))
}

/// The item that says that an address gets no mail, as [`bellhop_store::mails::Suppressed::key`] has it for the function.
fn suppression(tenant: &TenantId, hash: &str) -> Key {
    Scope::tenant_item(CONSUMER, tenant, sort::SUPPRESSED, hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_that_of_the_function() {
        let scope = Scope::for_operator(CONSUMER, "sea".parse().expect("an id"), "villa".parse().expect("an id"));
        let key = bellhop_store::mails::Suppressed::key(&scope, "ab");
        assert_eq!(suppression(&scope.group().tenant, "ab"), key);
    }
}
