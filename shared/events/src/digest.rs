//! Payload digests and ids made by hashing.

use std::fmt;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::{EventId, MessageGroup, Subject};

/// SHA-256 over the canonical JSON (RFC 8785) of `type`, `subject` and `data`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of an event's payload. `time`, `traceparent` and other attributes do not count: a resend is no conflict.
    #[must_use]
    pub fn of_payload(event_type: &str, subject: &Subject, data: &Map<String, Value>) -> Self {
        Self::of_json(&json!({ "type": event_type, "subject": subject, "data": exact_fields(data) }))
    }

    /// The digest of any JSON value.
    #[must_use]
    pub fn of_json(value: &Value) -> Self {
        // Canonicalization of a `Value` cannot fail: its keys are strings and its numbers finite.
        let bytes = serde_json_canonicalizer::to_vec(value).unwrap_or_default();
        Self::of_bytes(&bytes)
    }

    /// The digest of raw bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From 32 stored bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl std::str::FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        bytes.and_then(|bytes| Self::from_slice(&bytes)).ok_or_else(|| "expected 64 lower-case hex digits".to_owned())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// RFC 8785 writes numbers as doubles, which would let two integers above 2^53 (a version in nanoseconds) share a digest.
/// Such integers are digested as their decimal text.
fn exact(value: &Value) -> Value {
    const SAFE: u64 = (1 << 53) - 1;
    match value {
        Value::Number(number) if number.as_u64().is_some_and(|n| n > SAFE) => Value::String(number.to_string()),
        Value::Number(number) if number.as_i64().is_some_and(|n| n.unsigned_abs() > SAFE) => {
            Value::String(number.to_string())
        }
        Value::Array(items) => items.iter().map(exact).collect(),
        Value::Object(fields) => exact_fields(fields),
        other => other.clone(),
    }
}

fn exact_fields(fields: &Map<String, Value>) -> Value {
    Value::Object(fields.iter().map(|(key, value)| (key.clone(), exact(value))).collect())
}

/// The id of the follow-up number `index` that `consumer` makes of an event: `f` and 26 characters of base32. Always the same
/// for the same event, so that a second dispatch is a duplicate; another where a producer uses one id for two subjects.
#[must_use]
pub fn follow_up_id(consumer: &str, group: &MessageGroup, subject: &Subject, cause: &EventId, index: usize) -> EventId {
    let [group, subject, index] = [group.to_string(), subject.to_string(), index.to_string()];
    EventId::hashed('f', &[consumer, &group, &subject, cause.as_str(), &index])
}

/// 26 characters of lower-case base32 (130 bits) over the parts, separated so that no two lists collide.
#[must_use]
pub fn short_hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_be_bytes());
        hasher.update(part);
    }
    let mut text = data_encoding::BASE32_NOPAD.encode(&hasher.finalize()).to_lowercase();
    text.truncate(26);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(data: &Value) -> Digest {
        Digest::of_payload("t", &"booking/1".parse().expect("a subject"), data.as_object().expect("an object"))
    }

    #[test]
    fn key_order_and_number_form_do_not_matter() {
        let one: Value = serde_json::from_str(r#"{"a":1.0,"b":[1,2]}"#).expect("json");
        let two: Value = serde_json::from_str(r#"{"b":[1,2],"a":1}"#).expect("json");
        assert_eq!(digest(&one), digest(&two));
    }

    #[test]
    fn versions_above_two_to_the_53_are_told_apart() {
        assert_ne!(
            digest(&json!({"version": 1_800_000_000_000_000_001_u64})),
            digest(&json!({"version": 1_800_000_000_000_000_000_u64}))
        );
    }

    #[test]
    fn follow_up_ids_are_stable_valid_and_distinct() {
        let cause: EventId = "e1".parse().expect("an id");
        let of = |group: &str, subject: &str, index| {
            let (group, subject) = (group.parse().expect("a group"), subject.parse().expect("a subject"));
            follow_up_id("calendar", &group, &subject, &cause, index)
        };
        let id = of("sea#villa", "booking/1", 0);
        assert_eq!(id.as_str().len(), 27);
        assert_eq!(id, of("sea#villa", "booking/1", 0));
        for other in [of("sea#villa", "booking/1", 1), of("sea#villa", "booking/2", 0), of("sea#flat", "booking/1", 0)]
        {
            assert_ne!(id, other);
        }
        assert_ne!(short_hash(&["a", "bc"]), short_hash(&["ab", "c"]));
    }
}
