//! What the timer takes for a minute in which much is due: `--entries N`, 20,000 without it, each 50 of one property.
//!
//! Four runs: a plain loop (a query, then a send and a delete for each entry, one after the other) and the timer against a
//! cloud that answers at once, then the timer on tests/kit's cloud, undisturbed and with a run that is killed, two at once
//! of which one is killed, and two at once. A call takes 5 ms of a virtual clock, so that these seconds, and all counts,
//! are the same on every machine; processor time and memory are of this one, and their ratios are what counts.

#![expect(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a development tool that fails loudly")]

mod line;
mod null;
mod table;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bellhop_events::{EventId, Queue};
use bellhop_kit::{Aws, advance};
use bellhop_store::{DUE_SHARDS, Due, Scope};
use bellhop_timer::{Report, Timer};
use jiff::Timestamp;
use serde_json::json;

use line::{Cloud, Line, clients, parts, url};
use null::Null;
use table::Measured;

/// When all is due, and a minute later.
const SECOND: i64 = 1_782_899_940;
/// What a run may take: the template's time-out.
const LEFT: Duration = Duration::from_secs(30);

/// An event as automation writes them.
fn body(group: &str, n: usize) -> String {
    let (tenant, property) = group.split_once('#').expect("a group");
    let event = json!({
        "specversion": "1.0", "id": format!("d{n:026}"), "source": "/bellhop/automation",
        "type": "bellhop.automation.look.v1", "subject": format!("booking/b{n}"), "time": "2026-07-01T10:00:00Z",
        "tenant": tenant, "property": property,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "causationid": format!("f{n:026}"), "data": {"version": 1, "reason": "due"},
    });
    event.to_string()
}

async fn run(line: &Line) -> Option<Report> {
    let (store, queues) = parts(line);
    let timer = Timer::new(store, queues);
    let now = Timestamp::from_second(SECOND + 60).expect("a time");
    tokio::select! {
        biased;
        report = timer.run(now, LEFT) => Some(report),
        () = line.died.notified() => None,
    }
}

/// What one writes first.
async fn plain(line: &Line) {
    let (dynamodb, sqs) = clients(line);
    let end = format!("{:012}", SECOND + 61);
    for shard in 0..DUE_SHARDS {
        loop {
            let query = dynamodb.query().table_name("state").consistent_read(true).limit(100);
            let query = query.key_condition_expression("pk = :pk AND sk < :end");
            let text = aws_sdk_dynamodb::types::AttributeValue::S;
            let query = query.expression_attribute_values(":pk", text(format!("due#{shard:02}")));
            let query = query.expression_attribute_values(":end", text(end.clone()));
            let items = query.send().await.expect("a query").items.unwrap_or_default();
            if items.is_empty() {
                break;
            }
            for item in items {
                let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).expect("an entry").clone();
                let send = sqs.send_message().queue_url(url(Queue::Automation)).message_group_id(text("group"));
                let send = send.message_deduplication_id(text("id")).message_body(text("body"));
                send.send().await.expect("a send");
                let key = ["pk", "sk"].map(|name| (name.to_owned(), item.get(name).expect("a key").clone()));
                let delete = dynamodb.delete_item().table_name("state").set_key(Some(HashMap::from(key)));
                delete.send().await.expect("a delete");
            }
        }
    }
}

/// Runs one after the other, one a minute, until nothing is left.
async fn undisturbed(cloud: &Cloud, measured: &mut Measured) {
    loop {
        let line = Line::new(cloud, None);
        let report = run(&line).await.expect("it lives");
        measured.add(&line);
        measured.runs += 1.0;
        advance(60);
        if !report.left {
            break;
        }
    }
}

async fn disturbed(cloud: &Cloud, measured: &mut Measured, calls: usize) {
    for (first, second) in [(Some(calls / 4), None), (Some(calls / 3), Some(None)), (None, Some(None))] {
        let one = Line::new(cloud, first);
        if let Some(dies) = second {
            let other = Line::new(cloud, dies);
            tokio::join!(run(&one), run(&other));
            measured.add(&other);
            measured.runs += 1.0;
        } else {
            run(&one).await;
        }
        measured.add(&one);
        measured.runs += 1.0;
        advance(60);
    }
    undisturbed(cloud, measured).await;
}

async fn fill(aws: &Aws, entries: usize) -> BTreeMap<String, Vec<String>> {
    let (store, _) = parts(&Line::new(&Cloud::Kit(aws.clone()), None));
    let mut expected: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    let mut writes = Vec::new();
    for n in 0..entries {
        let property = format!("p{}", n % entries.div_ceil(50));
        let scope =
            Scope::for_operator("automation", "sea".parse().expect("a tenant"), property.parse().expect("an id"));
        let group = scope.group().to_string();
        let id = EventId::hashed('d', &[&n.to_string()]);
        let second = SECOND + i64::try_from(n % 60).expect("few");
        let body = body(&group, n);
        expected.entry(group.clone()).or_default().push((second, id.to_string()));
        let due = Due { queue: Queue::Automation, group, subject: format!("booking/b{n}"), id, body };
        writes.push(due.put(&scope, Timestamp::from_second(second).expect("a time")).expect("a write"));
    }
    for writes in writes.chunks(100) {
        store.commit(writes.to_vec()).await.expect("a commit");
    }
    let ids = |mut entries: Vec<(i64, String)>| {
        entries.sort();
        entries.into_iter().map(|(_, id)| id).collect()
    };
    expected.into_iter().map(|(group, entries)| (group, ids(entries))).collect()
}

/// Each was accepted once and in the order of its group, or this panics.
fn check(aws: &Aws, expected: &BTreeMap<String, Vec<String>>) {
    let log = aws.queue(Queue::Automation, |queue| std::mem::take(&mut queue.log));
    let bodies: HashSet<_> = log.iter().map(|message| &message.body).collect();
    assert_eq!(bodies.len(), log.len(), "something was accepted twice");
    let count: usize = expected.values().map(Vec::len).sum();
    assert_eq!(log.len(), count, "something was not accepted");
    let mut next: HashMap<String, std::vec::IntoIter<String>> =
        expected.iter().map(|(group, ids)| (group.clone(), ids.clone().into_iter())).collect();
    for message in log {
        let subject = |n: &str| EventId::hashed('d', &[n]).to_string();
        let event: serde_json::Value = serde_json::from_str(&message.body).expect("JSON");
        let n = event["subject"].as_str().and_then(|subject| subject.strip_prefix("booking/b")).expect("a subject");
        assert_eq!(
            next.get_mut(&message.group).and_then(Iterator::next),
            Some(subject(n)),
            "order of {}",
            message.group
        );
    }
    assert!(aws.items().is_empty());
}

fn measure<F: Future<Output = Measured>>(work: F) -> Measured {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    let before = table::memory();
    let mut measured = runtime.block_on(work);
    measured.memory = (before, table::memory());
    measured
}

fn null(entries: usize) -> Cloud {
    Cloud::Null(Arc::new(Mutex::new(Null::new(entries))))
}

async fn timed(measured: &mut Measured, work: impl AsyncFnOnce(&mut Measured)) {
    let (begun, real) = (tokio::time::Instant::now(), Instant::now());
    work(measured).await;
    (measured.answered, measured.real) = (begun.elapsed(), real.elapsed());
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let entries = match arguments.as_slice() {
        [] => 20_000,
        [name, number] if name == "--entries" => number.parse().expect("--entries takes a number"),
        _ => panic!("usage: due [--entries N]"),
    };
    let alone = |entries: usize| {
        measure(async move {
            let mut measured = Measured::new("timer, null", entries);
            timed(&mut measured, async |measured| undisturbed(&null(entries), measured).await).await;
            measured
        })
    };
    // A tenth first: what the process takes once is not what it takes for more entries.
    let tenth = alone(entries / 10);
    let timer = alone(entries);
    let calls = timer.calls.values().sum();
    let plain = measure(async move {
        let mut measured = Measured::new("plain, null", entries);
        let line = Line::new(&null(entries), None);
        timed(&mut measured, async |_| plain(&line).await).await;
        measured.add(&line);
        // As many as the timer would need with its time.
        measured.runs = measured.answered.div_duration_f64(LEFT.mul_f64(0.8)).ceil();
        measured
    });
    let kit = |name, work: fn(usize) -> Option<usize>| {
        measure(async move {
            let (aws, mut measured) = (Aws::new(), Measured::new(name, entries));
            let expected = fill(&aws, entries).await;
            let cloud = Cloud::Kit(aws.clone());
            timed(&mut measured, async |measured| match work(calls) {
                Some(calls) => disturbed(&cloud, measured, calls).await,
                None => undisturbed(&cloud, measured).await,
            })
            .await;
            check(&aws, &expected);
            measured
        })
    };
    let quiet = kit("timer", |_| None);
    let killed = kit("timer, killed", Some);
    table::print(&tenth, &[plain, timer, quiet, killed]);
}
