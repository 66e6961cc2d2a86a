//! What channel synchronization costs, where that is a count: calls to DynamoDB, write units, messages.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "common/street.rs"]
mod street;

use bellhop_events::Queue;
use bellhop_kit::given::{booking, event, property};
use bellhop_kit::{Delivery, World, advance};
use serde_json::{Value, json};
use street::{Mood, Street, manager, street};

/// Works one batch of synchronization, and says what it called: operations in order, and write units.
async fn batch(street: &Street) -> (Vec<String>, u64) {
    drop(street.sync.aws.take_calls());
    assert_eq!(street.sync.deliver().await, Delivery::Answered);
    let calls = street.sync.aws.take_calls();
    (calls.iter().map(|call| call.operation.clone()).collect(), calls.iter().map(|call| call.write_units).sum())
}

async fn house(channels: usize) -> Street {
    let street = street(0);
    street.post(&property("p1", 1, &[("u0", 1)]));
    for n in 0..channels {
        let mut channel = manager(1, &["u0"]);
        channel["id"] = json!(format!("c{n}"));
        channel["subject"] = json!(format!("channel/c{n}"));
        street.post(&channel);
    }
    street.settle().await;
    advance(3600);
    street
}

#[tokio::test(start_paused = true)]
async fn probe() {
    for channels in [0, 1, 3] {
        let street = house(channels).await;
        street.post(&booking("e1", "created", "b1", 1, "u0", 5..9));
        street.calendar.deliver().await;
        for _ in 0..8 {
            if street.sync.aws.queue(Queue::Synchronization, |q| q.is_empty()) {
                break;
            }
            println!("{channels}: {:?} {}", batch(&street).await, street.platform.calls().len());
        }
        println!("left {}", street.sync.aws.queue(Queue::Synchronization, |q| q.len()));
    }
    let street = house(1).await;
    street.request("r", "c0", &json!({"version": 1, "action": "changes"}));
    println!("no news {:?}", batch(&street).await);
    let range = json!({"from": "2026-08-01", "until": "2026-08-20", "price": {"amount": 100, "currency": "EUR"}, "min_stay": 2});
    street.post(&event(
        "r2",
        "pms.rates.updated.v1",
        "rate/standard",
        &json!({"version": 1, "unit": "u0", "ranges": [range]}),
    ));
    println!("rates {:?}", batch(&street).await);
    println!("rates told {:?}", batch(&street).await);
    let street = house(1).await;
    street.platform.mood(Mood::Down);
    street.post(&booking("e1", "created", "b1", 1, "u0", 5..9));
    street.calendar.deliver().await;
    for _ in 0..100 {
        street.sync.deliver().await;
        advance(1);
    }
    println!("left {}", street.sync.aws.queue(Queue::Synchronization, |q| q.len()));
    for n in 2..5_u8 {
        street.post(&booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u0", n + 10..n + 11));
        street.calendar.deliver().await;
        println!("open {:?}", batch(&street).await);
        println!("open {:?}", batch(&street).await);
    }
    let street = street::street(0);
    let mut villa = property("p1", 1, &[("u0", 1)]);
    villa["data"]["notify"] = json!(["bellhop.cleaning.requested.v1"]);
    street.post(&villa);
    let data = json!({
        "version": 1, "kind": "webhook", "url": "https://pms.example.com/hooks",
        "keys": ["secretsmanager:bellhop/sea/hook"], "events": ["*"],
    });
    street.post(&event("hook", "pms.channel.upserted.v1", "channel/pms", &data));
    street.settle().await;
    street.post(&booking("e1", "created", "b1", 1, "u0", 1..5));
    street.calendar.deliver().await;
    for _ in 0..8 {
        if street.sync.aws.queue(Queue::Synchronization, |q| q.is_empty()) {
            break;
        }
        println!("hook: {:?} {}", batch(&street).await, street.platform.calls().len());
    }
}
