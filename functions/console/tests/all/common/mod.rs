//! The console in one process: the calendar beside it is the real one, the database the engine of the local cloud, the issuer
//! ours.

pub mod issuer;

use bellhop_calendar::Calendar;
use bellhop_console::{Console, Depths, Issuer, Parts, SignIn};
use bellhop_events::Queue;
use bellhop_kit::given::{self, GROUP};
use bellhop_kit::{World, clients, now};
use bellhop_review::{Incoming, Origin, understand};
use bellhop_store::review::{Desk, Order, ReviewItem};
use bellhop_worker::Policy;
use jiff::Timestamp;
use lambda_http::http::HeaderMap;
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

pub use issuer::{AUDIENCE, FakeIssuer, ISSUER, claims};

/// The console, with a hotel behind it.
pub struct Stage {
    pub world: World<Calendar>,
    pub issuer: FakeIssuer,
    pub console: Console,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answered {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }
}

impl Stage {
    pub async fn new() -> Self {
        let stage = Self::with(now, FakeIssuer::new());
        stage.world.post(GROUP, &given::property("p1", 1, &[("u1", 1), ("double", 2)]).to_string());
        stage.world.drain().await;
        stage
    }

    pub fn with(clock: fn() -> Timestamp, issuer: FakeIssuer) -> Self {
        let world = World::new(Calendar, Policy::default());
        let (store, queues) = clients(&world.aws);
        let console = Console::new(Parts {
            store,
            queues,
            depths: Depths::beside(issuer.sqs(), "https://sqs.test/1/bellhop-operational-calendar.fifo"),
            issuer: Issuer::new(sign_in(), issuer.connector()),
            clock,
        });
        Self { world, issuer, console }
    }

    pub async fn ask(&self, method: &str, path: &str, headers: &Value, body: &str) -> Answered {
        read(self.console.answer(&request(method, path, headers, body)).await)
    }

    pub async fn get(&self, path: &str, token: &str) -> Answered {
        self.ask("GET", path, &json!({ "authorization": format!("Bearer {token}") }), "").await
    }

    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Answered {
        self.ask("POST", path, &json!({ "authorization": format!("Bearer {token}") }), &body.to_string()).await
    }

    pub fn operator(&self) -> String {
        self.issuer.token(&claims("olga", "operator", &json!([])))
    }

    pub fn manager(&self, tenant: &str) -> String {
        self.issuer.token(&claims(&format!("mia-of-{tenant}"), "manager", &json!([tenant])))
    }

    pub fn viewer(&self, tenant: &str) -> String {
        self.issuer.token(&claims("vera", "viewer", &json!(tenant)))
    }

    /// Posts events, works them, and takes what was given up.
    pub async fn events(&self, events: &[Value]) {
        for event in events {
            let group =
                format!("{}#{}", event["tenant"].as_str().expect("a tenant"), event["property"].as_str().expect("one"));
            self.world.post(&group, &event.to_string());
        }
        self.work().await;
    }

    /// Works what is posted, and takes what was given up.
    pub async fn work(&self) {
        self.world.drain().await;
        loop {
            let given_up = self.world.aws.queue(Queue::Fallback, |queue| queue.receive(60));
            if given_up.is_empty() {
                return;
            }
            for message in &given_up {
                self.given_up(&message.group, &message.deduplication, message.note.clone(), &message.body).await;
            }
            self.world
                .aws
                .queue(Queue::Fallback, |queue| given_up.iter().for_each(|message| queue.delete(&message.id)));
        }
    }

    /// A message that somebody gave up.
    pub async fn given_up(&self, group: &str, deduplication: &str, note: Option<String>, body: &str) {
        let understood = understand(&Incoming {
            silo: None,
            origin: Origin::Fallback,
            id: format!("m-{deduplication}"),
            body: body.to_owned(),
            group: group.to_owned(),
            deduplication_id: deduplication.to_owned(),
            note,
            receives: 1,
            sent: now(),
        });
        self.world.store.tell_review(&understood.desk, &understood.item, body).await.expect("told");
    }

    /// So many mails that nobody can send, on a tenant's desk, or on nobody's.
    pub async fn items(&self, tenant: Option<&str>, most: usize) {
        for n in 0..most {
            bellhop_kit::advance(1);
            let (mut event, group) = match tenant {
                Some(tenant) => (given::poison(&format!("e{n}"), &format!("b{n}"), 1), format!("{tenant}#villa")),
                None => (json!({"id": n}), "nobody".to_owned()),
            };
            if let Some(tenant) = tenant {
                event["tenant"] = json!(tenant);
            }
            let note = json!({
                "reason": if n % 2 == 0 { "mail-refused" } else { "invalid-data" }, "pointer": "/data", "expected": "x",
                "found": format!("found {n}"), "remedy": "y", "consumer": "calendar", "queue": "operational-calendar",
                "group": group, "subject": format!("booking/b{n}"), "event": format!("e{n}"), "message_id": "m",
                "attempts": 1, "critical": n == 0,
            });
            self.given_up(&group, &format!("calendar:e{n}:1"), Some(note.to_string()), &event.to_string()).await;
        }
    }

    pub async fn open(&self, desk: &Desk) -> Vec<ReviewItem> {
        self.world.store.open_reviews(desk, Order::OldestFirst, None, 1000).await.expect("a page").items
    }
}

pub fn desk(tenant: &str) -> Desk {
    Desk::of(tenant.parse().expect("a tenant"))
}

pub fn sign_in() -> SignIn {
    let set = |name: &str| match name {
        "OIDC_ISSUER" => Some(ISSUER.to_owned()),
        "OIDC_AUDIENCE" => Some(AUDIENCE.to_owned()),
        _ => None,
    };
    SignIn::read(set).expect("settings")
}

/// A request as a function URL sends it.
pub fn request(method: &str, path: &str, headers: &Value, body: &str) -> Request {
    let event = bellhop_kit::given::function_url_event(method, &format!("/{path}"), headers, body);
    lambda_http::request::from_str(&event.to_string()).expect("an event")
}

fn read(response: Response<Body>) -> Answered {
    let (parts, body) = response.into_parts();
    Answered { status: parts.status.as_u16(), headers: parts.headers, body: body.to_vec() }
}
