//! What the mail service says of bounces and complaints, in the forms that its guide shows.

#![expect(clippy::expect_used, reason = "tests")]

use bellhop_events::Reason;
use bellhop_notifications::feedback::{Suppression, messages, read, writes};
use bellhop_store::Write;
use serde_json::{Value, json};

fn event(kind: &str, part: &Value) -> String {
    let mut event = json!({
        "eventType": kind,
        "mail": {
            "timestamp": "2026-07-01T10:00:00.000Z", "source": "hotel@example.com", "messageId": "m-1",
            "destination": ["ana@example.org"],
            "tags": {"ses:configuration-set": ["bellhop-mail"], "tenant": ["sea"], "property": ["villa"], "event": ["e1"]},
        },
    });
    for (name, value) in part.as_object().expect("a part") {
        event[name] = value.clone();
    }
    event.to_string()
}

fn bounce(kind: &str, address: &str) -> Value {
    json!({"bounce": {
        "bounceType": kind, "bounceSubType": "General", "feedbackId": "f", "timestamp": "2026-07-01T10:00:01.000Z",
        "bouncedRecipients": [{"emailAddress": address, "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550"}],
    }})
}

fn shown(found: &[Suppression]) -> Vec<String> {
    found.iter().map(|s| format!("{} {} {} {}", s.tenant, s.property, s.address.expose(), s.reason)).collect()
}

#[test]
fn a_permanent_bounce_and_a_complaint_suppress() {
    let found = read(&event("Bounce", &bounce("Permanent", "ana@example.org"))).expect("feedback");
    assert_eq!(shown(&found), ["sea villa ana@example.org bounce"]);
    let named = read(&event("Bounce", &bounce("Permanent", "Ana Guest <Ana@example.org>"))).expect("feedback");
    assert_eq!(shown(&named), ["sea villa Ana@example.org bounce"]);
    let complaint =
        json!({"complaint": {"complainedRecipients": [{"emailAddress": "ana@example.org"}], "feedbackId": "f"}});
    assert_eq!(
        shown(&read(&event("Complaint", &complaint)).expect("feedback")),
        ["sea villa ana@example.org complaint"]
    );
    // The older form, of identities.
    let older = event("Bounce", &bounce("Permanent", "ana@example.org")).replace("eventType", "notificationType");
    assert_eq!(read(&older), Ok(found));
}

#[test]
fn one_item_for_each_tenant_and_address_without_the_address() {
    let found = read(&event("Bounce", &bounce("Permanent", "Ana@example.org"))).expect("feedback");
    let now = jiff::Timestamp::from_second(7).expect("a time");
    let writes = writes(&found, now).expect("writes");
    let [Write::Put { key, item, .. }] = writes.as_slice() else { panic!("{writes:?}") };
    assert!(key.sort_key().starts_with("notifications#suppressed/") && key.sort_key().len() == 25 + 64);
    assert!(!format!("{writes:?}").to_lowercase().contains("ana@"), "{writes:?}");
    assert_eq!(item.len(), 2, "{item:?}");
}

#[test]
fn other_news_is_none() {
    for kind in ["Transient", "Undetermined"] {
        assert_eq!(read(&event("Bounce", &bounce(kind, "ana@example.org"))), Ok(Vec::new()));
    }
    for kind in ["Delivery", "Send", "Open", "Rendering Failure", "AmazonSnsSubscriptionSucceeded"] {
        assert_eq!(read(&event(kind, &json!({}))), Ok(Vec::new()));
    }
}

#[test]
fn what_cannot_be_used_has_a_code() {
    let untagged = |text: String| text.replace("\"tenant\"", "\"other\"");
    let strange = |text: String| text.replace("\"sea\"", "\"../SEA\"");
    let usual = || event("Bounce", &bounce("Permanent", "ana@example.org"));
    for (text, pointer, expected) in [
        (String::new(), "", "a bounce or complaint"),
        ("{}".to_owned(), "", "a bounce or complaint"),
        ("[]".to_owned(), "", "a bounce or complaint"),
        (event("Bounce", &json!({})), "", "a bounce or complaint"),
        (event("Complaint", &json!({"complaint": {}})), "", "a bounce or complaint"),
        (untagged(usual()), "/mail/tags", "the tags"),
        (strange(usual()), "/mail/tags", "the tags"),
        (event("Bounce", &bounce("Permanent", "nobody")), "", "mail addresses"),
    ] {
        let fault = read(&text).expect_err("a fault");
        assert_eq!((fault.reason, fault.pointer.as_str()), (Reason::InvalidFeedback, pointer), "{text}");
        assert!(fault.expected.starts_with(expected) && fault.found.is_empty(), "{fault}");
    }
}

#[test]
fn an_invocation_holds_messages() {
    let payload = json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": {"MessageId": "1", "Message": "a"}}, {"Sns": {}}]});
    assert_eq!(messages(&payload), [("1", "a"), ("", "")]);
    assert!(messages(&json!({})).is_empty());
}
