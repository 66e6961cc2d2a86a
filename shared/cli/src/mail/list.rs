//! `bellhop mail list`

use std::collections::BTreeMap;

use bellhop_events::BookingId;
use bellhop_mail::Address;
use bellhop_store::mails::{CONSUMER, MailOutcome, MailState};
use bellhop_store::{Item, Key, Scope, Store};
use bellhop_worker::state_in;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;
use crate::place::Place;

/// Which mails.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    place: Place,
    /// Only for this booking
    #[arg(long, value_name = "ID")]
    booking: Option<BookingId>,
    /// Only to this address
    #[arg(long, value_name = "EMAIL", value_parser = super::address)]
    guest: Option<Address>,
    /// Only count them
    #[arg(long)]
    counts: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// When its outcome came.
    at: Timestamp,
    kind: String,
    booking: String,
    /// One word.
    outcome: String,
    /// The mail service's id, why it was refused, or until when it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    locale: Option<String>,
    /// The event that asked for it.
    event: String,
}

/// Lists the mails.
pub async fn list(cloud: &Cloud, args: &List) -> Result<Exit, CliError> {
    let scope = args.place.scope(CONSUMER);
    let hash = args.guest.as_ref().map(|address| address.hash(&args.place.tenant));
    let rows = rows(&items(&cloud.store, &scope, args.booking.as_ref()).await?, hash.as_deref())?;
    let counts = counts(&rows);
    if args.json {
        let shown = if args.counts { &[][..] } else { &rows[..] };
        output::json(&json!({ "mails": shown, "counts": counts }));
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        output::line("no mail was asked for");
        return Ok(Exit::Ok);
    }
    if !args.counts {
        output::line(format_args!("{}\n", picture(&rows)));
    }
    output::line(count_picture(&counts));
    Ok(Exit::Ok)
}

/// The items of bookings that notifications knows, or that of one.
pub async fn items(store: &Store, scope: &Scope, booking: Option<&BookingId>) -> Result<Vec<(Key, Item)>, CliError> {
    if let Some(id) = booking {
        let key = scope.own("booking/", id.as_str());
        return Ok(store.get(std::slice::from_ref(&key)).await?.into_iter().collect());
    }
    let spinner = output::spinner();
    spinner.set_message("reading mails");
    let items = store.list(&scope.own("", "booking/")).await;
    spinner.finish_and_clear();
    Ok(items?)
}

fn rows(items: &[(Key, Item)], hash: Option<&str>) -> Result<Vec<Row>, CliError> {
    let mut rows = Vec::new();
    for (key, item) in items {
        let booking = key.sort_key().rsplit('/').next().unwrap_or_default();
        let Some(state) = state_in::<MailState>(key, item)? else { continue };
        let wanted =
            state.mails.into_iter().filter(|(_, mail)| hash.is_none_or(|hash| mail.to.as_deref() == Some(hash)));
        rows.extend(wanted.map(|(event, mail)| Row {
            at: Timestamp::from_second(mail.at).unwrap_or_default(),
            kind: mail.kind.to_string(),
            booking: booking.to_owned(),
            outcome: mail.outcome.word().to_owned(),
            detail: detail(&mail.outcome),
            locale: mail.locale,
            event: event.to_string(),
        }));
    }
    rows.sort_by(|a, b| (a.at, &a.booking, &a.event).cmp(&(b.at, &b.booking, &b.event)));
    Ok(rows)
}

fn detail(outcome: &MailOutcome) -> Option<String> {
    let time = |second: i64| Timestamp::from_second(second).unwrap_or_default();
    match outcome {
        MailOutcome::Sent(id) => Some(id.clone()),
        MailOutcome::Refused { why, .. } => Some(why.clone()),
        MailOutcome::Sending { until, .. } => Some(format!("known by {}", time(*until))),
        MailOutcome::Quiet(until) => Some(format!("until {}", time(*until))),
        MailOutcome::Unknown => Some("a person was asked".to_owned()),
        MailOutcome::Dropped(_) => None,
    }
}

/// By kind and outcome.
fn counts(rows: &[Row]) -> BTreeMap<String, BTreeMap<String, usize>> {
    let mut counts: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.kind.clone()).or_default().entry(row.outcome.clone()).or_default() += 1;
    }
    counts
}

fn picture(rows: &[Row]) -> String {
    let mut table = output::table(&["when", "kind", "booking", "language", "outcome", "detail", "asked for by"]);
    let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    for row in rows {
        let detail = output::fit(&dash(&row.detail), 60).trim_end().to_owned();
        table.add_row([
            row.at.to_string(),
            row.kind.clone(),
            row.booking.clone(),
            dash(&row.locale),
            row.outcome.clone(),
            detail,
            row.event.clone(),
        ]);
    }
    table.trim_fmt()
}

fn count_picture(counts: &BTreeMap<String, BTreeMap<String, usize>>) -> String {
    let mut table = output::table(&["kind", "mails", "of them"]);
    for (kind, outcomes) in counts {
        let all: usize = outcomes.values().sum();
        let each: Vec<_> = outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        table.add_row([kind.clone(), all.to_string(), each.join(", ")]);
    }
    output::numbers(&mut table, 1..2);
    table.trim_fmt()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use aws_sdk_dynamodb::types::AttributeValue;
    use bellhop_store::mails::Mail;

    /// Mails of two bookings; the first has some to an address of this hash.
    pub fn some(scope: &Scope, hash: &str) -> Vec<(Key, Item)> {
        let mail = |kind: &str, at: i64, to: Option<&str>, outcome: MailOutcome| Mail {
            kind: kind.parse().expect("a kind"),
            version: 1,
            at: 1_782_900_000 + at,
            locale: to.map(|_| "pt".to_owned()),
            to: to.map(str::to_owned),
            outcome,
        };
        let id = |id: &str| id.parse().expect("an id");
        let first = [
            (id("e1"), mail("confirmation", 0, Some(hash), MailOutcome::Sent("0100018".to_owned()))),
            (id("e2"), mail("change", 60, Some(hash), MailOutcome::Dropped("suppressed".to_owned()))),
            (id("e3"), mail("change", 30, Some("other"), MailOutcome::Unknown)),
        ];
        let why = "Email address is not verified".to_owned();
        let second = [
            (id("e4"), mail("confirmation", 10, None, MailOutcome::Refused { failures: 1, why })),
            (id("e5"), mail("pre-arrival", 20, None, MailOutcome::Quiet(1_782_980_000))),
        ];
        let item = |booking: &str, mails: BTreeMap<_, _>| {
            let state = serde_dynamo::to_attribute_value(&MailState { mails }).expect("encodes");
            let rev = AttributeValue::N("1".into());
            (scope.own("booking/", booking), [("rev".to_owned(), rev), ("st".to_owned(), state)].into())
        };
        vec![item("B1", first.into()), item("B2", second.into())]
    }

    #[test]
    fn mails_are_listed_in_the_order_of_time_and_counted_by_kind() {
        let scope = Scope::for_operator(CONSUMER, "sea".parse().expect("an id"), "villa".parse().expect("an id"));
        let all = rows(&some(&scope, "hash"), None).expect("readable");
        insta::assert_snapshot!(format!("{}\n\n{}", picture(&all), count_picture(&counts(&all))));
        let of_guest = rows(&some(&scope, "hash"), Some("hash")).expect("readable");
        assert_eq!(of_guest.iter().map(|row| row.event.as_str()).collect::<Vec<_>>(), ["e1", "e2"]);
        assert!(!serde_json::to_string(&all).expect("JSON").contains("hash"));
    }
}
