//! What of an item is a guest's, item by item, and for any event.

#![expect(clippy::expect_used, reason = "tests")]

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_erasure::{Asked, Census, Change, Found, Guest, Kind};
use bellhop_events::catalogue::find;
use bellhop_events::{Envelope, TenantId};
use bellhop_mail::Address;
use bellhop_store::{Item, Key, Line, Scope, encode_item};
use proptest::prelude::*;
use serde_json::{Value, json};

fn tenant() -> TenantId {
    "sea".parse().expect("a tenant")
}

fn key(name: &str) -> Key {
    let scope = Scope::for_operator("calendar", tenant(), "villa".parse().expect("a property"));
    let base = scope.parked(Line::Hold, &"booking/b1".parse().expect("a subject"), 0);
    base.sibling(name.to_owned())
}

fn item(value: &Value) -> Item {
    encode_item(value).expect("an item")
}

fn event(data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": "e1", "source": "/pms", "type": "pms.booking.created.v1", "subject": "booking/b1",
        "time": "2026-07-01T10:00:00Z", "tenant": "sea", "property": "villa", "data": data,
    })
}

fn data(guest: &Value) -> Value {
    json!({"version": 1, "unit": "u1", "arrival": "2026-07-03", "departure": "2026-07-05", "guest": guest})
}

fn parked(body: &str) -> (Key, Item) {
    let stored = json!({"id": "e1", "body": body, "message_id": "m1", "at": 1});
    (key("calendar#parked/booking/b1#0000000000"), item(&stored))
}

fn guest(items: &[(Key, Item)]) -> Guest {
    let mut census = Census::of(&tenant());
    for (key, item) in items {
        census.add(key, item).expect("readable");
    }
    let address = Address::parse("ana@example.com").expect("an address");
    census.choose(&Asked::Mail(address))
}

fn ana() -> Guest {
    guest(&[parked(&event(&data(&json!({"name": "Ana Silva", "email": "ana@example.com"}))).to_string())])
}

fn after(found: &Found, item: &Item) -> Item {
    let mut after = item.clone();
    if let Some(Change::Amend { to, .. }) = &found.change {
        after.extend(to.clone());
    }
    after
}

fn body_after(guest: &Guest, body: &str) -> Option<String> {
    let (key, item) = parked(body);
    let found = guest.look(&key, &item).expect("readable")?;
    after(&found, &item)["body"].as_s().ok().cloned()
}

#[test]
fn each_kind_is_known_by_its_key() {
    for (name, kind) in [
        ("calendar#booking/b1", Kind::Booking),
        ("automation#booking/b1", Kind::Other),
        ("notifications#booking/b1", Kind::Mails),
        ("notifications#suppressed/ab", Kind::Suppression),
        ("calendar#parked/booking/b1#0000000000", Kind::Parked),
        ("calendar#waiting/property/villa#0000000000", Kind::Parked),
        ("channel-sync#entry/0000000000", Kind::Journal),
        ("review#item/r1", Kind::ReviewItem),
        ("review#body/r1", Kind::ReviewBody),
        ("review#edited/r1", Kind::ReviewBody),
        ("review#audit/1#r1", Kind::Other),
        ("calendar#record/e1", Kind::Other),
        ("guest#erasure/1", Kind::Other),
    ] {
        assert_eq!(Kind::of(&key(name)), kind, "{name}");
    }
}

#[test]
fn what_stands_where_nothing_may_be_changed_is_told() {
    let ana = ana();
    for (stored, left) in [
        (json!({"rev": 1, "st": {"u": {"blocks": {"ana silva": {"source": "x"}}}}}), "st/u/blocks (a name in it)"),
        (json!({"rev": 1, "url": "https://x.example/Ana Silva/"}), "url"),
        (json!({"rev": 1, "data": "{\"who\":\"Ana\\u0020Silva\"}"}), "data/who"),
    ] {
        let found = ana.look(&key("calendar#unit/u1"), &item(&stored)).expect("readable").expect("found");
        assert_eq!((found.change.is_none(), found.left), (true, vec![left.to_owned()]), "{stored}");
    }
    let part = json!({"rev": 1, "st": {"u": {"blocks": {"k": {"note": "Silva's boat"}}}}});
    let found = ana.look(&key("calendar#unit/u1"), &item(&part)).expect("readable").expect("found");
    assert_eq!((found.change, found.hints), (None, vec!["st/u/blocks/k/note".to_owned()]), "an innocent word stays");
    let none = item(&json!({"rev": 1, "st": {"b": {"guest": {"name": "Rui", "email": "diana@example.com"}}}}));
    assert_eq!(ana.look(&key("calendar#booking/b9"), &none).expect("readable"), None);
}

#[test]
fn a_counted_item_is_changed_at_its_revision_and_any_other_as_it_was() {
    let ana = ana();
    let counted = item(&json!({"rev": 7, "discarded_because": "ana silva called"}));
    let found = ana.look(&key("calendar#record/e1"), &counted).expect("readable").expect("found");
    let Some(Change::Amend { was, to, event: None }) = found.change else { unreachable!() };
    assert_eq!((was, to), (item(&json!({"rev": 7})), item(&json!({"rev": 8, "discarded_because": "[erased] called"}))));
    let (key, parked) = parked(&event(&data(&json!({"name": "Ana Silva"}))).to_string());
    let found = ana.look(&key, &parked).expect("readable").expect("found");
    let Some(Change::Amend { was, event: Some(event), .. }) = found.change else { unreachable!() };
    assert_eq!(was, Item::from([("body".to_owned(), parked["body"].clone())]));
    assert_ne!(event.was, event.is);
}

#[test]
fn what_an_item_quotes_of_the_guest_goes_and_other_causes_stay() {
    let ana = ana();
    let quoting = |pointer: &str, found: &str, subject: &str| {
        let stored = json!({
            "rev": 1, "group": "sea#villa", "subject": subject, "event_type": "pms.booking.created.v1",
            "pointer": pointer, "found": found,
        });
        let stored = item(&stored);
        let found = ana.look(&key("review#item/r1"), &stored).expect("readable")?;
        after(&found, &stored)["found"].as_s().ok().cloned()
    };
    let erased = Some("[erased]".to_owned());
    assert_eq!(quoting("/data/guest/phone", "integer `351`", "booking/b1"), erased);
    assert_eq!(quoting("/data/unit", "Ana Sil…", "booking/b1"), erased, "cut: it cannot be searched");
    assert_eq!(quoting("/data/departure", "2026-07-01", "booking/b1"), None);
    assert_eq!(quoting("/data/guest/phone", "integer `352`", "booking/b9"), None, "another's");
    assert_eq!(quoting("/data/unit", "Ana Silva's room", "booking/b9").as_deref(), Some("[erased]'s room"));
}

#[test]
fn what_is_no_json_is_searched_as_text() {
    let ana = ana();
    assert_eq!(body_after(&ana, "{\"name\": \"Ana Silva\", ").as_deref(), Some("{\"name\": \"[erased]\", "));
    assert_eq!(body_after(&ana, "[1, 2]"), None);
    let foreign = event(&data(&json!({"name": "Rui", "email": "rui@example.com"}))).to_string().replace("b1", "b9");
    assert_eq!(body_after(&ana, &foreign), None, "byte for byte");
}

#[test]
fn strings_of_other_bookings_are_not_searched_and_counted() {
    let own =
        parked(&event(&data(&json!({"name": "Ana Silva", "email": "ana@example.com", "phone": "112"}))).to_string());
    let other = event(&data(&json!({"name": "ana silva costa"}))).to_string().replace("booking/b1", "booking/b2");
    let ana = guest(&[own, parked(&other)]);
    assert_eq!((ana.unsearched.shared, ana.unsearched.short), (1, 1));
    assert_eq!(ana.bookings.iter().map(ToString::to_string).collect::<Vec<_>>(), ["villa/b1"]);
    assert!(ana.words.are_in("ana@example.com") && !ana.words.are_in("Ana Silva"));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,30}", "[A-Z][a-z]{1,8} [A-Z][a-z]{1,8}", "[a-z]{1,9}@[a-z]{1,9}\\.example"]
}

proptest! {
    #[test]
    fn any_event_is_as_valid_as_before_and_says_nothing_of_the_guest(
        name in text(), phone in text(), note in text(), unknown in text(), unit in "[a-z]{1,5}|[A-Z ]{1,5}",
    ) {
        let mut data = data(&json!({"name": name, "email": "ana@example.com", "phone": phone, "x": unknown}));
        data["unit"] = unit.into();
        data["comment"] = note.into();
        let body = event(&data).to_string();
        let (key, item) = parked(&body);
        let guest = guest(&[(key.clone(), item.clone())]);
        let found = guest.look(&key, &item).expect("readable").expect("found");
        let after = after(&found, &item);
        let new = after["body"].as_s().expect("a text");
        let check = |body: &str| {
            let event = Envelope::decode(body)?;
            (find(&event.event_type)?.check)(&event)
        };
        prop_assert!(check(&body).is_err() || check(new).is_ok(), "{new}");
        prop_assert!(!new.contains("ana@example.com"));
        let kept = serde_json::from_str::<Value>(new).expect("json");
        for field in ["version", "unit", "arrival", "departure"] {
            prop_assert_eq!(&kept["data"][field], &data[field]);
        }
        prop_assert_eq!(&kept["data"]["guest"], &json!({"name": "[erased]"}));
        // Once is enough.
        let again = guest.look(&key, &after).expect("readable");
        prop_assert!(again.is_none_or(|found| found.change.is_none()));
    }

    #[test]
    fn no_attribute_takes_it_down(name in "\\PC{0,12}", text in "\\PC{0,40}", depth in 0_usize..6) {
        let mut value = AttributeValue::S(text);
        for _ in 0..depth {
            value = AttributeValue::L(vec![AttributeValue::M(Item::from([(name.clone(), value)]))]);
        }
        let item = Item::from([("st".to_owned(), value.clone()), ("found".to_owned(), value)]);
        for sort in ["automation#task/t1", "calendar#booking/b1", "review#item/r1", "calendar#entry/1"] {
            prop_assert!(ana().look(&key(sort), &item).is_ok());
        }
    }
}

#[test]
fn what_names_others_too_is_erased_in_its_field_and_nowhere_else() {
    let said = json!({"name": "Ana Silva", "email": "ana@example.com", "country": "Portugal", "id": 2026});
    let guest = guest(&[parked(&event(&data(&said)).to_string())]);
    let note = "a cot for Ana Silva until 2026-07-05, from Portugal, and the door code is 4711";
    let task = item(&json!({"note": note, "assignee": "ana", "rev": 1}));
    let found = guest.look(&key("automation#task/t1"), &task).expect("readable").expect("found");
    let expected = "a cot for [erased] until 2026-07-05, from Portugal, and the door code is 4711";
    assert_eq!(after(&found, &task)["note"].as_s(), Ok(&expected.to_owned()));
    assert_eq!(found.left, Vec::<String>::new());
}

#[test]
fn a_name_of_one_word_is_told_and_not_replaced() {
    let guest = guest(&[parked(&event(&data(&json!({"name": "Annabel", "email": "ana@example.com"}))).to_string())]);
    let task = item(&json!({"note": "Annabel cleans", "assignee": "annabel", "rev": 1}));
    let found = guest.look(&key("automation#task/t1"), &task).expect("readable").expect("found");
    assert_eq!((found.change, found.hints), (None, vec!["assignee".to_owned(), "note".to_owned()]));
}

#[test]
fn a_booking_that_was_passed_on_keeps_its_guest() {
    let of = |name: &str, mail: &str| event(&data(&json!({"name": name, "email": mail}))).to_string();
    let (anas, rui) = (parked(&of("Ana Silva", "ana@example.com")), of("Rui Costa", "rui@example.com"));
    let now = (key("calendar#waiting/property/villa#0000000001"), parked(&rui).1);
    let guest = guest(&[anas.clone(), now.clone()]);
    assert_eq!(guest.look(&now.0, &now.1).expect("readable"), None, "Rui's");
    let found = guest.look(&anas.0, &anas.1).expect("readable").expect("Ana's");
    assert!(!format!("{:?}", after(&found, &anas.1)).contains("Ana"));
    let task = item(&json!({"note": "keys for Rui Costa", "rev": 1}));
    assert_eq!(guest.look(&key("automation#task/t1"), &task).expect("readable"), None);
}

#[test]
fn an_event_of_another_tenant_is_none_of_ours_whoevers_group_it_came_in() {
    let mut other = event(&data(&json!({"name": "Rui Costa", "email": "rui@example.com"})));
    other["tenant"] = "land".into();
    let stray = parked(&other.to_string());
    let mut census = Census::of(&tenant());
    census.add(&stray.0, &stray.1).expect("readable");
    let meant = bellhop_erasure::BookingRef { property: "villa".to_owned(), id: "b1".to_owned() };
    let guest = census.choose(&Asked::Booking(meant));
    assert_eq!(guest.look(&stray.0, &stray.1).expect("readable"), None);
}
