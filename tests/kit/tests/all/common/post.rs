//! A calendar, notifications and the timer in one cloud, and a mail service that counts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bellhop_calendar::Calendar;
use bellhop_events::{FallbackNote, Queue};
use bellhop_kit::given::{GROUP, event, property};
use bellhop_kit::{Delivery, World, advance, now};
use bellhop_mail::Address;
use bellhop_notifications::{Answered, Letter, Mailer, Notifications, Settings};
use bellhop_store::mails::{Mail, MailState, SavedTemplate, Suppressed};
use bellhop_store::{DUE_SHARDS, Line, Resolution, ResolveError, Scope};
use bellhop_worker::{Policy, wake_up};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// How the mail service answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It takes the mail.
    Well,
    /// It refuses the mail.
    Refuses,
    /// It takes none now.
    Busy,
    /// It takes the mail, and nobody hears of that.
    TakesInSilence,
    /// It does not take the mail, and nobody hears of that.
    LosesInSilence,
    /// The function dies before the mail is taken.
    DiesBefore,
    /// The function dies when the mail is taken.
    DiesAfter,
}

/// A mail as the service got it.
#[derive(Debug, Clone)]
pub struct Got {
    pub event: String,
    #[expect(dead_code, reason = "seen when a test fails")]
    pub booking: String,
    pub kind: String,
    #[expect(dead_code, reason = "seen when a test fails")]
    pub to: String,
    pub subject: String,
    pub text: String,
    pub at: i64,
    /// It will arrive.
    pub taken: bool,
    /// The service said that it has not taken it.
    pub denied: bool,
}

#[derive(Default)]
struct Inside {
    got: Vec<Got>,
    mood: Option<Mood>,
}

/// The mail service.
#[derive(Clone, Default)]
pub struct Service {
    inside: Arc<Mutex<Inside>>,
    died: Arc<Notify>,
}

impl Service {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().expect("a lock")
    }

    pub fn mood(&self, mood: Mood) {
        self.inside().mood = Some(mood);
    }

    /// All mails that it was handed.
    pub fn got(&self) -> Vec<Got> {
        self.inside().got.clone()
    }

    /// Those that arrive.
    pub fn taken(&self) -> Vec<Got> {
        self.got().into_iter().filter(|got| got.taken).collect()
    }

    /// So many calls of each event may have sent a mail.
    pub fn perhaps_sent(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for got in self.got().into_iter().filter(|got| !got.denied) {
            *counts.entry(got.event).or_default() += 1;
        }
        counts
    }
}

impl Mailer for Service {
    async fn send(&self, letter: &Letter) -> Answered {
        let mood = self.inside().mood.unwrap_or(Mood::Well);
        let tag = |name: &str| {
            letter.tags.iter().find(|(tag, _)| *tag == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let number = {
            let mut inside = self.inside();
            inside.got.push(Got {
                event: tag("event"),
                booking: tag("booking"),
                kind: tag("kind"),
                to: letter.to.expose().to_owned(),
                subject: letter.rendered.subject.clone(),
                text: letter.rendered.text.clone(),
                at: now().as_second(),
                taken: matches!(mood, Mood::Well | Mood::TakesInSilence | Mood::DiesAfter),
                denied: matches!(mood, Mood::Refuses | Mood::Busy),
            });
            inside.got.len()
        };
        match mood {
            Mood::Well => Answered::Sent(format!("m-{number}")),
            Mood::Refuses => Answered::Refused("MessageRejected (400) no".to_owned()),
            Mood::Busy => Answered::NotSent { why: "busy".to_owned(), pause: Duration::from_secs(10) },
            Mood::TakesInSilence | Mood::LosesInSilence => Answered::Unknown("no answer in time".to_owned()),
            Mood::DiesBefore | Mood::DiesAfter => {
                self.died.notify_one();
                std::future::pending().await
            }
        }
    }
}

pub fn scope() -> Scope {
    Scope::for_operator("notifications", "sea".parse().expect("a tenant"), "villa".parse().expect("a property"))
}

/// A property, and all that writes to its guests.
pub struct Post {
    pub calendar: World<Calendar>,
    pub mails: World<Notifications<Service>>,
    pub service: Service,
}

pub fn post() -> Post {
    let calendar = World::new(Calendar, Policy::default());
    let service = Service::default();
    let settings = Settings { from: "hotel@example.com".to_owned(), ..Settings::default() };
    let handler = Notifications { settings, mailer: service.clone() };
    let mails = calendar.beside(handler, Policy::default());
    Post { calendar, mails, service }
}

/// A property that is quiet from `from` to `until`, if these are given.
pub fn house(version: u64, quiet: Option<(&str, &str)>) -> Value {
    let mut house = property(&format!("p{version}"), version, &[("u0", 9), ("u1", 9)]);
    if let Some((from, until)) = quiet {
        house["data"]["quiet_hours"] = json!({"from": from, "until": until});
    }
    house
}

/// A booking event with a guest who has this address.
pub fn booking(id: &str, kind: &str, name: &str, version: u64, nights: std::ops::Range<u8>, email: &str) -> Value {
    let mut event = bellhop_kit::given::booking(id, kind, name, version, "u0", nights);
    event["data"]["guest"] = json!({"name": format!("Guest {name}"), "email": email, "language": "en"});
    event
}

/// A message of the PMS.
pub fn message(id: &str, name: &str, version: u64, text: &str) -> Value {
    let data = json!({"version": version, "subject": "News", "text": text});
    event(id, "pms.guest.message.v1", &format!("booking/{name}"), &data)
}

impl Post {
    pub fn post(&self, event: &Value) {
        if event["type"].as_str().is_some_and(|kind| kind.contains("guest")) {
            self.mails.post(GROUP, &event.to_string());
        } else {
            self.calendar.post(GROUP, &event.to_string());
        }
    }

    /// A batch of notifications, which may die while it sends.
    pub async fn deliver(&self) -> Delivery {
        tokio::select! {
            biased;
            () = self.service.died.notified() => Delivery::Died,
            delivery = self.mails.deliver() => delivery,
        }
    }

    /// What the timer does.
    pub async fn tick(&self) -> usize {
        let mut sent = 0;
        for shard in 0..DUE_SHARDS {
            for entry in self.mails.store.due(shard, now(), None, 100).await.expect("a read").entries {
                let due = &entry.due;
                self.mails.aws.queue(due.queue, |queue| queue.send(&due.group, due.id.as_str(), &due.body, None));
                self.mails.store.forget_due(&[entry.key]).await.expect("a write");
                sent += 1;
            }
        }
        sent
    }

    pub fn next_due(&self) -> Option<i64> {
        let items = self.mails.aws.items();
        let due = items.iter().filter(|item| item["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("due#")));
        due.filter_map(|item| item["sk"]["S"].as_str()?.get(..12)?.parse().ok()).min()
    }

    /// Until nothing is in a queue, and nothing is due.
    pub async fn settle(&self) {
        for _ in 0..3_000 {
            let worked = [self.calendar.deliver().await, self.deliver().await];
            if worked.iter().any(|delivery| *delivery != Delivery::Idle) {
                continue;
            }
            let waits = [Queue::OperationalCalendar, Queue::OperationalGuests]
                .map(|queue| self.mails.aws.queue(queue, |q| (!q.is_empty()).then(|| q.next_visible())));
            match waits.into_iter().flatten().min() {
                Some(wait) => advance(wait.max(1)),
                None if self.tick().await > 0 => {}
                None => match self.next_due() {
                    Some(at) => advance((at - now().as_second()).max(1)),
                    None => return,
                },
            }
        }
        panic!("it does not settle");
    }

    pub async fn state(&self, name: &str) -> MailState {
        let subject = format!("booking/{name}").parse().expect("a subject");
        let item = self.mails.store.subject(&scope(), &subject).await.expect("a read");
        let state = item.and_then(|item| item.state);
        state.map(|state| serde_dynamo::from_attribute_value(state).expect("a state")).unwrap_or_default()
    }

    /// The mails of a booking, oldest first: kind and outcome.
    pub async fn outcomes(&self, name: &str) -> Vec<(String, String)> {
        let state = self.state(name).await;
        let mut mails: Vec<&Mail> = state.mails.values().collect();
        mails.sort_by_key(|mail| (mail.at, mail.version));
        mails.into_iter().map(|mail| (mail.kind.to_string(), mail.outcome.word().to_owned())).collect()
    }

    /// What people were asked: reason and event.
    pub fn questions(&self) -> Vec<(String, String)> {
        let log = self.mails.aws.queue(Queue::Fallback, |queue| queue.log.clone());
        let note = |text: Option<&str>| serde_json::from_str::<FallbackNote>(text.expect("a note")).expect("a note");
        let notes = log.iter().map(|message| note(message.note.as_deref()));
        notes.map(|note| (note.reason, note.event.unwrap_or_default())).collect()
    }

    pub fn reasons(&self) -> Vec<String> {
        self.questions().into_iter().map(|(reason, _)| reason).collect()
    }

    /// Bookings whose mails wait for a person.
    pub fn held(&self) -> Vec<String> {
        let items = self.mails.aws.items();
        let held = items.iter().filter(|item| item.get("hold").is_some());
        held.filter_map(|item| Some(item["sk"]["S"].as_str()?.split_once('#')?.1.to_owned())).collect()
    }

    pub async fn retry(&self, name: &str) {
        let subject = name.parse().expect("a subject");
        let store = &self.mails.store;
        let hold = match store.resolve(&scope(), Line::Hold, &subject, &Resolution::Retry, now()).await {
            Err(ResolveError::AlreadyResolved(_)) => return,
            resolved => resolved.expect("a verdict"),
        };
        let wake = wake_up(&scope(), Queue::OperationalGuests, &subject, Line::Hold, &hold, now());
        self.mails.aws.queue(wake.queue, |queue| queue.send(&wake.group, &wake.deduplication_id, &wake.body, None));
    }

    pub async fn save(&self, kind: &str, locale: &str, subject: &str) {
        let key = SavedTemplate::key(&scope(), &kind.parse().expect("a kind"), locale);
        let known = self.mails.store.get(std::slice::from_ref(&key)).await.expect("a read");
        let rev = SavedTemplate::decode(known.get(&key)).expect("an item").map_or(0, |saved| saved.rev);
        let (html, text) = ("<p>x</p>".to_owned(), "x".to_owned());
        let saved = SavedTemplate { rev, subject: subject.to_owned(), html, text, at: now().as_second() };
        self.mails.store.commit(vec![saved.put(key).expect("an item")]).await.expect("a write");
    }

    pub async fn suppress(&self, address: &str) {
        let hash = Address::parse(address).expect("an address").hash(&"sea".parse().expect("a tenant"));
        let item = Suppressed { reason: "bounce".to_owned(), at: now().as_second() };
        let write = item.put(Suppressed::key(&scope(), &hash)).expect("an item");
        self.mails.store.commit(vec![write]).await.expect("a write");
    }
}
