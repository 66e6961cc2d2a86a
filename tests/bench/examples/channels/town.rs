//! Functions, platforms and properties in one cloud.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bellhop_calendar::Calendar;
use bellhop_channel_sync::adapter::{Call, CallAnswer};
use bellhop_channel_sync::{ChannelSync, Outside, Settings};
use bellhop_events::Queue;
use bellhop_kit::{Delivery, World, advance, now};
use bellhop_outbound::{Answer, Policy as UrlPolicy};
use bellhop_store::DUE_SHARDS;
use bellhop_worker::Policy;
use jiff::civil::Date;
use serde_json::{Value, json};
use tokio::time::Instant;

/// What a channel takes to answer, and one that does not answer is waited for.
const ANSWER: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_secs(10);
/// The template's: the queue's delay, and what the function is told of it, which is a second less.
const DELAY: u32 = 5;
/// The first night that is sold here: a week after the kit's clock begins.
const FIRST: Date = Date::constant(2026, 7, 10);

/// A call as a platform got it.
pub struct Got {
    pub channel: String,
    pub property: String,
    pub values: usize,
}

#[derive(Default)]
struct Told {
    calls: Vec<Got>,
    /// When a channel heard first that the night of a property is taken.
    heard: BTreeMap<(String, String, Date), Instant>,
    down: Option<&'static str>,
}

/// All platforms, by the first label of their host.
#[derive(Clone, Default)]
pub struct Platforms(Arc<Mutex<Told>>);

impl Platforms {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().expect("nobody panics while holding it")
    }

    /// A channel that does not answer from now on, if any.
    pub fn down(&self, channel: Option<&'static str>) {
        self.told().down = channel;
    }

    pub fn take_calls(&self) -> Vec<Got> {
        std::mem::take(&mut self.told().calls)
    }

    pub fn heard(&self, channel: &str, property: &str, night: Date) -> Option<Instant> {
        self.told().heard.get(&(channel.to_owned(), property.to_owned(), night)).copied()
    }
}

impl Outside for Platforms {
    async fn call(&self, call: Call) -> CallAnswer {
        let host = call.url.trim_start_matches("https://");
        let channel = host.split('.').next().unwrap_or_default().to_owned();
        let body: Value = serde_json::from_str(call.body.as_deref().unwrap_or_default()).expect("JSON");
        let values = body["values"].as_array().map_or(&[][..], Vec::as_slice);
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let property = values.first().map(|value| text(value, "property_id")).unwrap_or_default();
        let down = {
            let mut told = self.told();
            told.calls.push(Got { channel: channel.clone(), property: property.clone(), values: values.len() });
            told.down == Some(channel.as_str())
        };
        if down {
            tokio::time::sleep(TIMEOUT).await;
            return CallAnswer::Answered(Answer::Failed { kind: "timeout", found: "no answer".to_owned() });
        }
        tokio::time::sleep(ANSWER).await;
        for value in values.iter().filter(|value| value["availability"] == 0) {
            let day = |name: &str| text(value, name).parse::<Date>().ok();
            let from = day("date").or_else(|| day("date_from")).expect("a date");
            let last = day("date_to").unwrap_or(from);
            let nights = std::iter::successors(Some(from), |night| night.tomorrow().ok());
            let mut told = self.told();
            for night in nights.take_while(|night| *night <= last) {
                told.heard.entry((channel.clone(), property.clone(), night)).or_insert_with(Instant::now);
            }
        }
        let body = r#"{"data":[{"id":"1","type":"task"}],"meta":{"message":"Success","warnings":[]}}"#.to_owned();
        CallAnswer::Answered(Answer::Answered { status: 200, retry_after: None, headers: vec![], body })
    }
}

/// Where all live.
pub struct Town {
    pub calendar: World<Calendar>,
    pub sync: World<ChannelSync<Platforms>>,
    pub platforms: Platforms,
}

impl Town {
    pub fn new() -> Self {
        let calendar = World::new(Calendar, Policy::default());
        let platforms = Platforms::default();
        let sync = beside(&calendar, &platforms, "one");
        sync.aws.queue(Queue::Synchronization, |queue| {
            // The template's: a batch ends with its slowest message.
            (queue.delay, queue.batch) = (i64::from(DELAY), 1);
        });
        Self { calendar, sync, platforms }
    }

    /// One more environment of the function.
    pub fn environment(&self, name: &str) -> World<ChannelSync<Platforms>> {
        beside(&self.calendar, &self.platforms, name)
    }

    /// Registers a property with one unit, and its channels.
    pub fn open(&self, property: &str, capacity: u16, channels: &[&str]) {
        let data = json!({
            "version": 1, "time_zone": "Europe/Lisbon", "check_in": "15:00", "check_out": "11:00",
            "units": [{"id": "room", "capacity": capacity}],
        });
        post(&self.calendar, property, "pms.property.upserted.v1", &format!("property/{property}"), &data);
        for channel in channels {
            let data = json!({
                "version": 1, "kind": "ari", "url": format!("https://{channel}.example.com/api/v1"),
                "key": "secretsmanager:bellhop/sea/key", "property": property,
                "units": [{"unit": "room", "room_type": "rt"}],
            });
            post(&self.sync, property, "pms.channel.upserted.v1", &format!("channel/{channel}"), &data);
        }
    }

    /// Books so many nights from a night on.
    pub fn book(&self, property: &str, number: usize, from: Date, nights: i32) {
        let data = json!({"version": 1, "unit": "room", "arrival": from, "departure": after(from, nights)});
        post(&self.calendar, property, "pms.booking.created.v1", &format!("booking/b{number}"), &data);
    }

    /// What the timer does each minute.
    pub async fn tick(&self) -> usize {
        let mut sent = 0;
        for shard in 0..DUE_SHARDS {
            for entry in self.sync.store.due(shard, now(), None, 100).await.expect("a read").entries {
                let due = &entry.due;
                self.sync.aws.queue(due.queue, |queue| queue.send(&due.group, due.id.as_str(), &due.body, None));
                self.sync.store.forget_due(&[entry.key]).await.expect("a write");
                sent += 1;
            }
        }
        sent
    }

    /// One batch after the other until nothing is in a queue.
    pub async fn settle(&self) {
        for _ in 0..20_000 {
            if self.calendar.deliver().await != Delivery::Idle || self.sync.deliver().await != Delivery::Idle {
                continue;
            }
            let wait = |queue| self.sync.aws.queue(queue, |q| (!q.is_empty()).then(|| q.next_visible()));
            match [Queue::OperationalCalendar, Queue::Synchronization].into_iter().filter_map(wait).min() {
                Some(seconds) => advance(seconds.max(1)),
                None => return,
            }
        }
        panic!("it does not settle");
    }
}

fn beside(calendar: &World<Calendar>, platforms: &Platforms, environment: &str) -> World<ChannelSync<Platforms>> {
    let settings = Settings { environment: environment.to_owned(), ..Settings::default() };
    let handler = ChannelSync { settings, policy: UrlPolicy { local: false }, outside: platforms.clone() };
    calendar.beside(handler, Policy { gather_seconds: DELAY - 1, ..Policy::default() })
}

fn post<H: bellhop_worker::Handler>(world: &World<H>, property: &str, kind: &str, subject: &str, data: &Value) {
    let id = format!("{property}-{}", subject.replace('/', "-"));
    let event = json!({
        "specversion": "1.0", "id": id, "source": "/pms/bench", "type": kind, "subject": subject,
        "time": "2026-07-01T10:00:00Z", "tenant": "sea", "property": property, "data": data,
    });
    world.post(&format!("sea#{property}"), &event.to_string());
}

/// The n-th night that is sold.
pub fn night(n: i32) -> Date {
    after(FIRST, n)
}

fn after(day: Date, days: i32) -> Date {
    day.saturating_add(jiff::Span::new().days(days))
}
