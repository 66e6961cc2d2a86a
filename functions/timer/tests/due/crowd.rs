//! Much at once: a busy minute, and what an outage left. With `BELLHOP_FULL` in the environment the minute has 100,000
//! entries, else 5,000.

use std::collections::{BTreeMap, BTreeSet};

use bellhop_kit::advance;

use crate::world::{World, put};

/// The order in which each group's messages were accepted, each once.
fn by_group(world: &World) -> BTreeMap<String, Vec<String>> {
    let sent = world.sent();
    let distinct: BTreeSet<_> = sent.iter().collect();
    assert_eq!(distinct.len(), sent.len(), "something was accepted twice");
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (group, id) in sent {
        groups.entry(group).or_default().push(id);
    }
    groups
}

#[tokio::test(start_paused = true)]
async fn a_busy_minute_with_runs_that_die_and_overlap_sends_each_once_and_in_order() {
    const EACH: i64 = 50;
    let properties: i64 = if std::env::var_os("BELLHOP_FULL").is_some() { 2000 } else { 100 };
    let world = World::new();
    let id = |property: i64, n: i64| format!("e{n:03}p{property:04}");
    let entries = (0..properties).flat_map(|property| (0..EACH).map(move |n| (property, n)));
    let write = |(property, n)| put(&format!("p{property:04}"), "c", &id(property, n), n * 60 / EACH - 60);
    world.write(entries.map(write).collect()).await;
    drop(world.aws.take_calls());

    let deadly = |seed, call, after| {
        let line = world.line(seed);
        line.dies_at(call, after);
        line
    };
    assert_eq!(world.run_on(&deadly(1, 200, true)).await, None);
    advance(60);
    let (one, other) = (deadly(2, 333, false), world.line(3));
    let (one, other) = tokio::join!(world.run_on(&one), world.run_on(&other));
    assert_eq!(one, None);
    assert!(other.is_some());
    advance(60);
    let (one, other) = (world.line(4), world.line(5));
    let (one, other) = tokio::join!(world.run_on(&one), world.run_on(&other));
    assert_eq!((one.map(|run| run.left), other.map(|run| run.left)), (Some(false), Some(false)));

    assert!(world.aws.items().is_empty());
    let groups = by_group(&world);
    assert_eq!(groups.len(), usize::try_from(properties).expect("few"));
    for (property, (group, ids)) in (0..).zip(groups) {
        assert_eq!(ids, (0..EACH).map(|n| id(property, n)).collect::<Vec<_>>(), "{group}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_costs_a_write_unit_and_little_of_a_call() {
    let world = World::new();
    // Three for each of 320 properties, at one second.
    let entries = (0..960).map(|n| put(&format!("p{}", n % 320), "c", &format!("e{n:03}"), -1));
    world.write(entries.collect()).await;
    drop(world.aws.take_calls());
    assert_eq!(world.run().await.sent, 960);
    let calls = world.aws.take_calls();
    assert_eq!(calls.iter().map(|call| call.write_units).sum::<u64>(), 960);
    let count = |operation| calls.iter().filter(|call| call.operation == operation).count();
    assert_eq!(count("DeleteItem"), 0);
    // 16 shards with 60 entries or so: a page of each, in three or four deletes, sent in some waves of ten messages.
    assert!(count("Query") <= 24, "{}", count("Query"));
    assert!(count("BatchWriteItem") <= 64, "{}", count("BatchWriteItem"));
    assert!(count("SendMessageBatch") <= 160, "{}", count("SendMessageBatch"));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_caught_up_on_in_order_and_no_group_is_flooded() {
    const HOURS: i64 = 3 * 3600;
    const MOST: usize = 500;
    let world = World::new();
    let mut writes = Vec::new();
    // One property with much to do, and what is due for the others between and behind it.
    for n in 0..1200 {
        writes.push(put("busy", "c", &format!("b{n:04}"), n * HOURS / 1200 - HOURS));
    }
    for property in 0..20 {
        for n in 0..10 {
            writes.push(put(&format!("p{property:02}"), "c", &format!("e{n:04}"), n * 60 - 600));
        }
    }
    world.write(writes).await;
    for (run, busy) in [500, 500, 200].into_iter().enumerate() {
        let before = by_group(&world);
        let report = world.run().await;
        let after = by_group(&world);
        assert_eq!(report.left, run < 2);
        for (group, ids) in &after {
            let sent = ids.len() - before.get(group).map_or(0, Vec::len);
            let expected = match group.as_str() {
                "sea#busy#c" => busy,
                _ if run == 0 => 10,
                _ => 0,
            };
            assert_eq!(sent, expected, "run {run}, {group}");
            assert!(sent <= MOST);
            assert!(ids.is_sorted(), "{group}");
        }
        advance(60);
    }
    assert!(world.aws.items().is_empty());
}
