//! `bellhop mail suppressed`

use std::collections::BTreeMap;

use bellhop_events::TenantId;
use bellhop_mail::Address;
use bellhop_store::mails::{CONSUMER, Suppressed as Entry};
use bellhop_store::{Expect, Scope, Write, sort};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

/// Whose addresses, and what to do.
#[derive(Debug, Args)]
pub struct Suppressed {
    /// Whose guests
    #[arg(long)]
    tenant: TenantId,
    /// Send no mail to this address any more
    #[arg(long, value_name = "EMAIL", requires = "reason", conflicts_with = "remove", value_parser = super::address)]
    add: Option<Address>,
    /// Why, such as complaint: a word or a few
    #[arg(long, requires = "add", value_parser = reason)]
    reason: Option<String>,
    /// Send mail to this address again
    #[arg(long, value_name = "EMAIL", value_parser = super::address)]
    remove: Option<Address>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// The entry of an address; its hash tells one from another, and nothing else.
#[derive(Debug, Serialize)]
struct Row {
    hash: String,
    reason: String,
    since: Timestamp,
}

fn reason(text: &str) -> Result<String, String> {
    let fine = (1..=100).contains(&text.len()) && !text.contains('@') && !text.chars().any(char::is_control);
    if fine { Ok(text.to_owned()) } else { Err("expected 1 to 100 characters without an address".to_owned()) }
}

/// Lists, adds or removes.
pub async fn suppressed(cloud: &Cloud, args: &Suppressed) -> Result<Exit, CliError> {
    if let Some(address) = &args.add {
        let reason = args.reason.clone().unwrap_or_default();
        let entry = Entry { reason, at: Timestamp::now().as_second() };
        let key = super::suppression(&args.tenant, &address.hash(&args.tenant));
        cloud.store.commit(vec![entry.put(key)?]).await?;
        return Ok(said(args, "added", "the address gets no mail any more"));
    }
    if let Some(address) = &args.remove {
        let key = super::suppression(&args.tenant, &address.hash(&args.tenant));
        if cloud.store.get(std::slice::from_ref(&key)).await?.is_empty() {
            return Err(CliError::refused(
                "not-suppressed",
                format_args!("this address is not suppressed for {}", args.tenant),
                "Check address and tenant. What Amazon SES suppresses by itself is in its own list.",
            ));
        }
        cloud.store.commit(vec![Write::Delete { key, expect: Expect::Any }]).await?;
        return Ok(said(args, "removed", "the address gets mail again"));
    }
    list(cloud, args).await
}

fn said(args: &Suppressed, what: &str, words: &str) -> Exit {
    if args.json {
        output::json(&json!({ "tenant": args.tenant, "done": what }));
    } else {
        output::line(words);
    }
    Exit::Ok
}

async fn list(cloud: &Cloud, args: &Suppressed) -> Result<Exit, CliError> {
    let prefix = Scope::tenant_item(CONSUMER, &args.tenant, sort::SUPPRESSED, "");
    let mut rows = Vec::new();
    for (key, item) in cloud.store.list(&prefix).await? {
        let hash = key.sort_key().rsplit('/').next().unwrap_or_default().to_owned();
        let entry = Entry::decode(Some(&item))?;
        rows.extend(entry.map(|entry| Row {
            hash,
            since: Timestamp::from_second(entry.at).unwrap_or_default(),
            reason: entry.reason,
        }));
    }
    if args.json {
        output::json(&rows);
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        output::line("no address is suppressed");
        return Ok(Exit::Ok);
    }
    rows.sort_by_key(|row| row.since);
    let mut table = output::table(&["since", "reason", "address (hash)"]);
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        table.add_row([row.since.to_string(), row.reason.clone(), output::fit(&row.hash, 16)]);
        *reasons.entry(&row.reason).or_default() += 1;
    }
    output::line(table.trim_fmt());
    let reasons: Vec<_> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    output::line(format_args!("{} addresses: {}", rows.len(), reasons.join(", ")));
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser, Debug)]
    struct Command {
        #[command(flatten)]
        suppressed: Suppressed,
    }

    #[test]
    fn an_address_is_added_with_a_reason_and_never_shown_again() {
        let parse = |more: &[&str]| Command::try_parse_from([&["suppressed", "--tenant", "sea"], more].concat());
        assert!(parse(&[]).is_ok());
        let fine = parse(&["--add", "ana@example.com", "--reason", "complaint"]).expect("arguments");
        assert!(!format!("{fine:?}").contains("ana@"));
        assert!(parse(&["--remove", "ana@example.com"]).is_ok());
        assert!(parse(&["--add", "ana@example.com"]).is_err());
        assert!(parse(&["--add", "a@example.com", "--reason", "asked by a@example.com"]).is_err());
        assert!(parse(&["--add", "a@example.com", "--reason", "x", "--remove", "a@example.com"]).is_err());
    }
}
