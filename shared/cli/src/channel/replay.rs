//! `bellhop channel replay`: what a webhook heard last, once more, for whoever lost it.

use std::time::Duration;

use bellhop_events::catalogue::{WEBHOOK_REQUESTED, WebhookRequested};
use bellhop_events::{EventId, Queue, Subject};
use bellhop_store::channel::{CONSUMER, SyncState};
use bellhop_store::{Filter, Item, Key};
use bellhop_views::channels::rows;
use bellhop_worker::{Outgoing, state_in};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{Place, known, request};
use crate::cloud::Cloud;
use crate::emit;
use crate::error::{CliError, Exit};
use crate::output;

/// Messages that are sent at a time.
const STEP: usize = 10;

/// What to deliver again.
#[derive(Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    place: Place,
    /// Only events of this type, such as bellhop.booking.unplaced.v1
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only events about this, such as booking/ID
    #[arg(long)]
    subject: Option<Subject>,
    /// Only what was delivered at this time or later, RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// The replay's number: one that broke off is continued by its own; without it, a new replay
    #[arg(long)]
    number: Option<u64>,
    /// Events to post in a second; the channel's own pace holds in any case
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=300))]
    rate: u64,
    /// Say what would be delivered, post nothing
    #[arg(long)]
    dry_run: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// An event that is delivered again. Its payload is not shown: it may speak of a guest.
#[derive(Debug, PartialEq, Serialize)]
struct Again {
    subject: Subject,
    #[serde(rename = "type")]
    event_type: String,
    version: u64,
    /// When it was delivered, epoch milliseconds.
    #[serde(skip)]
    at: i64,
    #[serde(rename = "delivered")]
    time: Option<Timestamp>,
    #[serde(skip)]
    payload: WebhookRequested,
}

/// Posts what was delivered last.
pub async fn replay(cloud: &Cloud, args: &Replay) -> Result<Exit, CliError> {
    let place = &args.place;
    let channel = known::channel(cloud, place).await?;
    known::must_be(place, &channel, &["webhook"])?;
    let channels = [(place.channel.clone(), channel)].into();
    let rows = rows(&cloud.store, &place.of_property(), &channels, Timestamp::now()).await?;
    if !args.dry_run {
        rows.iter().try_for_each(known::must_be_on)?;
    }
    let prefix = place.of_channel().own("", &args.subject.as_ref().map(ToString::to_string).unwrap_or_default());
    let heard =
        Filter { expression: "attribute_exists(st.n)", names: Vec::new(), values: Vec::new(), most: usize::MAX };
    let events = select(&cloud.store.find(&prefix, &heard).await?, args)?;
    let number = args.number.unwrap_or_else(|| u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default());
    let sent = if args.dry_run { 0 } else { send(cloud, args, number, &events).await? };
    report(args, number, &events, sent);
    Ok(if args.dry_run || sent == events.len() { Exit::Ok } else { Exit::Refused })
}

/// The events that are wanted, in the order in which they were delivered.
fn select(items: &[(Key, Item)], args: &Replay) -> Result<Vec<Again>, CliError> {
    let since = args.since.map_or(i64::MIN, Timestamp::as_millisecond);
    let mut found = Vec::new();
    for (key, item) in items {
        let Some(SyncState::Heard(heard)) = state_in(key, item)? else { continue };
        let subject = key.sort_key().strip_prefix(CONSUMER).and_then(|rest| rest.strip_prefix('#'));
        let Some(subject) = subject.and_then(|text| text.parse::<Subject>().ok()) else { continue };
        if args.subject.as_ref().is_some_and(|wanted| *wanted != subject) {
            continue;
        }
        for (event_type, event) in heard.last {
            if event.at < since || args.event_type.as_ref().is_some_and(|wanted| *wanted != event_type) {
                continue;
            }
            let payload = serde_json::from_str(&event.data).map_err(|error| {
                let what = format!("what {subject} heard of {event_type} is not readable: {error}");
                CliError::refused("store-error", what, "Report it with the command line.")
            })?;
            let time = Timestamp::from_millisecond(event.at).ok();
            let subject = subject.clone();
            found.push(Again { subject, event_type, version: event.version, at: event.at, time, payload });
        }
    }
    found.sort_by(|a, b| (a.at, a.version, &a.event_type).cmp(&(b.at, b.version, &b.event_type)));
    Ok(found)
}

/// The message of an event. Its id says which replay it is of, so that the worker does not take it for the first, and a
/// replay that is run twice under one number calls once. The receiver gets the delivery's own id, the same as at first: what
/// it has, it knows.
fn message(place: &Place, event: &Again, number: u64, now: Timestamp) -> Outgoing {
    let scope = place.of_channel();
    let text = [scope.group().to_string(), event.subject.to_string(), event.version.to_string(), number.to_string()];
    let id = EventId::hashed('r', &[&text[0], &text[1], &event.event_type, &text[2], &text[3]]);
    emit::event(Queue::Synchronization, &scope, &WEBHOOK_REQUESTED, id, event.subject.clone(), &event.payload, now)
}

/// Posts in order until one is not accepted; returns how many were.
async fn send(cloud: &Cloud, args: &Replay, number: u64, events: &[Again]) -> Result<usize, CliError> {
    let queue = request::queue(cloud).await?;
    let bar = output::progress(events.len(), "replaying");
    let mut sent = 0;
    for step in events.chunks(STEP) {
        let now = Timestamp::now();
        let messages: Vec<_> = step.iter().map(|event| message(&args.place, event, number, now)).collect();
        let refused = queue.send(&messages).await;
        if !refused.is_empty() {
            sent += step.len() - refused.len();
            break;
        }
        sent += step.len();
        bar.inc(step.len() as u64);
        if sent < events.len() {
            tokio::time::sleep(Duration::from_millis(step.len() as u64 * 1000 / args.rate)).await;
        }
    }
    bar.finish_and_clear();
    Ok(sent)
}

fn report(args: &Replay, number: u64, events: &[Again], sent: usize) {
    if args.json {
        return output::json(&json!({
            "number": number, "events": events, "posted": sent, "dry_run": args.dry_run,
        }));
    }
    if args.dry_run && !events.is_empty() {
        let mut table = output::table(&["subject", "type", "version", "delivered"]);
        for event in events {
            let time = event.time.map(|time| time.to_string()).unwrap_or_default();
            table.add_row([event.subject.to_string(), event.event_type.clone(), event.version.to_string(), time]);
        }
        output::line(table.trim_fmt());
    }
    let (all, channel) = (events.len(), &args.place.channel);
    if args.dry_run {
        output::line(format_args!("dry run: {all} events would be delivered to {channel} again"));
    } else if sent < all {
        output::note(format_args!(
            "replay-incomplete: {sent} of {all} events were accepted\n  Continue with --number {number}: what was delivered by this replay is not delivered again."
        ));
    } else {
        output::line(format_args!("replay {number}: {all} events go to {channel} again, in order, at its pace"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_events::Envelope;
    use bellhop_store::channel::{Heard, HeardEvent};
    use clap::Parser;
    use std::collections::BTreeSet;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        replay: Replay,
    }

    fn args(more: &[&str]) -> Replay {
        Line::parse_from([&["replay", "sea", "villa", "pms"], more].concat()).replay
    }

    fn item(args: &Replay, subject: &str, state: &SyncState) -> (Key, Item) {
        let key = args.place.of_channel().subject(&subject.parse().expect("a subject"));
        let state = serde_dynamo::to_attribute_value(state).expect("encodes");
        let rev = aws_sdk_dynamodb::types::AttributeValue::N("1".into());
        (key, [("rev".to_owned(), rev), ("st".to_owned(), state)].into())
    }

    fn heard(events: &[(&str, u64, i64)]) -> SyncState {
        let event = |(name, version, at): &(&str, u64, i64)| {
            let data = format!(r#"{{"version":{version},"type":"{name}","data":{{"night":"2026-07-01"}}}}"#);
            ((*name).to_owned(), HeardEvent { version: *version, at: *at, data })
        };
        SyncState::Heard(Heard { last: events.iter().map(event).collect() })
    }

    fn items(args: &Replay) -> Vec<(Key, Item)> {
        vec![
            item(args, "booking/1", &heard(&[("b.v1", 4, 3_000), ("a.v1", 3, 1_000)])),
            item(args, "booking/12", &heard(&[("a.v1", 1, 2_000)])),
            item(args, "channel/pms", &SyncState::Sync(Box::default())),
        ]
    }

    #[test]
    fn what_was_heard_is_chosen_and_keeps_its_order() {
        let chosen = |more: &[&str]| {
            let args = args(more);
            let found = select(&items(&args), &args).expect("readable");
            found.iter().map(|event| format!("{} {}", event.subject, event.event_type)).collect::<Vec<_>>()
        };
        assert_eq!(chosen(&[]), ["booking/1 a.v1", "booking/12 a.v1", "booking/1 b.v1"]);
        assert_eq!(chosen(&["--subject", "booking/1"]), ["booking/1 a.v1", "booking/1 b.v1"]);
        assert_eq!(chosen(&["--type", "a.v1"]), ["booking/1 a.v1", "booking/12 a.v1"]);
        assert_eq!(chosen(&["--since", "1970-01-01T00:00:02Z"]), ["booking/12 a.v1", "booking/1 b.v1"]);
    }

    #[test]
    fn a_replay_has_ids_of_its_own_and_goes_to_the_channel_alone() {
        let args = args(&[]);
        let events = select(&items(&args), &args).expect("readable");
        let messages = |number| {
            let make = |event| message(&args.place, event, number, Timestamp::UNIX_EPOCH);
            events.iter().map(make).collect::<Vec<_>>()
        };
        let ids = |number| messages(number).into_iter().map(|m| m.deduplication_id).collect::<Vec<_>>();
        assert_eq!(ids(1), ids(1));
        let all: BTreeSet<_> = [ids(1), ids(2)].concat().into_iter().collect();
        assert_eq!(all.len(), 6);
        let first = &messages(1)[0];
        insta::assert_snapshot!(format!("{} {} {}\n{}", first.queue.name(), first.group, first.subject, first.body), @r#"
        synchronization sea#villa#pms booking/1
        {"specversion":"1.0","id":"rb336rm7bkpdchltdzn3gtscokl","source":"/bellhop/cli","type":"bellhop.webhook.requested.v1","subject":"booking/1","time":"1970-01-01T00:00:00Z","tenant":"sea","property":"villa","data":{"data":{"night":"2026-07-01"},"type":"a.v1","version":3}}
        "#);
        let envelope = Envelope::decode(&first.body).expect("an envelope");
        bellhop_events::catalogue::route(&envelope, Queue::Synchronization).expect("a route");
        assert_eq!(envelope.payload::<WebhookRequested>().map(|p| p.event_type), Ok("a.v1".to_owned()));
    }
}
