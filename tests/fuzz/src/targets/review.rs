//! What was given up, with a note or without: always an item, and on a tenant's desk only if envelope and group agree on the tenant.

use aws_lambda_events::sqs::SqsMessage;
use bellhop_events::{Envelope, FallbackNote, MessageGroup};
use bellhop_review::{Incoming, understand};
use serde_json::json;

use crate::{Target, parts};

pub(super) const TARGET: Target = Target {
    name: "review",
    check,
    seeds: "tests/fuzz/seeds/review",
    words: &[
        "null",
        "\"\"",
        "\"?\"",
        "sea",
        "hill",
        "villa",
        "sea#villa",
        "hill#villa",
        "sea#villa#airbnb",
        "#",
        "\n",
        "\0",
        "%%",
        "unknown-tenant",
        "not-json",
        "operational-calendar",
        "synchronization",
        "fallback",
        "calendar",
        "review",
        "\"critical\":true",
        "\"group\":\"hill#villa\"",
        "\"queue\":\"automation\"",
        "\"tenant\":\"hill\"",
        "\"failure\":\"calendar:e1:1\"",
        "4294967296",
        "-1",
        "-dlq.fifo",
        "bellhop-operational-calendar-dlq.fifo",
        "bellhop-fallback.fifo",
        ":",
        "{}",
        "[]",
        "}",
    ],
};

/// A queue's name, a message group, a note and a body.
fn check(input: &[u8]) {
    let parts = parts(input);
    let part = |at: usize| parts.get(at).map_or("", String::as_str);
    let (queue, group, note, body) = (part(0), part(1), part(2), part(3));
    let mut record = json!({
        "messageId": "m1", "body": body, "eventSourceARN": format!("arn:aws:sqs:eu-west-1:1:{queue}"),
        "attributes": {"MessageGroupId": group, "MessageDeduplicationId": "d1", "ApproximateReceiveCount": "3", "SentTimestamp": "1782900000000"},
        "messageAttributes": {},
    });
    if !note.is_empty() {
        record["messageAttributes"]["bellhop"] =
            json!({"stringValue": note, "dataType": "String", "stringListValues": [], "binaryListValues": []});
    }
    let read = || Incoming::read(serde_json::from_value::<SqsMessage>(record.clone()).expect("a record"));
    let Some(message) = read() else { return };
    let understood = understand(&message);
    assert_eq!(
        read().map(|message| understand(&message)),
        Some(understood.clone()),
        "another item when it is told again"
    );

    // Who says whose it is: the note if there is one that reads, else the message.
    let told: Option<FallbackNote> = serde_json::from_str(note).ok();
    let group = told.as_ref().map_or(group, |note| note.group.as_str());
    match (understood.desk.tenant(), &understood.event) {
        (Some(tenant), Some((scope, event))) => {
            assert_eq!((tenant, tenant), (&event.tenant, &scope.group().tenant));
            assert_eq!(scope.group().to_string(), group);
            assert_eq!(Envelope::decode(body).as_ref(), Ok(event));
            assert!(group.parse::<MessageGroup>().is_ok_and(|group| group.tenant == *tenant));
        }
        (None, None) => {}
        other => panic!("a tenant's desk without its event, or the other way round: {other:?}"),
    }
    let item = serde_json::to_value(&understood.item).expect("an item has a JSON form");
    assert_eq!(
        serde_json::from_value(item).ok().as_ref(),
        Some(&understood.item),
        "another item when it is read again"
    );
}
