//! `bellhop hold`: the lines of events that wait, by what they wait for, and a verdict on the event at the head.

use std::collections::BTreeMap;

use bellhop_events::{ChannelId, PropertyId, Queue, Subject, TenantId};
use bellhop_store::{Hold, Line, OpenHold, Resolution, ResolveError, Scope, StoreError};
use bellhop_worker::{Queues, wake_up};
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::json;

use crate::cloud::{Cloud, Side};
use crate::error::{CliError, Exit};
use crate::status::{CONSUMERS, MOST_HOLDS};
use crate::{input, output};

/// What `bellhop hold` is told.
#[derive(Debug, Subcommand)]
pub enum Holds {
    /// List subjects with a failed event, and registrations that events wait for
    List(List),
    /// Show the failed event of a subject and all that waits behind it
    Show(Show),
    /// Decide on the failed event: what waits behind it is then worked in order
    Resolve(Resolve),
}

/// Which holds.
#[derive(Debug, Args)]
pub struct List {
    /// Only this tenant's
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// A line behind a subject.
#[derive(Debug, Args)]
pub struct Place {
    /// Whose property
    tenant: TenantId,
    /// Which property
    property: PropertyId,
    /// The subject, as booking/ID
    subject: Subject,
    /// Which line: behind a failed event, or for a registration
    #[arg(long, value_enum, default_value_t = LineArg::Hold)]
    line: LineArg,
    /// Which function holds it
    #[arg(long, value_enum, default_value_t = FunctionArg::Calendar)]
    function: FunctionArg,
    /// In the work towards this channel
    #[arg(long)]
    channel: Option<ChannelId>,
}

/// Which hold to show.
#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    place: Place,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Which hold to resolve, and how.
#[derive(Debug, Args)]
pub struct Resolve {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verdict: Verdict,
}

/// The verdicts.
#[derive(Debug, Subcommand)]
pub enum Verdict {
    /// Work the event again as it is
    Retry,
    /// Work this event instead; id, type, tenant, property and subject must stay
    Edit {
        /// File with the corrected event; `-` reads standard input
        file: String,
    },
    /// Leave the event out
    Discard {
        /// Why; kept with the event's record
        #[arg(long)]
        reason: String,
    },
}

/// The lines by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LineArg {
    /// Behind a failed event
    Hold,
    /// For a registration
    Wait,
}

/// The functions that can hold events back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FunctionArg {
    /// Properties, bookings and blocks
    Calendar,
    /// Channels, rates and webhooks
    ChannelSync,
    /// Cleanings, tasks and rules
    Automation,
    /// Messages to guests
    Notifications,
    /// The numbers that people look at
    Dashboard,
}

impl FunctionArg {
    fn consumer(self) -> (&'static str, Queue) {
        match self {
            Self::Calendar => (CONSUMERS[0], Queue::OperationalCalendar),
            Self::ChannelSync => (CONSUMERS[1], Queue::Synchronization),
            Self::Automation => (CONSUMERS[2], Queue::Automation),
            Self::Notifications => (CONSUMERS[3], Queue::OperationalGuests),
            Self::Dashboard => (CONSUMERS[4], Queue::OperationalDashboard),
        }
    }
}

impl From<LineArg> for Line {
    fn from(line: LineArg) -> Self {
        match line {
            LineArg::Hold => Self::Hold,
            LineArg::Wait => Self::Wait,
        }
    }
}

impl Place {
    fn scope(&self) -> Scope {
        let (consumer, _) = self.function.consumer();
        let scope = Scope::for_operator(consumer, self.tenant.clone(), self.property.clone());
        self.channel.as_ref().map_or(scope.clone(), |channel| scope.of_channel(channel))
    }
}

/// Runs a command of `bellhop hold`.
pub async fn hold(command: &Holds, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    match command {
        Holds::List(args) => list(&cloud, args).await,
        Holds::Show(args) => show(&cloud, args).await,
        Holds::Resolve(args) => resolve(&cloud, args).await,
    }
}

async fn list(cloud: &Cloud, args: &List) -> Result<Exit, CliError> {
    let mut holds: Vec<(&str, OpenHold)> = Vec::new();
    for consumer in CONSUMERS {
        let open = cloud.store.open_holds(consumer, MOST_HOLDS).await?;
        holds.extend(open.into_iter().map(|hold| (consumer, hold)));
    }
    let tenant = args.tenant.as_ref().map(|tenant| format!("{tenant}#"));
    holds.retain(|(_, hold)| tenant.as_ref().is_none_or(|tenant| hold.group.starts_with(tenant)));
    if args.json {
        let of = |(function, hold): &(&str, OpenHold)| {
            let mut value = serde_json::to_value(hold).unwrap_or_default();
            value["function"] = json!(function);
            value
        };
        output::json(&holds.iter().map(of).collect::<Vec<_>>());
        return Ok(Exit::Ok);
    }
    let columns = ["tenant", "property", "subject", "function", "line", "reason", "since", "events", "state"];
    let mut table = output::table(&columns);
    for (function, OpenHold { group, subject, line, hold }) in &holds {
        let (tenant, property) = group.split_once('#').unwrap_or((group, ""));
        let state = if hold.verdict.is_some() { "being worked" } else { "waits" };
        let since = Timestamp::from_second(hold.since).map(|at| at.to_string()).unwrap_or_default();
        let events = hold.len().to_string();
        let cells = [tenant, property, subject, function, word(*line), &hold.reason, &since, &events, state];
        table.add_row(cells.map(str::to_owned));
    }
    output::numbers(&mut table, 7..8);
    if holds.is_empty() {
        output::line("nothing waits for a verdict");
    } else {
        output::line(table.trim_fmt());
    }
    Ok(Exit::Ok)
}

fn word(line: Line) -> &'static str {
    match line {
        Line::Hold => "hold",
        Line::Wait => "wait",
    }
}

async fn show(cloud: &Cloud, args: &Show) -> Result<Exit, CliError> {
    let Place { subject, line, .. } = &args.place;
    let scope = args.place.scope();
    let Some((hold, parked)) = cloud.store.hold(&scope, (*line).into(), subject).await? else {
        return Err(refusal(ResolveError::NoHold(subject.to_string())));
    };
    let mut records = BTreeMap::new();
    for event in &parked {
        records.extend(cloud.store.record(&scope, &event.id).await?.map(|record| (event.id.to_string(), record)));
    }
    if args.json {
        output::json(&json!({ "hold": hold, "events": parked, "records": records }));
        return Ok(Exit::Ok);
    }
    let state = if hold.verdict.is_some() { "has a verdict and is being worked" } else { "waits for a verdict" };
    output::line(format_args!("{} {subject}: {} ({}), {} events", scope.group(), hold.reason, state, hold.len()));
    for (place, event) in parked.iter().enumerate() {
        let record = records.get(event.id.as_str());
        let detail = record
            .map(|r| format!("{} attempts, failures {}, reasons {}", r.attempts, r.failures, r.reasons.join(" ")));
        let at = Timestamp::from_second(event.at).map(|at| at.to_string()).unwrap_or_default();
        output::line(format_args!("{}. event {} since {at}: {}", place + 1, event.id, detail.unwrap_or_default()));
        output::line(format_args!("   {}", event.body));
    }
    Ok(Exit::Ok)
}

async fn resolve(cloud: &Cloud, args: &Resolve) -> Result<Exit, CliError> {
    let resolution = match &args.verdict {
        Verdict::Retry => Resolution::Retry,
        Verdict::Edit { file } => Resolution::Edit(input::read(file)?.trim().to_owned()),
        Verdict::Discard { reason } => Resolution::Discard(reason.clone()),
    };
    let Place { subject, line, .. } = &args.place;
    let (scope, line) = (args.place.scope(), Line::from(*line));
    match cloud.store.resolve(&scope, line, subject, &resolution, Timestamp::now()).await {
        Ok(hold) => {
            wake(cloud, &args.place, line, &hold).await?;
            let events = hold.len();
            output::line(format_args!("resolved {subject}: {events} events of its line are worked now, in order"));
            Ok(Exit::Ok)
        }
        Err(error @ ResolveError::AlreadyResolved(_)) => {
            // The wake-up of the first verdict may be lost; one more is harmless.
            if let Some((hold, _)) = cloud.store.hold(&scope, line, subject).await? {
                wake(cloud, &args.place, line, &hold).await?;
            }
            Err(refusal(error))
        }
        Err(error) => Err(refusal(error)),
    }
}

async fn wake(cloud: &Cloud, place: &Place, line: Line, hold: &Hold) -> Result<(), CliError> {
    let (_, queue) = place.function.consumer();
    let url = cloud.queue_url(queue, Side::Main).await?;
    let queues = Queues::new(cloud.sqs.clone(), [(queue, url)].into(), cloud.store.clone());
    let refused = queues.send(&[wake_up(&place.scope(), queue, &place.subject, line, hold, Timestamp::now())]).await;
    if refused.is_empty() {
        return Ok(());
    }
    Err(CliError::unreachable("the verdict is stored, but its wake-up was not accepted", "run the same command again"))
}

fn refusal(error: ResolveError) -> CliError {
    match error {
        ResolveError::Store(error @ StoreError::Unavailable(_)) => error.into(),
        other => CliError::refused("review-refused", other, "See what waits with: bellhop hold list"),
    }
}
