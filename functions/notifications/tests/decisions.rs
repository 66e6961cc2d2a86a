//! The decisions with plain values: an event and what is known in, what is to be written, sent and said out.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_events::Envelope;
use bellhop_mail::Address;
use bellhop_notifications::{Answered, Finished, Letter, Mailer, Notifications, Settings};
use bellhop_store::calendar::{BookingState, CalendarState};
use bellhop_store::mails::{MailState, SavedTemplate, Suppressed};
use bellhop_store::{Item, Key, Scope, Write};
use bellhop_worker::{Decision, Effect, FollowUp, Handler, Refusal, Then, View};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

/// Nothing is sent here.
struct Nobody;

impl Mailer for Nobody {
    async fn send(&self, _: &Letter) -> Answered {
        Answered::Unknown("nobody sends".to_owned())
    }
}

type Rules = Notifications<Nobody>;

fn rules() -> Rules {
    let settings = Settings { from: "hotel@example.com".to_owned(), ..Settings::default() };
    Notifications { settings, mailer: Nobody }
}

fn envelope(kind: &str, data: &Value) -> Envelope {
    let body = json!({
        "specversion": "1.0", "id": "e1", "source": "/test", "type": kind, "subject": "booking/b1",
        "time": "2026-07-01T10:00:00Z", "tenant": "sea", "property": "villa", "data": data,
    });
    Envelope::decode(&body.to_string()).expect("an envelope")
}

fn request(message: &str, version: u64) -> Envelope {
    let data = json!({"version": version, "message": message, "unit": "u1", "arrival": "2026-07-03", "departure": "2026-07-06"});
    envelope("bellhop.guest.message.requested.v1", &data)
}

fn free(data: &Value) -> Envelope {
    envelope("pms.guest.message.v1", data)
}

fn attribute(value: &impl Serialize) -> AttributeValue {
    serde_dynamo::to_attribute_value(value).expect("encodes")
}

fn subject_item(state: &impl Serialize) -> Item {
    HashMap::from([("rev".to_owned(), AttributeValue::N("1".to_owned())), ("st".to_owned(), attribute(state))])
}

/// What is known, in a form that a test can build up.
struct Known {
    scope: Scope,
    state: Option<MailState>,
    items: HashMap<Key, Item>,
    failures: u32,
    now: Timestamp,
    rules: Rules,
}

/// A booking of a guest whose language is German, in a house that is quiet from ten to eight.
fn known() -> Known {
    let scope = Scope::for_operator("notifications", "sea".parse().expect("a tenant"), "villa".parse().expect("an id"));
    let property = json!({
        "version": 1, "name": "Villa", "time_zone": "Europe/Lisbon", "check_in": "15:00", "check_out": "11:00",
        "units": [{"id": "u1", "name": "Garden"}], "quiet_hours": {"from": "22:00", "until": "08:00"}, "languages": ["pt"],
    });
    let now = "2026-07-01T12:00:00Z".parse().expect("a time");
    let mut known = Known { scope, state: None, items: HashMap::new(), failures: 0, now, rules: rules() };
    let property = CalendarState::Property(serde_json::from_value(property).expect("a property"));
    known.items.insert(known.scope.property(), subject_item(&property));
    known.booking(&json!({}), false)
}

impl Known {
    fn booking(mut self, changes: &Value, cancelled: bool) -> Self {
        let mut booking = json!({
            "version": 4, "unit": "u1", "arrival": "2026-07-03", "departure": "2026-07-06",
            "guest": {"name": "Ana Guest", "email": "ana@example.org", "language": "de-AT"},
        });
        for (name, value) in changes.as_object().expect("changes") {
            booking[name] = value.clone();
        }
        let booking = serde_json::from_value(booking).expect("a booking");
        let state = CalendarState::Booking(BookingState { booking, cancelled, placed: None, told: true });
        let key = self.scope.of_calendar().subject(&"booking/b1".parse().expect("a subject"));
        self.items.insert(key, subject_item(&state));
        self
    }

    fn guest(self, changes: &Value) -> Self {
        self.booking(&json!({"guest": changes}), false)
    }

    fn template(mut self, kind: &str, locale: &str, subject: &str) -> Self {
        let saved = SavedTemplate {
            rev: 0,
            subject: subject.to_owned(),
            html: "<p>{{ guest.name }}</p>".to_owned(),
            text: "{{ guest.name }}".to_owned(),
            at: 1,
        };
        let key = SavedTemplate::key(&self.scope, &kind.parse().expect("a kind"), locale);
        let Ok(Write::Put { key, item, .. }) = saved.put(key) else { panic!("a put") };
        self.items.insert(key, item);
        self
    }

    fn suppressed(mut self, address: &str) -> Self {
        let hash = Address::parse(address).expect("an address").hash(&"sea".parse().expect("a tenant"));
        let item = Suppressed { reason: "bounce".to_owned(), at: 1 };
        let Ok(Write::Put { key, item, .. }) = item.put(Suppressed::key(&self.scope, &hash)) else { panic!("a put") };
        self.items.insert(key, item);
        self
    }

    fn at(mut self, now: &str) -> Self {
        self.now = now.parse().expect("a time");
        self
    }

    fn mails(mut self, state: MailState) -> Self {
        self.state = Some(state);
        self
    }

    fn try_decide(&self, event: &Envelope, answer: Option<&Finished>) -> Result<Decision<Rules>, Refusal> {
        let mut asked = self.rules.reads(event, &self.scope).expect("keys");
        let mut lists = HashMap::new();
        for _ in 0..3 {
            let read: HashMap<_, _> =
                asked.iter().filter_map(|key| Some((key.clone(), self.items.get(key)?.clone()))).collect();
            let mut view = View::new(&self.scope, self.now, self.state.clone(), &asked, &read, &lists);
            view.answer = answer;
            match self.rules.decide(event, &view) {
                Err(Refusal::Needs(needs)) => {
                    asked.extend(needs.keys);
                    for key in needs.lists {
                        lists.insert(key.clone(), self.record(&key));
                    }
                }
                other => return other,
            }
        }
        panic!("it asks for more without end")
    }

    fn record(&self, key: &Key) -> Vec<(Key, Item)> {
        if self.failures == 0 {
            return Vec::new();
        }
        let record = json!({"rev": 1, "id": "e1", "state": "parked", "digests": [], "subject": "booking/b1", "failures": self.failures});
        vec![(key.clone(), serde_dynamo::to_item(record).expect("an item"))]
    }

    /// What a decision says, in a few lines.
    fn decide(&self, event: &Envelope, answer: Option<&Finished>) -> (String, Option<MailState>) {
        let decision = match self.try_decide(event, answer) {
            Ok(decision) => decision,
            Err(Refusal::Permanent(fault)) => return (format!("given up: {fault}"), None),
            Err(other) => return (format!("{other:?}"), None),
        };
        let effect = if decision.effect == Effect::Stale { "stale" } else { "applied" };
        let mut said = vec![format!("{effect} {}", decision.note.unwrap_or_default()).trim_end().to_owned()];
        for (event, mail) in decision.state.iter().flat_map(|state| &state.mails) {
            said.push(format!("mail {event}: {}", serde_json::to_string(mail).expect("JSON")));
        }
        for write in &decision.writes {
            let Write::Put { key, item, .. } = write else { panic!("{write:?}") };
            let body = item.get("body").and_then(|body| body.as_s().ok()).expect("a body");
            said.push(format!("put {} {body}", key.sort_key()));
        }
        if let (Some(state), Some(outbox)) = (&decision.state, &decision.outbox) {
            said.extend(self.rules.follow_ups(event, state, outbox).into_iter().map(|follow_up| match follow_up {
                FollowUp::Review(fault) => format!("review {fault}"),
                FollowUp::Event { event_type, subject, .. } => format!("{event_type} {subject}"),
                other @ FollowUp::ToChannel { .. } => panic!("{other:?}"),
            }));
        }
        match decision.then {
            Then::Done => {}
            Then::Forget => said.push("forgotten".to_owned()),
            Then::Later(pause) => said.push(format!("later, in {pause:?}")),
            Then::Ask(letter) => said.push(format!(
                "to {} tags {:?}\nSubject: {}\n\n{}",
                letter.to.expose(),
                letter.tags,
                letter.rendered.subject,
                letter.rendered.text
            )),
            Then::Unrecorded => panic!("never"),
        }
        (said.join("\n"), decision.state)
    }

    fn says(&self, event: &Envelope) -> String {
        self.decide(event, None).0
    }

    /// The first line alone.
    fn notes(&self, event: &Envelope) -> String {
        self.says(event).lines().next().unwrap_or_default().to_owned()
    }

    /// The state after this event was answered so.
    fn after(&self, event: &Envelope, answered: Answered) -> (String, Option<MailState>) {
        let (_, claimed) = self.decide(event, None);
        let claimed = claimed.expect("a claim");
        let owner = serde_json::to_value(&claimed).expect("JSON")["m"]["e1"]["o"]["c"]["o"].clone();
        let owner = owner.as_str().expect("an owner").to_owned();
        let with_claim = Known {
            state: Some(claimed),
            items: self.items.clone(),
            scope: self.scope.clone(),
            rules: rules(),
            ..*self
        };
        with_claim.decide(event, Some(&Finished { owner, answered }))
    }
}

#[test]
fn a_request_is_claimed_and_sent_in_the_guests_language() {
    insta::assert_snapshot!(known().says(&request("confirmation", 4)));
}

#[test]
fn a_free_message_is_sent_as_it_is() {
    insta::assert_snapshot!(
        known().says(&free(&json!({"version": 9, "subject": "Your key", "text": "It is <here>."})))
    );
}

#[test]
fn a_template_of_the_tenant_comes_first() {
    let known = known().template("confirmation", "pt", "Confirmado").template("message", "de", "x");
    assert!(known.says(&request("confirmation", 4)).contains("Subject: Confirmado"), "any language of the house");
    let known = known.template("confirmation", "de", "Bestätigt");
    assert!(known.says(&request("confirmation", 4)).contains("Subject: Bestätigt"));
}

#[test]
fn a_template_that_fails_or_is_missing_is_for_a_person() {
    let known = known().template("confirmation", "de", "{{ guest.nothing }}");
    insta::assert_snapshot!(known.says(&request("confirmation", 4)));
    insta::assert_snapshot!(known.says(&free(&json!({"version": 9, "message": "parking"}))));
}

#[test]
fn what_is_out_of_date_is_dropped() {
    let dates = json!({"arrival": "2026-07-04"});
    assert_eq!(known().booking(&json!({}), true).notes(&request("pre-arrival", 3)), "stale cancelled");
    assert_eq!(known().booking(&json!({}), true).notes(&request("confirmation", 3)), "stale cancelled");
    let words = json!({"version": 9, "subject": "a", "text": "b"});
    assert_eq!(known().booking(&json!({}), true).notes(&free(&words)), "stale cancelled");
    let by_rule = known().template("sorry", "en", "Sorry").booking(&json!({}), true);
    assert!(by_rule.says(&request("sorry", 4)).contains("Subject: Sorry"), "asked for because of the cancellation");
    assert!(known().booking(&json!({}), true).says(&request("cancellation", 4)).contains("Subject: "));
    assert_eq!(known().notes(&request("cancellation", 4)), "stale not-cancelled");
    assert_eq!(known().booking(&dates, false).notes(&request("pre-arrival", 4)), "stale other-dates");
    assert!(known().booking(&dates, false).says(&request("change", 3)).contains("04.07.2026"), "what is true now");
}

#[test]
fn a_change_that_was_told_is_not_told_again() {
    let (_, state) = known().after(&request("confirmation", 2), Answered::Sent("m-1".to_owned()));
    let known = known().mails(state.expect("a state"));
    let later = |version| Envelope { id: "e2".parse().expect("an id"), ..request("change", version) };
    assert_eq!(known.notes(&later(4)), "stale told-already");
    assert!(known.says(&later(5)).contains("to ana@example.org"));
}

#[test]
fn a_booking_that_is_not_known() {
    let mut known = known();
    known.items.retain(|key, _| key.sort_key().ends_with("property/villa"));
    assert_eq!(known.notes(&request("change", 4)), "stale unknown-booking");
    insta::assert_snapshot!(known.says(&free(&json!({"version": 9, "subject": "a", "text": "b"}))));
}

#[test]
fn addresses_decide() {
    let event = request("confirmation", 4);
    assert_eq!(known().booking(&json!({"guest": null}), false).notes(&event), "applied no-address");
    assert_eq!(known().guest(&json!({"email": " "})).notes(&event), "applied no-address");
    insta::assert_snapshot!(known().guest(&json!({"email": "ana@example.org, eve@example.org"})).says(&event));
    assert_eq!(known().suppressed("Ana@example.org").notes(&event), "applied suppressed");
    assert_eq!(known().suppressed("ana@example.org").at("2026-07-01T23:00:00Z").notes(&event), "applied suppressed");
}

#[test]
fn quiet_hours_move_a_message_to_their_end() {
    insta::assert_snapshot!(known().at("2026-07-01T23:00:00Z").says(&request("confirmation", 4)));
}

#[test]
fn without_a_sender_nothing_is_read_or_kept() {
    let mut known = known();
    known.rules.settings.from.clear();
    assert_eq!(known.says(&request("confirmation", 4)), "applied mail-off\nforgotten");
    assert_eq!(known.rules.reads(&request("confirmation", 4), &known.scope).expect("keys"), []);
}

#[test]
fn answers_decide() {
    let of = |answered| known().after(&request("confirmation", 4), answered).0;
    insta::assert_snapshot!(of(Answered::Sent("m-1".to_owned())));
    insta::assert_snapshot!(of(Answered::Unknown("no answer in time".to_owned())));
    insta::assert_snapshot!(of(Answered::Refused("MessageRejected (400) no".to_owned())));
    let pause = std::time::Duration::from_secs(10);
    assert_eq!(of(Answered::NotSent { why: "no".to_owned(), pause }), "applied not-sent\nlater, in 10s");
}

#[test]
fn a_claim_of_another_is_waited_for_and_then_asked_about() {
    let event = request("confirmation", 4);
    let (_, state) = known().decide(&event, None);
    let known = known().mails(state.expect("a claim"));
    assert_eq!(known.says(&event), "applied claimed\nlater, in 32s");
    let known = known.at("2026-07-01T12:00:31Z");
    assert_eq!(known.says(&event), "applied claimed\nlater, in 1s");
    let late = Finished { owner: "another".to_owned(), answered: Answered::Sent("m-1".to_owned()) };
    assert_eq!(known.decide(&event, Some(&late)).0, "applied overtaken\nlater, in 1s");
    let known = known.at("2026-07-01T12:00:32Z");
    insta::assert_snapshot!(known.says(&event));
}

#[test]
fn a_refused_mail_is_given_up_and_sent_when_a_person_retries() {
    let event = request("confirmation", 4);
    let (_, state) = known().after(&event, Answered::Refused("MessageRejected (400) no".to_owned()));
    let mut known = known().mails(state.expect("a state"));
    insta::assert_snapshot!(known.says(&event));
    // Given up once, and put to work again.
    known.failures = 1;
    assert!(known.says(&event).contains("to ana@example.org"));
}

#[test]
fn a_mail_that_was_sent_is_never_sent_again() {
    let event = request("confirmation", 4);
    for answered in [Answered::Sent("m-1".to_owned()), Answered::Unknown("x".to_owned())] {
        let (_, state) = known().after(&event, answered);
        // Though the record of the event is lost.
        assert_eq!(known().mails(state.expect("a state")).says(&event), "applied known");
    }
}
