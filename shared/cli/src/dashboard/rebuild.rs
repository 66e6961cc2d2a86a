//! `bellhop rebuild dashboard`: the numbers of properties are counted from nothing, while the old ones are shown.

use std::time::{Duration, Instant};

use bellhop_events::catalogue::{DASHBOARD_LOOK, DashboardLook, Rebuild as Edge};
use bellhop_events::{EventId, PropertyId, Queue, Subject, TenantId};
use bellhop_store::dashboard::{self, CONSUMER, DashboardState, Editions};
use bellhop_store::{Expect, Key, Scope, Write};
use bellhop_worker::{Outgoing, state_in};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::place::registered;
use crate::{emit, output};

/// Messages that are sent at a time.
const STEP: usize = 10;

/// What is counted anew.
#[derive(Debug, Subcommand)]
pub enum Rebuild {
    /// The numbers of the dashboard, from what calendar, automation and notifications keep
    Dashboard(Which),
}

/// Of which properties.
#[derive(Debug, Args)]
pub struct Which {
    /// Whose properties
    #[arg(long)]
    tenant: TenantId,
    /// Only this one; else all that the dashboard knows
    #[arg(long)]
    property: Option<PropertyId>,
    /// Wait at most so many seconds for each until the new numbers are shown
    #[arg(long, default_value_t = 600)]
    timeout: u64,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Runs `bellhop rebuild`.
pub async fn rebuild(command: &Rebuild, prefix: &str) -> Result<Exit, CliError> {
    let Rebuild::Dashboard(args) = command;
    let cloud = Cloud::connect(prefix).await;
    let properties = if let Some(property) = &args.property {
        vec![property.clone()]
    } else {
        let listed = cloud.store.list(&dashboard::properties(&args.tenant)).await?;
        listed.iter().filter_map(|(key, _)| dashboard::property_of(key)).collect()
    };
    if properties.is_empty() {
        return Err(super::nothing(&args.tenant));
    }
    let mut told = Vec::new();
    for property in properties {
        let bookings = one(&cloud, args, &property).await?;
        if !args.json {
            output::line(format_args!("{}#{property}: counted anew from {bookings} bookings", args.tenant));
        }
        told.push(json!({"property": property, "bookings": bookings}));
    }
    if args.json {
        output::json(&told);
    }
    Ok(Exit::Ok)
}

/// Asks for one property, waits for it, and removes what is shown no longer; how many bookings it has.
async fn one(cloud: &Cloud, args: &Which, property: &PropertyId) -> Result<usize, CliError> {
    let scope = Scope::for_operator(CONSUMER, args.tenant.clone(), property.clone());
    if registered(&cloud.store, &scope).await?.is_none() {
        return Err(super::nothing(&args.tenant));
    }
    let now = Timestamp::now();
    let run = u64::try_from(now.as_microsecond()).unwrap_or_default();
    let found = cloud.store.list(&scope.of_calendar().own("", "booking/")).await?;
    let subjects: Vec<Subject> = found.iter().filter_map(|(key, _)| subject(key)).collect();
    send(cloud, &asked(&scope, &subjects, run, now)).await?;
    let deadline = Instant::now() + Duration::from_secs(args.timeout);
    let spinner = output::spinner();
    spinner.set_message(format!("counting {} bookings of {}", subjects.len(), scope.group()));
    let shown = loop {
        let editions = editions(cloud, &scope).await?;
        if editions.begun > run || (editions.begun == run && editions.shown == editions.counted) {
            break editions.shown;
        }
        if Instant::now() > deadline {
            return Err(CliError::refused(
                "rebuild-unfinished",
                format_args!("the new numbers of {} are not shown after {} s", scope.group(), args.timeout),
                "Look whether the dashboard's function works: bellhop status. The old numbers are shown, and kept right, until then.",
            ));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    spinner.finish_and_clear();
    forget(cloud, &scope, shown).await?;
    Ok(subjects.len())
}

fn subject(key: &Key) -> Option<Subject> {
    key.sort_key().split_once('#')?.1.parse().ok()
}

/// The beginning, a look at each booking, the end: in one message group, so in this order.
fn asked(scope: &Scope, bookings: &[Subject], run: u64, now: Timestamp) -> Vec<Outgoing> {
    let property = Subject::Property(scope.group().property.clone());
    let look = |subject: &Subject, rebuild: Option<Edge>| {
        let (group, name) = (scope.group().to_string(), format!("{subject} {rebuild:?}"));
        let id = EventId::hashed('d', &[&group, &name, &run.to_string()]);
        let payload = DashboardLook { version: run, rebuild };
        emit::event(Queue::OperationalDashboard, scope, &DASHBOARD_LOOK, id, subject.clone(), &payload, now)
    };
    let mut asked = vec![look(&property, Some(Edge::Begin))];
    asked.extend(bookings.iter().map(|subject| look(subject, None)));
    asked.push(look(&property, Some(Edge::End)));
    asked
}

async fn send(cloud: &Cloud, asked: &[Outgoing]) -> Result<(), CliError> {
    let queue = emit::queue(cloud, Queue::OperationalDashboard).await?;
    let bar = output::progress(asked.len(), "asking");
    for step in asked.chunks(STEP) {
        if !queue.send(step).await.is_empty() {
            return Err(CliError::refused(
                "rebuild-incomplete",
                "the queue did not take all that was asked for",
                "Run it again: a rebuild that was not ended is left behind, the old numbers are shown and kept right.",
            ));
        }
        bar.inc(step.len() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

async fn editions(cloud: &Cloud, scope: &Scope) -> Result<Editions, CliError> {
    let key = scope.subject(&Subject::Property(scope.group().property.clone()));
    let found = cloud.store.get(std::slice::from_ref(&key)).await?;
    let state = found.get(&key).map(|item| state_in(&key, item)).transpose()?.flatten();
    Ok(match state {
        Some(DashboardState::Property(editions)) => editions,
        _ => Editions::default(),
    })
}

/// Removes the numbers of editions before the one that is shown.
async fn forget(cloud: &Cloud, scope: &Scope, shown: u64) -> Result<(), CliError> {
    for (key, _) in cloud.store.list(&dashboard::all_editions(scope)).await? {
        if dashboard::edition_of(&key).is_some_and(|edition| edition < shown) {
            cloud.store.commit(vec![Write::Delete { key, expect: Expect::Any }]).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_events::{Envelope, catalogue};

    #[test]
    fn a_rebuild_begins_looks_at_all_and_ends_in_one_group() {
        let scope = Scope::for_operator(CONSUMER, "sea".parse().expect("an id"), "villa".parse().expect("an id"));
        let bookings: Vec<Subject> = ["booking/b1", "booking/b2"].map(|name| name.parse().expect("a subject")).into();
        let asked = asked(&scope, &bookings, 7, Timestamp::UNIX_EPOCH);
        let read = |message: &Outgoing| {
            assert_eq!((message.group.as_str(), message.queue), ("sea#villa", Queue::OperationalDashboard));
            let envelope = Envelope::decode(&message.body).expect("an envelope");
            catalogue::route(&envelope, message.queue).expect("a route");
            let look: DashboardLook = envelope.payload().expect("a look");
            (envelope.subject.to_string(), look.rebuild, look.version)
        };
        let told: Vec<_> = asked.iter().map(read).collect();
        let (property, begin, end) = ("property/villa".to_owned(), Some(Edge::Begin), Some(Edge::End));
        assert_eq!(told.first(), Some(&(property.clone(), begin, 7)));
        assert_eq!(told.last(), Some(&(property, end, 7)));
        assert_eq!(told.len(), 4);
        let ids: std::collections::BTreeSet<_> = asked.iter().map(|message| &message.deduplication_id).collect();
        assert_eq!(ids.len(), 4);
    }
}
