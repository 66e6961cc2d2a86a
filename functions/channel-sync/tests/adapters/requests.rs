//! What is sent, and what cannot be registered.

use bellhop_channel_sync::adapter::{Auth, Batch, Call, Nights, Topic, adapter_of, mapped_rates, mapped_units};
use bellhop_events::catalogue::Channel;
use bellhop_events::{Envelope, Fault, Reason};
use bellhop_outbound::Policy;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn shown(call: &Call) -> Value {
    let auth = match &call.auth {
        Auth::None => json!(null),
        Auth::ApiKey { header, key } => json!({"header": header, "key": key.to_string()}),
        Auth::Signed { id, keys } => {
            json!({"id": id, "keys": keys.iter().map(ToString::to_string).collect::<Vec<_>>()})
        }
    };
    let body: Option<Value> = call.body.as_ref().map(|body| serde_json::from_str(body).unwrap());
    json!({
        "call": format!("{:?} {}", call.method, call.url), "headers": call.headers, "auth": auth, "body": body,
        "limits": format!("{:?}", call.limits),
    })
}

fn asked(channel: &Channel, batch: &Batch) -> Value {
    shown(&adapter(channel).call(batch, &stamp()).unwrap())
}

#[test]
fn ari_requests() {
    insta::assert_json_snapshot!("ari_availability", asked(&ari_channel(), &availability()));
    insta::assert_json_snapshot!("ari_rates", asked(&ari_channel(), &rates()));
    insta::assert_json_snapshot!("ari_test", asked(&ari_channel(), &Batch::Test));
}

#[test]
fn webhook_requests() {
    insta::assert_json_snapshot!("webhook_availability", asked(&webhook_channel(), &availability()));
    insta::assert_json_snapshot!("webhook_rates", asked(&webhook_channel(), &rates()));
    insta::assert_json_snapshot!(
        "webhook_event",
        asked(&webhook_channel(), &event("e1", "bellhop.booking.unplaced.v1"))
    );
    insta::assert_json_snapshot!("webhook_test", asked(&webhook_channel(), &Batch::Test));
}

#[test]
fn what_a_webhook_hears_is_an_envelope_like_any_other() {
    for batch in [availability(), rates(), Batch::Test] {
        let body = adapter(&webhook_channel()).call(&batch, &stamp()).unwrap().body.unwrap();
        assert_eq!(Envelope::decode(&body).unwrap().to_body(), body);
    }
}

#[test]
fn an_id_with_a_full_stop_is_signed_under_another_that_is_always_the_same() {
    let id = |id: &str| {
        let batch = event(id, "bellhop.booking.unplaced.v1");
        match adapter(&webhook_channel()).call(&batch, &stamp()).unwrap().auth {
            Auth::Signed { id, .. } => id,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(id("f:1-a"), "f:1-a");
    assert!(!id("a.b").contains('.') && id("a.b") == id("a.b") && id("a.b") != id("a.c"), "{}", id("a.b"));
}

#[test]
fn what_nobody_hears_is_no_call() {
    let unmapped = Batch::Availability(vec![nights("U9", "2026-07-01", "2026-07-02", 1)]);
    let empty = Batch::Rates(Vec::new());
    let other = event("e1", "bellhop.channel.status.v1");
    let mut deaf = json!({"version": 1, "kind": "webhook", "url": "https://a.example.com/"});
    deaf["keys"] = json!(["secretsmanager:bellhop/sea/k"]);
    for (channel, batch) in [
        (ari_channel(), &unmapped),
        (ari_channel(), &empty),
        (ari_channel(), &other),
        (webhook_channel(), &empty),
        (webhook_channel(), &other),
        (channel(deaf.clone()), &unmapped),
        (channel(deaf), &rates()),
        (calendar_channel(), &availability()),
        (calendar_channel(), &Batch::Test),
    ] {
        assert_eq!(adapter(&channel).call(batch, &stamp()), None, "{batch:?}");
    }
}

#[test]
fn who_hears_what_how_much_and_how_often() {
    let (ari, webhook, calendar) = (ari_channel(), webhook_channel(), calendar_channel());
    let event = |event_type| Topic::Event(event_type);
    for (topic, expected) in [
        (Topic::Availability, [true, true, false]),
        (Topic::Rates, [true, true, false]),
        (event("bellhop.booking.unplaced.v1"), [false, true, false]),
        (event("bellhop.channel.status.v1"), [false, false, false]),
        (Topic::Test, [true, true, false]),
    ] {
        assert_eq!([&ari, &webhook, &calendar].map(|channel| adapter(channel).takes(topic)), expected, "{topic:?}");
    }
    let pace = |channel: &Channel| adapter(channel).pace().map(|pace| (pace.calls, pace.seconds));
    assert_eq!([&ari, &webhook, &calendar].map(pace), [Some((10, 60)), None, None]);
    let own = |mut channel: Channel| {
        channel.pace = serde_json::from_value(json!({"calls": 3, "seconds": 9})).unwrap();
        pace(&channel)
    };
    assert_eq!([own(ari.clone()), own(webhook.clone())], [Some((3, 9)); 2]);

    let units = |channel| mapped_units(channel).map(|units| units.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(
        [units(&ari), units(&webhook), units(&calendar)],
        [Some(vec!["U1".into(), "U2".into()]), None, Some(vec![])]
    );
    let rates = |channel| mapped_rates(channel).map(|rates| rates.len());
    assert_eq!([rates(&ari), rates(&webhook), rates(&calendar)], [Some(1), None, Some(0)]);
}

#[test]
fn bodies_of_the_most_values_stay_far_below_what_is_taken() {
    let mut days: Vec<_> =
        "2026-01-01".parse::<jiff::civil::Date>().unwrap().series(jiff::Span::new().days(1)).take(1001).collect();
    days.dedup();
    for (channel, most) in [(ari_channel(), 400_000), (webhook_channel(), 100_000)] {
        let adapter = adapter(&channel);
        let price =
            |n: usize| json!({"price": {"amount": 1_000_000 + n, "currency": "EUR"}, "min_stay": 10, "max_stay": 100});
        let told = |(n, pair): (usize, &[jiff::civil::Date])| {
            priced("U1", &pair[0].to_string(), &pair[1].to_string(), price(n))
        };
        let ranges = days.windows(2).enumerate().map(told).take(adapter.most_values()).collect();
        let body = adapter.call(&Batch::Rates(ranges), &stamp()).unwrap().body.unwrap();
        assert!(body.len() < most, "{}", body.len());
    }
}

fn fault_of(channel: Channel, at: &str, value: Value) -> Fault {
    let mut data = serde_json::to_value(channel).unwrap();
    *data.pointer_mut(at).unwrap() = value;
    match adapter_of(&serde_json::from_value(data).unwrap(), &place(), HTTPS) {
        Ok(_) => panic!("{at} was taken"),
        Err(fault) => fault,
    }
}

#[test]
fn unsafe_addresses_and_foreign_secrets_are_faults_at_their_place() {
    let long = format!("https://a.example.com/{}", "a".repeat(2020));
    for (channel, at, value, reason) in [
        (ari_channel(), "/url", "http://staging.channex.io/api", Reason::UnsafeUrl),
        (ari_channel(), "/url", "https://169.254.169.254/", Reason::UnsafeUrl),
        (ari_channel(), "/url", &long, Reason::UnsafeUrl),
        (ari_channel(), "/url", "https://staging.channex.io/api?a=b", Reason::InvalidData),
        (ari_channel(), "/key", "secretsmanager:bellhop/lake/channex", Reason::InvalidSecretReference),
        (webhook_channel(), "/url", "https://localhost/", Reason::UnsafeUrl),
        (webhook_channel(), "/keys/1", "secretsmanager:bellhop/lake/k", Reason::InvalidSecretReference),
        (calendar_channel(), "/imports/0/url", "https://10.0.0.1/f.ics", Reason::UnsafeUrl),
    ] {
        let fault = fault_of(channel, at, value.into());
        assert_eq!((fault.reason, fault.pointer.as_str()), (reason, format!("/data{at}").as_str()), "{fault}");
        assert!(!fault.found.is_empty() && !fault.expected.is_empty(), "{fault:?}");
    }
    let fault = fault_of(ari_channel(), "/key", "uZ3-my-real-api-key".into());
    assert!(fault.reason == Reason::InvalidSecretReference && !format!("{fault:?}").contains("uZ3"), "{fault:?}");
}

#[test]
fn a_local_address_is_taken_where_the_policy_says_so() {
    let mut data = serde_json::to_value(ari_channel()).unwrap();
    data["url"] = "http://127.0.0.1:8080/api/v1/".into();
    let adapter = adapter_of(&channel(data), &place(), Policy { local: true }).unwrap();
    let call = adapter.call(&availability(), &stamp()).unwrap();
    assert_eq!(call.url, "http://127.0.0.1:8080/api/v1/availability");
    assert!(!format!("{:?}", adapter.call(&Batch::Test, &stamp()).unwrap()).contains("filter"));
}

proptest! {
    #[test]
    fn merged_ranges_say_the_same_of_each_night(told in prop::collection::vec((0..2_u8, 0..6_i8, 0..4_i8, 0..2_u16), 0..12)) {
        let ranges: Vec<_> = told.iter().map(|(unit, from, length, available)| {
            let day = |day: i8| jiff::civil::date(2026, 7, 1 + day).to_string();
            nights(&format!("U{unit}"), &day(*from), &day(from + length), *available)
        }).collect();
        let each = |ranges: &[Nights]| -> Vec<_> {
            let days = |range: &Nights| range.from.series(jiff::Span::new().days(1)).take_while({ let until = range.until; move |day| *day < until });
            ranges.iter().flat_map(|range| days(range).map(|day| (range.unit.clone(), day, range.available))).collect()
        };
        let merged = Nights::merged(&ranges);
        prop_assert_eq!(each(&merged), each(&ranges));
        prop_assert_eq!(&Nights::merged(&merged), &merged);
    }
}
