//! Channel synchronization with the real worker and the real calendar in one process.

use std::time::Duration;

use bellhop_events::Queue;
use bellhop_kit::given::{booking, event, property};
use bellhop_kit::{advance, now};
use jiff::civil::date;
use serde_json::json;

use crate::common::street::{self, Mood, manager, registered, street};

#[tokio::test(start_paused = true)]
async fn a_channel_hears_the_whole_state_and_then_each_change() {
    let street = street(0);
    registered(&street, &[("u0", 1), ("u1", 3)]);
    street.settle().await;
    street.is_told("u0", 1).await;
    street.is_told("u1", 3).await;
    let calls = street.platform.calls().len();
    street.post(&booking("e1", "created", "b1", 1, "u0", 5..9));
    street.settle().await;
    street.is_told("u0", 1).await;
    let told = &street.platform.calls()[calls..];
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].body["values"].as_array().map(Vec::len), Some(1), "the nights that changed, no more");
    assert_eq!(street.reasons(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_channel_may_come_before_its_property() {
    let street = street(0);
    street.post(&manager(1, &["u0"]));
    street.settle().await;
    assert_eq!(street.platform.calls().len(), 0);
    street.post(&property("p1", 1, &[("u0", 1)]));
    street.settle().await;
    street.is_told("u0", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_few_calls_and_few_messages() {
    let street = street(4);
    registered(&street, &[("u0", 3)]);
    street.settle().await;
    let (calls, log) = (street.platform.calls().len(), requests(&street));
    for n in 0..500_u64 {
        let from = u8::try_from(n % 25).expect("a day") + 1;
        street.post(&booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u0", from..from + 2));
        if n % 25 == 24 {
            while street.calendar.deliver().await != bellhop_kit::Delivery::Idle {}
            while street.sync.deliver().await != bellhop_kit::Delivery::Idle {}
            advance(1);
        }
    }
    street.settle().await;
    street.is_told("u0", 3).await;
    let calls = street.platform.calls().len() - calls;
    assert!(calls <= 8, "{calls} calls");
    assert!(requests(&street) - log <= 20, "{} requests", requests(&street) - log);
}

fn requests(street: &street::Street) -> usize {
    let is_request = |m: &bellhop_kit::Queued| m.body.contains("bellhop.channel.sync.requested.v1");
    street.sync.aws.queue(Queue::Synchronization, |queue| queue.log.iter().filter(|m| is_request(m)).count())
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_in_the_queue_while_the_circuit_is_open_and_recovery_takes_one_call() {
    let street = street(0);
    registered(&street, &[("u0", 1)]);
    street.settle().await;
    street.platform.mood(Mood::Down);
    street.post(&booking("e0", "created", "b0", 1, "u0", 1..3));
    let begun = now().as_second();
    // Until the circuit opens: three calls, at the channel's pace.
    for _ in 0..25 {
        street.calendar.deliver().await;
        street.sync.deliver().await;
        advance(1);
    }
    let before = street.platform.calls().len();
    for n in 1..15_u8 {
        street.post(&booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u0", n + 3..n + 4));
        while street.calendar.deliver().await != bellhop_kit::Delivery::Idle {}
        while street.sync.deliver().await != bellhop_kit::Delivery::Idle {}
        assert!(street.sync.aws.queue(Queue::Synchronization, |queue| queue.is_empty()), "something waits");
        advance(1);
    }
    assert_eq!(street.platform.calls().len(), before, "no call while it is open");
    // Ten minutes, with the timer each minute: probes only.
    for _ in 0..10 {
        advance(60);
        street.tick().await;
        while street.sync.deliver().await != bellhop_kit::Delivery::Idle {}
    }
    assert!(street.platform.calls().len() - before <= 11, "{} probes", street.platform.calls().len() - before);
    street.platform.mood(Mood::Well);
    let before = street.platform.calls().len();
    street.settle().await;
    street.is_told("u0", 1).await;
    assert!(street.platform.calls().len() - before <= 3);
    assert_eq!(street.reasons(), [""; 0]);
    assert!(now().as_second() > begun + 600);
}

#[tokio::test(start_paused = true)]
async fn answers_mean_what_they_say() {
    let street = street(0);
    registered(&street, &[("u0", 1)]);
    street.settle().await;
    // Told to wait: it waits.
    street.platform.mood(Mood::Status(429, "{}", Some(Duration::from_secs(40))));
    street.post(&booking("e0", "created", "b0", 1, "u0", 1..3));
    street.calendar.drain().await;
    advance(10);
    street.sync.deliver().await;
    street.sync.deliver().await;
    let asked = street.platform.calls().last().expect("a call").at;
    street.platform.mood(Mood::Well);
    street.settle().await;
    assert!(street.platform.calls().last().expect("a call").at >= asked + 40);
    street.is_told("u0", 1).await;
    // Refused: a person hears of it, and what changes later is told.
    street.platform.mood(Mood::Status(422, r#"{"errors":{"title":"no such room"}}"#, None));
    street.post(&booking("e1", "created", "b1", 1, "u0", 11..13));
    street.settle().await;
    assert_eq!(street.reasons(), ["channel-refused"]);
    street.platform.mood(Mood::Well);
    street.post(&booking("e2", "created", "b2", 1, "u0", 21..23));
    street.settle().await;
    assert_eq!(street.platform.nights("rt-u0")[&date(2026, 7, 21)], 0);
    // Not accepted: disabled, until a person enables it.
    street.platform.mood(Mood::Status(401, "{}", None));
    street.post(&booking("e3", "created", "b3", 1, "u0", 25..27));
    street.settle().await;
    assert_eq!(street.reasons(), ["channel-refused", "channel-unauthorized"]);
    street.platform.mood(Mood::Well);
    street.post(&booking("e4", "cancelled", "b3", 2, "u0", 25..27));
    street.settle().await;
    assert!(street.progress("manager").await.disabled.is_some());
    street.request("enable", "manager", &json!({"version": 1, "action": "enable"}));
    street.settle().await;
    street.is_told("u0", 1).await;
}

#[tokio::test(start_paused = true)]
async fn rates_are_told_night_by_night_the_newest_version_wins() {
    let street = street(0);
    registered(&street, &[("u0", 1)]);
    let rates = |id: &str, version: u64, from: &str, until: &str, amount: i64| {
        let range =
            json!({"from": from, "until": until, "price": {"amount": amount, "currency": "EUR"}, "min_stay": 2});
        let data = json!({"version": version, "unit": "u0", "ranges": [range]});
        event(id, "pms.rates.updated.v1", "rate/standard", &data)
    };
    street.post(&rates("r2", 2, "2026-07-10", "2026-07-20", 20_000));
    street.post(&rates("r1", 1, "2026-07-01", "2026-07-15", 10_000));
    street.settle().await;
    let rate = |day| street.platform.rate("rp-1", date(2026, 7, day)).map(|value| value["rate"].clone());
    assert_eq!(rate(12), rate(19));
    assert_ne!(rate(9), rate(12));
    assert!(rate(9).is_some() && rate(20).is_none());
}

#[tokio::test(start_paused = true)]
async fn an_address_that_may_not_be_called_is_refused_when_it_is_saved() {
    let street = street(0);
    let mut channel = manager(1, &["u0"]);
    channel["data"]["url"] = json!("https://169.254.169.254/latest");
    street.post(&channel);
    street.settle().await;
    assert_eq!(street.reasons(), ["unsafe-url"]);
    let mut channel = manager(1, &["u0"]);
    channel["id"] = json!("other");
    channel["subject"] = json!("channel/second");
    channel["data"]["key"] = json!("secretsmanager:bellhop/other/key");
    street.post(&channel);
    street.settle().await;
    assert_eq!(street.reasons(), ["unsafe-url", "invalid-secret-reference"]);
    assert_eq!(street.platform.calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_hears_follow_ups_in_order_through_an_outage() {
    let street = street(0);
    street.sync.aws.queue(Queue::Synchronization, |queue| queue.batch = 1);
    let mut villa = property("p1", 1, &[("u0", 1), ("u1", 9)]);
    villa["data"]["notify"] = json!(["bellhop.cleaning.requested.v1", "bellhop.booking.unplaced.v1"]);
    street.post(&villa);
    let data = json!({
        "version": 1, "kind": "webhook", "url": "https://pms.example.com/hooks",
        "keys": ["secretsmanager:bellhop/sea/hook"], "events": ["*"], "pace": {"calls": 3, "seconds": 30},
    });
    street.post(&event("hook", "pms.channel.upserted.v1", "channel/pms", &data));
    street.settle().await;
    street.post(&booking("e1", "created", "b1", 1, "u0", 1..5));
    street.post(&booking("e2", "created", "b2", 1, "u0", 3..6));
    street.settle().await;
    let kinds = |street: &street::Street| -> Vec<(String, String)> {
        let of = |got: &street::Got| {
            let text = |name: &str| got.body[name].as_str().unwrap_or_default().to_owned();
            (text("type"), text("subject"))
        };
        street.platform.calls().iter().map(of).collect()
    };
    let (cleaning, unplaced) = ("bellhop.cleaning.requested.v1", "bellhop.booking.unplaced.v1");
    let expected = [(cleaning, "booking/b1"), (unplaced, "booking/b2")].map(|(t, s)| (t.to_owned(), s.to_owned()));
    assert_eq!(kinds(&street), expected);
    street.platform.mood(Mood::Down);
    for n in 2..9_u64 {
        let from = u8::try_from(n).expect("a day");
        street.post(&booking(&format!("m{n}"), "modified", "b1", n, "u0", from + 10..from + 12));
        street.post(&booking(&format!("n{n}"), "modified", "b3", n, "u1", from + 10..from + 12));
    }
    // The timer brings it back meanwhile, and the head of the line is the probe, in vain.
    for second in 0..400 {
        street.calendar.deliver().await;
        street.sync.deliver().await;
        if second % 60 == 0 {
            street.tick().await;
        }
        advance(1);
    }
    assert!(street.sync.aws.queue(Queue::Synchronization, |queue| queue.is_empty()), "something waits");
    let before = street.platform.calls().len();
    street.platform.mood(Mood::Well);
    street.settle().await;
    let log = street.sync.aws.queue(Queue::Fallback, |queue| queue.log.clone());
    assert_eq!(street.reasons(), ["booking-unplaced"], "{:?}", log.last());
    for subject in ["booking/b1", "booking/b3"] {
        let told = street.platform.calls().split_off(before).into_iter().filter(|got| got.body["subject"] == subject);
        let versions: Vec<_> = told.map(|got| got.body["data"]["version"].as_u64()).collect();
        assert_eq!(versions, (2..9_u64).map(Some).collect::<Vec<_>>());
    }
    assert_eq!(lines(&street), 0, "no line is left");
    let arrivals: Vec<_> = street.platform.calls().iter().map(|got| got.at).collect();
    assert!(arrivals.windows(4).all(|four| four[3] - four[0] >= 30), "{arrivals:?}");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_is_gone_keeps_what_it_should_hear_until_it_is_enabled() {
    let street = street(0);
    let mut villa = property("p1", 1, &[("u0", 9)]);
    villa["data"]["notify"] = json!(["*"]);
    street.post(&villa);
    let data = json!({
        "version": 1, "kind": "webhook", "url": "https://pms.example.com/hooks",
        "keys": ["secretsmanager:bellhop/sea/hook"], "events": ["*"],
    });
    street.post(&event("hook", "pms.channel.upserted.v1", "channel/pms", &data));
    street.settle().await;
    street.platform.mood(Mood::Status(410, "", None));
    street.post(&booking("e1", "created", "b1", 1, "u0", 1..5));
    street.settle().await;
    street.post(&booking("e2", "modified", "b1", 2, "u0", 2..5));
    street.settle().await;
    assert_eq!((street.reasons(), lines(&street)), (vec!["channel-gone".to_owned()], 1));
    assert!(street.progress("pms").await.disabled.is_some());
    // Enabled while it fails: the line waits on, and nothing is lost.
    street.platform.mood(Mood::Down);
    street.request("on", "pms", &json!({"version": 1, "action": "enable"}));
    for _ in 0..30 {
        street.sync.deliver().await;
        advance(1);
    }
    assert_eq!(lines(&street), 1);
    let before = street.platform.calls().len();
    street.platform.mood(Mood::Well);
    street.settle().await;
    let told = street.platform.calls().split_off(before);
    let versions: Vec<_> = told.iter().map(|got| got.body["data"]["version"].as_u64()).collect();
    assert_eq!((versions, lines(&street)), (vec![Some(1), Some(2)], 0));
    assert!(street.progress("pms").await.disabled.is_none());
}

fn lines(street: &street::Street) -> usize {
    street.sync.aws.items().iter().filter(|item| item.get("hold").is_some() || item.get("wait").is_some()).count()
}

#[tokio::test(start_paused = true)]
async fn a_feed_blocks_nights_and_a_vanished_event_frees_them() {
    let street = street(0);
    registered(&street, &[("u0", 1)]);
    let url = "https://platform.example.com/feed.ics?secret=1";
    let data = json!({"version": 1, "kind": "calendar", "imports": [{"unit": "u0", "url": url}], "minutes": 5});
    let feed =
        |events: &str| format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n{events}END:VCALENDAR\r\n");
    let stay = "BEGIN:VEVENT\r\nUID:one@platform\r\nDTSTAMP:20260701T000000Z\r\nDTSTART;VALUE=DATE:20260710\r\nDTEND;VALUE=DATE:20260712\r\nEND:VEVENT\r\n";
    street.platform.feed(url, &feed(stay));
    street.post(&event("cal", "pms.channel.upserted.v1", "channel/airbnb", &data));
    // Round follows round, so it never settles: half an hour.
    let run = async |minutes: i64| {
        for _ in 0..minutes * 6 {
            street.calendar.deliver().await;
            street.sync.deliver().await;
            street.tick().await;
            advance(10);
        }
    };
    run(12).await;
    let night = |day: i8| street.platform.nights("rt-u0").get(&date(2026, 7, day)).copied();
    assert_eq!((night(9), night(10), night(11), night(12)), (Some(1), Some(0), Some(0), Some(1)));
    // A broken feed changes nothing, and says so once.
    street.platform.feed(url, "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n");
    run(20).await;
    assert_eq!((night(10), street.reasons()), (Some(0), vec!["feed-broken".to_owned()]));
    street.platform.feed(url, &feed(""));
    run(12).await;
    assert_eq!(night(10), Some(1));
    assert_eq!(street.progress("airbnb").await.feeds.len(), 1);
}
