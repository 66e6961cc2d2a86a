//! A calendar, automation and the timer in one cloud.

use std::collections::BTreeMap;

use bellhop_automation::Automation;
use bellhop_calendar::Calendar;
use bellhop_events::{Envelope, FallbackNote, Queue, UnitId};
use bellhop_kit::given::GROUP;
use bellhop_kit::{Delivery, World, advance, now};
use bellhop_store::automation::{AutomationState, BookingWork, SavedRules, TaskWork};
use bellhop_store::calendar::{BookingState, CalendarState, Keeping};
use bellhop_store::{DUE_SHARDS, Scope, SubjectItem};
use bellhop_worker::Policy;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A property with its calendar, cleanings and rules.
pub struct House {
    pub calendar: World<Calendar>,
    pub automation: World<Automation>,
}

pub fn house() -> House {
    let calendar = World::new(Calendar, Policy::default());
    let automation = calendar.beside(Automation::default(), Policy::default());
    House { calendar, automation }
}

pub fn scope() -> Scope {
    Scope::for_operator("automation", "sea".parse().expect("a tenant"), "villa".parse().expect("a property"))
}

/// What is known of a cleaning: unit, day, the next guests' day, whether these are known by name.
pub type Known = (String, Date, Option<Date>, bool);

impl House {
    pub fn post(&self, event: &Value) {
        let kind = event["type"].as_str().unwrap_or_default();
        if kind.starts_with("pms.task") || kind.starts_with("bellhop.") {
            self.automation.post(GROUP, &event.to_string());
        } else {
            self.calendar.post(GROUP, &event.to_string());
        }
    }

    pub async fn save_rules(&self, rulebook: &Value) {
        let saved = SavedRules { rev: 0, text: rulebook.to_string(), at: now().as_second() };
        let key = SavedRules::key(&scope());
        let known = self.automation.store.get(std::slice::from_ref(&key)).await.expect("a read");
        let rev = SavedRules::decode(known.get(&key)).expect("an item").map_or(0, |saved| saved.rev);
        let write = SavedRules { rev, ..saved }.put(key).expect("an item");
        self.automation.store.commit(vec![write]).await.expect("a write");
    }

    /// What the timer does.
    pub async fn tick(&self) -> usize {
        let mut sent = 0;
        for shard in 0..DUE_SHARDS {
            // What fails is for the next run.
            let Ok(page) = self.automation.store.due(shard, now(), None, 100).await else { continue };
            for entry in page.entries {
                let due = &entry.due;
                self.automation.aws.queue(due.queue, |q| q.send(&due.group, due.id.as_str(), &due.body, None));
                sent += usize::from(self.automation.store.forget_due(&[entry.key]).await.is_ok());
            }
        }
        sent
    }

    /// Until nothing is in a queue, and nothing is due now.
    pub async fn settle(&self) {
        for _ in 0..3_000 {
            let worked = [self.calendar.deliver().await, self.automation.deliver().await];
            if worked.iter().any(|delivery| *delivery != Delivery::Idle) {
                continue;
            }
            let waits = [Queue::OperationalCalendar, Queue::Automation]
                .map(|queue| self.automation.aws.queue(queue, |q| (!q.is_empty()).then(|| q.next_visible())));
            match waits.into_iter().flatten().min() {
                Some(wait) => advance(wait.max(1)),
                None if self.tick().await > 0 => {}
                None => return,
            }
        }
        panic!("it does not settle");
    }

    /// Turns the clock from one due moment to the next, until so many seconds from now.
    pub async fn live(&self, seconds: i64) {
        let end = now().as_second() + seconds;
        self.settle().await;
        while let Some(at) = self.next_due().filter(|at| *at <= end) {
            advance((at - now().as_second()).max(1));
            self.settle().await;
        }
        advance((end - now().as_second()).max(0));
    }

    pub fn due(&self) -> Vec<i64> {
        let items = self.automation.aws.items();
        let due = items.iter().filter(|item| item["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("due#")));
        due.filter_map(|item| item["sk"]["S"].as_str()?.get(..12)?.parse().ok()).collect()
    }

    pub fn next_due(&self) -> Option<i64> {
        self.due().into_iter().min()
    }

    async fn states<T: DeserializeOwned>(&self, scope: &Scope, kind: &str) -> BTreeMap<String, T> {
        let prefix = scope.own(kind, "");
        let list = self.automation.store.list(&prefix).await.expect("a read");
        let state = |item| serde_dynamo::from_attribute_value(item).expect("a state");
        let read = |(key, item): (bellhop_store::Key, _)| {
            let id = key.sort_key().split_once('/')?.1.to_owned();
            Some((id, state(SubjectItem::decode(key, item).expect("an item").state?)))
        };
        list.into_iter().filter_map(read).collect()
    }

    pub async fn work(&self) -> BTreeMap<String, BookingWork> {
        let states: BTreeMap<String, AutomationState> = self.states(&scope(), "booking/").await;
        let work = states.into_iter().filter_map(|(id, state)| match state {
            AutomationState::Booking(work) => Some((id, *work)),
            _ => None,
        });
        work.collect()
    }

    pub async fn tasks(&self) -> BTreeMap<String, TaskWork> {
        let states: BTreeMap<String, AutomationState> = self.states(&scope(), "task/").await;
        let work = states.into_iter().filter_map(|(id, state)| match state {
            AutomationState::Task(work) => Some((id, *work)),
            _ => None,
        });
        work.collect()
    }

    pub async fn cleanings(&self) -> BTreeMap<String, Known> {
        let work = self.work().await.into_iter();
        let cleanings = work.filter_map(|(id, work)| Some((id, work.cleaning?)));
        cleanings.map(|(id, c)| (id, (c.unit.to_string(), c.day, c.next, c.exact))).collect()
    }

    pub async fn bookings(&self) -> BTreeMap<String, BookingState> {
        let states: BTreeMap<String, CalendarState> = self.states(&scope().of_calendar(), "booking/").await;
        let bookings = states.into_iter().filter_map(|(id, state)| match state {
            CalendarState::Booking(booking) => Some((id, booking)),
            _ => None,
        });
        bookings.collect()
    }

    /// What the cleanings should be, counted from the bookings alone.
    pub async fn expected(&self) -> BTreeMap<String, Known> {
        let bookings = self.bookings().await;
        let stays: Vec<_> = bookings
            .iter()
            .filter(|(_, state)| state.placed == Some(Keeping::Stay) && state.booking.arrival < state.booking.departure)
            .map(|(id, state)| (id.clone(), state.booking.unit.clone(), state.booking.arrival))
            .collect();
        let mut expected = BTreeMap::new();
        for (id, state) in bookings.iter().filter(|(_, state)| state.placed.is_some()) {
            let (unit, day) = (&state.booking.unit, state.booking.departure);
            let exact = state.placed == Some(Keeping::Stay) && state.booking.arrival < day;
            let horizon = day.first_of_month().checked_add(3.months()).expect("a date");
            let later = |(other, of, arrival): &(String, UnitId, Date)| {
                (other != id && of == unit && *arrival >= day && *arrival < horizon).then_some(*arrival)
            };
            let next = if exact { stays.iter().filter_map(later).min() } else { Some(day) };
            expected.insert(id.clone(), (unit.to_string(), day, next, exact));
        }
        expected
    }

    /// Kinds of the messages that guests are to get, with the booking.
    pub fn messages(&self) -> Vec<String> {
        let log = self.automation.aws.queue(Queue::OperationalGuests, |queue| queue.log.clone());
        let events = log.iter().map(|m| Envelope::decode(&m.body).expect("an event"));
        events.map(|e| format!("{} {}", e.data["message"].as_str().expect("a kind"), e.subject.id())).collect()
    }

    pub fn reasons(&self) -> Vec<String> {
        let log = self.automation.aws.queue(Queue::Fallback, |queue| queue.log.clone());
        let note = |text: Option<&str>| serde_json::from_str::<FallbackNote>(text.expect("a note")).expect("a note");
        log.iter().map(|m| note(m.note.as_deref()).reason).collect()
    }
}
