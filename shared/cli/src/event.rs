//! `bellhop event`: what became of an event.

use bellhop_calendar::{Calendar, Outbox};
use bellhop_events::{Envelope, EventId, PropertyId, SpecVersion, Subject, TenantId, follow_up_id};
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
    /// Whose event
    tenant: TenantId,
    /// Of which property
    property: PropertyId,
    /// The event's id
    id: EventId,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What is known of an event.
struct Found {
    subject: String,
    record: Option<Record>,
    seen: Option<Seen>,
    follow_ups: Option<Vec<(String, &'static str)>>,
    state: Value,
}

/// Prints what is known.
pub async fn event(args: &Event, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    let scope = Scope::for_operator(Calendar::CONSUMER, args.tenant.clone(), args.property.clone());
    let Some(found) = find(&cloud, &scope, &args.id).await? else {
        return Err(CliError::refused(
            "event-unknown",
            format_args!("{} has no record of event {}", scope.group(), args.id),
            "It was not worked yet (bellhop status), not readable (its message is on the fallback queue), or forgotten after 45 days.",
        ));
    };
    if args.json {
        output::json(&found.to_json(&args.id));
    } else {
        found.print(&args.id);
    }
    Ok(Exit::Ok)
}

async fn find(cloud: &Cloud, scope: &Scope, id: &EventId) -> Result<Option<Found>, CliError> {
    let record = cloud.store.record(scope, id).await?;
    if let Some(subject) = record.as_ref().and_then(|record| record.subject.parse::<Subject>().ok()) {
        let item = cloud.store.subject(scope, &subject).await?;
        let found = item.map(|item| Found::new(&item, &subject.to_string(), id, record.clone())).transpose()?;
        return Ok(Some(found.unwrap_or_else(|| Found::bare(&subject.to_string(), record))));
    }
    // On the happy path the record rides in the item of its subject: an event's id alone does not say in which.
    for kind in ["booking/", "unit/", "property/"] {
        for (key, item) in cloud.store.list(&scope.own("", kind)).await? {
            let subject = key.sort_key().split_once('#').map(|(_, s)| s.to_owned()).unwrap_or_default();
            let item = SubjectItem::decode(key, item)?;
            if item.seen(id).is_some() {
                return Found::new(&item, &subject, id, None).map(Some);
            }
        }
    }
    Ok(None)
}

impl Found {
    fn bare(subject: &str, record: Option<Record>) -> Self {
        Self { subject: subject.to_owned(), record, seen: None, follow_ups: None, state: Value::Null }
    }

    fn new(item: &SubjectItem, subject: &str, id: &EventId, record: Option<Record>) -> Result<Self, CliError> {
        let state = item.state.clone().map(serde_dynamo::from_attribute_value::<_, CalendarState>).transpose();
        let state =
            state.map_err(|error| CliError::refused("store-error", error, "Report it with the command line."))?;
        let outbox = item.outbox.clone().filter(|(by, _)| by == id.as_str()).map(|(_, data)| data);
        let outbox: Option<Outbox> = outbox.and_then(|data| serde_dynamo::from_attribute_value(data).ok());
        let follow_ups = match (&state, outbox, subject.parse()) {
            (Some(state), Some(outbox), Ok(subject)) => Some(follow_ups(id, &subject, state, &outbox)),
            _ => None,
        };
        let state = match state {
            Some(CalendarState::Booking(booking)) => json!(booking),
            Some(CalendarState::Unit(unit)) => json!(unit),
            Some(CalendarState::Property(property)) => json!(property),
            None => Value::Null,
        };
        Ok(Self { subject: subject.to_owned(), record, seen: item.seen(id), follow_ups, state })
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

    fn to_json(&self, id: &EventId) -> Value {
        let follow_ups = self
            .follow_ups
            .as_ref()
            .map(|all| all.iter().map(|(id, name)| json!({ "id": id, "type": name })).collect::<Vec<_>>());
        json!({
            "event": id, "subject": self.subject, "outcome": self.outcome(), "digest": self.seen.map(|s| s.digest.to_string()),
            "done_at": self.seen.map(|seen| time(seen.at)), "record": self.record, "follow_ups": follow_ups, "state": self.state,
        })
    }

    fn print(&self, id: &EventId) {
        output::line(format_args!("event     {id}\nsubject   {}\noutcome   {}", self.subject, self.outcome()));
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
fn follow_ups(id: &EventId, subject: &Subject, state: &CalendarState, outbox: &Outbox) -> Vec<(String, &'static str)> {
    let (Ok(tenant), Ok(property)) = ("t".parse(), "p".parse()) else { return Vec::new() };
    let event = Envelope {
        specversion: SpecVersion::V1,
        id: id.clone(),
        source: "/".to_owned(),
        event_type: String::new(),
        subject: subject.clone(),
        time: Timestamp::UNIX_EPOCH,
        datacontenttype: None,
        dataschema: None,
        tenant,
        property,
        traceparent: None,
        causationid: None,
        sequence: None,
        data: Map::new(),
    };
    let all = Calendar.follow_ups(&event, state, outbox).into_iter().enumerate();
    all.map(|(index, follow_up)| match follow_up {
        FollowUp::Event { event_type, .. } => (follow_up_id(Calendar::CONSUMER, id, index).to_string(), event_type),
        FollowUp::Review(fault) => ("review".to_owned(), fault.reason.code()),
    })
    .collect()
}
