//! `bellhop event`: what became of an event.

use std::collections::BTreeSet;

use bellhop_calendar::{Calendar, Outbox};
use bellhop_events::{Envelope, EventId, MessageGroup, Subject, follow_up_id};
use bellhop_store::calendar::CalendarState;
use bellhop_store::{Record, RecordState, Scope, Seen, SubjectItem};
use bellhop_worker::{FollowUp, Handler as _};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

/// What `bellhop event` is told.
#[derive(Debug, Args)]
pub struct Event {
    /// The event's id; with tenant and property before it, found at once, else by reading the whole table
    #[arg(value_name = "[TENANT PROPERTY] ID", required = true, num_args = 1..=3)]
    what: Vec<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Event {
    fn parse(&self) -> Result<(Option<MessageGroup>, EventId), CliError> {
        let (group, id) = match self.what.as_slice() {
            [id] => (None, id),
            [tenant, property, id] => (Some(format!("{tenant}#{property}")), id),
            _ => return Err(CliError::usage("expected ID, or TENANT PROPERTY ID")),
        };
        let group = group.map(|group| group.parse::<MessageGroup>()).transpose().map_err(CliError::usage)?;
        if let Some(channel) = group.as_ref().and_then(|group| group.channel.as_ref()) {
            return Err(CliError::usage(format_args!("a property's id has no #, found #{channel}")));
        }
        Ok((group, id.parse().map_err(CliError::usage)?))
    }
}

/// The functions that remember events by the subjects of a property. What channels were told: bellhop channel list.
const LOOKED_AT: [&str; 3] = [Calendar::CONSUMER, bellhop_store::automation::CONSUMER, bellhop_store::mails::CONSUMER];

/// What is known of an event.
struct Found {
    function: &'static str,
    subject: String,
    record: Option<Record>,
    seen: Option<Seen>,
    follow_ups: Option<Vec<(String, &'static str)>>,
    state: Value,
}

/// Prints what is known.
pub async fn event(args: &Event, prefix: &str) -> Result<Exit, CliError> {
    let (group, id) = args.parse()?;
    let cloud = Cloud::connect(prefix).await;
    let (group, functions) = match group {
        Some(group) => (group, LOOKED_AT.to_vec()),
        None => look_for(&cloud, &id).await.map(|(group, function)| (group, vec![function]))?,
    };
    let mut found = None;
    for function in functions {
        let scope = Scope::for_operator(function, group.tenant.clone(), group.property.clone());
        found = find(&cloud, &scope, &id).await?;
        if found.is_some() {
            break;
        }
    }
    let found = found.ok_or_else(|| unknown(&id, &group))?;
    if args.json {
        output::json(&found.to_json(&group, &id));
    } else {
        found.print(&group, &id);
    }
    Ok(Exit::Ok)
}

fn unknown(id: &EventId, place: &impl std::fmt::Display) -> CliError {
    CliError::refused(
        "event-unknown",
        format_args!("there is no record of event {id} in {place}"),
        "It was not worked yet (bellhop status), not readable (its message is on the fallback queue), or forgotten after 45 days.",
    )
}

/// The one property that knows an event of this id, and the function that does.
async fn look_for(cloud: &Cloud, id: &EventId) -> Result<(MessageGroup, &'static str), CliError> {
    let spinner = output::spinner();
    let mut found = Ok(None);
    for function in LOOKED_AT {
        let looked_at = |items| spinner.set_message(format!("{function}: looked at {items} items"));
        let groups = cloud.store.groups_that_know(function, id, looked_at).await?;
        found = only(id, groups).map(|group| group.map(|group| (group, function)));
        if !matches!(found, Ok(None)) {
            break;
        }
    }
    spinner.finish_and_clear();
    found?.ok_or_else(|| unknown(id, &"this stack"))
}

fn only(id: &EventId, groups: BTreeSet<MessageGroup>) -> Result<Option<MessageGroup>, CliError> {
    let mut groups = groups.into_iter();
    let Some(first) = groups.next() else { return Ok(None) };
    let others: Vec<_> = groups.map(|group| group.to_string()).collect();
    if others.is_empty() {
        return Ok(Some(first));
    }
    Err(CliError::refused(
        "event-ambiguous",
        format_args!("{first} and {} have each an event {id}", others.join(", ")),
        "Say whose: bellhop event TENANT PROPERTY ID.",
    ))
}

async fn find(cloud: &Cloud, scope: &Scope, id: &EventId) -> Result<Option<Found>, CliError> {
    let record = cloud.store.record(scope, id).await?;
    if let Some(subject) = record.as_ref().and_then(|record| record.subject.parse::<Subject>().ok()) {
        let item = cloud.store.subject(scope, &subject).await?;
        let found = item.map(|item| Found::new(scope, &item, &subject.to_string(), id, record.clone())).transpose()?;
        return Ok(Some(found.unwrap_or_else(|| Found::bare(scope, &subject.to_string(), record))));
    }
    // On the happy path the record rides in the item of its subject: an event's id alone does not say in which.
    for kind in ["booking/", "unit/", "property/", "task/"] {
        for (key, item) in cloud.store.list(&scope.own("", kind)).await? {
            let subject = key.sort_key().split_once('#').map(|(_, s)| s.to_owned()).unwrap_or_default();
            let item = SubjectItem::decode(key, item)?;
            if item.seen(id).is_some() {
                return Found::new(scope, &item, &subject, id, None).map(Some);
            }
        }
    }
    Ok(None)
}

impl Found {
    fn bare(scope: &Scope, subject: &str, record: Option<Record>) -> Self {
        let function = scope.consumer();
        Self { function, subject: subject.to_owned(), record, seen: None, follow_ups: None, state: Value::Null }
    }

    fn new(
        scope: &Scope,
        item: &SubjectItem,
        subject: &str,
        id: &EventId,
        record: Option<Record>,
    ) -> Result<Self, CliError> {
        if scope.consumer() != Calendar::CONSUMER {
            return Ok(Self { seen: item.seen(id), ..Self::bare(scope, subject, record) });
        }
        let state = item.state.clone().map(serde_dynamo::from_attribute_value::<_, CalendarState>).transpose();
        let state =
            state.map_err(|error| CliError::refused("store-error", error, "Report it with the command line."))?;
        let outbox = item.outbox.clone().filter(|(by, _)| by == id.as_str()).map(|(_, data)| data);
        let outbox: Option<Outbox> = outbox.and_then(|data| serde_dynamo::from_attribute_value(data).ok());
        let follow_ups = match (&state, outbox, subject.parse()) {
            (Some(state), Some(outbox), Ok(subject)) => Some(follow_ups(scope.group(), id, &subject, state, &outbox)),
            _ => None,
        };
        let state = match state {
            // Who the guest is, is nobody's business here.
            Some(CalendarState::Booking(mut booking)) => {
                booking.booking.guest = None;
                json!(booking)
            }
            Some(CalendarState::Unit(unit)) => json!(unit),
            Some(CalendarState::Property(property)) => json!(property),
            None => Value::Null,
        };
        let function = scope.consumer();
        Ok(Self { function, subject: subject.to_owned(), record, seen: item.seen(id), follow_ups, state })
    }

    fn outcome(&self) -> String {
        match (&self.record, self.seen) {
            (_, Some(seen)) => format!("done at {}", time(seen.at)),
            (Some(record), None) => match record.state {
                RecordState::Retrying => "being retried".to_owned(),
                RecordState::Failed => "failed: waits for a person".to_owned(),
                RecordState::Parked => "parked behind another event".to_owned(),
                RecordState::Done => "done".to_owned(),
                RecordState::Discarded => "discarded".to_owned(),
            },
            (None, None) => "unknown".to_owned(),
        }
    }

    fn to_json(&self, group: &MessageGroup, id: &EventId) -> Value {
        let follow_ups = self
            .follow_ups
            .as_ref()
            .map(|all| all.iter().map(|(id, name)| json!({ "id": id, "type": name })).collect::<Vec<_>>());
        json!({
            "event": id, "tenant": group.tenant, "property": group.property, "function": self.function, "subject": self.subject, "outcome": self.outcome(), "digest": self.seen.map(|s| s.digest.to_string()),
            "done_at": self.seen.map(|seen| time(seen.at)), "record": self.record, "follow_ups": follow_ups, "state": self.state,
        })
    }

    fn print(&self, group: &MessageGroup, id: &EventId) {
        output::line(format_args!(
            "event     {id}\nof        {group}\nfunction  {}\nsubject   {}\noutcome   {}",
            self.function,
            self.subject,
            self.outcome()
        ));
        if let Some(seen) = self.seen {
            output::line(format_args!("payload   sha-256 {}", seen.digest));
        }
        if let Some(record) = &self.record {
            output::line(format_args!(
                "record    {} attempts, given up {} times, reasons: {}",
                record.attempts,
                record.failures,
                if record.reasons.is_empty() { "none".to_owned() } else { record.reasons.join(", ") }
            ));
            if let Some((line, behind, place)) = &record.place {
                let line = json!(line);
                output::line(format_args!("waits     in line {line} of {behind}, place {place}"));
            }
            if let Some(why) = &record.discarded_because {
                output::line(format_args!("discarded because: {why}"));
            }
        }
        if self.function != Calendar::CONSUMER {
            return output::line(format_args!("what it caused: bellhop trace {id}"));
        }
        let done = self.seen.is_some() || self.record.as_ref().is_some_and(|record| record.state == RecordState::Done);
        match &self.follow_ups {
            None if !done => output::line("follow-ups  none: it is not done"),
            None => output::line("follow-ups  not kept: only those of the subject's newest change are"),
            Some(all) if all.is_empty() => output::line("follow-ups  none"),
            Some(all) => all.iter().for_each(|(id, name)| output::line(format_args!("follow-up {id}  {name}"))),
        }
        output::line(format_args!("state now {}", self.state));
    }
}

fn time(second: i64) -> String {
    Timestamp::from_second(second).map(|at| at.to_string()).unwrap_or_default()
}

/// Rebuilt as the worker does for a second dispatch; only what the event itself says is missing, so dates of blocks and
/// properties are not shown.
fn follow_ups(
    group: &MessageGroup,
    id: &EventId,
    subject: &Subject,
    state: &CalendarState,
    outbox: &Outbox,
) -> Vec<(String, &'static str)> {
    let nobody = String::from("/");
    let event = Envelope::own(nobody, group, id.clone(), "", subject.clone(), Timestamp::UNIX_EPOCH, Map::new());
    let all = Calendar.follow_ups(&event, state, outbox).into_iter().enumerate();
    all.map(|(index, follow_up)| match follow_up {
        FollowUp::Event { event_type, .. } | FollowUp::ToChannel { event_type, .. } => {
            (follow_up_id(Calendar::CONSUMER, group, subject, id, index).to_string(), event_type)
        }
        FollowUp::Review(fault) => ("review".to_owned(), fault.reason.code()),
    })
    .collect()
}
