//! Whatever is due, refused, left undone or killed: each is accepted once, in the order of its group.

use std::collections::BTreeMap;

use bellhop_kit::advance;
use proptest::prelude::*;

use crate::world::{Line, World, put};

#[derive(Debug, Clone)]
struct Entry {
    property: u8,
    channel: u8,
    second: i64,
}

/// What goes wrong with one run.
#[derive(Debug, Clone)]
struct Trouble {
    dies: Option<(usize, bool)>,
    refused: Vec<(prop::sample::Index, usize)>,
    half: usize,
    seed: u64,
}

fn entry() -> impl Strategy<Value = Entry> {
    (0..2u8, 0..3u8, -200..0i64).prop_map(|(property, channel, second)| Entry { property, channel, second })
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let dies = prop::option::of((0..90usize, any::<bool>()));
    let refused = prop::collection::vec((any::<prop::sample::Index>(), 1..7usize), 0..4);
    (dies, refused, 0..4usize, any::<u64>()).prop_map(|(dies, refused, half, seed)| Trouble {
        dies,
        refused,
        half,
        seed,
    })
}

fn id(n: usize) -> String {
    format!("e{n:03}")
}

fn troubled(world: &World, trouble: &Trouble, entries: usize) -> Line {
    let line = world.line(trouble.seed);
    if let Some((call, after)) = trouble.dies {
        line.dies_at(call, after);
    }
    for (entry, times) in &trouble.refused {
        line.refuses(&id(entry.index(entries)), *times);
    }
    line.leaves_half(trouble.half);
    line
}

async fn check(entries: Vec<Entry>, rounds: Vec<(Trouble, Option<Trouble>)>) -> Result<(), TestCaseError> {
    let world = World::new();
    let write = |(n, entry): (usize, &Entry)| {
        put(&format!("p{}", entry.property), &format!("c{}", entry.channel), &id(n), entry.second)
    };
    world.write(entries.iter().enumerate().map(write).collect()).await;
    let start = world.sent().len();
    for (one, other) in &rounds {
        let one = troubled(&world, one, entries.len());
        match other {
            None => drop(world.run_on(&one).await),
            Some(other) => {
                let other = troubled(&world, other, entries.len());
                tokio::join!(world.run_on(&one), world.run_on(&other));
            }
        }
        advance(60);
    }
    prop_assert!(!world.run_on(&world.line(7)).await.is_none_or(|report| report.left));
    prop_assert!(world.aws.items().is_empty());

    let mut expected: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for (n, entry) in entries.iter().enumerate() {
        let group = format!("sea#p{}#c{}", entry.property, entry.channel);
        expected.entry(group).or_default().push((entry.second, id(n)));
    }
    let mut sent: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (group, id) in world.sent().into_iter().skip(start) {
        sent.entry(group).or_default().push(id);
    }
    prop_assert_eq!(sent.len(), expected.len());
    for (group, mut entries) in expected {
        entries.sort();
        let entries: Vec<_> = entries.into_iter().map(|(_, id)| id).collect();
        prop_assert_eq!(sent.get(&group), Some(&entries), "{}", group);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_is_sent_once_and_in_order(
        // Two shards, so that many have more than a page.
        entries in prop::collection::vec(entry(), 1..300),
        // Within the five minutes of SQS's deduplication; later, the records of consumers know the message.
        rounds in prop::collection::vec((trouble(), prop::option::of(trouble())), 0..4),
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(check(entries, rounds))?;
    }
}
