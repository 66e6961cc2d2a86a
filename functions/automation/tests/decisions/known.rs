//! What is known, in a form that a test can build up: the calendar's items, and a clock.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_automation::Automation;
use bellhop_events::{Envelope, Subject};
use bellhop_store::automation::{AutomationState, SavedRules};
use bellhop_store::calendar::{CalendarState, Keeping, Month};
use bellhop_store::{Item, Key, Scope, Write, encode_item};
use bellhop_worker::{Effect, FollowUp, Handler, Needs, Refusal, Then, View};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};

pub fn event(kind: &str, subject: &str, data: &Value) -> Envelope {
    let body = json!({
        "specversion": "1.0", "id": "e1", "source": "/test", "type": kind, "subject": subject,
        "time": "2026-07-01T10:00:00Z", "tenant": "sea", "property": "villa", "data": data,
    });
    Envelope::decode(&body.to_string()).expect("an event")
}

pub fn looks(version: u64, due: Option<i64>) -> Envelope {
    event("bellhop.automation.look.v1", "booking/b1", &json!({"version": version, "due": due}))
}

/// What is known, and the time.
pub struct Known {
    pub scope: Scope,
    pub automation: Automation,
    pub state: Option<AutomationState>,
    pub items: HashMap<Key, Item>,
    pub now: Timestamp,
}

/// A subject's item as the store writes it.
fn item<T: Serialize>(state: &T) -> Item {
    let state = serde_dynamo::to_attribute_value(state).expect("encodes");
    HashMap::from([("rev".to_owned(), AttributeValue::N("1".to_owned())), ("st".to_owned(), state)])
}

impl Known {
    pub fn at(zone: &str, now: &str) -> Self {
        let scope =
            Scope::for_operator("automation", "sea".parse().expect("a tenant"), "villa".parse().expect("a property"));
        let property = json!({"p": {"version": 1, "time_zone": zone, "check_in": "15:00", "check_out": "11:00",
            "units": [{"id": "u1"}, {"id": "u2"}, {"id": "rooms", "capacity": 9}]}});
        let items = HashMap::from([(scope.property(), item(&property))]);
        Self { scope, automation: Automation::default(), state: None, items, now: now.parse().expect("a time") }
    }

    pub fn rules(mut self, rulebook: &Value) -> Self {
        let saved = SavedRules { rev: 0, text: rulebook.to_string(), at: 0 };
        self.items.insert(SavedRules::key(&self.scope), encode_item(&saved).expect("an item"));
        self
    }

    /// A booking as the calendar keeps it, with its nights.
    pub fn booked(
        mut self,
        name: &str,
        version: u64,
        unit: &str,
        arrival: &str,
        departure: &str,
        placed: bool,
    ) -> Self {
        let keeping = if unit == "rooms" { Keeping::Count } else { Keeping::Stay };
        let state: CalendarState = serde_json::from_value(json!({"b": {"version": version, "unit": unit,
            "arrival": arrival, "departure": departure, "cancelled": !placed,
            "placed": placed.then_some(keeping)}}))
        .expect("a state");
        let subject: Subject = format!("booking/{name}").parse().expect("a subject");
        self.items.insert(self.scope.of_calendar().subject(&subject), item(&state));
        let calendar = self.scope.of_calendar();
        // The nights of the former version go, wherever they are.
        let id = name.parse().expect("an id");
        let months: Vec<_> = self.items.keys().filter(|key| key.sort_key().contains("nights/")).cloned().collect();
        for key in months {
            let mut month = Month::decode(self.items.get(&key)).expect("a month");
            month.free(&id, Keeping::Stay, 1, 31);
            self.keep(month.put(key).expect("a write"));
        }
        let day = |text: &str| text.parse::<Date>().expect("a date");
        if placed && keeping == Keeping::Stay {
            let stay = bellhop_events::Stay::new(day(arrival), day(departure)).expect("a stay");
            for (date, first, last) in stay.months() {
                let key = Month::key(&calendar, &unit.parse().expect("a unit"), date);
                let mut month = Month::decode(self.items.get(&key)).expect("a month");
                month.take(&id, keeping, first, last);
                self.keep(month.put(key).expect("a write"));
            }
        }
        self
    }

    pub fn keep(&mut self, write: Write) {
        if let Write::Put { key, item, .. } = write {
            self.items.insert(key, item);
        }
    }

    pub fn decide(&self, event: &Envelope) -> Result<bellhop_worker::Decision<Automation>, Refusal> {
        let mut asked = self.automation.reads(event, &self.scope).expect("keys");
        let lists = HashMap::new();
        for _ in 0..6 {
            let read: HashMap<_, _> =
                asked.iter().filter_map(|key| Some((key.clone(), self.items.get(key)?.clone()))).collect();
            let view = View::new(&self.scope, self.now, self.state.clone(), &asked, &read, &lists);
            match self.automation.decide(event, &view) {
                Err(Refusal::Needs(Needs { keys, .. })) => asked.extend(keys),
                other => return other,
            }
        }
        self.automation
            .decide(event, &View::new(&self.scope, self.now, self.state.clone(), &asked, &self.items, &lists))
    }

    /// Decides, keeps what was decided, and says it in a few lines.
    pub fn then(&mut self, event: &Envelope) -> String {
        let decision = match self.decide(event) {
            Ok(decision) => decision,
            Err(Refusal::Permanent(fault)) => return format!("refused: {fault}"),
            Err(Refusal::NotYet(fault)) => return format!("not yet: {fault}"),
            Err(other) => return format!("{other:?}"),
        };
        let mut said = vec![match (decision.effect, &decision.then) {
            (_, Then::Forget) => "nothing".to_owned(),
            (Effect::Stale, _) => "stale".to_owned(),
            (Effect::Applied, _) => "applied".to_owned(),
        }];
        if let (Some(state), Some(outbox)) = (decision.state.as_ref().or(self.state.as_ref()), &decision.outbox) {
            for follow_up in self.automation.follow_ups(event, state, outbox) {
                said.push(match follow_up {
                    FollowUp::Event { event_type, subject, data } => {
                        format!("{event_type} {subject} {}", Value::Object(data))
                    }
                    FollowUp::ToChannel { event_type, .. } => event_type.to_owned(),
                    FollowUp::Review(fault) => format!("review {fault}"),
                });
            }
        }
        for write in decision.writes {
            match &write {
                Write::Put { key, .. } => said.push(format!("put {}", key.sort_key())),
                Write::Delete { key, .. } => said.push(format!("delete {}", key.sort_key())),
                Write::Patch { .. } => said.push("patch".to_owned()),
                Write::Count { .. } => said.push("count".to_owned()),
                Write::Check { .. } | Write::Amend { .. } => {
                    said.push(format!("{write:?}, which no decision asks for"));
                }
            }
            self.keep(write);
        }
        self.state = decision.state.or(self.state.take());
        said.join("\n")
    }

    pub fn changed(&mut self, version: u64, kind: &str, former: Option<(&str, &str, &str)>) -> String {
        let booking = self.booking();
        let former =
            former.map(|(unit, arrival, departure)| json!({"unit": unit, "arrival": arrival, "departure": departure}));
        let data = json!({"version": version, "cause": format!("pms.booking.{kind}.v1"), "unit": booking["unit"],
            "arrival": booking["arrival"], "departure": booking["departure"], "placed": kind != "cancelled", "former": former});
        self.then(&event("bellhop.booking.changed.v1", "booking/b1", &data))
    }

    pub fn booking(&self) -> Value {
        let subject: Subject = "booking/b1".parse().expect("a subject");
        let item = &self.items[&self.scope.of_calendar().subject(&subject)];
        let state: Value = serde_dynamo::from_attribute_value(item["st"].clone()).expect("a state");
        state["b"].clone()
    }

    /// The second that is planned.
    pub fn due(&self) -> Option<i64> {
        match self.state.as_ref()? {
            AutomationState::Booking(work) => work.plan.due,
            AutomationState::Task(work) => work.plan.due,
            AutomationState::Property(_) => None,
        }
    }

    pub fn cleaning(&self) -> Option<(Option<Date>, bool)> {
        let Some(AutomationState::Booking(work)) = &self.state else { return None };
        work.cleaning.as_ref().map(|cleaning| (cleaning.next, cleaning.is_urgent()))
    }

    pub fn window(&self) -> (String, Option<String>) {
        let Some(AutomationState::Booking(work)) = &self.state else { return Default::default() };
        let property: Value =
            serde_dynamo::from_attribute_value(self.items[&self.scope.property()]["st"].clone()).expect("a state");
        let property = serde_json::from_value(property["p"].clone()).expect("a property");
        let window = work.cleaning.as_ref().expect("a cleaning").window(&property).expect("a window");
        (window.from.to_string(), window.until.map(|until| until.to_string()))
    }
}

pub fn lisbon() -> Known {
    Known::at("Europe/Lisbon", "2026-07-01T12:00:00Z")
}

pub fn july(day: i8) -> Date {
    jiff::civil::date(2026, 7, day)
}
