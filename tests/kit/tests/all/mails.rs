//! Notifications with the real worker and the real calendar in one process.

use bellhop_kit::{Delivery, Fault, advance, clients, now};
use bellhop_notifications::feedback::Feedback;
use bellhop_worker::Aside;
use serde_json::json;

use crate::common::post::{Mood, Post, booking, house, message, post};

const ANA: &str = "ana@example.org";

/// A house with a booking whose confirmation is asked for, and not worked yet.
async fn booked() -> Post {
    let post = post();
    post.post(&house(1, None));
    post.post(&booking("e1", "created", "b1", 1, 10..12, ANA));
    post.calendar.drain().await;
    post
}

fn words(outcomes: &[(String, String)]) -> Vec<(&str, &str)> {
    outcomes.iter().map(|(kind, word)| (kind.as_str(), word.as_str())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_guest_hears_of_a_booking_its_change_and_its_end() {
    let post = booked().await;
    post.settle().await;
    post.post(&booking("e2", "modified", "b1", 2, 11..13, ANA));
    post.settle().await;
    post.post(&booking("e3", "cancelled", "b1", 3, 11..13, ANA));
    post.settle().await;
    let kinds: Vec<_> = post.service.taken().into_iter().map(|got| got.kind).collect();
    assert_eq!(kinds, ["confirmation", "change", "cancellation"]);
    assert!(post.service.taken()[1].text.contains("11 July 2026"), "{}", post.service.taken()[1].text);
    let outcomes = post.outcomes("b1").await;
    assert_eq!(words(&outcomes), [("confirmation", "sent"), ("change", "sent"), ("cancellation", "sent")]);
    assert_eq!(post.reasons(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_guest_hears_what_is_true_and_of_each_change_once() {
    let post = booked().await;
    // Before any mail was worked.
    for version in 2..6 {
        let day = 10 + u8::try_from(version).expect("a day");
        post.post(&booking(&format!("e{version}"), "modified", "b1", version, day..day + 2, ANA));
    }
    post.calendar.drain().await;
    post.settle().await;
    let taken = post.service.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert!(taken[0].text.contains("15 July 2026"), "{}", taken[0].text);
    // Called off before its mail.
    post.post(&booking("e9", "created", "b2", 1, 10..12, ANA));
    post.post(&booking("e10", "cancelled", "b2", 2, 10..12, ANA));
    post.settle().await;
    let outcomes = post.outcomes("b2").await;
    assert_eq!(words(&outcomes), [("confirmation", "cancelled"), ("cancellation", "sent")]);
}

#[tokio::test(start_paused = true)]
async fn neither_name_nor_address_is_kept_by_notifications() {
    let post = booked().await;
    post.post(&message("f1", "b1", 1, "Hello"));
    post.settle().await;
    assert_eq!(post.service.taken().len(), 2);
    let items = post.mails.aws.items();
    let own = items.iter().filter(|item| item["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("notifications#")));
    let own: Vec<_> = own.map(ToString::to_string).collect();
    assert!(!own.is_empty() && own.iter().all(|item| !item.contains("example.org") && !item.contains("Guest b1")));
}

#[tokio::test(start_paused = true)]
async fn a_function_that_dies_while_it_sends_sends_no_second_mail() {
    for (mood, taken) in [(Mood::DiesBefore, 0), (Mood::DiesAfter, 1)] {
        let post = booked().await;
        post.service.mood(mood);
        assert_eq!(post.deliver().await, Delivery::Died);
        post.service.mood(Mood::Well);
        post.settle().await;
        assert_eq!(post.service.taken().len(), taken);
        assert_eq!(post.reasons(), ["delivery-unknown"]);
        assert_eq!(words(&post.outcomes("b1").await), [("confirmation", "unknown")]);
        // Nothing is held up.
        post.post(&message("f1", "b1", 1, "Hello"));
        post.settle().await;
        assert_eq!(post.service.taken().len(), taken + 1);
        assert_eq!(post.held(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_asked_about_once_and_never_sent_again() {
    for mood in [Mood::TakesInSilence, Mood::LosesInSilence] {
        let post = booked().await;
        post.service.mood(mood);
        post.settle().await;
        post.service.mood(Mood::Well);
        post.settle().await;
        assert_eq!((post.service.got().len(), post.reasons()), (1, vec!["delivery-unknown".to_owned()]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_service_is_asked_again() {
    let post = booked().await;
    post.service.mood(Mood::Busy);
    for _ in 0..5 {
        post.deliver().await;
        advance(10);
    }
    assert_eq!(post.service.got().len(), 5);
    post.service.mood(Mood::Well);
    post.settle().await;
    assert_eq!((post.service.taken().len(), post.reasons()), (1, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_refused_mail_waits_for_a_person_and_goes_out_when_it_is_retried() {
    let post = booked().await;
    post.service.mood(Mood::Refuses);
    post.settle().await;
    assert_eq!((post.reasons(), post.held()), (vec!["mail-refused".to_owned()], vec!["booking/b1".to_owned()]));
    assert_eq!(post.service.got().len(), 1);
    // Later mail of the booking waits behind it, that of others does not.
    post.post(&message("f1", "b1", 1, "Hello"));
    post.settle().await;
    assert_eq!(post.service.got().len(), 1);
    // Retried too early: refused once more.
    post.retry("booking/b1").await;
    post.settle().await;
    assert_eq!((post.reasons().len(), post.service.got().len()), (2, 2));
    post.service.mood(Mood::Well);
    post.retry("booking/b1").await;
    post.settle().await;
    let kinds: Vec<_> = post.service.taken().into_iter().map(|got| got.kind).collect();
    assert_eq!((kinds, post.held()), (vec!["confirmation".to_owned(), "message".to_owned()], Vec::new()));
    assert_eq!(post.reasons().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_template_that_fails_is_mended_and_retried() {
    let post = booked().await;
    post.save("confirmation", "en", "{{ guest.nothing }}").await;
    post.settle().await;
    assert_eq!((post.reasons(), post.service.got().len()), (vec!["template-failed".to_owned()], 0));
    post.save("confirmation", "en", "Welcome {{ guest.name }}").await;
    post.retry("booking/b1").await;
    post.settle().await;
    assert_eq!(post.service.taken().into_iter().map(|got| got.subject).collect::<Vec<_>>(), ["Welcome Guest b1"]);
}

#[tokio::test(start_paused = true)]
async fn quiet_hours_are_kept() {
    let post = post();
    // It is ten o'clock in UTC, eleven in Lisbon.
    post.post(&house(1, Some(("10:30", "13:00"))));
    post.post(&booking("e1", "created", "b1", 1, 10..12, ANA));
    post.calendar.drain().await;
    let begun = now().as_second();
    post.deliver().await;
    assert_eq!((post.service.got().len(), post.next_due().is_some()), (0, true));
    post.settle().await;
    let taken = post.service.taken();
    assert_eq!(taken.len(), 1);
    let local = jiff::Timestamp::from_second(taken[0].at).expect("a time").to_string();
    assert!(taken[0].at > begun && local.contains("T12:00:"), "{local}");
    let outcomes = post.outcomes("b1").await;
    assert_eq!(words(&outcomes), [("confirmation", "quiet"), ("confirmation", "sent")]);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_suppressed_gets_nothing() {
    let post = booked().await;
    post.suppress("ANA@example.org").await;
    post.settle().await;
    assert_eq!((post.service.got().len(), post.reasons()), (0, Vec::new()));
    assert_eq!(words(&post.outcomes("b1").await), [("confirmation", "suppressed")]);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_none_is_asked_about_and_holds_up_nothing() {
    let post = post();
    post.post(&house(1, None));
    post.post(&booking("e1", "created", "b1", 1, 10..12, "ana at example"));
    post.settle().await;
    assert_eq!((post.reasons(), post.held()), (vec!["invalid-address".to_owned()], Vec::new()));
    post.post(&booking("e2", "modified", "b1", 2, 11..12, ANA));
    post.settle().await;
    assert_eq!(post.service.taken().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_for_a_booking_that_comes_later_waits_for_a_person() {
    let post = post();
    post.post(&house(1, None));
    post.post(&message("f1", "b1", 1, "Hello"));
    post.settle().await;
    assert_eq!(post.reasons(), ["unknown-task"]);
    post.post(&booking("e1", "created", "b1", 1, 10..12, ANA));
    post.settle().await;
    assert_eq!(post.service.got().len(), 0, "in order");
    post.retry("booking/b1").await;
    post.settle().await;
    let kinds: Vec<_> = post.service.taken().into_iter().map(|got| got.kind).collect();
    assert_eq!(kinds, ["message", "confirmation"]);
}

#[tokio::test(start_paused = true)]
async fn a_bounce_suppresses_and_one_that_cannot_be_used_is_asked_about_once() {
    let post = booked().await;
    let (store, queues) = clients(&post.mails.aws);
    let notice = |address: &str| {
        let tags = json!({"tenant": ["sea"], "property": ["villa"]});
        json!({"eventType": "Bounce", "mail": {"tags": tags},
            "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": address}]}})
    };
    let by_sns = |id: &str, text: String| json!({"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": id, "Message": text}}]});
    let (bounce, broken) = (by_sns("n1", notice(ANA).to_string()), by_sns("n2", notice("nobody").to_string()));
    assert!(Feedback.wants(&bounce) && !Feedback.wants(&json!({"Records": [{"eventSource": "aws:sqs"}]})));
    for payload in [&bounce, &broken, &broken] {
        Feedback.take(&store, &queues, payload).await.expect("taken");
    }
    assert_eq!(post.reasons(), ["invalid-feedback"]);
    post.settle().await;
    assert_eq!(words(&post.outcomes("b1").await), [("confirmation", "suppressed")]);
    // Nobody can be asked: Lambda is to bring it again.
    post.mails.aws.fail_call(0, Fault::Refuse);
    assert!(Feedback.take(&store, &queues, &by_sns("n3", String::new())).await.is_err());
}
