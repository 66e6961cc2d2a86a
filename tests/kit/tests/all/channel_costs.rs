//! What channel synchronization costs, where that is a count: calls to DynamoDB, write units, messages. Times and bursts
//! are for `make bench`.

use bellhop_events::Queue;
use bellhop_kit::advance;
use bellhop_kit::given::{booking, event, property};
use serde_json::json;

use crate::common::street::{Mood, Street, manager, street as new_street};

/// What a batch asked of AWS, and of channels.
#[derive(Debug, Default, PartialEq, Eq)]
struct Cost {
    reads: usize,
    writes: usize,
    units: u64,
    sends: usize,
    /// In all sends together.
    messages: usize,
    /// Of channels, not of AWS.
    calls: usize,
}

/// Works one message of synchronization.
async fn batch(street: &Street) -> Cost {
    let messages =
        || Queue::ALL.into_iter().map(|queue| street.sync.aws.queue(queue, |queue| queue.log.len())).sum::<usize>();
    drop(street.sync.aws.take_calls());
    let (calls, sent) = (street.platform.calls().len(), messages());
    street.sync.deliver().await;
    let mut cost = Cost::default();
    for call in street.sync.aws.take_calls() {
        cost.units += call.write_units;
        match call.operation.as_str() {
            "GetItem" | "BatchGetItem" | "Query" => cost.reads += 1,
            "SendMessageBatch" => cost.sends += 1,
            _ => cost.writes += 1,
        }
    }
    (cost.calls, cost.messages) = (street.platform.calls().len() - calls, messages() - sent);
    cost
}

const NOTHING: Cost = Cost { reads: 0, writes: 0, units: 0, sends: 0, messages: 0, calls: 0 };

/// With batches of one message, as the template has them.
fn one_by_one() -> Street {
    let street = new_street(0);
    street.sync.aws.queue(Queue::Synchronization, |queue| queue.batch = 1);
    street
}

/// A unit, and so many channels that know its nights, and its prices if `rates`; all have heard all.
async fn house(channels: usize, rates: bool) -> Street {
    let street = one_by_one();
    street.post(&property("p1", 1, &[("u0", 1)]));
    for n in 0..channels {
        let mut channel = manager(1, &["u0"]);
        channel["id"] = json!(format!("c{n}"));
        channel["subject"] = json!(format!("channel/c{n}"));
        if !rates {
            channel["data"].as_object_mut().expect("data").remove("rates");
        }
        street.post(&channel);
    }
    street.settle().await;
    // Out of the window of the calls so far.
    advance(3600);
    street
}

async fn book(street: &Street, n: u8) {
    street.post(&booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u0", n..n + 1));
    street.calendar.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_no_channel_wants_takes_one_read() {
    let street = house(0, false).await;
    book(&street, 5).await;
    assert_eq!(batch(&street).await, Cost { reads: 1, ..NOTHING });
    assert_eq!(batch(&street).await, NOTHING);
}

#[tokio::test(start_paused = true)]
async fn a_change_takes_1_write_unit_and_2_more_for_each_channel() {
    for channels in [1, 3] {
        let street = house(channels, false).await;
        book(&street, 5).await;
        let noted = Cost { reads: 1, writes: 1, units: 1, sends: 1, messages: channels, calls: 0 };
        assert_eq!(batch(&street).await, noted);
        // Claimed, called, completed.
        for _ in 0..channels {
            assert_eq!(batch(&street).await, Cost { reads: 4, writes: 2, units: 2, calls: 1, ..NOTHING });
        }
        assert_eq!(batch(&street).await, NOTHING);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_without_news_writes_nothing() {
    for rates in [false, true] {
        let street = house(1, rates).await;
        street.request("r", "c0", &json!({"version": 1, "action": "changes"}));
        assert_eq!(batch(&street).await, Cost { reads: 2, ..NOTHING });
        assert_eq!(batch(&street).await, NOTHING);
    }
}

#[tokio::test(start_paused = true)]
async fn rates_of_a_month_take_a_transaction_of_two_items() {
    let street = house(1, true).await;
    let rates = |version: u64, from: &str, until: &str| {
        let range = json!({"from": from, "until": until, "price": {"amount": 9_900, "currency": "EUR"}});
        let data = json!({"version": version, "unit": "u0", "ranges": [range]});
        event(&format!("r{version}"), "pms.rates.updated.v1", "rate/standard", &data)
    };
    street.post(&rates(1, "2026-08-03", "2026-08-08"));
    let noted = Cost { reads: 1, writes: 1, units: 4, sends: 1, messages: 1, calls: 0 };
    assert_eq!(batch(&street).await, noted);
    assert_eq!(batch(&street).await, Cost { reads: 4, writes: 2, units: 2, calls: 1, ..NOTHING });
    assert_eq!(batch(&street).await, NOTHING);
    // All nights of a month are above 1 KiB.
    street.post(&rates(2, "2026-08-01", "2026-09-01"));
    assert_eq!(batch(&street).await, Cost { units: 6, ..noted });
}

#[tokio::test(start_paused = true)]
async fn a_follow_up_takes_2_write_units_for_one_webhook() {
    let street = one_by_one();
    let mut villa = property("p1", 1, &[("u0", 1)]);
    villa["data"]["notify"] = json!(["bellhop.cleaning.requested.v1"]);
    street.post(&villa);
    let data = json!({
        "version": 1, "kind": "webhook", "url": "https://pms.example.com/hooks",
        "keys": ["secretsmanager:bellhop/sea/hook"], "events": ["*"],
    });
    street.post(&event("hook", "pms.channel.upserted.v1", "channel/pms", &data));
    street.settle().await;
    book(&street, 5).await;
    // The change, which it does not want, and the cleaning, which it does.
    assert_eq!(batch(&street).await, Cost { reads: 1, ..NOTHING });
    assert_eq!(batch(&street).await, Cost { reads: 1, writes: 1, units: 1, sends: 1, messages: 1, calls: 0 });
    assert_eq!(batch(&street).await, Cost { reads: 2, writes: 1, units: 1, calls: 1, ..NOTHING });
    assert_eq!(batch(&street).await, NOTHING);
}

#[tokio::test(start_paused = true)]
async fn while_the_circuit_is_open_a_change_takes_1_write_unit_and_no_call() {
    let street = house(1, false).await;
    street.platform.mood(Mood::Down);
    book(&street, 5).await;
    for _ in 0..60 {
        street.sync.deliver().await;
        advance(1);
    }
    let noted = Cost { reads: 1, writes: 1, units: 1, sends: 1, messages: 1, calls: 0 };
    // A trial is due: the claim and the circuit are one write, and so are their completion and the time of the next.
    book(&street, 6).await;
    assert_eq!(batch(&street).await, noted);
    assert_eq!(batch(&street).await, Cost { reads: 4, writes: 2, units: 10, calls: 1, ..NOTHING });
    for n in 7..10 {
        book(&street, n).await;
        assert_eq!(batch(&street).await, noted);
        assert_eq!(batch(&street).await, Cost { reads: 1, ..NOTHING });
        assert_eq!(batch(&street).await, NOTHING);
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_with_rates_costs_a_change_no_more() {
    let street = house(1, true).await;
    book(&street, 5).await;
    batch(&street).await;
    assert_eq!(batch(&street).await, Cost { reads: 4, writes: 2, units: 2, calls: 1, ..NOTHING });
    assert_eq!(batch(&street).await, NOTHING);
}
