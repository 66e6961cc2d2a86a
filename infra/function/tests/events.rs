//! Events in, state out: the real worker on an embedded DynamoDB.

#![expect(clippy::expect_used, reason = "tests")]

use bellhop___snake__::{__Name__, State};
use bellhop_events::{FallbackNote, Queue};
use bellhop_kit::World;
use bellhop_kit::given::event;
use bellhop_store::Scope;
use bellhop_worker::Policy;
use serde_json::{Value, json};

fn world() -> World<__Name__> {
    World::new(__Name__, Policy::default())
}

fn post(world: &World<__Name__>, property: &str, id: &str, version: &Value) {
    let data = json!({"version": version, "note": id});
    let mut event = event(id, "__type__", &format!("property/{property}"), &data);
    event["property"] = json!(property);
    world.post(&format!("sea#{property}"), &event.to_string());
}

async fn state(world: &World<__Name__>, property: &str) -> Option<State> {
    let scope = Scope::for_operator("__name__", "sea".parse().expect("a tenant"), property.parse().expect("a property"));
    let subject = format!("property/{property}").parse().expect("a subject");
    let item = world.store.subject(&scope, &subject).await.expect("a read")?;
    Some(serde_dynamo::from_attribute_value(item.state?).expect("a state"))
}

#[tokio::test(start_paused = true)]
async fn each_event_counts_once_and_the_newest_version_is_kept() {
    let world = world();
    for (id, version) in [("e1", 1), ("e3", 3), ("e3", 3), ("e2", 2)] {
        post(&world, "villa", id, &json!(version));
        world.drain().await;
    }
    let state = state(&world, "villa").await.expect("a state");
    assert_eq!((state.count, state.last.version, state.last.note.as_deref()), (2, 3, Some("e3")));
}

#[tokio::test(start_paused = true)]
async fn a_bad_event_goes_to_a_person_and_its_neighbour_is_done() {
    let world = world();
    post(&world, "villa", "bad", &json!("one"));
    post(&world, "barn", "good", &json!(1));
    world.drain().await;
    let log = world.aws.queue(Queue::Fallback, |queue| queue.log.clone());
    let notes = log.iter().map(|m| serde_json::from_str(m.note.as_deref().expect("a note")).expect("a note"));
    let reasons: Vec<_> = notes.map(|note: FallbackNote| note.reason).collect();
    assert_eq!(reasons, ["invalid-data"]);
    assert_eq!(state(&world, "villa").await, None);
    assert_eq!(state(&world, "barn").await.map(|state| state.count), Some(1));
}
