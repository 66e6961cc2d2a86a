//! Bodies of events, as far as they can be read: what lies on a desk lies there because something is wrong with it.

use bellhop_events::TenantId;
use bellhop_events::catalogue::personal::{ERASED, each_prose, without_guest};
use serde_json::{Map, Value};

use crate::census::{BookingRef, Guest};

/// An event's fields; none: the body is no JSON object.
pub fn read(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

/// The bookings of a tenant that an event is about: that of its subject, at the property that it names, and at the one whose group
/// carried it. What names another tenant is about none of them, whoever's group it came in.
pub fn bookings(event: &Map<String, Value>, group: Option<&str>, tenant: &TenantId) -> Vec<BookingRef> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    if text("tenant").is_some_and(|named| named != tenant.as_str()) {
        return Vec::new();
    }
    let Some(id) = text("subject").and_then(|subject| subject.strip_prefix("booking/")) else { return Vec::new() };
    let carried = group.and_then(|group| group.split('#').nth(1));
    let properties = [text("property"), carried].into_iter().flatten();
    properties.map(|property| BookingRef { property: property.to_owned(), id: id.to_owned() }).collect()
}

/// What an event says of its guest: every value, by the name of its field.
pub fn guest_of(event: &Map<String, Value>) -> Vec<(String, String)> {
    let mut said = Vec::new();
    let guest = event.get("data").and_then(|data| data.get("guest"));
    if let Some(guest) = guest {
        values("name", guest, &mut said);
    }
    said
}

/// Every value below a field, by name.
pub fn values(name: &str, value: &Value, said: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) if text == ERASED => {}
        Value::String(text) => said.push((name.to_owned(), text.trim().to_owned())),
        Value::Number(number) => said.push((name.to_owned(), number.to_string())),
        Value::Array(items) => items.iter().for_each(|item| values(name, item, said)),
        Value::Object(fields) => fields.iter().for_each(|(name, field)| values(name, field, said)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// The body without the guest, whole if it is about a booking of theirs; none: nothing of the guest is in it, or not where it may be
/// changed.
pub fn redacted(text: &str, guest: &Guest, is_own: bool) -> Option<String> {
    let Some(event) = read(text) else { return guest.words.replaced(text) };
    let mut new = if is_own { without_guest(&event) } else { event.clone() };
    each_prose(&mut new, &mut |prose| {
        if let Some(replaced) = guest.words.replaced(prose) {
            *prose = fitting(&replaced, prose);
        }
    });
    (new != event).then(|| Value::from(new).to_string())
}

/// What fields of prose take, in characters: shared/events/src/catalogue.
const LIMITS: [usize; 4] = [40, 64, 200, 1000];

/// A text that was not longer than its field takes is not longer afterwards.
fn fitting(new: &str, old: &str) -> String {
    let length = old.chars().count();
    let most = LIMITS.into_iter().find(|limit| *limit >= length).unwrap_or(length);
    new.chars().take(most).collect()
}
