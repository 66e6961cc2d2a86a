//! The CloudEvents 1.0 envelope, JSON, structured mode (CloudEvents JSON Event Format 1.0.2).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Digest, EventId, Fault, MessageGroup, PropertyId, Reason, Subject, TenantId};

/// The largest body a producer's queue takes: 256 KiB.
pub const MAX_BODY_BYTES: usize = 262_144;

/// An event. Attributes that Bellhop does not know are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Envelope {
    /// Always `1.0`.
    pub specversion: SpecVersion,
    /// Idempotency key: the same id means the same event, whenever it comes again.
    pub id: EventId,
    /// Who says so: a URI reference of 1 to 256 characters, such as `/pms/acme`.
    #[serde(deserialize_with = "source")]
    #[schemars(length(min = 1, max = 256))]
    pub source: String,
    /// The catalogue's name of the event type, such as `pms.booking.created.v1`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 256))]
    pub event_type: String,
    /// What the event is about; order holds per subject.
    pub subject: Subject,
    /// When it happened, RFC 3339.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub time: Timestamp,
    /// `application/json` if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<JsonContent>,
    /// URI of the schema of `data`; informative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataschema: Option<String>,
    /// Extension: whose event this is.
    pub tenant: TenantId,
    /// Extension: which property of the tenant.
    pub property: PropertyId,
    /// Extension: W3C trace context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// Extension: the id of the event that caused this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causationid: Option<EventId>,
    /// Extension: `data.version` in 20 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9]{20}$"))]
    pub sequence: Option<String>,
    /// The payload; its form is the catalogue's for the type.
    pub data: Map<String, Value>,
}

/// The one version of CloudEvents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum SpecVersion {
    /// CloudEvents 1.0
    #[serde(rename = "1.0")]
    V1,
}

/// The one content type of `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum JsonContent {
    /// JSON
    #[serde(rename = "application/json", alias = "application/json; charset=utf-8")]
    Json,
}

fn source<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if (1..=256).contains(&text.len()) {
        Ok(text)
    } else {
        Err(serde::de::Error::custom("expected a URI reference of 1 to 256 characters"))
    }
}

impl Envelope {
    /// Reads a message body. A fault names the JSON pointer of what is wrong.
    pub fn decode(body: &str) -> Result<Self, Fault> {
        if body.len() > MAX_BODY_BYTES {
            return Err(Fault::new(Reason::InvalidEnvelope, "")
                .found(format!("{} bytes", body.len()))
                .expected(format!("at most {MAX_BODY_BYTES} bytes")));
        }
        // Serde would read a struct from an array as well, field by field.
        if !body.trim_ascii_start().starts_with('{') {
            serde_json::from_str::<serde::de::IgnoredAny>(body).map_err(|error| not_json("", &error))?;
            return Err(Fault::new(Reason::InvalidEnvelope, "").found("another JSON value").expected("a JSON object"));
        }
        let mut reader = serde_json::Deserializer::from_str(body);
        let envelope: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| fault(&error, body))?;
        reader.end().map_err(|error| not_json("", &error))?;
        envelope.check_sequence()?;
        Ok(envelope)
    }

    /// An event of our own, without a cause. `source` is a path such as `/bellhop/calendar`.
    #[must_use]
    pub fn own(
        source: String,
        group: &MessageGroup,
        id: EventId,
        event_type: &str,
        subject: Subject,
        time: Timestamp,
        data: Map<String, Value>,
    ) -> Self {
        Self {
            specversion: SpecVersion::V1,
            id,
            source,
            event_type: event_type.to_owned(),
            subject,
            time,
            datacontenttype: None,
            dataschema: None,
            tenant: group.tenant.clone(),
            property: group.property.clone(),
            traceparent: None,
            causationid: None,
            sequence: None,
            data,
        }
    }

    /// The same, caused by another: in its trace.
    #[must_use]
    pub fn caused_by(self, cause: &Self) -> Self {
        let version = self.data.get("version").and_then(Value::as_u64);
        Self {
            traceparent: Some(cause.traceparent_below()),
            causationid: Some(cause.id.clone()),
            sequence: version.map(Self::sequence),
            ..self
        }
    }

    /// The digest of what the event says; see [`Digest::of_payload`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_payload(&self.event_type, &self.subject, &self.data)
    }

    /// The trace that this event belongs to, 32 hex digits: that of its `traceparent` (W3C Trace Context), else one of its
    /// own, the same each time.
    #[must_use]
    pub fn trace(&self) -> String {
        match self.traceparent.as_deref().and_then(trace_of) {
            Some(trace) => trace.to_owned(),
            None => Digest::of_bytes(format!("{}/{}", self.group(), self.id).as_bytes()).to_string()[..32].to_owned(),
        }
    }

    /// What an event that follows from this one carries as `traceparent`: the same trace, with this event as its parent.
    #[must_use]
    pub fn traceparent_below(&self) -> String {
        let span = Digest::of_bytes(self.id.as_str().as_bytes()).to_string();
        format!("00-{}-{}-01", self.trace(), &span[..16])
    }

    /// The message group that carries this event, without channel.
    #[must_use]
    pub fn group(&self) -> MessageGroup {
        MessageGroup::new(self.tenant.clone(), self.property.clone())
    }

    /// As it is sent. Serializing an envelope cannot fail: its keys are strings.
    #[must_use]
    pub fn to_body(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// `sequence`, where given, repeats `data.version`.
    fn check_sequence(&self) -> Result<(), Fault> {
        let Some(sequence) = &self.sequence else { return Ok(()) };
        let version = self.data.get("version").and_then(Value::as_u64);
        if version.is_some_and(|version| *sequence == Self::sequence(version)) {
            return Ok(());
        }
        Err(Fault::new(Reason::InvalidEnvelope, "/sequence")
            .found(format!("{sequence:?}"))
            .expected("data.version in 20 digits"))
    }

    /// A version in 20 digits, so that text order is number order.
    #[must_use]
    pub fn sequence(version: u64) -> String {
        format!("{version:020}")
    }
}

/// The trace id of a `traceparent` as its version 00 writes it: `00-TRACE-PARENT-FLAGS` in lower-case hex.
fn trace_of(traceparent: &str) -> Option<&str> {
    let parts: Vec<_> = traceparent.split('-').collect();
    let [version, trace, parent, flags, ..] = parts.as_slice() else { return None };
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let fits = is_hex(version, 2) && *version != "ff" && is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2);
    let is_version_0 = *version != "00" || parts.len() == 4;
    (fits && is_version_0 && trace.bytes().any(|b| b != b'0') && parent.bytes().any(|b| b != b'0')).then_some(*trace)
}

/// A word of few that is given as a number or list is said to be broken JSON.
const WORDS: [&str; 2] = ["/specversion", "/datacontenttype"];

fn fault(error: &serde_path_to_error::Error<serde_json::Error>, body: &str) -> Fault {
    let pointer = pointer("", error.path());
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
    let is_data = error.inner().classify() == serde_json::error::Category::Data;
    if is_data || (WORDS.contains(&pointer.as_str()) && is_json()) {
        return Fault::new(Reason::InvalidEnvelope, missing(&pointer, error.inner()))
            .found(error.inner())
            .expected("a CloudEvents 1.0 envelope with tenant and property");
    }
    not_json(&pointer, error.inner())
}

fn not_json(pointer: &str, error: &serde_json::Error) -> Fault {
    Fault::new(Reason::NotJson, pointer).found(error).expected("one JSON object")
}

/// Serde reports a missing field at its parent: the pointer should name the field.
pub(crate) fn missing(pointer: &str, error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        Some(field) => format!("{pointer}/{}", escape(field)),
        None => pointer.to_owned(),
    }
}

/// An RFC 6901 pointer below `root`.
pub(crate) fn pointer(root: &str, path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(root.to_owned(), |text, segment| match segment {
        Segment::Seq { index } => format!("{text}/{index}"),
        Segment::Map { key } => format!("{text}/{}", escape(key)),
        Segment::Enum { .. } | Segment::Unknown => text,
    })
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn valid() -> Value {
        json!({
            "specversion": "1.0", "id": "e1", "source": "/pms", "type": "pms.booking.created.v1", "subject": "booking/b1",
            "time": "2026-07-01T10:00:00Z", "tenant": "sea", "property": "villa", "data": {"version": 1}, "extra": [1],
        })
    }

    fn with(pointer: &str, value: Value) -> String {
        let mut body = valid();
        *body.pointer_mut(pointer).expect("a field") = value;
        body.to_string()
    }

    #[test]
    fn a_valid_envelope_is_read_and_unknown_attributes_are_ignored() {
        let envelope = Envelope::decode(&valid().to_string()).expect("valid");
        assert_eq!(envelope.group().to_string(), "sea#villa");
        assert_eq!(Envelope::decode(&envelope.to_body()), Ok(envelope));
    }

    #[test]
    fn faults_name_reason_and_pointer() {
        let without = |field: &str| {
            let mut body = valid();
            body.as_object_mut().expect("an object").remove(field);
            body.to_string()
        };
        let table = [
            (String::new(), Reason::NotJson, ""),
            ("[".repeat(MAX_BODY_BYTES), Reason::NotJson, ""),
            (r#"["1.0","e1"]"#.into(), Reason::InvalidEnvelope, ""),
            (format!("{}1{}", "{\"data\":".repeat(200), "}".repeat(200)), Reason::NotJson, "*"),
            ("nonsense".into(), Reason::NotJson, ""),
            (r#"{"id":"\ud800"}"#.into(), Reason::NotJson, "/id"),
            (format!("{} x", valid()), Reason::NotJson, ""),
            (without("id"), Reason::InvalidEnvelope, "/id"),
            (without("data"), Reason::InvalidEnvelope, "/data"),
            (with("/id", json!(7)), Reason::InvalidEnvelope, "/id"),
            (with("/id", json!("a#b")), Reason::InvalidEnvelope, "/id"),
            (with("/tenant", json!("SEA")), Reason::InvalidEnvelope, "/tenant"),
            (with("/subject", json!("guest/1")), Reason::InvalidEnvelope, "/subject"),
            (with("/specversion", json!("0.3")), Reason::InvalidEnvelope, "/specversion"),
            (with("/specversion", json!(1)), Reason::InvalidEnvelope, "/specversion"),
            (with("/specversion", json!(null)), Reason::InvalidEnvelope, "/specversion"),
            (with("/specversion", json!(1)).replace('}', ""), Reason::NotJson, "*"),
            (with("/time", json!("yesterday")), Reason::InvalidEnvelope, "/time"),
            (with("/data", json!([])), Reason::InvalidEnvelope, "/data"),
            (with("/extra", json!("x".repeat(MAX_BODY_BYTES))), Reason::InvalidEnvelope, ""),
        ];
        for (body, reason, pointer) in table {
            let fault = Envelope::decode(&body).expect_err("a fault");
            let shown: String = body.chars().take(60).collect();
            assert_eq!(fault.reason, reason, "{shown} {fault}");
            assert!(pointer == "*" || fault.pointer == pointer, "{shown} {fault}");
        }
    }

    #[test]
    fn a_trace_is_that_of_the_producer_or_the_same_each_time() {
        let mut event = Envelope::decode(&valid().to_string()).expect("valid");
        let own = event.trace();
        assert_eq!((own.len(), event.trace()), (32, own.clone()));
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        event.traceparent = Some(format!("00-{trace}-00f067aa0ba902b7-01"));
        assert_eq!(event.trace(), trace);
        let below = Envelope {
            id: "e2".parse().expect("an id"),
            traceparent: Some(event.traceparent_below()),
            ..event.clone()
        };
        assert_eq!(below.trace(), trace);
        for none in [
            "",
            "00-x",
            &format!("00-{trace}-00f067aa0ba902b7-01-x"),
            &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            &format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
        ] {
            event.traceparent = Some(none.to_owned());
            assert_eq!(event.trace(), own, "{none}");
        }
    }

    #[test]
    fn sequence_must_repeat_the_version() {
        let body = |sequence: &str| {
            let mut body = valid();
            body["sequence"] = json!(sequence);
            body.to_string()
        };
        assert!(Envelope::decode(&body("00000000000000000001")).is_ok());
        for bad in ["1", "00000000000000000002"] {
            assert_eq!(Envelope::decode(&body(bad)).map_err(|f| f.pointer), Err("/sequence".to_owned()));
        }
    }
}
