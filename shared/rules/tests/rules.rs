//! Rulebooks as people write them, and conditions on what is known; garbage takes nothing down.
#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

use bellhop_events::Reason;
use bellhop_events::catalogue::{Booking, Task, TaskReport};
use bellhop_rules::{Action, Condition, Facts, MAX_CONDITION_BYTES, Rulebook, Trigger};
use jiff::civil::date;
use proptest::prelude::*;
use serde_json::json;

const BOOK: &str = r#"{
  "rules": [
    {"id":"pre-arrival","at":{"anchor":"arrival","days":-3,"time":"10:00"},"when":"booking.nights >= 2","then":{"message":"pre-arrival"}},
    {"id":"ready","at":{"anchor":"task","offset":"-PT2H"},"then":{"event":{"type":"rule.soon"}}},
    {"id":"vip","on":"pms.booking.created.v1","after":"PT2H","when":"booking.total >= 100000","then":{"event":{"type":"rule.vip","data":{"level":2}}}},
    {"id":"fruit","on":"rule.vip","then":{"task":{"kind":"welcome","title":"Fruit for the guests"}}},
    {"id":"fix","on":"pms.task.reported.v1","when":"report.status == 'problem'","then":{"task":{"kind":"maintenance","title":"Look at {it}","days":1,"assignee":"tech"}}}
  ],
  "assign": [{"to":"team-a","units":["u1"],"weekdays":["mon","tue"],"capacity":4},{"to":"team-b"}]
}"#;

fn booking() -> Booking {
    serde_json::from_value(json!({
        "version": 1, "unit": "u1", "arrival": "2026-07-03", "departure": "2026-07-06", "channel": "booking-com",
        "reference": "R-1", "party": {"adults": 2, "children": 1}, "total": {"amount": 120_000, "currency": "EUR"},
        "guest": {"name": "Ana", "email": "ana@example.org", "language": "pt-PT"},
    }))
    .expect("a booking")
}

fn facts() -> Facts {
    let task: Task = serde_json::from_value(json!({
        "version": 1, "kind": "maintenance", "title": "Tap", "state": "scheduled", "from": "2026-07-02", "assignee": "tech",
    }))
    .expect("a task");
    let report: TaskReport =
        serde_json::from_value(json!({"version": 1, "status": "problem", "by": "joe"})).expect("a report");
    Facts::of_booking(&"b1".parse().expect("an id"), &booking(), true, false)
        .with_event("pms.booking.created.v1", date(2026, 7, 1))
        .with_property(&"villa".parse().expect("an id"), "Europe/Lisbon")
        .with_task(&"t1".parse().expect("an id"), &task)
        .with_report(&report)
}

fn holds(condition: &str, facts: &Facts) -> bool {
    let condition = Condition::parse(condition).unwrap_or_else(|fault| panic!("{condition}: {fault}"));
    condition.holds(facts).unwrap_or_else(|fault| panic!("{condition:?}: {fault}"))
}

#[test]
fn a_rulebook_is_read_and_written() {
    let book = Rulebook::parse(BOOK).expect("a rulebook");
    assert_eq!(Rulebook::parse(&book.to_json()).as_ref(), Ok(&book));
    let vip = book.rule(&"vip".parse().expect("an id")).expect("a rule");
    assert!(
        matches!(&vip.trigger, Trigger::On { event, after: Some(wait) } if event == "pms.booking.created.v1" && wait.as_hours() == 2)
    );
    assert!(matches!(&vip.then, Action::Event { event_type, data } if event_type == "rule.vip" && data["level"] == 2));
    assert_eq!(book.rule(&"none".parse().expect("an id")), None);
    insta::assert_snapshot!(book.to_json());
}

#[test]
fn an_empty_rulebook_is_one() {
    assert_eq!(Rulebook::parse("{}"), Ok(Rulebook::default()));
    assert_eq!(Rulebook::parse(&Rulebook::default().to_json()), Ok(Rulebook::default()));
}

#[test]
fn assignments_keep_their_order() {
    let book = Rulebook::parse(BOOK).expect("a rulebook");
    let to = |unit: &str, day| {
        let unit = unit.parse().expect("a unit");
        book.assignments(&unit, date(2026, 7, day)).map(|fit| fit.to.clone()).collect::<Vec<_>>()
    };
    assert_eq!(to("u1", 6), ["team-a", "team-b"], "a Monday");
    assert_eq!(to("u1", 8), ["team-b"], "a Wednesday");
    assert_eq!(to("u2", 6), ["team-b"]);
}

#[test]
fn one_event_may_set_off_several_rules() {
    let book = json!({"rules": [
        {"id": "a", "on": "rule.x", "then": {"event": {"type": "rule.y"}}},
        {"id": "b", "on": "rule.x", "then": {"event": {"type": "rule.y"}}},
        {"id": "c", "on": "rule.y", "then": {"message": "m"}},
    ]});
    assert!(Rulebook::parse(&book.to_string()).is_ok());
}

#[test]
fn conditions_see_the_facts() {
    let facts = facts();
    for condition in [
        "true",
        "booking.id == 'b1' && booking.unit == 'u1' && booking.reference == 'R-1'",
        "booking.channel in ['booking-com', 'airbnb']",
        "booking.arrival >= '2026-07-01' && booking.departure < '2026-08-01'",
        "booking.nights == 3 && booking.lead_days == 2",
        "booking.adults + booking.children + booking.infants == 3",
        "booking.total >= 100000 && booking.currency == 'EUR'",
        "booking.language.startsWith('pt')",
        "booking.placed && !booking.cancelled",
        "booking.arrival_weekday == 'fri' && booking.departure_weekday == 'mon'",
        "event.type == 'pms.booking.created.v1'",
        "property.id == 'villa' && property.time_zone.endsWith('Lisbon')",
        "task.id == 't1' && task.kind == 'maintenance' && task.title.contains('Tap') && task.status == 'scheduled'",
        "task.unit == '' && task.assignee == 'tech'",
        "report.status == 'problem' && report.by == 'joe'",
        "has(booking.channel) && size(booking.channel) > 0 && booking.id.size() == 2",
        "['pt', 'es'].exists(language, booking.language.startsWith(language))",
        "[1, 2, 3].filter(n, n > booking.adults).size() == 1",
        "(booking.nights > 7 ? 'long' : 'short') == 'short'",
        "{'b1': true}[booking.id]",
        "double(booking.total) / 100.0 > 1199.5 && booking.total > 10.5",
        "string(booking.nights) == '3' && int('3') == booking.nights",
        "-booking.nights < 0 && booking.nights % 2 == 1",
        "// a comment\nbooking.nights > 1 // and another",
        "booking.id == \"b1\" && booking.id != r'\\b' && booking.id != '''b'1'''",
    ] {
        assert!(holds(condition, &facts), "{condition}");
    }
    assert!(!holds("booking.nights > 7", &facts));
}

/// A division by zero is no fault where its answer is not asked for.
#[test]
fn what_is_not_asked_for_does_not_fail() {
    assert!(holds("booking.nights == 0 || 10 / booking.nights > 1", &Facts::default()));
    assert!(!holds("booking.nights > 0 && 10 / booking.nights > 1", &Facts::default()));
}

/// Whatever field a condition asks for, the facts of nothing have it.
#[test]
fn no_fact_is_ever_absent() {
    let facts = serde_json::to_value(Facts::default()).expect("JSON");
    for (part, fields) in facts.as_object().expect("an object") {
        for (name, value) in fields.as_object().expect("an object") {
            let literal = value.to_string();
            assert!(holds(&format!("{part}.{name} == {literal}"), &Facts::default()), "{part}.{name}");
        }
    }
}

#[test]
fn facts_hold_no_personal_data() {
    let text = serde_json::to_string(&facts()).expect("JSON");
    assert!(!text.contains("Ana") && !text.contains('@'), "{text}");
}

#[test]
fn the_schema_is_for_editors() {
    let schema = Rulebook::schema();
    assert_eq!(schema["title"], "Rulebook");
    assert_eq!(schema["additionalProperties"], false);
    insta::assert_json_snapshot!(schema);
}

/// Words that expressions are made of, and some that they are not.
fn token() -> impl Strategy<Value = String> {
    let words = vec![
        "booking.nights",
        "booking.id",
        "booking.placed",
        "task.title",
        "report.by",
        "booking",
        "x",
        "x.y",
        "true",
        "false",
        "null",
        "1",
        "0",
        "-9223372036854775808",
        "9223372036854775807",
        "1u",
        "1.5",
        "1e308",
        "'a'",
        "\"\"",
        "b'a'",
        "r'\\'",
        "'''",
        "'",
        "`a`",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "?",
        ".",
        ".?",
        "[?",
        "+",
        "-",
        "*",
        "/",
        "%",
        "!",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "&&",
        "||",
        "&",
        "|",
        "=",
        " in ",
        " ",
        "\n",
        "//",
        "size(",
        "int(",
        "double(",
        "string(",
        "has(",
        ".size()",
        ".contains(",
        ".startsWith('a')",
        "[1,2].all(x,",
        ".exists(x,",
        ".map(x, x)",
        ".map(x, true, x)",
        ".filter(x,",
        ".exists_one(x,",
        "{'a':1}",
        "T{a:1}",
        "a.b{",
        "matches(",
        "\\",
        "ä",
        "'ä'",
        "\u{1f600}",
        "@",
        "#",
        "$",
        "\0",
        "'\\u12'",
        "'\\x'",
        "0x",
        "0xg",
        "1.",
        ".1",
        "1e",
        "_",
        "as",
        "for",
    ];
    prop_oneof![8 => prop::sample::select(words).prop_map(str::to_owned), 1 => "\\PC{1,3}"]
}

/// Expressions that mostly are of the right form.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "booking.nights",
        "booking.total",
        "booking.id",
        "booking.placed",
        "task.title",
        "1",
        "0",
        "-1",
        "2.5",
        "'a'",
        "true",
        "9223372036854775807",
        "-9223372036854775808",
        "[1,2]",
        "{'a': 1}",
        "x",
        "null",
        "3u",
        "[]",
        "b'a'",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(6, 40, 3, |inner| {
        let operator =
            prop::sample::select(vec!["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", " in "]);
        prop_oneof![
            4 => (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| format!("({a}{op}{b})")),
            1 => inner.clone().prop_map(|a| format!("!{a}")),
            1 => inner.clone().prop_map(|a| format!("-{a}")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}].exists(x, {b})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{{a}: {b}}}.map(x, {b})")),
            1 => inner.clone().prop_map(|a| format!("int({a})")),
            1 => inner.clone().prop_map(|a| format!("string({a})")),
            1 => inner.clone().prop_map(|a| format!("size({a})")),
            1 => (inner.clone(), inner).prop_map(|(a, b)| format!("{a}.contains({b})")),
        ]
    })
}

/// Taken or refused, true, false or failed: never a panic, and never another reason.
fn survives(text: &str) -> Result<(), TestCaseError> {
    match Condition::parse(text) {
        Ok(condition) => {
            prop_assert!(text.len() <= MAX_CONDITION_BYTES);
            for facts in [Facts::default(), facts()] {
                if let Err(fault) = condition.holds(&facts) {
                    prop_assert_eq!(fault.reason, Reason::RuleFailed);
                    prop_assert!(fault.found != "an expression that cannot be evaluated", "a panic: {}", text);
                }
            }
        }
        Err(fault) => {
            prop_assert_eq!(fault.reason, Reason::InvalidRule);
            prop_assert!(!fault.found.contains("parser does not take"), "a panic: {}", text);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn garbage_of_tokens(tokens in prop::collection::vec(token(), 0..40)) {
        survives(&tokens.concat())?;
    }

    #[test]
    fn garbage_of_letters(text in "\\PC{0,200}") {
        survives(&text)?;
    }

    #[test]
    fn expressions_of_right_form(text in expression()) {
        survives(&text)?;
        survives(&format!("{text} == {text}"))?;
    }
}

proptest! {
    /// A rulebook in which one byte is another is taken or refused; what is taken reads back the same.
    #[test]
    fn changed_rulebooks(at in 0..BOOK.len(), byte in 0..128_u8) {
        let mut bytes = BOOK.as_bytes().to_vec();
        bytes[at] = byte;
        let text = String::from_utf8(bytes).expect("ASCII");
        match Rulebook::parse(&text) {
            Ok(book) => prop_assert_eq!(Rulebook::parse(&book.to_json()), Ok(book)),
            Err(fault) => prop_assert_eq!(fault.reason, Reason::InvalidRule),
        }
    }
}
