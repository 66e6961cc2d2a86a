//! `bellhop status`: how much waits where.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName;
use bellhop_events::{Queue, TenantId};
use bellhop_store::{Line, OpenHold};
use clap::Args;
use futures_util::future::try_join_all;
use serde::Serialize;

use crate::ages::ages;
use crate::cloud::{Cloud, Side};
use crate::error::{CliError, Exit};
use crate::output;

/// Queues that a function of this version works off; the others fill until theirs comes.
const CONSUMED: [Queue; 5] = [
    Queue::OperationalCalendar,
    Queue::Synchronization,
    Queue::Automation,
    Queue::OperationalGuests,
    Queue::OperationalDashboard,
];
/// Consumers that can hold events back, each a function of the same name.
pub const CONSUMERS: [&str; 5] = [
    "calendar",
    bellhop_store::channel::CONSUMER,
    bellhop_store::automation::CONSUMER,
    bellhop_store::mails::CONSUMER,
    bellhop_store::dashboard::CONSUMER,
];
/// Silos that are looked at: CloudWatch tells the ages of 500 queues in one call.
const MOST_SILOS: u16 = 48;
/// More holds are not listed one by one.
pub const MOST_HOLDS: usize = 10_000;
/// SQS counts are approximate: drained means empty so often in a row.
const EMPTY_POLLS: u32 = 3;

/// A queue, and whose silo it is in.
type Place = (Option<TenantId>, Queue);

/// What `bellhop status` is told.
#[derive(Debug, Args)]
pub struct Status {
    /// Wait until the queues that have a worker are empty; exit code 1 when the time is up before
    #[arg(long)]
    wait_drained: bool,
    /// With --wait-drained: seconds to wait at most
    #[arg(long, default_value_t = 120, requires = "wait_drained")]
    timeout: u64,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Messages of a queue; SQS's own numbers, approximate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Depth {
    /// Ready.
    pub visible: u64,
    /// In somebody's hands.
    pub in_flight: u64,
    /// Not ready yet.
    pub delayed: u64,
}

impl Depth {
    fn total(self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}

#[derive(Debug, Serialize)]
struct QueueStatus {
    queue: &'static str,
    /// Whose silo it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    silo: Option<TenantId>,
    #[serde(flatten)]
    depth: Depth,
    /// Age of the oldest message, as CloudWatch last heard; none: it heard nothing.
    oldest_seconds: Option<u64>,
    dead_letters: u64,
    /// The same of the dead-letter queue.
    oldest_dead_letter_seconds: Option<u64>,
    worked: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    queues: Vec<QueueStatus>,
    /// Why no ages are known, if CloudWatch did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    ages_unknown: Option<String>,
    /// What waits for a person: items without a decision, and what is on its way to become one.
    review: u64,
    /// Subjects with a failed event that nobody has decided on.
    holds: usize,
    /// Subjects whose line is being worked after a verdict.
    released: usize,
    /// Subjects whose events wait for a registration.
    waits: usize,
    /// Events in all lines.
    parked: u64,
    /// Messages of suspended tenants, in their journals.
    put_by: u64,
}

/// Prints the status, after waiting if so told.
pub async fn status(args: &Status, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    let drained = !args.wait_drained || wait(&cloud, Duration::from_secs(args.timeout)).await?;
    let report = report(&cloud).await?;
    if args.json {
        output::json(&report);
    } else {
        print(&report);
    }
    if !drained {
        output::note(format_args!(
            "not-drained: after {} s messages are left; see what the function says in its log, or wait longer with --timeout",
            args.timeout
        ));
    }
    Ok(if drained { Exit::Ok } else { Exit::Refused })
}

async fn wait(cloud: &Cloud, limit: Duration) -> Result<bool, CliError> {
    let places = places(cloud).await?.into_iter().filter(|(_, queue)| CONSUMED.contains(queue));
    let urls = places.map(async |(silo, queue)| existing(cloud, silo.as_ref(), queue, Side::Main).await);
    let urls: Vec<_> = try_join_all(urls).await?.into_iter().flatten().collect();
    let (started, spinner) = (Instant::now(), output::spinner());
    let mut empty = 0;
    while empty < EMPTY_POLLS {
        let depths = try_join_all(urls.iter().map(|url| depth(&cloud.sqs, url))).await?;
        let (visible, in_flight) =
            depths.iter().fold((0, 0), |sum, d| (sum.0 + d.visible + d.delayed, sum.1 + d.in_flight));
        spinner.set_message(format!("waiting: {visible} in the queue, {in_flight} being worked"));
        empty = if visible + in_flight == 0 { empty + 1 } else { 0 };
        if empty < EMPTY_POLLS && started.elapsed() >= limit {
            spinner.finish_and_clear();
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    spinner.finish_and_clear();
    output::note(format_args!("drained after {:.1} s", started.elapsed().as_secs_f64()));
    Ok(true)
}

/// How many messages a queue has.
pub async fn depth(sqs: &aws_sdk_sqs::Client, url: &str) -> Result<Depth, CliError> {
    use QueueAttributeName as Name;
    let names = [
        Name::ApproximateNumberOfMessages,
        Name::ApproximateNumberOfMessagesNotVisible,
        Name::ApproximateNumberOfMessagesDelayed,
    ];
    let request = sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
    let answer = request.send().await.map_err(|error| CliError::sdk(url, error))?;
    let attributes = answer.attributes.unwrap_or_default();
    let [visible, in_flight, delayed] =
        names.map(|name| attributes.get(&name).and_then(|n| n.parse().ok()).unwrap_or_default());
    Ok(Depth { visible, in_flight, delayed })
}

async fn report(cloud: &Cloud) -> Result<Report, CliError> {
    let sides = [Side::Main, Side::DeadLetter];
    let places = places(cloud).await?;
    let name = |place: &Place, side| cloud.queue_name(place.0.as_ref(), place.1, side);
    let names: Vec<_> = places.iter().flat_map(|place| sides.map(|side| name(place, side))).collect();
    let (ages, ages_unknown) = match ages(cloud, &names).await {
        Ok(ages) => (ages, None),
        Err(why) => (BTreeMap::new(), Some(why)),
    };
    let queues = places.iter().map(async |place| {
        let (silo, queue) = (place.0.as_ref(), place.1);
        let Some(url) = existing(cloud, silo, queue, Side::Main).await? else { return Ok(None) };
        let Some(dead) = existing(cloud, silo, queue, Side::DeadLetter).await? else { return Ok(None) };
        let (depth, dead_letters) = (depth(&cloud.sqs, &url).await?, depth(&cloud.sqs, &dead).await?.total());
        // What CloudWatch heard a while ago is no age of an empty queue.
        let age = |side, messages| ages.get(&name(place, side)).copied().filter(|_| messages > 0);
        Ok::<_, CliError>(Some(QueueStatus {
            queue: queue.name(),
            silo: silo.cloned(),
            depth,
            oldest_seconds: age(Side::Main, depth.total()),
            dead_letters,
            oldest_dead_letter_seconds: age(Side::DeadLetter, dead_letters),
            worked: queue == Queue::Fallback || CONSUMED.contains(&queue),
        }))
    });
    let queues = try_join_all(queues).await?.into_iter().flatten().collect();
    let mut holds = Vec::new();
    for consumer in CONSUMERS {
        holds.extend(cloud.store.open_holds(consumer, MOST_HOLDS).await?);
    }
    let items = open_items(cloud).await?;
    let report = Report::new(queues, &holds);
    Ok(Report { ages_unknown, review: report.review + items, put_by: put_by(cloud).await?, ..report })
}

/// All queues, those of silos behind those that tenants share.
async fn places(cloud: &Cloud) -> Result<Vec<Place>, CliError> {
    let (silos, more) = cloud.store.silos(None, MOST_SILOS).await?;
    if more {
        output::note(format_args!("(of more than {MOST_SILOS} silos, the first {MOST_SILOS} by their names)"));
    }
    let own = silos.iter().flat_map(|tenant| Queue::WORKED.iter().map(|queue| (Some(tenant.clone()), *queue)));
    Ok(Queue::ALL.iter().map(|queue| (None, *queue)).chain(own).collect())
}

/// The URL of a queue; none: its tenant is registered with a silo, whose queues are not there yet.
async fn existing(
    cloud: &Cloud,
    silo: Option<&TenantId>,
    queue: Queue,
    side: Side,
) -> Result<Option<String>, CliError> {
    match cloud.queue_url_in(silo, queue, side).await {
        Err(error) if silo.is_some() && error.code == "queue-not-found" => Ok(None),
        url => url.map(Some),
    }
}

/// How many messages wait in the journals of tenants that are not active.
async fn put_by(cloud: &Cloud) -> Result<u64, CliError> {
    let tenants = cloud.store.not_active().await?;
    let journals = try_join_all(tenants.iter().map(|one| cloud.store.journals(&one.tenant))).await?;
    Ok(journals.iter().flatten().map(|open| open.journal.len()).sum())
}

/// How many items wait for a decision: one read a desk, however many they are.
async fn open_items(cloud: &Cloud) -> Result<u64, CliError> {
    let desks = cloud.store.desks().await?;
    let counts = try_join_all(desks.iter().map(|desk| cloud.store.review_counts(desk))).await?;
    Ok(counts.iter().map(|counts| counts.open).sum())
}

impl Report {
    fn new(queues: Vec<QueueStatus>, holds: &[OpenHold]) -> Self {
        let count =
            |line, verdict| holds.iter().filter(|h| h.line == line && h.hold.verdict.is_some() == verdict).count();
        let fallback = queues.iter().filter(|q| q.queue == Queue::Fallback.name()).map(|q| q.depth.total());
        let dead = queues.iter().map(|q| q.dead_letters);
        Self {
            review: fallback.chain(dead).sum(),
            holds: count(Line::Hold, false),
            released: count(Line::Hold, true),
            waits: count(Line::Wait, false) + count(Line::Wait, true),
            parked: holds.iter().map(|hold| hold.hold.len()).sum(),
            put_by: 0,
            ages_unknown: None,
            queues,
        }
    }
}

fn print(report: &Report) {
    let mut table = output::table(&[
        "queue",
        "visible",
        "in flight",
        "delayed",
        "oldest",
        "dead letters",
        "oldest dead",
        "worked by",
    ]);
    // Of silos, those in which there is something.
    let is_shown = |queue: &&QueueStatus| queue.silo.is_none() || queue.depth.total() + queue.dead_letters > 0;
    for queue in report.queues.iter().filter(is_shown) {
        let worked = if queue.worked { "its function" } else { "nobody yet" };
        let Depth { visible, in_flight, delayed } = queue.depth;
        let [visible, in_flight, delayed, dead_letters] =
            [visible, in_flight, delayed, queue.dead_letters].map(|n| n.to_string());
        let oldest = age(queue.oldest_seconds);
        let oldest_dead = age(queue.oldest_dead_letter_seconds);
        let name = match &queue.silo {
            None => queue.queue.to_owned(),
            Some(tenant) => format!("{tenant}: {}", queue.queue),
        };
        table.add_row([name, visible, in_flight, delayed, oldest, dead_letters, oldest_dead, worked.to_owned()]);
    }
    output::numbers(&mut table, 1..7);
    output::line(table.trim_fmt());
    let empty = report.queues.iter().filter(|queue| !is_shown(queue)).count();
    if empty > 0 {
        output::line(format_args!("{empty} queues of silos are empty"));
    }
    output::line(format_args!(
        "review: {} wait for a person; holds: {} subjects without verdict, {} being worked; {} wait for a registration; {} events in these lines",
        report.review, report.holds, report.released, report.waits, report.parked
    ));
    if report.put_by > 0 {
        output::line(format_args!("{} messages of suspended tenants are put by: bellhop tenant list", report.put_by));
    }
    output::note(match &report.ages_unknown {
        None => "(oldest: as CloudWatch heard in the last minutes; - where there is nothing, or it heard nothing yet)"
            .to_owned(),
        Some(why) => {
            format!("ages-unknown: {why}; ages come from CloudWatch, with the permission cloudwatch:GetMetricData")
        }
    });
}

fn age(seconds: Option<u64>) -> String {
    match seconds {
        None => "-".to_owned(),
        Some(s) if s < 120 => format!("{s} s"),
        Some(s) if s < 7200 => format!("{} min", s / 60),
        Some(s) if s < 172_800 => format!("{} h", s / 3600),
        Some(s) => format!("{} days", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_store::{Hold, Verdict};

    fn hold(line: Line, verdict: Option<Verdict>, next: u64) -> OpenHold {
        let hold = Hold { generation: 1, head: 0, next, reason: "x".into(), since: 0, verdict, nonce: None };
        OpenHold { group: "t#p".into(), subject: "booking/1".into(), line, hold }
    }

    #[test]
    fn ages_are_short() {
        let texts = [None, Some(7), Some(600), Some(7200), Some(1_209_600)].map(age);
        assert_eq!(texts, ["-", "7 s", "10 min", "2 h", "14 days"]);
    }

    #[test]
    fn review_counts_fallback_and_every_dead_letter() {
        let queue = |queue: Queue, visible, dead_letters| QueueStatus {
            queue: queue.name(),
            silo: None,
            depth: Depth { visible, ..Depth::default() },
            oldest_seconds: None,
            dead_letters,
            oldest_dead_letter_seconds: None,
            worked: false,
        };
        let queues = vec![queue(Queue::OperationalCalendar, 7, 2), queue(Queue::Fallback, 3, 1)];
        let holds = [hold(Line::Hold, None, 3), hold(Line::Hold, Some(Verdict::Retry), 1), hold(Line::Wait, None, 5)];
        let report = Report::new(queues, &holds);
        assert_eq!((report.review, report.holds, report.released, report.waits, report.parked), (6, 1, 1, 1, 9));
    }
}
