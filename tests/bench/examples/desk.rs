//! What a page of open review items costs, however many there are: `--items N`, 100,000 without it, on tests/kit's cloud.
//!
//! Read units are the engine's, so they are the same everywhere. Times are of this machine: what counts is their ratio to the
//! pages of a desk that has no more than one.

#![expect(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a development tool that fails loudly")]

use std::time::Instant;

use aws_lambda_events::sqs::SqsEvent;
use bellhop_events::TenantId;
use bellhop_kit::{Aws, clients, now};
use bellhop_review::Intake;
use bellhop_store::Store;
use bellhop_store::review::{Desk, Order};
use serde_json::{Value, json};

/// Items of a page, as the console and the command line ask for them.
const PAGE: u16 = 50;
/// Pages that are timed at each place.
const TIMES: usize = 40;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let items = items();
    let aws = Aws::new();
    let (store, _) = clients(&aws);
    let few = desk("few");
    let many = desk("many");
    fill(&aws, &store, "few", u64::from(PAGE)).await;
    eprintln!("making {items} items ...");
    fill(&aws, &store, "many", items).await;
    let base = measure(&aws, &store, &few, None).await;
    println!("| page of {PAGE} | read units | p50 ms | p99 ms | p50 to the first row |");
    println!("|---|--:|--:|--:|--:|");
    print("the only one", &base, &base);
    let mut from = None;
    let (mut pages, mut seen) = (0_u64, 0);
    let shown = [0, 1, items / u64::from(PAGE) / 2, items / u64::from(PAGE) - 1];
    loop {
        if shown.contains(&pages) {
            let row = measure(&aws, &store, &many, from.as_deref()).await;
            assert_eq!(row.halves, base.halves, "a page costs the same however deep");
            print(&format!("{} of {}", pages + 1, items / u64::from(PAGE)), &row, &base);
        }
        pages += 1;
        let page = store.open_reviews(&many, Order::OldestFirst, from.as_deref(), PAGE).await.expect("a page");
        seen += u64::try_from(page.items.len()).expect("small");
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(seen, items, "each item once");
}

fn items() -> u64 {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => 100_000,
        ["--items", number] => match number.parse::<u64>() {
            Ok(number) if number >= u64::from(PAGE) && number % u64::from(PAGE) == 0 => number,
            _ => panic!("--items {number}: expected a multiple of {PAGE}"),
        },
        other => panic!("{other:?}: expected --items N or nothing"),
    }
}

fn desk(tenant: &str) -> Desk {
    Desk::of(tenant.parse::<TenantId>().expect("a tenant"))
}

/// One item as the function makes it, and copies of it with other ids.
async fn fill(aws: &Aws, store: &Store, tenant: &str, items: u64) {
    let body = json!({
        "specversion": "1.0", "id": "e1", "source": "/pms", "type": "pms.booking.created.v1", "subject": "booking/b1",
        "time": "2026-07-01T10:00:00Z", "tenant": tenant, "property": "villa",
        "data": {"version": 1, "unit": "suite", "arrival": "2026-07-09", "departure": "2026-07-02"},
    });
    let record = json!({
        "messageId": "m1", "body": body.to_string(), "messageAttributes": {},
        "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:t-operational-calendar-dlq.fifo",
        "attributes": {
            "MessageGroupId": format!("{tenant}#villa"), "MessageDeduplicationId": "d1", "ApproximateReceiveCount": "5",
            "SentTimestamp": now().as_millisecond().to_string(),
        },
    });
    let event: SqsEvent = serde_json::from_value(json!({ "Records": [record] })).expect("an event");
    let taken = Intake::new(store.clone()).run(event).await;
    assert!(taken.response.batch_item_failures.is_empty());
    let is_item = |item: &&Value| item["pk"]["S"] == tenant && item["open_pk"]["S"].is_string();
    let first = aws.items().iter().find(is_item).cloned().expect("an item");
    for n in 1..items {
        let id = format!("r{n:025x}");
        let mut copy = first.clone();
        copy["id"] = json!({"S": id});
        copy["sk"] = json!({"S": format!("review#item/{id}")});
        copy["open_sk"] =
            json!({"S": format!("{:014}#{id}", now().as_millisecond() + i64::try_from(n).expect("small"))});
        aws.put_item(&copy);
    }
}

struct Row {
    halves: u64,
    ms: Vec<f64>,
}

async fn measure(aws: &Aws, store: &Store, desk: &Desk, from: Option<&str>) -> Row {
    let mut ms = Vec::with_capacity(TIMES);
    drop(aws.take_calls());
    for _ in 0..TIMES {
        let begun = Instant::now();
        let page = store.open_reviews(desk, Order::OldestFirst, from, PAGE).await.expect("a page");
        ms.push(begun.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(page.items.len(), usize::from(PAGE));
    }
    let calls = aws.take_calls();
    assert_eq!(calls.len(), TIMES, "one query a page");
    ms.sort_by(f64::total_cmp);
    Row { halves: calls[0].read_halves, ms }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn print(name: &str, row: &Row, base: &Row) {
    let (p50, p99) = (row.ms[TIMES / 2], row.ms[TIMES * 99 / 100]);
    println!("| {name} | {:.1} | {p50:.1} | {p99:.1} | {:.2} |", row.halves as f64 / 2.0, p50 / base.ms[TIMES / 2]);
}
