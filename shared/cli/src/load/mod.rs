//! `bellhop load`: a season, or a spike, at a set rate, and what it does to the stack, as a picture while it runs.

mod lines;
mod picture;
mod schedule;
mod send;
mod summary;
mod tally;
mod watch;

use std::cell::{Cell, RefCell};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use bellhop_events::{Queue, TenantId};
use bellhop_store::Registration;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::json;

use crate::cloud::{Cloud, Side};
use crate::error::{CliError, Exit};
use crate::output;
use schedule::{Schedule, Spike};
use send::{Seasons, Sender};
use summary::Summary;
use tally::Tally;
use watch::Watcher;

/// Between two pictures.
const DRAWS: Duration = Duration::from_secs(1);
/// Between two lines, where no picture can be drawn.
const LINES: usize = 5;

const AFTER_HELP: &str = "\
Examples:
  bellhop load --rate 20                                   a minute of ordinary traffic
  bellhop load --rate 20 --spike 10 --spike-after 20 --spike-for 15
  bellhop load --tenants 20 --properties 5 --rate 50 --events 20000 --json > load.json

It posts to tenants of its own, new ones each time, and touches no other; they are registered, their bookings name no guest, and
nothing in them asks a person. It keeps its rate whatever the stack does: what goes out late is counted, not spread.

posted and done are its own events; lag is from SQS's acceptance to the end of the work, as the calendar logs it; waiting and in
flight are SQS's approximate numbers for all functions' queues; batches at once are counted from the line that each function logs
for a batch, so they are those of the whole stack. CloudWatch Logs shows a line some seconds after it was written, and beyond some
hundred events a second it answers slower than functions write: then the picture runs behind, and the figures come late but whole.

Exit code 1: not all was sent, or not all was done in time. Ctrl-C stops posting and shows what is known; a second one ends at once.";

/// What `bellhop load` is told.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Load {
    /// So many tenants of its own
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    tenants: u32,
    /// So many properties of each
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    properties: u32,
    /// Events a second, over all of them
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3000))]
    rate: u32,
    /// For a while, so many times the rate
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(2..=100))]
    spike: Option<u32>,
    /// The spike begins after so many seconds
    #[arg(long, value_name = "SECONDS", requires = "spike", default_value_t = 20, value_parser = clap::value_parser!(u32).range(..=86_400))]
    spike_after: u32,
    /// The spike lasts so many seconds
    #[arg(long, value_name = "SECONDS", requires = "spike", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    spike_for: u32,
    /// Post for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    duration: u32,
    /// Post so many events, however long it takes
    #[arg(long, conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    events: Option<u64>,
    /// The same seed gives the same season
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What its tenants' ids begin with; a tag of this run and a number follow
    #[arg(long, value_name = "PREFIX", default_value = "load-", value_parser = tenant_prefix)]
    tenant_prefix: String,
    /// So many seconds after the last event, what is not done is missing
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Columns of the picture
    #[arg(long, env = "COLUMNS", default_value_t = 110)]
    width: usize,
    /// Print what was found as JSON: counts, lags, and the series by second
    #[arg(long)]
    json: bool,
}

impl Load {
    fn schedule(&self) -> Schedule {
        let spike = self.spike.map(|times| Spike { times, after: self.spike_after, lasts: self.spike_for });
        match self.events {
            Some(events) => Schedule::of_events(self.rate, spike, events),
            None => Schedule::lasting(self.rate, spike, self.duration),
        }
    }
}

fn tenant_prefix(text: &str) -> Result<String, String> {
    let fits = text.len() <= 20 && text.parse::<TenantId>().is_ok();
    if fits { Ok(text.to_owned()) } else { Err("expected 1 to 20 of a-z, 0-9, - and _, such as load-".to_owned()) }
}

/// What tells this run's tenants from those of any other.
fn tag() -> String {
    std::iter::repeat_with(|| fastrand::char('a'..='z')).take(7).collect()
}

fn tenants(prefix: &str, run: &str, number: u32) -> Result<Vec<TenantId>, CliError> {
    (1..=number).map(|n| crate::generate::id(&format!("{prefix}{run}-{n:02}"))).collect()
}

/// Registers tenants: a closed registry takes no others, and an operator sees what they are.
async fn register(cloud: &Cloud, tenants: &[TenantId]) -> Result<(), CliError> {
    for tenant in tenants {
        let mut registration = Registration::new(tenant.clone(), Timestamp::now());
        registration.name = Some("bellhop load".to_owned());
        cloud.store.commit(registration.put()?).await?;
    }
    Ok(())
}

/// The first day of the month after next: nothing of the season is due while it runs.
fn month() -> Date {
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    today.first_of_month().saturating_add(Span::new().months(2))
}

/// Posts, looks and draws.
pub async fn load(args: &Load, prefix: &str) -> Result<Exit, CliError> {
    let (schedule, run) = (args.schedule(), tag());
    let tenants = tenants(&args.tenant_prefix, &run, args.tenants)?;
    let seasons = Seasons::new(&tenants, args.properties as usize, &run, month(), args.seed)?;
    let cloud = Cloud::connect(prefix).await;
    let url = cloud.queue_url(Queue::OperationalCalendar, Side::Main).await?;
    let mut urls = vec![(Queue::OperationalCalendar, url.clone())];
    for queue in Queue::WORKED.iter().copied().filter(|queue| *queue != Queue::OperationalCalendar) {
        urls.push((queue, cloud.queue_url(queue, Side::Main).await?));
    }
    register(&cloud, &tenants).await?;

    let (started, origin_ms) = (Instant::now(), Timestamp::now().as_millisecond());
    let tally = RefCell::new(Tally::new(origin_ms));
    let (stop, sent) = (Cell::new(false), Cell::new(None));
    let timeout = Duration::from_secs(args.timeout);
    let sender = Sender {
        sqs: &cloud.sqs,
        url: &url,
        schedule: &schedule,
        tally: &tally,
        stop: &stop,
        started,
        patience: timeout,
    };
    let watcher = Watcher {
        cloud: &cloud,
        urls: &urls,
        tally: &tally,
        started,
        origin_ms,
        messages: format!("{{ $.tenant = \"{}{run}-*\" }}", args.tenant_prefix),
        batches: format!("{{ $.Prefix = \"{prefix}\" }}"),
        sent: &sent,
        stop: &stop,
        timeout,
    };
    let working = async {
        let sending = async {
            sender.run(seasons).await?;
            sent.set(Some(Instant::now()));
            Ok::<_, CliError>(())
        };
        futures_util::future::try_join(sending, watcher.run()).await.map(|_| ())
    };
    let show = Show::new(args, format!("{}{run}", args.tenant_prefix));
    let known = || Summary::of(&tally.borrow(), &schedule, started.elapsed());
    let ended = tokio::select! {
        ended = working => ended,
        () = show.draw(started, &known) => Ok(()),
        () = interrupted(&stop) => Ok(()),
    };
    show.bar.finish_and_clear();
    let summary = known();
    // What is known is told, also where the watching has failed.
    report(args, &run, &tenants, &summary, stop.get());
    ended?;
    Ok(if summary.is_whole() { Exit::Ok } else { Exit::Refused })
}

/// The first Ctrl-C stops what is sent, the second ends everything.
async fn interrupted(stop: &Cell<bool>) {
    for _ in 0..2 {
        if tokio::signal::ctrl_c().await.is_err() {
            return std::future::pending().await;
        }
        if stop.replace(true) {
            return;
        }
    }
}

/// The picture, where there is a terminal; else a line now and then, beside the answer if that is JSON.
struct Show<'a> {
    args: &'a Load,
    name: String,
    bar: ProgressBar,
    is_live: bool,
}

impl<'a> Show<'a> {
    fn new(args: &'a Load, name: String) -> Self {
        let is_live = std::io::stdout().is_terminal() && !args.json;
        let target = if is_live { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self { args, name, bar, is_live }
    }

    /// Draws until it is dropped.
    async fn draw(&self, started: Instant, known: &impl Fn() -> Summary) {
        loop {
            tokio::time::sleep(DRAWS).await;
            let seconds = usize::try_from(started.elapsed().as_secs()).unwrap_or_default();
            if self.is_live {
                let Load { tenants, properties, rate, .. } = self.args;
                let head = format!(
                    "{}  {}  {tenants} tenants with {properties} properties each, {rate} events a second",
                    self.name,
                    picture::clock(seconds)
                );
                self.bar.set_message(picture::draw(&known(), &head, self.args.width));
                self.bar.tick();
            } else if seconds.is_multiple_of(LINES) {
                let line = picture::line(&known(), seconds);
                if self.args.json { output::note(line) } else { output::line(line) }
            }
        }
    }
}

fn report(args: &Load, run: &str, tenants: &[TenantId], summary: &Summary, is_stopped: bool) {
    if args.json {
        let mut value = serde_json::to_value(summary).unwrap_or_default();
        value["run"] = json!(run);
        value["tenants"] = json!(tenants);
        value["interrupted"] = json!(is_stopped);
        output::json(&value);
    } else {
        let name = format!("{}{run}", args.tenant_prefix);
        output::line(picture::draw(summary, &name, args.width));
        output::line(format_args!("\n{}", picture::tables(summary)));
        output::line("queues and functions: with all that others posted meanwhile, and what followed from it");
    }
    if !summary.is_whole() {
        output::note(format_args!(
            "not-done: {} not sent, {} missing; bellhop status, bellhop tail --tenant {}, or a longer --timeout",
            summary.events.unsent,
            summary.missing,
            tenants.first().map_or("TENANT", TenantId::as_str)
        ));
    }
    output::note(format_args!(
        "Its tenants stay ({} ...): bellhop tenant list --start {}{run}. To be rid of one: bellhop tenant suspend TENANT --because load, \
         a quarter of an hour later bellhop tenant remove TENANT --export FILE",
        tenants.first().map_or("", TenantId::as_str),
        args.tenant_prefix,
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        load: Load,
    }

    fn parse(more: &[&str]) -> Result<Load, clap::Error> {
        Command::try_parse_from([&["load", "--rate", "20"], more].concat()).map(|command| command.load)
    }

    #[test]
    fn what_is_due_follows_from_the_arguments() {
        let events = |more: &[&str]| parse(more).map(|load| load.schedule().events()).expect("arguments");
        assert_eq!(events(&[]), 1_200);
        assert_eq!(events(&["--duration", "5"]), 100);
        assert_eq!(events(&["--events", "7"]), 7);
        assert_eq!(events(&["--duration", "5", "--spike", "10", "--spike-after", "2", "--spike-for", "1"]), 280);
        for bad in [
            &["--spike-after", "2"][..],
            &["--spike", "1"],
            &["--events", "7", "--duration", "5"],
            &["--tenant-prefix", "Load"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn tenants_are_of_this_run_and_fit() {
        let (one, other) = (tag(), tag());
        assert_ne!(one, other);
        let prefix = tenant_prefix("abcdefghijklmnopqrs-").expect("the longest");
        let ids = tenants(&prefix, &one, 1000).expect("tenants");
        assert_eq!((ids.len(), ids[4].as_str()), (1000, format!("{prefix}{one}-05").as_str()));
        assert!(tenant_prefix("").is_err() && tenant_prefix("a#").is_err());
    }
}
