//! `bellhop post` and `bellhop validate`.

mod plan;
mod send;
mod valve;

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use bellhop_events::{Queue, TenantId};
use bellhop_store::{Mode, Registration};
use clap::Args;
use serde_json::json;

use crate::check::{self, Outgoing, Refusal};
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::{input, output};
use valve::Valve;

/// What `bellhop post` is told.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Post {
    /// File with events: one JSON object a line, an array, or a single object; `-` reads standard input
    file: String,
    /// Check everything, send nothing
    #[arg(long)]
    dry_run: bool,
    /// Send the good events although others are refused (exit code 1 all the same)
    #[arg(long, conflicts_with = "raw")]
    skip_invalid: bool,
    /// Send each line as it stands, unchecked: to see what the workers do with bad input
    #[arg(long)]
    raw: bool,
    /// With --raw: message group of lines that do not name tenant and property
    #[arg(long, value_name = "TENANT#PROPERTY", requires = "raw", value_parser = check::group, default_value = "unknown#unknown")]
    group: String,
    /// With --raw: queue of lines whose type is not in the catalogue
    #[arg(long, requires = "raw", value_parser = check::queue, default_value = "operational-calendar")]
    queue: Queue,
    /// Post to the tenants' own queues, without a look at the registry: for a producer's role, which may not read it
    #[arg(long)]
    silo: bool,
    /// Post to the shared queues although the registry cannot be read, and nobody can tell whether a tenant has queues of its own
    #[arg(long, conflicts_with = "silo")]
    pool: bool,
    /// At most so many events a second; without it, the lowest that is set for a tenant among them (bellhop tenant add)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=30_000))]
    pace: Option<u32>,
    /// Wait while so many messages wait in the queue: behind 120,000 SQS looks at nobody's
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    most_waiting: u64,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// What `bellhop validate` is told.
#[derive(Debug, Args)]
pub struct Validate {
    /// File with events: one JSON object a line, an array, or a single object; `-` reads standard input
    file: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Checks events, sends nothing.
pub fn validate(args: &Validate) -> Result<Exit, CliError> {
    let (good, refused) = check::check_all(input::split(&input::read(&args.file)?));
    if args.json {
        output::json(&json!({ "valid": good.len(), "refused": refused }));
    } else {
        complain(&refused);
        output::line(format_args!("{} valid, {} refused", good.len(), refused.len()));
    }
    Ok(if refused.is_empty() { Exit::Ok } else { Exit::Refused })
}

/// Checks events and sends them.
pub async fn post(args: &Post, prefix: &str) -> Result<Exit, CliError> {
    let text = input::read(&args.file)?;
    let (mut events, refused) = if args.raw {
        let raw = input::lines(&text).into_iter().map(|piece| check::raw(piece, args.queue, &args.group));
        (raw.collect(), Vec::new())
    } else {
        check::check_all(input::split(&text))
    };
    if let Some(event) = events.iter().find(|event: &&Outgoing| !check::fits(&event.body)) {
        let found = format!("line {}: {} bytes", event.line, event.body.len());
        return Err(CliError::refused(
            "too-large",
            found,
            "A message takes at most 262144 bytes; make the event smaller.",
        ));
    }
    if !args.json {
        complain(&refused);
    }
    let stop = !refused.is_empty() && !args.skip_invalid;
    let outcome = if stop || args.dry_run {
        send::Summary { groups: send::groups(&events), ..send::Summary::default() }
    } else {
        let cloud = Cloud::connect(prefix).await;
        let known = if args.silo { HashMap::new() } else { registrations(&cloud, &events, args.pool).await? };
        let pace = args.pace.or_else(|| known.values().filter_map(|one| one.events_a_second).min());
        for event in &mut events {
            let has_silo = |tenant: &TenantId| known.get(tenant).is_some_and(|one| one.mode == Mode::Silo);
            event.silo = event.tenant().filter(|tenant| args.silo || has_silo(tenant));
        }
        send::send(&cloud, events.clone(), Valve::new(pace, args.most_waiting, Instant::now())).await?
    };
    report(args, &events, &refused, &outcome, stop);
    Ok(if refused.is_empty() && outcome.unsent == 0 { Exit::Ok } else { Exit::Refused })
}

/// What is known of the tenants of these events: their pace, and whether they have queues of their own.
async fn registrations(
    cloud: &Cloud,
    events: &[Outgoing],
    may_be_unknown: bool,
) -> Result<HashMap<TenantId, Registration>, CliError> {
    let tenants: BTreeSet<_> = events.iter().filter_map(Outgoing::tenant).collect();
    match cloud.store.registrations(&tenants).await {
        Ok(known) => Ok(known),
        // Whoever may post need not be allowed to read the tables, and can while they are down. By the wrong queues it would be
        // nobody's: that is for them to say.
        Err(error) if may_be_unknown => {
            output::note(format_args!("registry-unread: {error}; no pace is kept, --pace sets one"));
            Ok(HashMap::new())
        }
        Err(error) => Err(CliError {
            code: "registry-unread",
            exit: Exit::Unreachable,
            message: format!(
                "nothing was sent: whether these tenants have queues of their own cannot be read: {error}"
            ),
            remedy: "Try again; or say --pool if none of them has a silo, --silo if all of them have.",
        }),
    }
}

fn report(args: &Post, events: &[Outgoing], refused: &[Refusal], done: &send::Summary, stopped: bool) {
    if args.json {
        return output::json(&json!({
            "accepted": done.accepted, "deduplicated": done.deduplicated, "unsent": done.unsent, "resent": done.resent,
            "valid": events.len(), "refused": refused, "groups": done.groups, "seconds": done.seconds, "dry_run": args.dry_run,
        }));
    }
    let (valid, bad, groups) = (events.len(), refused.len(), done.groups);
    if stopped {
        output::line(format_args!(
            "nothing sent: {bad} refused, {valid} valid in {groups} groups (--skip-invalid sends the valid ones)"
        ));
    } else if args.dry_run {
        output::line(format_args!("dry run: {valid} would be sent in {groups} groups, {bad} refused"));
    } else {
        let rate = output::rate(done.accepted, done.seconds);
        output::line(format_args!(
            "{} accepted in {groups} groups in {:.1} s ({rate}/s), {bad} refused, {} not sent",
            done.accepted, done.seconds, done.unsent
        ));
        if done.deduplicated > 0 {
            output::line(format_args!(
                "{} of them were identical to one of the last five minutes: SQS dropped them",
                done.deduplicated
            ));
        }
    }
}

fn complain(refused: &[Refusal]) {
    for refusal in refused {
        output::note(refusal);
    }
}
