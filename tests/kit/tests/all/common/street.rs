//! A calendar, channel synchronization and the timer in one cloud, and a platform that is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellhop_calendar::Calendar;
use bellhop_channel_sync::adapter::{Call, CallAnswer};
use bellhop_channel_sync::{ChannelSync, Outside, Settings};
use bellhop_events::{Queue, Subject};
use bellhop_kit::given::{GROUP, event, property};
use bellhop_kit::{Delivery, World, advance, now};
use bellhop_outbound::{Answer, Policy as UrlPolicy};
use bellhop_store::calendar::Month;
use bellhop_store::channel::{Progress, SyncState};
use bellhop_store::{DUE_SHARDS, Scope};
use bellhop_worker::Policy;
use jiff::civil::Date;
use serde_json::{Value, json};

/// How a platform answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Mood {
    /// It takes what it is told.
    Well,
    /// It answers with a status and a body.
    Status(u16, &'static str, Option<Duration>),
    /// It takes what it is told, and nobody hears of that.
    TakesInSilence,
    /// It never hears.
    Down,
}

/// A call as a platform got it.
#[derive(Debug, Clone)]
pub struct Got {
    pub at: i64,
    pub url: String,
    pub body: Value,
}

#[derive(Default)]
struct Told {
    nights: BTreeMap<(String, Date), u64>,
    rates: BTreeMap<(String, Date), Value>,
    calls: Vec<Got>,
    mood: Option<Mood>,
    feeds: BTreeMap<String, String>,
}

/// All platforms, by the room types that they know.
#[derive(Clone, Default)]
pub struct Platform(Arc<Mutex<Told>>);

pub fn days(value: &Value) -> impl Iterator<Item = Date> {
    let day = |name: &str| value[name].as_str().expect("a date").parse::<Date>().expect("a date");
    let (from, last) = match value.get("date") {
        Some(_) => (day("date"), day("date")),
        None => (day("date_from"), day("date_to")),
    };
    std::iter::successors(Some(from), |day| day.tomorrow().ok()).take_while(move |day| *day <= last)
}

impl Platform {
    pub fn mood(&self, mood: Mood) {
        self.0.lock().expect("a lock").mood = Some(mood);
    }

    pub fn feed(&self, url: &str, body: &str) {
        self.0.lock().expect("a lock").feeds.insert(url.to_owned(), body.to_owned());
    }

    pub fn calls(&self) -> Vec<Got> {
        self.0.lock().expect("a lock").calls.clone()
    }

    pub fn nights(&self, room_type: &str) -> BTreeMap<Date, u64> {
        let told = self.0.lock().expect("a lock");
        told.nights.iter().filter(|((room, _), _)| room == room_type).map(|((_, day), n)| (*day, *n)).collect()
    }

    pub fn rate(&self, plan: &str, day: Date) -> Option<Value> {
        self.0.lock().expect("a lock").rates.get(&(plan.to_owned(), day)).cloned()
    }

    fn take(told: &mut Told, body: &Value) {
        for value in body["values"].as_array().into_iter().flatten() {
            for day in days(value) {
                if let Some(room) = value["room_type_id"].as_str() {
                    told.nights.insert((room.to_owned(), day), value["availability"].as_u64().expect("a number"));
                } else {
                    let plan = value["rate_plan_id"].as_str().expect("a rate plan");
                    told.rates.insert((plan.to_owned(), day), value.clone());
                }
            }
        }
    }
}

impl Outside for Platform {
    async fn call(&self, call: Call) -> CallAnswer {
        let mut told = self.0.lock().expect("a lock");
        let body = call.body.as_deref().map_or(Value::Null, |body| serde_json::from_str(body).expect("JSON"));
        told.calls.push(Got { at: now().as_second(), url: call.url.clone(), body: body.clone() });
        let answered = |status, body: &str, retry_after| {
            CallAnswer::Answered(Answer::Answered { status, retry_after, headers: vec![], body: body.to_owned() })
        };
        if call.body.is_none() {
            return match told.feeds.get(&call.url) {
                Some(feed) => answered(200, feed, None),
                None => answered(404, "", None),
            };
        }
        match told.mood.clone().unwrap_or(Mood::Well) {
            Mood::Well => {
                Self::take(&mut told, &body);
                answered(200, r#"{"data":[{"id":"1","type":"task"}],"meta":{"message":"Success","warnings":[]}}"#, None)
            }
            Mood::Status(status, body, retry_after) => answered(status, body, retry_after),
            Mood::TakesInSilence => {
                Self::take(&mut told, &body);
                CallAnswer::Answered(Answer::Failed { kind: "reset", found: "no answer".to_owned() })
            }
            Mood::Down => CallAnswer::Answered(Answer::Failed { kind: "connect", found: "refused".to_owned() }),
        }
    }
}

pub fn scope() -> Scope {
    Scope::for_operator("channel-sync", "sea".parse().expect("a tenant"), "villa".parse().expect("a property"))
}

/// A property, its channel `manager`, and all that works for them.
pub struct Street {
    pub calendar: World<Calendar>,
    pub sync: World<ChannelSync<Platform>>,
    pub platform: Platform,
}

pub fn settings() -> Settings {
    Settings { threshold: 3, cooldown: 30_000, lease: 60_000, ..Settings::default() }
}

pub fn street(gather_seconds: u32) -> Street {
    let calendar = World::new(Calendar, Policy::default());
    let platform = Platform::default();
    let handler = ChannelSync { settings: settings(), policy: UrlPolicy { local: false }, outside: platform.clone() };
    let sync = calendar.beside(handler, Policy { gather_seconds, ..Policy::default() });
    sync.aws
        .queue(Queue::Synchronization, |queue| queue.delay = i64::from(gather_seconds) + i64::from(gather_seconds > 0));
    Street { calendar, sync, platform }
}

pub fn manager(version: u64, units: &[&str]) -> Value {
    let units: Vec<_> = units.iter().map(|unit| json!({"unit": unit, "room_type": format!("rt-{unit}")})).collect();
    let data = json!({
        "version": version, "kind": "ari", "url": "https://channel.example.com/api/v1",
        "key": "secretsmanager:bellhop/sea/key", "property": "p-1", "units": units,
        "rates": [{"rate": "standard", "unit": "u0", "rate_plan": "rp-1"}],
    });
    event(&format!("channel-{version}"), "pms.channel.upserted.v1", "channel/manager", &data)
}

impl Street {
    pub fn post(&self, event: &Value) {
        let queue_of = event["type"].as_str().unwrap_or_default();
        if queue_of.starts_with("pms.channel") || queue_of.starts_with("pms.rates") {
            self.sync.post(GROUP, &event.to_string());
        } else {
            self.calendar.post(GROUP, &event.to_string());
        }
    }

    pub fn request(&self, id: &str, channel: &str, data: &Value) {
        let event = event(id, "bellhop.channel.sync.requested.v1", &format!("channel/{channel}"), data);
        self.sync.post(&format!("{GROUP}#{channel}"), &event.to_string());
    }

    /// What the timer does.
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

    /// Until nothing is in a queue, and nothing is due within an hour.
    pub async fn settle(&self) {
        for _ in 0..3_000 {
            let worked = [self.calendar.deliver().await, self.sync.deliver().await];
            if worked.iter().any(|delivery| *delivery != Delivery::Idle) {
                continue;
            }
            let waits = [Queue::OperationalCalendar, Queue::Synchronization]
                .map(|queue| self.sync.aws.queue(queue, |q| (!q.is_empty()).then(|| q.next_visible())));
            match waits.into_iter().flatten().min() {
                Some(wait) => advance(wait.max(1)),
                None if self.tick().await > 0 => {}
                None => match self.next_due() {
                    Some(at) if at - now().as_second() <= 3_600 => advance((at - now().as_second()).max(1)),
                    _ => return,
                },
            }
        }
        panic!("it does not settle");
    }

    pub fn next_due(&self) -> Option<i64> {
        let items = self.sync.aws.items();
        let due = items.iter().filter(|item| item["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("due#")));
        due.filter_map(|item| item["sk"]["S"].as_str()?.get(..12)?.parse().ok()).min()
    }

    pub async fn progress(&self, channel: &str) -> Progress {
        let channel = channel.parse().expect("a channel");
        let scope = scope().of_channel(&channel);
        let item = self.sync.store.subject(&scope, &Subject::Channel(channel)).await.expect("a read");
        match item.and_then(|item| item.state).map(|state| serde_dynamo::from_attribute_value(state).expect("a state"))
        {
            Some(SyncState::Sync(progress)) => *progress,
            None => Progress::default(),
            other => panic!("{other:?}"),
        }
    }

    /// What the calendar says of a unit, by night.
    pub async fn calendar_of(&self, unit: &str, capacity: u16) -> BTreeMap<Date, u64> {
        let scope = scope().of_calendar();
        let list = self.sync.store.list(&Month::all(&scope, &unit.parse().expect("a unit"))).await.expect("a read");
        let mut nights = BTreeMap::new();
        for (key, item) in list {
            let first = Month::date_of(&key).expect("a month");
            let month = Month::decode(Some(&item)).expect("a month");
            for day in 1..=first.days_in_month() {
                let free = capacity.saturating_sub(month.sold(day, None));
                nights.insert(Date::new(first.year(), first.month(), day).expect("a date"), u64::from(free));
            }
        }
        nights
    }

    /// The platform knows of each night what the calendar says.
    pub async fn is_told(&self, unit: &str, capacity: u16) {
        let (told, expected) = (self.platform.nights(&format!("rt-{unit}")), self.calendar_of(unit, capacity).await);
        let today = jiff::tz::Offset::UTC.to_datetime(now()).date();
        assert!(told.len() >= 450, "{unit}: {} nights were told", told.len());
        for (night, found) in told.iter().filter(|(night, _)| **night > today) {
            let free = expected.get(night).copied().unwrap_or(u64::from(capacity));
            assert_eq!(*found, free, "{unit} on {night}");
        }
    }

    pub fn reasons(&self) -> Vec<String> {
        let log = self.sync.aws.queue(Queue::Fallback, |queue| queue.log.clone());
        let notes =
            log.iter().map(|m| serde_json::from_str::<Value>(m.note.as_deref().expect("a note")).expect("JSON"));
        notes.map(|note| note["reason"].as_str().expect("a reason").to_owned()).collect()
    }
}

pub fn registered(street: &Street, units: &[(&str, u16)]) {
    street.post(&property("p1", 1, units));
    let names: Vec<_> = units.iter().map(|(unit, _)| *unit).collect();
    street.post(&manager(1, &names));
}
