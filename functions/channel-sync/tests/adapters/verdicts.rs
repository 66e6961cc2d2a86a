//! How answers are read.

use std::time::Duration;

use bellhop_channel_sync::adapter::{CallAnswer, Verdict};
use bellhop_outbound::secrets::{SecretError, SecretRef};
use bellhop_outbound::webhook::SignatureError;
use bellhop_outbound::{Answer, GuardedUrl};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{HTTPS, adapter, ari_channel, calendar_channel, webhook_channel};

fn answered(status: u16, retry_after: Option<u64>, body: &str) -> CallAnswer {
    let retry_after = retry_after.map(Duration::from_secs);
    CallAnswer::Answered(Answer::Answered { status, retry_after, headers: Vec::new(), body: body.to_owned() })
}

/// A verdict in a few words.
fn brief(verdict: &Verdict) -> String {
    let after = |wait: &Option<Duration>| wait.map_or(String::new(), |wait| format!(" {}s", wait.as_secs()));
    match verdict {
        Verdict::Done { warnings } => format!("done {}", warnings.len()),
        Verdict::Throttled { retry_after } => format!("throttled{}", after(retry_after)),
        Verdict::Failed { retry_after, .. } => format!("failed{}", after(retry_after)),
        Verdict::Refused { reason, .. } => format!("refused {reason}"),
        Verdict::Unauthorized { reason, .. } => format!("unauthorized {reason}"),
        Verdict::Gone => "gone".to_owned(),
    }
}

#[test]
fn statuses_mean_the_same_for_all_but_what_is_good_and_what_is_gone() {
    let refused = "refused channel-refused";
    let unauthorized = "unauthorized channel-unauthorized";
    for (status, retry_after, ari, webhook) in [
        (200, None, "failed", "done 0"),
        (204, None, "failed", "done 0"),
        (101, None, "failed", "failed"),
        (301, None, refused, refused),
        (304, None, refused, refused),
        (400, None, refused, refused),
        (401, None, unauthorized, unauthorized),
        (403, None, unauthorized, unauthorized),
        (404, None, refused, refused),
        (408, None, "failed", "failed"),
        (410, None, refused, "gone"),
        (413, None, refused, refused),
        (422, None, refused, refused),
        (425, Some(1), "failed 1s", "failed 1s"),
        (429, None, "throttled", "throttled"),
        (429, Some(7), "throttled 7s", "throttled 7s"),
        (500, None, "failed", "failed"),
        (503, Some(30), "failed 30s", "failed 30s"),
        (599, None, "failed", "failed"),
        (999, None, "failed", "failed"),
    ] {
        let read = |channel| brief(&adapter(channel).read(&answered(status, retry_after, "")));
        assert_eq!([read(&ari_channel()), read(&webhook_channel())], [ari, webhook], "{status}");
    }
}

#[test]
fn what_never_was_an_answer() {
    let at = || SecretRef::parse("secretsmanager:bellhop/sea/k").unwrap();
    let failed = |kind| CallAnswer::Answered(Answer::Failed { kind, found: "x".to_owned() });
    let mut fault = GuardedUrl::parse("https://10.0.0.1/", &HTTPS).unwrap_err();
    let mut table: Vec<(CallAnswer, &str)> = ["resolve", "connect", "tls", "timeout", "reset", "too-large", "protocol"]
        .map(|kind| (failed(kind), "failed"))
        .into();
    table.extend([
        (CallAnswer::NoSecret(SecretError::NotFound(at())), "unauthorized secret-unavailable"),
        (CallAnswer::NoSecret(SecretError::Denied(at())), "unauthorized secret-unavailable"),
        (CallAnswer::NoSecret(SecretError::Unavailable { at: at(), cause: "x".to_owned() }), "failed"),
        (CallAnswer::NoSecret(SecretError::Environment(Vec::new())), "failed"),
        (CallAnswer::NotSigned(SignatureError::Secret("no Base64")), "unauthorized secret-unavailable"),
    ]);
    for (code, expected) in [
        ("url-host-private", "refused unsafe-url"),
        ("url-port", "refused unsafe-url"),
        ("url-unresolvable", "failed"),
        ("url-resolves-private", "failed"),
        ("request-header", "unauthorized secret-unavailable"),
    ] {
        fault.code = code;
        table.push((CallAnswer::Answered(Answer::Refused(fault.clone())), expected));
    }
    for (answer, expected) in table {
        for channel in [ari_channel(), webhook_channel(), calendar_channel()] {
            let verdict = adapter(&channel).read(&answer);
            assert_eq!(brief(&verdict), expected, "{answer:?}");
        }
    }
}

#[test]
fn a_good_status_of_ari_counts_only_with_a_good_body() {
    let read = |body: &str| adapter(&ari_channel()).read(&answered(200, None, body));
    let task = r#"[{"id":"t","type":"task"}]"#;
    for (body, expected) in [
        (format!(r#"{{"data":{task},"meta":{{"message":"Success"}}}}"#), "done 0"),
        (format!(r#"{{"data":{task},"meta":{{"message":"Success","warnings":[]}}}}"#), "done 0"),
        (format!(r#"{{"data":{task},"meta":{{"warnings":null}}}}"#), "done 0"),
        (format!(r#"{{"data":{task},"meta":{{"warnings":["odd"]}}}}"#), "done 1"),
        (format!(r#"{{"data":{task},"meta":{{"warnings":"odd"}}}}"#), "done 1"),
        (r#"{"data":{"rt-1":{"2000-01-01":0}}}"#.to_owned(), "done 0"),
        (format!(r#"{{"data":{task}}}"#), "failed"),
        (r#"{"meta":{"message":"Success"}}"#.to_owned(), "failed"),
        (r#"{"data":null,"meta":null}"#.to_owned(), "failed"),
        (format!(r#"{{"data":{task},"meta":{{"message""#), "failed"),
        ("[]".to_owned(), "failed"),
        ("[".repeat(100_000), "failed"),
        ("<html>Log in</html>".to_owned(), "failed"),
    ] {
        assert_eq!(brief(&read(&body)), expected, "{}", &body[..body.len().min(80)]);
    }
}

#[test]
fn warnings_are_in_our_words_and_bounded() {
    let refused = |thing: &str, theirs: &str| {
        json!({"property_id": "p", thing: theirs, "date_from": "2026-07-01", "date_to": "2026-07-03",
               "warning": {"availability": ["is invalid"]}})
    };
    let read = |warnings: &[Value]| {
        let body = json!({"data": [], "meta": {"message": "Success", "warnings": warnings}});
        match adapter(&ari_channel()).read(&answered(200, None, &body.to_string())) {
            Verdict::Done { warnings } => warnings,
            other => panic!("{other:?}"),
        }
    };
    let date = json!({"rate_plan_id": "rp-1", "date": "2026-07-01", "warning": {"rate": ["must be greater than 0"]}});
    insta::assert_json_snapshot!(read(&[
        refused("room_type_id", "rt-1"),
        refused("room_type_id", "?"),
        date,
        json!(7)
    ]));
    let many = read(&vec![refused("room_type_id", &"x\u{1b}".repeat(500)); 1000]);
    assert_eq!((many.len(), many[20].as_str()), (21, "and 980 more"));
    assert!(many.iter().all(|line| line.chars().count() <= 301 && !line.contains(char::is_control)));
}

#[test]
fn what_is_quoted_is_bounded_and_plain() {
    let body = format!("\u{1b}[2J{}", "ä".repeat(10_000));
    for channel in [ari_channel(), webhook_channel()] {
        for status in [400, 401, 500] {
            match adapter(&channel).read(&answered(status, None, &body)) {
                Verdict::Failed { what: text, .. }
                | Verdict::Refused { found: text, .. }
                | Verdict::Unauthorized { found: text, .. } => {
                    assert!(text.starts_with(&format!("status {status}: \u{fffd}[2Jä")), "{text}");
                    assert!(text.chars().count() < 330 && !text.contains(char::is_control), "{text}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

proptest! {
    #[test]
    fn any_answer_gives_a_verdict_that_is_bounded(
        status in 100..1000_u16,
        body in prop_oneof![
            "\\PC{0,500}",
            "\\{\"data\":(\\[\\]|\\{\\}|null),\"meta\":\\{\"warnings\":(\\[\\{\"warning\":\\{\\}\\},7,null\\]|\\{\\}|7|\"a\")\\}\\}",
        ],
    ) {
        for channel in [ari_channel(), webhook_channel(), calendar_channel()] {
            let text = match adapter(&channel).read(&answered(status, None, &body)) {
                Verdict::Done { warnings } => warnings.concat(),
                Verdict::Failed { what: text, .. }
                | Verdict::Refused { found: text, .. }
                | Verdict::Unauthorized { found: text, .. } => text,
                Verdict::Throttled { .. } | Verdict::Gone => String::new(),
            };
            prop_assert!(text.chars().count() < 1000);
        }
    }
}
