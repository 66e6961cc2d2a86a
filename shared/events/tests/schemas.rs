//! The JSON Schemas and the AsyncAPI document that are checked in are those of the catalogue, and they say what the
//! Rust types say.
#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use bellhop_events::catalogue::{ALL, Entry};
use bellhop_events::{Envelope, SubjectKind, schema};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

/// As it is checked in: pretty-printed, with a newline at the end.
fn text(document: &Value) -> String {
    format!("{document:#}\n")
}

fn checked_in() -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder()).expect("the folder shared/events/schemas");
    entries
        .map(|entry| entry.expect("a folder entry").path())
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("a text file"))
        })
        .collect()
}

#[test]
fn checked_in_documents_are_those_of_the_catalogue() {
    let wanted: BTreeMap<String, String> =
        schema::documents().iter().map(|(name, document)| (name.clone(), text(document))).collect();
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        for name in checked_in().keys().filter(|name| !wanted.contains_key(*name)) {
            fs::remove_file(folder().join(name)).expect("removed");
        }
        for (name, document) in &wanted {
            fs::write(folder().join(name), document).expect("written");
        }
    }
    let found = checked_in();
    let stale: Vec<_> =
        found.keys().chain(wanted.keys()).filter(|name| found.get(*name) != wanted.get(*name)).collect();
    assert!(
        stale.is_empty(),
        "stale-schemas: {stale:?} in shared/events/schemas differ from the catalogue; renew them with `make schemas` and commit them"
    );
}

/// A valid event of each public type.
fn sample(entry: &Entry) -> Value {
    let booking = json!({
        "version": 7, "unit": "suite", "arrival": "2026-07-01", "departure": "2026-07-04", "channel": "booking-com",
        "reference": "BDC-1", "party": { "adults": 2, "children": 1, "infants": 0 },
        "total": { "amount": 45_000, "currency": "EUR" },
        "guest": { "name": "A. Guest", "email": "guest@example.com", "phone": "+351210000000", "language": "pt-PT" },
    });
    let block =
        json!({ "version": 1, "block": "paint", "from": "2026-07-01", "until": "2026-07-03", "source": "maintenance" });
    let (subject, data) = match entry.name {
        "pms.property.upserted.v1" => {
            let units = json!([{ "id": "suite" }, { "id": "double", "capacity": 20, "name": "Double room" }]);
            let data = json!({
                "version": 1, "name": "Sea View", "time_zone": "Europe/Lisbon", "check_in": "15:00", "check_out": "11:00",
                "units": units, "channels": ["booking-com"], "languages": ["pt", "en"],
                "quiet_hours": { "from": "21:30", "until": "08:00" },
            });
            ("property/villa", data)
        }
        "pms.booking.created.v1" | "pms.booking.modified.v1" | "pms.booking.cancelled.v1" => ("booking/b1", booking),
        "pms.unit.blocked.v1" | "pms.unit.unblocked.v1" => ("unit/suite", block),
        "pms.channel.upserted.v1" => {
            let data = json!({
                "version": 1, "name": "Channel manager", "kind": "ari", "url": "https://channel.example.com/api/v1",
                "key": "secretsmanager:bellhop/sea/channel", "property": "p-1", "pace": { "calls": 10, "seconds": 60 },
                "units": [{ "unit": "suite", "room_type": "rt-1" }],
                "rates": [{ "rate": "standard", "unit": "suite", "rate_plan": "rp-1" }],
            });
            ("channel/manager", data)
        }
        "pms.rates.updated.v1" => {
            let range = json!({
                "from": "2026-07-01", "until": "2026-08-01", "price": { "amount": 12_000, "currency": "EUR" }, "min_stay": 2,
            });
            ("rate/standard", json!({ "version": 1, "unit": "suite", "ranges": [range] }))
        }
        "pms.task.upserted.v1" => {
            let data = json!({
                "version": 1, "kind": "maintenance", "title": "Boiler", "state": "scheduled", "unit": "suite",
                "from": "2026-07-06", "until": "2026-07-08", "block": true, "assignee": "ana", "note": "Ring first.",
            });
            ("task/t1", data)
        }
        "pms.task.reported.v1" => {
            let nights = json!({ "from": "2026-07-06", "until": "2026-07-08" });
            let data = json!({ "version": 1, "status": "problem", "by": "ana", "note": "A leak.", "block": nights });
            ("booking/b1", data)
        }
        "pms.guest.message.v1" => {
            ("booking/b1", json!({ "version": 1, "message": "message", "subject": "Keys", "text": "In the box." }))
        }
        other => panic!("a new public type {other}: give it a sample here"),
    };
    json!({
        "specversion": "1.0", "id": "e1", "source": "/pms", "type": entry.name, "subject": subject,
        "time": "2026-06-01T10:00:00Z", "tenant": "sea", "property": "villa", "data": data, "unknown": true,
    })
}

fn rust_accepts(entry: &Entry, event: &Value) -> bool {
    Envelope::decode(&event.to_string()).and_then(|envelope| (entry.check)(&envelope)).is_ok()
}

#[test]
fn schemas_and_types_agree_on_good_and_broken_events() {
    let documents = schema::documents();
    for entry in ALL.iter().filter(|entry| entry.public) {
        let document = &documents[&format!("{}.json", entry.name)];
        let validator = jsonschema::options().should_validate_formats(true).build(document).expect("a valid schema");
        let good = sample(entry);
        if let Err(error) = validator.validate(&good) {
            panic!("{}: {error} at {}", entry.name, error.instance_path());
        }
        assert!(rust_accepts(entry, &good), "{}", entry.name);

        let broken = [
            ("/id", json!(7)),
            ("/tenant", json!(null)),
            ("/specversion", json!("0.3")),
            ("/time", json!("yesterday")),
            ("/data/version", json!(-1)),
            ("/data/version", json!("1")),
            ("/data", json!({})),
            ("/data", json!([])),
        ];
        for (pointer, value) in broken {
            let mut event = good.clone();
            *event.pointer_mut(pointer).expect("a field") = value.clone();
            assert!(!validator.is_valid(&event), "{}: the schema accepts {value} at {pointer}", entry.name);
            assert!(!rust_accepts(entry, &event), "{}: the types accept {value} at {pointer}", entry.name);
        }
        let mut other_type = good.clone();
        other_type["type"] = json!("pms.unknown.v1");
        assert!(!validator.is_valid(&other_type), "{}", entry.name);
        let mut other_subject = good;
        other_subject["subject"] = json!(if entry.subjects() == [SubjectKind::Unit] { "rate/r1" } else { "unit/u9" });
        assert!(!validator.is_valid(&other_subject), "{}", entry.name);
    }
}

#[test]
fn schemas_refuse_ids_that_the_types_refuse() {
    let documents = schema::documents();
    for entry in ALL.iter().filter(|entry| entry.public) {
        let document = &documents[&format!("{}.json", entry.name)];
        let validator = jsonschema::options().should_validate_formats(true).build(document).expect("a valid schema");
        let of_data: &[_] = match entry.name {
            "pms.property.upserted.v1" => &[
                ("/data/time_zone", ""),
                ("/data/check_in", "24:00"),
                ("/data/check_out", "9:00"),
                ("/data/units/0/id", "a/b"),
                ("/data/channels/0", "Booking.com"),
            ],
            "pms.unit.blocked.v1" | "pms.unit.unblocked.v1" => {
                &[("/data/block", "a b"), ("/data/from", "2026-07-01T10:00")]
            }
            "pms.channel.upserted.v1" => {
                &[("/data/kind", "fax"), ("/data/units/0/unit", "a/b"), ("/data/rates/0/rate", ""), ("/data/url", "")]
            }
            "pms.task.upserted.v1" => {
                &[("/data/unit", "#"), ("/data/from", "1 July"), ("/data/state", "maybe"), ("/data/title", "")]
            }
            "pms.task.reported.v1" => &[("/data/status", "maybe"), ("/data/block/from", "1 July")],
            "pms.guest.message.v1" => &[("/data/message", "Message")],
            "pms.rates.updated.v1" => {
                &[("/data/unit", "#"), ("/data/ranges/0/from", "1 July"), ("/data/ranges/0/price/currency", "eur")]
            }
            _ => &[("/data/unit", "#"), ("/data/arrival", "1 July"), ("/data/total/currency", "eur")],
        };
        for (pointer, value) in [("/id", "a#b"), ("/tenant", "SEA"), ("/property", "a b")].iter().chain(of_data) {
            let mut event = sample(entry);
            *event.pointer_mut(pointer).unwrap_or_else(|| panic!("{}: no {pointer}", entry.name)) = json!(value);
            assert!(!rust_accepts(entry, &event), "{}: the types accept {value} at {pointer}", entry.name);
            assert!(!validator.is_valid(&event), "{}: the schema accepts {value} at {pointer}", entry.name);
        }
    }
}

#[test]
fn every_document_but_asyncapi_is_a_json_schema() {
    for (name, document) in schema::documents().iter().filter(|(name, _)| *name != "asyncapi.json") {
        assert!(jsonschema::meta::is_valid(document), "{name}");
    }
}

#[test]
fn asyncapi_points_only_at_what_exists() {
    let documents = schema::documents();
    let api = &documents["asyncapi.json"];
    let mut stack = vec![api];
    while let Some(value) = stack.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
                    let known = match target.strip_prefix("./") {
                        Some(file) => documents.contains_key(file),
                        None => api.pointer(target.trim_start_matches('#')).is_some(),
                    };
                    assert!(known, "{target}");
                }
                stack.extend(fields.values());
            }
            Value::Array(items) => stack.extend(items),
            _ => {}
        }
    }
}
