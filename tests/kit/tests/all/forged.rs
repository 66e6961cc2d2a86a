//! Forged, replayed, oversized, deep and mislabelled messages, by the hundred: each ends in its reason, and nobody else notices.

use bellhop_calendar::Calendar;
use bellhop_events::catalogue;
use bellhop_kit::given::{GROUP, booking, event, property};
use bellhop_kit::{World, advance};
use bellhop_worker::Policy;
use serde_json::{Value, json};

use crate::common::reviews;

/// A bad message, and the reasons that it may end in.
struct Kind {
    name: String,
    group: String,
    body: String,
    reasons: &'static [&'static str],
}

const BROKEN: &[&str] = &["not-json"];
const ENVELOPE: &[&str] = &["invalid-envelope"];
const DATA: &[&str] = &["invalid-data"];
const GROUPS: &[&str] = &["group-mismatch"];
const LABEL: &[&str] = &["unknown-type", "wrong-queue", "subject-mismatch", "invalid-data", "invalid-envelope"];

#[derive(Default)]
struct Kinds(Vec<Kind>);

impl Kinds {
    fn add(&mut self, name: String, group: &str, body: String, reasons: &'static [&'static str]) {
        self.0.push(Kind { name, group: group.to_owned(), body, reasons });
    }

    /// A good booking of its own, to be spoiled.
    fn good(&self) -> Value {
        let n = self.0.len();
        booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "room", 3..6)
    }

    fn spoiled(&mut self, at: &str, value: Option<Value>, reasons: &'static [&'static str]) {
        let mut event = self.good();
        let (parent, name) = at.rsplit_once('/').expect("a pointer");
        let object = event.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
        let shown = value.as_ref().map_or("left out".to_owned(), |value| value.to_string().chars().take(40).collect());
        match value {
            Some(value) => object.insert(name.to_owned(), value),
            None => object.remove(name),
        };
        self.add(format!("{at} {shown}"), GROUP, event.to_string(), reasons);
    }
}

/// Values that are of no use as an id, a name or a time.
fn useless() -> Vec<Value> {
    let texts = [
        "",
        " ",
        "a#b",
        "a\nb",
        "a\u{0}b",
        "../../x",
        "ä",
        "a b",
        "'; DROP",
        "${jndi:ldap://x}",
        "{{7*7}}",
        "\u{202e}a",
    ];
    let mut values: Vec<_> = texts.map(Value::from).into();
    values.extend([
        json!("x".repeat(300)),
        json!(null),
        json!(7),
        json!(-1),
        json!(1.5),
        json!(true),
        json!([]),
        json!({}),
        json!([["a"]]),
    ]);
    values
}

fn kinds() -> Vec<Kind> {
    let mut all = Kinds::default();
    broken(&mut all);
    envelopes(&mut all);
    labels(&mut all);
    payloads(&mut all);
    all.0
}

/// Cut off, no JSON at all, or too deep.
fn broken(all: &mut Kinds) {
    let whole = booking("cut", "created", "cut", 1, "room", 3..6).to_string();
    for at in (1..whole.len()).step_by(3).filter(|at| whole.is_char_boundary(*at)) {
        all.add(format!("cut after {at}"), GROUP, whole[..at].to_owned(), BROKEN);
    }
    for text in ["x", "nul", "{'a':1}", "[1,]", "\u{feff}{}", "{\"a\":NaN}", "<xml/>", "a=1&b=2", "{}{}", "\"\\ud800\""]
    {
        all.add(text.to_owned(), GROUP, text.to_owned(), &["not-json", "invalid-envelope"]);
    }
    for depth in [130, 200, 1000, 10_000, 50_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            all.add(format!("{depth} deep"), GROUP, deep.clone(), &["not-json", "invalid-envelope"]);
            for (place, at) in [("data", "\"data\":{"), ("stay", "\"unit\":"), ("tenant", "\"tenant\":")] {
                let body = all.good().to_string();
                let deep = if place == "data" { format!("{at}\"deep\":{deep},") } else { format!("{at}{deep},\"x\":") };
                let reasons = &["not-json", "invalid-envelope", "invalid-data"];
                all.add(format!("{place} {depth} deep"), GROUP, body.replacen(at, &deep, 1), reasons);
            }
        }
    }
}

/// Attributes of the envelope, and whose it says to be.
fn envelopes(all: &mut Kinds) {
    for name in ["specversion", "id", "subject", "time", "tenant", "property"] {
        all.spoiled(&format!("/{name}"), None, ENVELOPE);
        for value in useless() {
            all.spoiled(&format!("/{name}"), Some(value), ENVELOPE);
        }
    }
    for name in ["source", "type", "data"] {
        all.spoiled(&format!("/{name}"), None, &["invalid-envelope", "invalid-data"]);
        for value in [json!(null), json!(7), json!(true), json!([])] {
            all.spoiled(&format!("/{name}"), Some(value), &["invalid-envelope", "invalid-data"]);
        }
    }
    for version in ["0.3", "1", "1.1", "2.0", "1.0 "] {
        all.spoiled("/specversion", Some(version.into()), ENVELOPE);
    }
    for subject in ["booking", "booking/", "/b1", "guest/b1", "booking/a/b", "Booking/b1", "booking/..", "booking/#"] {
        all.spoiled("/subject", Some(subject.into()), ENVELOPE);
    }
    for time in ["2026-13-01T00:00:00Z", "2026-07-01", "yesterday", "2026-07-01T25:00:00Z", "1782900000"] {
        all.spoiled("/time", Some(time.into()), ENVELOPE);
    }
    let long = format!("sea#{}", "v".repeat(120));
    for group in [
        "land#villa",
        "sea#other",
        "sea",
        "sea#",
        "#villa",
        "sea##villa",
        "SEA#villa",
        "sea#villa#x",
        "sea#villa#",
        "sea villa",
        "unknown",
        &long,
    ] {
        all.add(format!("group {group:?}"), group, all.good().to_string(), GROUPS);
    }
    for (tenant, property) in [
        ("land", "villa"),
        ("sea", "lodge"),
        ("land", "lodge"),
        ("se", "a-villa"),
        ("sea-", "villa"),
        ("bellhop", "villa"),
    ] {
        let mut event = all.good();
        (event["tenant"], event["property"]) = (tenant.into(), property.into());
        all.add(format!("envelope of {tenant}#{property}"), GROUP, event.to_string(), GROUPS);
    }
}

/// Which kind it says to be.
fn labels(all: &mut Kinds) {
    for entry in catalogue::ALL.iter().filter(|entry| entry.name != "pms.booking.created.v1") {
        for subject in ["unit/u1", "task/t1", "channel/c1", "rate/r1"] {
            let n = all.0.len();
            let body =
                event(&format!("e{n}"), entry.name, &format!("{subject}-{n}"), &json!({"version": "1", "line": 7}));
            all.add(format!("{} of {subject}", entry.name), GROUP, body.to_string(), LABEL);
        }
    }
    for kind in [
        "pms.booking.created.v2",
        "pms.booking.created",
        "PMS.BOOKING.CREATED.V1",
        "com.example.x",
        "x",
        &"t".repeat(5000),
    ] {
        all.spoiled("/type", Some(kind.into()), &["unknown-type", "invalid-envelope"]);
    }
}

/// What is in it.
fn payloads(all: &mut Kinds) {
    for name in ["version", "unit", "arrival", "departure"] {
        all.spoiled(&format!("/data/{name}"), None, DATA);
        for value in [
            json!(null),
            json!(true),
            json!([]),
            json!({}),
            json!(-1),
            json!(1.5),
            json!(""),
            json!("x".repeat(70_000)),
            json!("a#b"),
        ] {
            all.spoiled(&format!("/data/{name}"), Some(value), DATA);
        }
    }
    for (name, value, reasons) in [
        ("unit", json!("nowhere"), &["unknown-unit"][..]),
        ("departure", json!("2026-07-01"), &["stay-departure-before-arrival"]),
        ("departure", json!("2036-07-01"), &["stay-too-long"]),
        ("version", json!(1e30), DATA),
        ("version", json!("18446744073709551616"), DATA),
        ("arrival", json!("2026-02-30"), DATA),
        ("guest", json!({"name": "x".repeat(200_000)}), DATA),
        ("total", json!({"minor": "1e9", "currency": "EUR"}), DATA),
        ("total", json!({"minor": 1, "currency": "euro"}), DATA),
    ] {
        all.spoiled(&format!("/data/{name}"), Some(value), reasons);
    }
    // Said before with other content.
    for n in 0..20 {
        let mut event = booking("known", "created", "known", 1, "room", 3..6);
        event["data"]["note"] = format!("other {n}").into();
        all.add(
            format!("replayed with other content {n}"),
            GROUP,
            event.to_string(),
            &["idempotency-conflict", "invalid-data"],
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_bad_message_ends_in_its_reason_and_touches_nobody_else() {
    let kinds = kinds();
    assert!(kinds.len() >= 500, "{} kinds", kinds.len());
    let world = World::new(Calendar, Policy::default());
    let mut other = property("p1", 1, &[("u1", 1)]);
    other["tenant"] = "land".into();
    world.post("land#villa", &other.to_string());
    world.post(GROUP, &property("p2", 1, &[("u1", 1), ("room", 500)]).to_string());
    world.post(GROUP, &booking("known", "created", "known", 1, "room", 3..6).to_string());
    world.drain().await;
    let of_others = || -> Vec<Value> {
        let is_other = |item: &Value| item["pk"]["S"].as_str().is_some_and(|pk| !pk.starts_with("sea#villa"));
        world.aws.items().into_iter().filter(|item| is_other(item) && item["ttl"].is_null()).collect()
    };
    let before = of_others();
    let mut told = reviews(&world).len();
    let mut wrong = Vec::new();
    for kind in &kinds {
        // SQS would take the same body for the same message.
        advance(301);
        world.post(&kind.group, &kind.body);
        world.drain().await;
        let notes = reviews(&world);
        let reasons: Vec<_> = notes[told..].iter().map(|note| note.reason.clone()).collect();
        if !matches!(reasons.as_slice(), [reason] if kind.reasons.contains(&reason.as_str())) {
            wrong.push(format!("{}: {reasons:?}, expected one of {:?}", kind.name, kind.reasons));
        }
        assert!(
            notes[told..].iter().all(|note| note.found.len() <= 1000 && note.expected.len() <= 1000),
            "{}",
            kind.name
        );
        told = notes.len();
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), kinds.len(), wrong.join("\n"));
    assert_eq!(of_others(), before, "nothing of another tenant is touched");
}
