//! `bellhop rule apply`: bookings that came before the rules are looked at again.

use bellhop_events::catalogue::{AUTOMATION_LOOK, Look};
use bellhop_events::{EventId, Queue, Subject};
use bellhop_store::automation::CONSUMER;
use bellhop_store::{Filter, Key, Scope};
use bellhop_worker::Outgoing;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::place::{self, Place};
use crate::{emit, output};

/// Messages that are sent at a time.
const STEP: usize = 10;

/// Whose bookings.
#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    place: Place,
    /// Say how many bookings would be looked at, post nothing
    #[arg(long)]
    dry_run: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Posts a look for each booking that has not ended.
pub async fn apply(cloud: &Cloud, args: &Apply) -> Result<Exit, CliError> {
    let rules = super::known(&cloud.store, &args.place.tenant).await?;
    super::parse("the saved rules", &rules.text)?;
    let scope = args.place.scope(CONSUMER);
    let zone = place::property(&cloud.store, &scope).await?.time_zone.rules();
    let now = Timestamp::now();
    let open = Filter {
        expression: "st.b.departure >= :today AND attribute_not_exists(st.b.cancelled)",
        names: Vec::new(),
        values: vec![(":today", zone.to_datetime(now).date().to_string())],
        most: usize::MAX,
    };
    let spinner = output::spinner();
    spinner.set_message("reading bookings");
    let found = cloud.store.find(&args.place.calendar().own("", "booking/"), &open).await;
    spinner.finish_and_clear();
    let found = found?;
    let looks: Vec<_> =
        found.iter().filter_map(|(key, _)| subject(key)).map(|s| look(&scope, s, rules.rev, now)).collect();
    let sent = if args.dry_run { 0 } else { send(cloud, &looks).await? };
    let (all, done) = (looks.len(), args.dry_run || sent == looks.len());
    if args.json {
        output::json(&json!({ "version": rules.rev, "bookings": all, "posted": sent, "dry_run": args.dry_run }));
    } else if args.dry_run {
        output::line(format_args!("dry run: {all} bookings would be looked at"));
    } else if done {
        output::line(format_args!(
            "{all} bookings of {} are looked at by version {} of the rules; what comes of it: bellhop due list",
            scope.group(),
            rules.rev
        ));
    } else {
        output::note(format_args!(
            "apply-incomplete: {sent} of {all} looks were accepted\n  Run it again: what was accepted is not done twice."
        ));
    }
    Ok(if done { Exit::Ok } else { Exit::Refused })
}

fn subject(key: &Key) -> Option<Subject> {
    key.sort_key().split_once('#')?.1.parse().ok()
}

/// The same for the same rules, so that it does no harm to run twice.
fn look(scope: &Scope, subject: Subject, rev: u64, now: Timestamp) -> Outgoing {
    let text = [scope.group().to_string(), subject.to_string(), rev.to_string()];
    let id = EventId::hashed('l', &[&text[0], &text[1], &text[2]]);
    emit::event(Queue::Automation, scope, &AUTOMATION_LOOK, id, subject, &Look { version: rev, due: None }, now)
}

/// Posts until one is not accepted; returns how many were.
async fn send(cloud: &Cloud, looks: &[Outgoing]) -> Result<usize, CliError> {
    let queue = emit::queue(cloud, Queue::Automation).await?;
    let bar = output::progress(looks.len(), "applying");
    let mut sent = 0;
    for step in looks.chunks(STEP) {
        let refused = queue.send(step).await.len();
        sent += step.len() - refused;
        bar.inc(step.len() as u64);
        if refused > 0 {
            break;
        }
    }
    bar.finish_and_clear();
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_events::{Envelope, catalogue};

    #[test]
    fn a_look_is_the_same_for_the_same_rules_and_is_taken_by_automation() {
        let scope = Scope::for_operator(CONSUMER, "sea".parse().expect("an id"), "villa".parse().expect("an id"));
        let subject = subject(&scope.of_calendar().own("", "booking/B1")).expect("a subject");
        let of = |rev| look(&scope, subject.clone(), rev, Timestamp::UNIX_EPOCH);
        assert_eq!(of(1).deduplication_id, of(1).deduplication_id);
        assert_ne!(of(1).deduplication_id, of(2).deduplication_id);
        let first = of(3);
        assert_eq!((first.group.as_str(), first.queue), ("sea#villa", Queue::Automation));
        let envelope = Envelope::decode(&first.body).expect("an envelope");
        catalogue::route(&envelope, Queue::Automation).expect("a route");
        assert_eq!(envelope.payload::<Look>().map(|look| look.version), Ok(3));
    }
}
