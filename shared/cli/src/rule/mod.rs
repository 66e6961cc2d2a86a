//! `bellhop rule`: a tenant's rules: saved, listed, tried, and planned for what exists.

mod apply;
mod case;
mod judge;
mod list;
mod save;
mod test;
mod words;

use bellhop_events::TenantId;
use bellhop_rules::Rulebook;
use bellhop_store::automation::{CONSUMER, SavedRules};
use bellhop_store::{Key, Scope, Store, sort};
use clap::Subcommand;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};

/// Behind the list of commands.
pub const AFTER_HELP: &str = "\
Examples:
  bellhop rule save rules.json --tenant seaside
  bellhop rule test rules.json --tenant seaside --property villa --booking 1001
  bellhop rule test --saved --tenant seaside --property villa --event cancelled.json
  bellhop rule apply --tenant seaside --property villa

A file of rules, as it is saved, whole:
  {\"rules\": [{\"id\": \"before-arrival\", \"at\": {\"anchor\": \"arrival\", \"days\": -3, \"time\": \"10:00\"},
              \"when\": \"booking.nights >= 2\", \"then\": {\"message\": \"pre-arrival\"}}],
   \"assign\": [{\"to\": \"team-a\", \"weekdays\": [\"sat\", \"sun\"], \"capacity\": 4}]}";

/// What `bellhop rule` is told.
#[derive(Debug, Subcommand)]
pub enum Rule {
    /// Check a file of rules and save it, in place of all that the tenant had
    Save(save::Save),
    /// List a tenant's rules and who cleans what
    List(list::List),
    /// Print a tenant's rules as they were saved
    Show(list::Show),
    /// Say what rules would make of a booking or an event; nothing is written or sent
    Test(test::Test),
    /// Have rules that were saved later looked at for the bookings that exist already
    Apply(apply::Apply),
}

/// Runs a command of `bellhop rule`.
pub async fn rule(command: &Rule, prefix: &str) -> Result<Exit, CliError> {
    match command {
        Rule::Save(args) => save::save(args, prefix).await,
        Rule::List(args) => list::list(&Cloud::connect(prefix).await, args).await,
        Rule::Show(args) => list::show(&Cloud::connect(prefix).await, args).await,
        Rule::Test(args) => test::test(&Cloud::connect(prefix).await, args).await,
        Rule::Apply(args) => apply::apply(&Cloud::connect(prefix).await, args).await,
    }
}

fn key(tenant: &TenantId) -> Key {
    Scope::tenant_item(CONSUMER, tenant, sort::RULES, "")
}

/// What the tenant has saved, if anything.
async fn saved(store: &Store, tenant: &TenantId) -> Result<Option<SavedRules>, CliError> {
    let key = key(tenant);
    let items = store.get(std::slice::from_ref(&key)).await?;
    Ok(SavedRules::decode(items.get(&key))?)
}

/// What the tenant has saved.
async fn known(store: &Store, tenant: &TenantId) -> Result<SavedRules, CliError> {
    saved(store, tenant).await?.ok_or_else(|| {
        CliError::refused(
            "no-rules",
            format_args!("tenant {tenant} has no rules"),
            "Check the tenant (and --prefix), or save some: bellhop rule save FILE --tenant TENANT.",
        )
    })
}

/// Reads a rulebook, or says where it is wrong.
fn parse(what: &str, text: &str) -> Result<Rulebook, CliError> {
    Rulebook::parse(text).map_err(|fault| CliError::fault(what, &fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `--help`, the README and the demo show is taken.
    #[test]
    fn the_rules_that_are_shown_are_right() {
        let help = AFTER_HELP.split_once("whole:").map(|(_, text)| text).expect("rules in --help");
        let readme = include_str!("../../../../README.md");
        let readme =
            readme.split("```json").find(|text| text.contains("\"rules\"")).and_then(|text| text.split("```").next());
        for text in [help, readme.expect("rules in the README"), include_str!("../../../../examples/rules.json")] {
            assert!(!parse("shown", text).expect("taken").rules.is_empty());
        }
    }

    #[test]
    fn a_wrong_rule_is_refused_with_place_and_remedy() {
        let text =
            r#"{"rules":[{"id":"a","on":"pms.booking.created.v1","when":"booking.nigts > 2","then":{"message":"m"}}]}"#;
        let error = parse("rules.json", text).expect_err("refused");
        assert_eq!((error.code, error.exit), ("invalid-rule", Exit::Refused));
        insta::assert_snapshot!(error);
    }
}
