//! A hotel for scenarios: what is asked of it again and again.

pub mod desk;
pub mod house;
pub mod post;
pub mod street;

use bellhop_calendar::Calendar;
use bellhop_events::{FallbackNote, Queue, Subject};
use bellhop_kit::given::{GROUP, property};
use bellhop_kit::{World, now};
use bellhop_store::calendar::{BookingState, CalendarState};
use bellhop_store::{Line, Resolution, Scope};
use bellhop_worker::{Policy, wake_up};
use serde_json::Value;

/// A property with a calendar.
pub type Hotel = World<Calendar>;

pub async fn hotel(units: &[(&str, u16)]) -> Hotel {
    let world = World::new(Calendar, Policy::default());
    world.post(GROUP, &property("p1", 1, units).to_string());
    world.drain().await;
    drop(world.aws.take_calls());
    world
}

pub fn scope() -> Scope {
    Scope::for_operator("calendar", "sea".parse().expect("a tenant"), "villa".parse().expect("a property"))
}

pub fn subject(text: &str) -> Subject {
    text.parse().expect("a subject")
}

pub async fn state(world: &Hotel, name: &str) -> Option<BookingState> {
    let item = world.store.subject(&scope(), &subject(&format!("booking/{name}"))).await.expect("a read")?;
    match serde_dynamo::from_attribute_value(item.state?).expect("a state") {
        CalendarState::Booking(state) => Some(state),
        other => panic!("{other:?}"),
    }
}

pub async fn version(world: &Hotel, name: &str) -> Option<u64> {
    state(world, name).await.map(|state| state.booking.version)
}

pub fn post(world: &Hotel, event: &Value) {
    world.post(GROUP, &event.to_string());
}

pub fn reviews(world: &Hotel) -> Vec<FallbackNote> {
    let log = world.aws.queue(Queue::Fallback, |queue| queue.log.clone());
    log.iter().map(|m| serde_json::from_str(m.note.as_deref().expect("a note")).expect("a note")).collect()
}

pub fn reasons(world: &Hotel) -> Vec<String> {
    reviews(world).into_iter().map(|note| note.reason).collect()
}

pub fn sent(world: &Hotel, queue: Queue) -> usize {
    world.aws.queue(queue, |queue| queue.log.len())
}

pub async fn resolve(world: &Hotel, name: &str, resolution: Resolution) {
    let subject = subject(name);
    let hold = world.store.resolve(&scope(), Line::Hold, &subject, &resolution, now()).await.expect("a verdict");
    let wake = wake_up(&scope(), Queue::OperationalCalendar, &subject, Line::Hold, &hold, now());
    world.aws.queue(wake.queue, |queue| queue.send(&wake.group, &wake.deduplication_id, &wake.body, None));
}

pub fn holds(world: &Hotel) -> usize {
    world.aws.items().iter().filter(|item| item.get("hold").is_some() || item.get("wait").is_some()).count()
}
