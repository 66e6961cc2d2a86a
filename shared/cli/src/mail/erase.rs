//! `bellhop mail erase`: what a guest may ask for (GDPR, article 17). Name and address stand in the booking, which is the
//! PMS's to change; here stands a hash.

use bellhop_mail::Address;
use bellhop_store::mails::{CONSUMER, MailState};
use bellhop_store::{Expect, Item, Key, StoreError, SubjectItem, Write};
use bellhop_worker::state_in;
use clap::Args;
use serde_json::json;

use super::list;
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;
use crate::place::Place;

/// So often an item that changes meanwhile is read again.
const ROUNDS: usize = 5;

/// Whom to forget.
#[derive(Debug, Args)]
pub struct Erase {
    #[command(flatten)]
    place: Place,
    /// The guest's address
    #[arg(long, value_name = "EMAIL", value_parser = super::address)]
    guest: Address,
    /// Keep the entry that this address gets no mail
    #[arg(long)]
    keep_suppression: bool,
    /// Say what would be forgotten, forget nothing
    #[arg(long)]
    dry_run: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Takes the address's hash out of all mails of a property, and its suppression away.
pub async fn erase(cloud: &Cloud, args: &Erase) -> Result<Exit, CliError> {
    let scope = args.place.scope(CONSUMER);
    let hash = args.guest.hash(&args.place.tenant);
    let (mut bookings, mut mails) = (0, 0);
    for (key, item) in list::items(&cloud.store, &scope, None).await? {
        let count = count(&key, &item, &hash)?;
        if count > 0 {
            (bookings, mails) = (bookings + 1, mails + count);
            if !args.dry_run {
                forget(cloud, &key, item, &hash).await?;
            }
        }
    }
    let key = super::suppression(&args.place.tenant, &hash);
    let suppressed = !args.keep_suppression && !cloud.store.get(std::slice::from_ref(&key)).await?.is_empty();
    if suppressed && !args.dry_run {
        cloud.store.commit(vec![Write::Delete { key, expect: Expect::Any }]).await?;
    }
    if args.json {
        output::json(
            &json!({ "bookings": bookings, "mails": mails, "suppression": suppressed, "dry_run": args.dry_run }),
        );
        return Ok(Exit::Ok);
    }
    let verb = if args.dry_run { "dry run: would be forgotten" } else { "forgotten" };
    let entry = if suppressed { ", and that it gets no mail" } else { "" };
    output::line(format_args!("{verb}: the address behind {mails} mails of {bookings} bookings{entry}"));
    if !args.dry_run {
        output::note("Name and address stand in the booking itself: post it again without them.");
    }
    Ok(Exit::Ok)
}

fn count(key: &Key, item: &Item, hash: &str) -> Result<usize, CliError> {
    let state: Option<MailState> = state_in(key, item)?;
    let is_to = |to: Option<&String>| to.is_some_and(|to| to == hash);
    Ok(state.map_or(0, |state| state.mails.values().filter(|mail| is_to(mail.to.as_ref())).count()))
}

/// The item without the hash; the function may write it meanwhile.
async fn forget(cloud: &Cloud, key: &Key, mut item: Item, hash: &str) -> Result<(), CliError> {
    for _ in 0..ROUNDS {
        match cloud.store.commit(vec![without(key, item, hash)?.put()?]).await {
            Err(StoreError::Lost) => {}
            other => return other.map_err(CliError::from),
        }
        match cloud.store.get(std::slice::from_ref(key)).await?.remove(key) {
            Some(read) => item = read,
            None => return Ok(()),
        }
    }
    Err(StoreError::Busy.into())
}

fn without(key: &Key, item: Item, hash: &str) -> Result<SubjectItem, CliError> {
    let state: Option<MailState> = state_in(key, &item)?;
    let mut item = SubjectItem::decode(key.clone(), item)?;
    if let Some(mut state) = state {
        for mail in state.mails.values_mut() {
            mail.to = mail.to.take().filter(|to| to != hash);
        }
        let encoded = serde_dynamo::to_attribute_value(&state);
        item.state = Some(encoded.map_err(|error| StoreError::Defect(error.to_string()))?);
    }
    Ok(item)
}

#[cfg(test)]
mod tests {
    use super::super::list::tests::some;
    use super::*;
    use bellhop_store::Scope;

    #[test]
    fn an_item_forgets_one_address_and_keeps_the_rest() {
        let scope = Scope::for_operator(CONSUMER, "sea".parse().expect("an id"), "villa".parse().expect("an id"));
        let items = some(&scope, "hash");
        assert_eq!(
            items.iter().map(|(key, item)| count(key, item, "hash").expect("readable")).collect::<Vec<_>>(),
            [2, 0]
        );
        let (key, item) = items[0].clone();
        let forgotten = without(&key, item, "hash").expect("readable");
        let state: MailState = serde_dynamo::from_attribute_value(forgotten.state.expect("a state")).expect("reads");
        let left: Vec<_> = state.mails.values().filter_map(|mail| mail.to.as_deref()).collect();
        assert_eq!((state.mails.len(), left), (3, vec!["other"]));
    }
}
