//! Message bodies: what decodes is the same event however it is written, and says who it is in words that nobody can bend.

use bellhop_events::{Envelope, Fault, MAX_BODY_BYTES, MessageGroup, Reason, catalogue};
use serde_json::{Value, json};

use crate::Target;

pub(super) const TARGET: Target = Target {
    name: "envelope",
    check,
    seeds: "tests/fuzz/seeds/envelope",
    words: &[
        "null",
        "true",
        "0",
        "-1",
        "1.0",
        "-0.0",
        "1e400",
        "1e-400",
        "0.1e17",
        "18446744073709551615",
        "18446744073709551616",
        "9007199254740993",
        "4.35",
        "1.7976931348623157e308",
        "5e-324",
        "123456789.12345678",
        "\"\"",
        "\"a#b\"",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "\u{feff}",
        "\u{202e}",
        "[]",
        "{}",
        "[[[[",
        "}}",
        "{\"a\":",
        "\"id\":\"e2\",",
        "\"tenant\":\"hill\",",
        "\"data\":{},",
        "\"sequence\":\"00000000000000000001\",",
        "\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\",",
        "\"causationid\":\"e0\",",
        "\"version\":2,",
        "pms.booking.cancelled.v1",
        "pms.rates.updated.v1",
        "bellhop.hold.released.v1",
        "booking/b2",
        "channel/x",
        "9999-12-31T23:59:60Z",
        "2026-02-30",
        "-009999-01-01T00:00:00Z",
        "+25:59",
    ],
};

fn check(input: &[u8]) {
    let body = String::from_utf8_lossy(input);
    match Envelope::decode(&body) {
        Ok(event) => holds(&body, &event),
        Err(fault) => {
            assert!(matches!(fault.reason, Reason::NotJson | Reason::InvalidEnvelope), "{fault}");
            explains(&fault);
        }
    }
}

/// A fault says where, what was expected and what was found, in few words.
pub(super) fn explains(fault: &Fault) {
    assert!(fault.pointer.is_empty() || fault.pointer.starts_with('/'), "{fault}");
    assert!(!fault.expected.is_empty() && !fault.found.is_empty(), "{fault}");
    assert!(fault.to_string().len() < 8_000, "{fault}");
}

fn holds(body: &str, event: &Envelope) {
    assert!(body.len() <= MAX_BODY_BYTES);
    // Another reader finds the same.
    let value: Value = match serde_json::from_str(body) {
        Ok(value) => value,
        // JSON has numbers that few can hold (RFC 8259, section 6). In an attribute that nobody reads they do no harm.
        Err(error) if error.to_string().starts_with("number out of range") => return,
        Err(error) => panic!("what was decoded is JSON: {error}"),
    };
    for (name, own) in
        [("id", event.id.as_str()), ("tenant", event.tenant.as_str()), ("property", event.property.as_str())]
    {
        assert_eq!(value[name], own);
    }
    assert_eq!((&value["type"], &value["subject"]), (&json!(event.event_type), &json!(event.subject.to_string())));
    assert_eq!(value["data"], Value::Object(event.data.clone()));

    // Written by us, or with other spaces and order: the same event, the same digest.
    for text in [event.to_body(), value.to_string(), serde_json::to_string_pretty(&value).expect("JSON")] {
        if text.len() <= MAX_BODY_BYTES {
            let again = Envelope::decode(&text).expect("the same event again");
            assert_eq!((&again, again.digest()), (event, event.digest()));
        }
    }
    identity(event);
    digest(event);

    // Whatever the payload is: taken, or a fault that explains.
    if let Ok(entry) = catalogue::find(&event.event_type)
        && let Err(fault) = (entry.check)(event)
    {
        explains(&fault);
        assert!(fault.pointer.starts_with("/data") || fault.pointer == "/subject", "{fault}");
    }
}

fn identity(event: &Envelope) {
    let group = event.group();
    assert_eq!(group.to_string().parse::<MessageGroup>().as_ref(), Ok(&group));
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let (trace, below) = (event.trace(), event.traceparent_below());
    assert!(trace.len() == 32 && is_hex(&trace), "{trace}");
    let follower = Envelope { traceparent: Some(below), ..event.clone() };
    assert_eq!(follower.trace(), trace, "a follow-up stays in its trace");
}

/// What an event says counts, when and by which way it came does not.
fn digest(event: &Envelope) {
    let digest = event.digest();
    let resent = Envelope {
        time: jiff::Timestamp::UNIX_EPOCH,
        source: "/another".to_owned(),
        traceparent: None,
        causationid: None,
        ..event.clone()
    };
    assert_eq!(resent.digest(), digest);
    let mut more = event.clone();
    // Not by counting: 1.0 and 1 are the same number.
    let version = more.data.get("version").map(Value::to_string).unwrap_or_default();
    more.data.insert("version".to_owned(), json!(format!("{version} and more")));
    let other = Envelope { event_type: format!("{}x", event.event_type), ..event.clone() };
    assert!(more.digest() != digest && other.digest() != digest);
}
