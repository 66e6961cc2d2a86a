//! A channel is down for ten minutes: what the others notice of it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bellhop_events::Queue;
use bellhop_kit::{Delivery, World, advance};
use bellhop_worker::Handler;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, sleep_until};

use crate::town::{Town, night};

const PROPERTIES: usize = 50;
const CHANNELS: [&str; 3] = ["one", "two", "three"];
/// The one that is down.
const DOWN: &str = "three";
const CHANGES: usize = 1000;
/// Changes are posted over twenty minutes; the outage is in their middle.
const SPAN: Duration = Duration::from_mins(20);
const OUTAGE: (Duration, Duration) = (Duration::from_mins(5), Duration::from_mins(15));
/// Of synchronization; Lambda would start more.
const ENVIRONMENTS: usize = 8;
/// What a batch takes beside its calls to channels.
const BATCH: Duration = Duration::from_millis(20);

/// What a run showed.
pub struct Run {
    /// Milliseconds from the post of a change to when a channel that is well knew it, sorted.
    others: Vec<u128>,
    /// The same of the channel that is down for a while.
    down: Vec<u128>,
    /// Calls to it during the outage, and the most of a property after it.
    calls: usize,
    recovery: usize,
    reviews: usize,
}

async fn environment<H: Handler>(world: Rc<World<H>>) {
    loop {
        let idle = world.deliver().await == Delivery::Idle;
        sleep(if idle { Duration::from_millis(100) } else { BATCH }).await;
    }
}

/// Runs it.
pub async fn run(broken: bool) -> Run {
    let town = Rc::new(Town::new());
    let names: Vec<_> = (0..PROPERTIES).map(|n| format!("house-{n}")).collect();
    for name in &names {
        town.open(name, 1, &CHANNELS);
    }
    town.settle().await;
    advance(3600);
    town.settle().await;
    drop(town.platforms.take_calls());
    let tasks = functions(&town);
    let begun = Instant::now();
    let outage = spawn_local(outage(Rc::clone(&town), begun, broken));
    let mut posted = Vec::new();
    for n in 0..CHANGES {
        sleep_until(begun + SPAN * u32::try_from(n).expect("few") / u32::try_from(CHANGES).expect("few")).await;
        let (name, night) = (&names[n % PROPERTIES], night(2 * i32::try_from(n / PROPERTIES).expect("few")));
        town.book(name, n, night, 1);
        posted.push((Instant::now(), name, night));
    }
    sleep_until(begun + SPAN + Duration::from_mins(10)).await;
    let (calls, recovery) = outage.await.expect("an outage");
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    let until = |channel: &str| -> Vec<u128> {
        let heard = |name: &str, night| town.platforms.heard(channel, name, night).expect("all is told");
        posted.iter().map(|(at, name, night)| heard(name, *night).duration_since(*at).as_millis()).collect()
    };
    let mut others: Vec<_> = CHANNELS.iter().filter(|channel| **channel != DOWN).flat_map(|c| until(c)).collect();
    let mut down = until(DOWN);
    others.sort_unstable();
    down.sort_unstable();
    let reviews = town.sync.aws.queue(Queue::Fallback, |queue| queue.log.len());
    Run { others, down, calls, recovery, reviews }
}

/// The functions, the timer and the clock, each going its way.
fn functions(town: &Rc<Town>) -> Vec<tokio::task::JoinHandle<()>> {
    let mut tasks = Vec::new();
    for n in 0..ENVIRONMENTS {
        tasks.push(spawn_local(environment(Rc::new(town.environment(&n.to_string())))));
    }
    let (calendar, timer) = (Rc::clone(town), Rc::clone(town));
    tasks.push(spawn_local(async move {
        loop {
            let idle = calendar.calendar.deliver().await == Delivery::Idle;
            sleep(if idle { Duration::from_millis(100) } else { BATCH }).await;
        }
    }));
    tasks.push(spawn_local(async move {
        loop {
            sleep(Duration::from_mins(1)).await;
            timer.tick().await;
        }
    }));
    tasks.push(spawn_local(async {
        loop {
            sleep(Duration::from_secs(1)).await;
            advance(1);
        }
    }));
    tasks
}

/// Calls to the channel meanwhile; and of the property that got most in the minute from the first call after it.
async fn outage(town: Rc<Town>, begun: Instant, broken: bool) -> (usize, usize) {
    let calls = || town.platforms.take_calls().into_iter().filter(|call| call.channel == DOWN);
    sleep_until(begun + OUTAGE.0).await;
    drop(town.platforms.take_calls());
    town.platforms.down(broken.then_some(DOWN));
    sleep_until(begun + OUTAGE.1).await;
    let meanwhile = calls().count();
    town.platforms.down(None);
    let mut each = BTreeMap::<_, usize>::new();
    while each.is_empty() {
        sleep(Duration::from_secs(1)).await;
        calls().for_each(|call| *each.entry(call.property).or_default() += 1);
    }
    sleep(Duration::from_mins(1)).await;
    calls().for_each(|call| *each.entry(call.property).or_default() += 1);
    (meanwhile, each.into_values().max().unwrap_or_default())
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of some minutes")]
fn percentile(sorted: &[u128], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[rank - 1] as f64 / 1000.0
}

/// Prints both.
pub fn print(without: &Run, with: &Run) {
    println!(
        "{CHANGES} changes over {PROPERTIES} properties within {} min, {} channels,",
        minutes(SPAN),
        CHANNELS.len()
    );
    println!("one of which is down from minute {} to {};", minutes(OUTAGE.0), minutes(OUTAGE.1));
    println!("{ENVIRONMENTS} environments; seconds from the post of a change to when a channel knew it\n");
    println!("{:28}{:>12}{:>12}{:>12}", "", "p50", "p99", "longest");
    let rows = [
        ("others, no outage", &without.others),
        ("others, outage", &with.others),
        ("the one, no outage", &without.down),
        ("the one, outage", &with.down),
    ];
    for (name, times) in rows {
        let [p50, p99, longest] = [50, 99, 100].map(|percent| percentile(times, percent));
        println!("{name:28}{p50:>12.1}{p99:>12.1}{longest:>12.1}");
    }
    let ratio = percentile(&with.others, 99) / percentile(&without.others, 99);
    let verdict = if ratio <= 2.0 { "reached" } else { "missed" };
    println!("\np99 of the others with the outage to without: {ratio:.2}; 2 or less: {verdict}");
    println!("calls to the one while it is down: {} (without an outage: {})", with.calls, without.calls);
    println!("most calls for a property in the minute that it is back: {}", with.recovery);
    println!("in review: {}", with.reviews);
}

fn minutes(span: Duration) -> u64 {
    span.as_secs() / 60
}
