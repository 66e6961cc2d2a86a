//! Which fields of payloads hold personal data of a guest, and how an event is freed of them. Every field of the catalogue is
//! classed here, and a test fails when one is not: what is not known to be plain does not stay.

use serde_json::{Map, Value, json};

use super::Guest;

/// What stands where a guest's data stood.
pub const ERASED: &str = "[erased]";

/// What a field may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Ids, dates, numbers, words of a list: no guest can be seen in it.
    Plain,
    /// Text that people write about work and things: it may name a guest, so it is searched.
    Prose,
    /// A text to or about the guest of the booking that is the event's subject.
    Text,
    /// Who the guest is.
    Guest,
}

/// The fields of some event types by class; `/units/id` is the field `id` of each of `units`.
struct Fields {
    types: &'static [&'static str],
    guest: &'static [&'static str],
    text: &'static [&'static str],
    prose: &'static [&'static str],
    plain: &'static [&'static str],
}

const NONE: Fields = Fields { types: &[], guest: &[], text: &[], prose: &[], plain: &[] };

#[rustfmt::skip]
const FIELDS: &[Fields] = &[
    Fields {
        types: &["pms.booking.created.v1", "pms.booking.modified.v1", "pms.booking.cancelled.v1"],
        guest: &["/guest"],
        plain: &[
            "/version", "/unit", "/arrival", "/departure", "/channel", "/reference", "/party/adults", "/party/children",
            "/party/infants", "/total/amount", "/total/currency",
        ],
        ..NONE
    },
    Fields {
        types: &["pms.guest.message.v1"],
        text: &["/subject", "/text"],
        plain: &["/version", "/message"],
        ..NONE
    },
    Fields {
        types: &["pms.task.reported.v1"],
        text: &["/note"],
        plain: &["/by", "/version", "/status", "/block/from", "/block/until"],
        ..NONE
    },
    Fields {
        types: &["pms.task.upserted.v1"],
        prose: &["/title", "/note", "/kind"],
        // Who works is nobody's guest, though they may have a name in common.
        plain: &["/assignee", "/version", "/state", "/unit", "/from", "/until", "/block", "/rules"],
        ..NONE
    },
    Fields {
        types: &["bellhop.task.changed.v1"],
        prose: &["/kind"],
        plain: &["/assignee", "/version", "/unit", "/from", "/until", "/urgent", "/status"],
        ..NONE
    },
    Fields {
        types: &["pms.unit.blocked.v1", "pms.unit.unblocked.v1"],
        prose: &["/note"],
        plain: &["/version", "/block", "/from", "/until", "/source"],
        ..NONE
    },
    Fields {
        types: &["pms.property.upserted.v1"],
        plain: &[
            "/version", "/name", "/time_zone", "/check_in", "/check_out", "/units/id", "/units/capacity", "/units/name",
            "/channels", "/notify", "/quiet_hours/from", "/quiet_hours/until", "/languages",
        ],
        ..NONE
    },
    Fields {
        types: &["pms.channel.upserted.v1"],
        plain: &[
            "/version", "/name", "/enabled", "/pace/calls", "/pace/seconds", "/kind", "/url", "/key", "/keys", "/property",
            "/units/unit", "/units/room_type", "/rates", "/rates/rate", "/rates/unit", "/rates/rate_plan", "/events",
            "/availability", "/imports/unit", "/imports/url", "/minutes",
        ],
        ..NONE
    },
    Fields {
        types: &["pms.rates.updated.v1"],
        plain: &[
            "/version", "/unit", "/ranges/from", "/ranges/until", "/ranges/price/amount", "/ranges/price/currency",
            "/ranges/min_stay", "/ranges/max_stay", "/ranges/closed_to_arrival", "/ranges/closed_to_departure",
            "/ranges/closed",
        ],
        ..NONE
    },
    // What a tenant's rules emit, and what listeners are told of it.
    Fields { types: &["bellhop.rule.emitted.v1"], prose: &["/data"], plain: &["/version", "/type", "/rules"], ..NONE },
    Fields { types: &["bellhop.webhook.requested.v1"], prose: &["/data"], plain: &["/version", "/type"], ..NONE },
    Fields {
        types: &["bellhop.booking.changed.v1"],
        plain: &[
            "/version", "/cause", "/unit", "/arrival", "/departure", "/placed", "/former/unit", "/former/arrival",
            "/former/departure",
        ],
        ..NONE
    },
    Fields {
        types: &["bellhop.booking.unplaced.v1"],
        plain: &["/version", "/unit", "/arrival", "/departure", "/night", "/taken_by"],
        ..NONE
    },
    Fields {
        types: &["bellhop.cleaning.requested.v1"],
        plain: &["/version", "/unit", "/arrival", "/departure", "/cancelled"],
        ..NONE
    },
    Fields {
        types: &["bellhop.guest.message.requested.v1"],
        plain: &["/version", "/message", "/unit", "/arrival", "/departure"],
        ..NONE
    },
    Fields { types: &["bellhop.availability.changed.v1"], plain: &["/version", "/from", "/until"], ..NONE },
    Fields { types: &["bellhop.automation.look.v1"], plain: &["/version", "/due"], ..NONE },
    Fields { types: &["bellhop.channel.status.v1"], plain: &["/version", "/working", "/reason"], ..NONE },
    Fields { types: &["bellhop.channel.sync.requested.v1"], plain: &["/version", "/action"], ..NONE },
    Fields { types: &["bellhop.dashboard.look.v1"], plain: &["/version", "/rebuild"], ..NONE },
    Fields { types: &["bellhop.hold.released.v1"], plain: &["/version", "/line"], ..NONE },
    Fields { types: &["bellhop.review.opened.v1"], plain: &["/version", "/event", "/type", "/reason"], ..NONE },
    Fields { types: &["bellhop.review.closed.v1"], plain: &["/version", "/event", "/outcome"], ..NONE },
    Fields {
        types: &["bellhop.booking.replaced.v1", "bellhop.property.changed.v1", "bellhop.tenant.resumed.v1"],
        plain: &["/version"],
        ..NONE
    },
];

/// Attributes of the envelope that Bellhop knows; all are plain.
const ENVELOPE: [&str; 13] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "tenant",
    "property",
    "traceparent",
    "causationid",
    "sequence",
];

/// What a field of `data` may hold, by its path without places in lists; none: the catalogue has no such field. What stands below
/// a field is as the field is.
#[must_use]
pub fn class_of(event_type: &str, path: &str) -> Option<Class> {
    let fields = FIELDS.iter().find(|fields| fields.types.contains(&event_type))?;
    let has = |names: &[&str]| names.iter().any(|name| is_below(path, name));
    [
        (Class::Guest, fields.guest),
        (Class::Text, fields.text),
        (Class::Prose, fields.prose),
        (Class::Plain, fields.plain),
    ]
    .into_iter()
    .find_map(|(class, names)| has(names).then_some(class))
}

fn is_below(path: &str, field: &str) -> bool {
    path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether something below this path is a field of the catalogue.
fn leads_on(event_type: &str, path: &str) -> bool {
    let fields = FIELDS.iter().find(|fields| fields.types.contains(&event_type));
    let below = |names: &[&str]| names.iter().any(|name| name.len() > path.len() && is_below(name, path));
    fields.is_some_and(|fields| below(fields.plain) || below(fields.prose) || below(fields.text))
}

impl Guest {
    /// What stands in a booking whose guest was erased: to be told from a booking that never had one.
    #[must_use]
    pub fn erased() -> Self {
        Self { name: Some(ERASED.to_owned()), email: None, phone: None, language: None }
    }
}

/// An event about a guest's booking without the guest: who it is and what was written are replaced, and what neither envelope nor
/// catalogue know goes. All else stays, so an event that was valid still is. It need not be valid, or of a known type.
#[must_use]
pub fn without_guest(event: &Map<String, Value>) -> Map<String, Value> {
    let event_type = event.get("type").and_then(Value::as_str).unwrap_or_default();
    let known = event.iter().filter_map(|(name, value)| match (name.as_str(), value) {
        ("data", Value::Object(data)) => Some((name.clone(), strip(event_type, "", data).into())),
        ("data", _) => Some((name.clone(), json!({}))),
        (name, value) => ENVELOPE.contains(&name).then(|| (name.to_owned(), value.clone())),
    });
    known.collect()
}

fn strip(event_type: &str, path: &str, data: &Map<String, Value>) -> Map<String, Value> {
    let fields = data.iter().filter_map(|(name, value)| {
        let path = format!("{path}/{name}");
        let kept = match class_of(event_type, &path) {
            Some(Class::Plain | Class::Prose) => value.clone(),
            Some(Class::Text | Class::Guest) if value.is_null() => Value::Null,
            Some(Class::Text) => ERASED.into(),
            Some(Class::Guest) => serde_json::to_value(Guest::erased()).unwrap_or_default(),
            None if leads_on(event_type, &path) => below(event_type, &path, value),
            // Of a type that nobody knows, only what tells its order.
            None if name == "version" && value.is_u64() => value.clone(),
            None => return None,
        };
        Some((name.clone(), kept))
    });
    fields.collect()
}

fn below(event_type: &str, path: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => strip(event_type, path, fields).into(),
        Value::Array(items) => items.iter().map(|item| below(event_type, path, item)).collect(),
        plain => plain.clone(),
    }
}

/// Hands each text of an event's prose to `change`.
pub fn each_prose(event: &mut Map<String, Value>, change: &mut impl FnMut(&mut String)) {
    let event_type = event.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(data) = event.get_mut("data") {
        visit(&event_type, "", data, change);
    }
}

fn visit(event_type: &str, path: &str, value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => {
            // Who another guest is stays as it is.
            if matches!(class_of(event_type, path), Some(Class::Prose | Class::Text)) {
                change(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| visit(event_type, path, item, change)),
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(name, item)| visit(event_type, &format!("{path}/{name}"), item, change));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{ALL, find};
    use crate::{Envelope, schema};
    use std::collections::BTreeSet;

    /// The paths of a schema's fields that have no fields below them.
    fn leaves(root: &Value, schema: &Value, path: &str, found: &mut BTreeSet<String>) {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().expect("a name");
            return leaves(root, &root["$defs"][name], path, found);
        }
        let choices: Vec<_> =
            ["oneOf", "anyOf", "allOf"].iter().filter_map(|word| schema[word].as_array()).flatten().collect();
        for choice in choices.iter().filter(|choice| choice["type"] != "null") {
            leaves(root, choice, path, found);
        }
        if let Some(fields) = schema["properties"].as_object() {
            for (name, field) in fields {
                leaves(root, field, &format!("{path}/{name}"), found);
            }
        } else if schema["items"].is_object() {
            leaves(root, &schema["items"], path, found);
        } else if choices.is_empty() {
            found.insert(path.to_owned());
        }
    }

    #[test]
    fn every_field_of_the_catalogue_is_classed_and_every_class_has_its_field() {
        let documents = schema::documents();
        for entry in ALL {
            let document = &documents[&format!("{}.json", entry.name)];
            let data = &document["properties"]["data"];
            let root = if data["$defs"].is_object() { data } else { document };
            let mut found = BTreeSet::new();
            leaves(root, data, "", &mut found);
            let missing: Vec<_> = found.iter().filter(|path| class_of(entry.name, path).is_none()).collect();
            assert!(missing.is_empty(), "say in FIELDS whether {missing:?} of {} may hold a guest's data", entry.name);
            let fields = FIELDS.iter().find(|fields| fields.types.contains(&entry.name)).expect("its fields");
            for name in [fields.guest, fields.text, fields.prose, fields.plain].concat() {
                assert!(found.iter().any(|path| is_below(path, name)), "{} has no field {name}", entry.name);
            }
        }
        assert!(FIELDS.iter().flat_map(|fields| fields.types).all(|name| find(name).is_ok()));
    }

    fn free(event: &Value) -> Value {
        without_guest(event.as_object().expect("an object")).into()
    }

    #[test]
    fn the_stay_stays_and_the_guest_goes_with_all_that_nobody_knows() {
        let event = json!({
            "specversion": "1.0", "id": "e1", "source": "/pms", "type": "pms.booking.created.v1", "subject": "booking/b1",
            "time": "2026-07-01T10:00:00Z", "tenant": "sea", "property": "villa", "comment": "Ana again",
            "data": {
                "version": 3, "unit": "u1", "arrival": "2026-07-03", "departure": "2026-07-05", "reference": "HM1",
                "party": {"adults": 2, "children": 0, "infants": 0, "names": ["Ana", "Rui"]},
                "total": {"amount": 12050, "currency": "EUR"},
                "guest": {"name": "Ana Silva", "email": "ana@example.com", "passport": "X1"}, "notes": "Ana is late",
            },
        });
        let freed = free(&event);
        let expected = json!({
            "version": 3, "unit": "u1", "arrival": "2026-07-03", "departure": "2026-07-05", "reference": "HM1",
            "party": {"adults": 2, "children": 0, "infants": 0}, "total": {"amount": 12050, "currency": "EUR"},
            "guest": {"name": ERASED},
        });
        assert_eq!(freed["data"], expected);
        assert!(!freed.to_string().contains("Ana"));
        assert_eq!(free(&freed), freed, "once is enough");
        let event = Envelope::decode(&freed.to_string()).expect("an event");
        (find(&event.event_type).expect("a type").check)(&event).expect("still valid");
    }

    #[test]
    fn what_is_broken_is_freed_as_well() {
        let base = json!({"type": "pms.booking.created.v1", "data": {"version": 1, "guest": "Ana Silva", "unit": 7}});
        assert_eq!(free(&base)["data"], json!({"version": 1, "guest": {"name": ERASED}, "unit": 7}));
        assert_eq!(free(&json!({"type": "x", "data": {"version": 1, "who": "Ana"}}))["data"], json!({"version": 1}));
        assert_eq!(free(&json!({"type": "x", "data": "Ana"}))["data"], json!({}));
        assert_eq!(free(&json!({"type": "pms.guest.message.v1", "data": {"text": ["Ana"]}}))["data"]["text"], ERASED);
        let none = json!({"type": "pms.booking.created.v1", "data": {"guest": null}});
        assert_eq!(free(&none), none, "there was none");
    }

    #[test]
    fn prose_can_be_changed_and_nothing_else() {
        let mut event = json!({
            "type": "pms.task.upserted.v1", "subject": "task/a",
            "data": {"version": 1, "title": "a", "note": "a", "unit": "a", "state": "a"},
        });
        each_prose(event.as_object_mut().expect("an object"), &mut |text| text.push('b'));
        let expected = json!({"version": 1, "title": "ab", "note": "ab", "unit": "a", "state": "a"});
        assert_eq!((&event["data"], &event["subject"]), (&expected, &json!("task/a")));
    }
}
