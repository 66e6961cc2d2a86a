//! What changes cost: counted, one batch after the other.

use bellhop_events::Queue;
use bellhop_kit::{Call, Delivery, advance};

use crate::town::{Town, night};

/// Of synchronization; the calendar's own costs are another table's.
#[derive(Default)]
struct Cost {
    write_units: u64,
    reads: usize,
    writes: usize,
    /// That came to synchronization.fifo.
    messages: usize,
    calls: usize,
    values: usize,
}

impl Cost {
    fn add(&mut self, calls: &[Call]) {
        for call in calls {
            self.write_units += call.write_units;
            match call.operation.as_str() {
                "GetItem" | "BatchGetItem" | "Query" => self.reads += 1,
                "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" => self.writes += 1,
                _ => {}
            }
        }
    }
}

/// A property whose channels have heard everything; then so many changes, evenly over some seconds, and what they cost
/// until all is quiet.
async fn changes(channels: &[&str], number: usize, seconds: usize) -> Cost {
    let town = Town::new();
    town.open("villa", 100, channels);
    town.settle().await;
    advance(3600);
    let messages = || town.sync.aws.queue(Queue::Synchronization, |queue| queue.log.len());
    let before = messages();
    drop(town.platforms.take_calls());
    let mut cost = Cost::default();
    let mut quiet = 0;
    for second in 0.. {
        let due = if second < seconds { second * number / seconds..(second + 1) * number / seconds } else { 0..0 };
        for n in due {
            town.book("villa", n, night(i32::try_from(n % 25).expect("a day")), 2);
        }
        while town.calendar.deliver().await != Delivery::Idle {}
        drop(town.sync.aws.take_calls());
        while town.sync.deliver().await != Delivery::Idle {}
        cost.add(&town.sync.aws.take_calls());
        advance(1);
        let empty = town.sync.aws.queue(Queue::Synchronization, |queue| queue.is_empty());
        quiet = if empty && second >= seconds { quiet + 1 } else { 0 };
        if quiet > 60 {
            break;
        }
    }
    let calls = town.platforms.take_calls();
    (cost.messages, cost.calls) = (messages() - before, calls.len());
    cost.values = calls.iter().map(|call| call.values).sum();
    cost
}

type Row = (&'static str, fn(&Cost) -> u64);

/// Prints the table.
pub async fn print() {
    const BURST: usize = 500;
    const MOST_CALLS: usize = 8;
    let columns = [
        ("no channel", 1, changes(&[], 1, 1).await),
        ("1 channel", 1, changes(&["one"], 1, 1).await),
        ("3 channels", 1, changes(&["one", "two", "three"], 1, 1).await),
        ("burst", BURST, changes(&["one"], BURST, 20).await),
        ("each of it", BURST, Cost::default()),
    ];
    println!("channel synchronization: what a change costs beside the calendar's own; burst: {BURST} changes of one");
    println!("property within 20 s, one channel, and what each of them costs\n");
    print!("{:28}", "");
    for (name, ..) in &columns {
        print!("{name:>12}");
    }
    println!();
    let rows: [Row; 6] = [
        ("write units", |cost| cost.write_units),
        ("calls to DynamoDB that read", |cost| cost.reads as u64),
        ("calls that write", |cost| cost.writes as u64),
        ("messages that it receives", |cost| cost.messages as u64),
        ("calls to channels", |cost| cost.calls as u64),
        ("ranges in them", |cost| cost.values as u64),
    ];
    for (name, value) in rows {
        print!("{name:28}");
        for (_, _, cost) in &columns[..4] {
            print!("{:>12}", value(cost));
        }
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let each = value(&columns[3].2) as f64 / BURST as f64;
        println!("{each:>12.2}");
    }
    let calls = columns[3].2.calls;
    let verdict = if calls <= MOST_CALLS { "reached" } else { "missed" };
    println!("\ncalls for the burst: {calls}; {MOST_CALLS} or less: {verdict}");
}
