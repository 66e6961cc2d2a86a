//! Rulebooks that are wrong, or mean harm: each is refused when it is saved, or fails in bounds when it is judged.
#![expect(clippy::expect_used, reason = "tests")]

use std::collections::BTreeMap;

use bellhop_events::{Fault, Reason};
use bellhop_rules::{BookingFacts, Facts, Rulebook};
use serde_json::{Value, json};

/// A rulebook of one rule with this condition.
fn when(condition: &str) -> String {
    json!({"rules": [{"id": "r", "on": "pms.booking.created.v1", "when": condition, "then": {"message": "m"}}]})
        .to_string()
}

/// A rulebook of one rule in which some fields are others.
fn rule(fields: &Value) -> String {
    let mut rule = json!({"id": "r", "on": "pms.booking.created.v1", "then": {"message": "m"}});
    for (name, value) in fields.as_object().expect("an object") {
        rule[name] = value.clone();
    }
    json!({ "rules": [rule] }).to_string()
}

/// A rulebook of one rule at this moment.
fn at(moment: &Value) -> String {
    json!({"rules": [{"id": "r", "at": moment, "then": {"message": "m"}}]}).to_string()
}

fn assign(assignment: &Value) -> String {
    json!({ "assign": [assignment] }).to_string()
}

/// Rules that wait for one event and emit the next, by name.
fn ring(names: &[(&str, &str, &str)]) -> String {
    let rules: Vec<_> =
        names.iter().map(|(id, on, emits)| json!({"id": id, "on": on, "then": {"event": {"type": emits}}})).collect();
    json!({ "rules": rules }).to_string()
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!({ "a": inner }))
}

fn refusal(text: &str) -> Fault {
    let fault = Rulebook::parse(text).expect_err("to be refused");
    assert_eq!(fault.reason, Reason::InvalidRule);
    fault
}

/// Everything that is refused at save, with the pointer that says where.
#[expect(clippy::too_many_lines, reason = "a table")]
fn refused() -> Vec<(&'static str, String, &'static str)> {
    let many = |count: usize| (0..count).map(|n| format!("'{n}'")).collect::<Vec<_>>().join(",");
    let rules = |count: usize| {
        let rules: Vec<_> =
            (0..count).map(|n| json!({"id": format!("r{n}"), "on": "rule.x", "then": {"message": "m"}})).collect();
        json!({ "rules": rules }).to_string()
    };
    let condition = "/rules/0/when";
    vec![
        // No rulebook.
        ("nothing", String::new(), ""),
        ("no object", "[]".to_owned(), ""),
        ("a rule as a list of its fields", r#"{"rules":[["a","rule.x",null,null,null,{"message":"m"}]]}"#.to_owned(), "/rules/0"),
        ("an action as a list", rule(&json!({"then": ["m"]})), "/rules/0/then"),
        ("a cut text", r#"{"rules":[{"id":"r""#.to_owned(), "/rules/0"),
        ("more behind it", "{} {}".to_owned(), ""),
        ("64 KiB of brackets", "[".repeat(65_536), ""),
        ("brackets where rules are", format!(r#"{{"rules":{}"#, "[".repeat(60_000)), "/rules/0"),
        ("more than 64 KiB", format!("{{}}{}", " ".repeat(65_536)), ""),
        ("a NUL in the text", "{\"rules\":[]\0}".to_owned(), ""),
        ("an unknown part", r#"{"rules":[],"extra":1}"#.to_owned(), "/extra"),
        ("rules twice", r#"{"rules":[],"rules":[]}"#.to_owned(), ""),
        ("too many rules", rules(51), "/rules"),
        ("too many assignments", json!({"assign": vec![json!({"to": "a"}); 51]}).to_string(), "/assign"),
        // No rule.
        ("no id", r#"{"rules":[{"on":"rule.x","then":{"message":"m"}}]}"#.to_owned(), "/rules/0/id"),
        ("an id with a separator", rule(&json!({"id": "a#b"})), "/rules/0/id"),
        ("an id with a NUL", rule(&json!({"id": "a\0"})), "/rules/0/id"),
        ("an id that is long", rule(&json!({"id": "a".repeat(41)})), "/rules/0/id"),
        ("an id in upper case", rule(&json!({"id": "VIP"})), "/rules/0/id"),
        ("one id twice", r#"{"rules":[{"id":"a","on":"rule.x","then":{"message":"m"}},{"id":"a","on":"rule.y","then":{"message":"m"}}]}"#.to_owned(), "/rules/1/id"),
        ("a number as condition", rule(&json!({"when": 1})), "/rules/0/when"),
        ("an unknown field", rule(&json!({"unless": "true"})), "/rules/0/unless"),
        ("no action", r#"{"rules":[{"id":"a","on":"rule.x"}]}"#.to_owned(), "/rules/0/then"),
        ("an empty action", rule(&json!({"then": {}})), "/rules/0/then"),
        ("two actions", rule(&json!({"then": {"message": "m", "task": {"kind": "k", "title": "t"}}})), "/rules/0/then"),
        ("an unknown action", rule(&json!({"then": {"shell": "rm"}})), "/rules/0/then/shell"),
        ("on and at", rule(&json!({"at": {"anchor": "arrival", "offset": "PT1H"}})), "/rules/0"),
        ("neither on nor at", r#"{"rules":[{"id":"a","then":{"message":"m"}}]}"#.to_owned(), "/rules/0"),
        ("an unknown event", rule(&json!({"on": "pms.rates.updated.v1"})), "/rules/0/on"),
        ("an event of a rule without a name", rule(&json!({"on": "rule."})), "/rules/0/on"),
        ("after with at", r#"{"rules":[{"id":"a","at":{"anchor":"arrival","offset":"PT1H"},"after":"PT1H","then":{"message":"m"}}]}"#.to_owned(), "/rules/0/after"),
        ("a negative wait", rule(&json!({"after": "-PT1H"})), "/rules/0/after"),
        ("a wait in days", rule(&json!({"after": "P3D"})), "/rules/0/after"),
        ("a wait in words", rule(&json!({"after": "2 hours"})), "/rules/0/after"),
        ("a wait above 90 days", rule(&json!({"after": "PT2161H"})), "/rules/0/after"),
        ("a wait beyond numbers", rule(&json!({"after": "PT99999999999999999999H"})), "/rules/0/after"),
        ("a message to a task", rule(&json!({"on": "pms.task.reported.v1"})), "/rules/0/then/message"),
        ("a message before a task", at(&json!({"anchor": "task", "offset": "PT1H"})), "/rules/0/then/message"),
        // No moment.
        ("an unknown anchor", at(&json!({"anchor": "lunch", "offset": "PT1H"})), "/rules/0/at/anchor"),
        ("days and offset", at(&json!({"anchor": "arrival", "days": 1, "time": "10:00", "offset": "PT1H"})), "/rules/0/at"),
        ("days without time", at(&json!({"anchor": "arrival", "days": 1})), "/rules/0/at"),
        ("an anchor alone", at(&json!({"anchor": "arrival"})), "/rules/0/at"),
        ("too many days", at(&json!({"anchor": "arrival", "days": 366, "time": "10:00"})), "/rules/0/at/days"),
        ("days beyond numbers", at(&json!({"anchor": "arrival", "days": 99_999, "time": "10:00"})), "/rules/0/at/days"),
        ("half a day", at(&json!({"anchor": "arrival", "days": 0.5, "time": "10:00"})), "/rules/0/at/days"),
        ("an hour that is none", at(&json!({"anchor": "arrival", "days": 1, "time": "24:00"})), "/rules/0/at/time"),
        ("an offset of a month", at(&json!({"anchor": "arrival", "offset": "P1M"})), "/rules/0/at/offset"),
        ("an offset that is long", at(&json!({"anchor": "arrival", "offset": "-PT129601M"})), "/rules/0/at/offset"),
        // No action.
        ("a message that is a path", rule(&json!({"then": {"message": "../x"}})), "/rules/0/then/message"),
        ("a title with a NUL", rule(&json!({"then": {"task": {"kind": "k", "title": "a\0b"}}})), "/rules/0/then/task/title"),
        ("a title that turns around", rule(&json!({"then": {"task": {"kind": "k", "title": "a\u{202e}b"}}})), "/rules/0/then/task/title"),
        ("a blank title", rule(&json!({"then": {"task": {"kind": "k", "title": "  "}}})), "/rules/0/then/task/title"),
        ("a title that is long", rule(&json!({"then": {"task": {"kind": "k", "title": "a".repeat(201)}}})), "/rules/0/then/task/title"),
        ("a task in the past", rule(&json!({"then": {"task": {"kind": "k", "title": "t", "days": -1}}})), "/rules/0/then/task/days"),
        ("a task in two years", rule(&json!({"then": {"task": {"kind": "k", "title": "t", "days": 730}}})), "/rules/0/then/task/days"),
        ("an event of the PMS", rule(&json!({"then": {"event": {"type": "pms.booking.cancelled.v1"}}})), "/rules/0/then/event/type"),
        ("data that is deep", rule(&json!({"then": {"event": {"type": "rule.x", "data": nested(9)}}})), "/rules/0/then/event/data"),
        ("data that is deeper", rule(&json!({"then": {"event": {"type": "rule.x", "data": nested(100)}}})), "/rules/0/then/event/data"),
        ("data that is large", rule(&json!({"then": {"event": {"type": "rule.x", "data": {"a": "x".repeat(4096)}}}})), "/rules/0/then/event/data"),
        ("data that is no object", rule(&json!({"then": {"event": {"type": "rule.x", "data": [1]}}})), "/rules/0/then/event/data"),
        // Circles.
        ("a rule that hears itself", ring(&[("a", "rule.a", "rule.a")]), "/rules/0/then/event/type"),
        ("two rules in a circle", ring(&[("a", "rule.a", "rule.b"), ("b", "rule.b", "rule.a")]), "/rules/1/then/event/type"),
        ("a circle behind a start", ring(&[("s", "pms.task.upserted.v1", "rule.a"), ("a", "rule.a", "rule.b"), ("b", "rule.b", "rule.c"), ("c", "rule.c", "rule.a")]), "/rules/3/then/event/type"),
        // No assignment.
        ("an assignment to nobody", assign(&json!({"to": ""})), "/assign/0/to"),
        ("an assignment to a NUL", assign(&json!({"to": "a\0"})), "/assign/0/to"),
        ("a weekday that is none", assign(&json!({"to": "a", "weekdays": ["monday"]})), "/assign/0/weekdays/0"),
        ("a weekday as number", assign(&json!({"to": "a", "weekdays": [1]})), "/assign/0/weekdays/0"),
        ("too many weekdays", assign(&json!({"to": "a", "weekdays": vec!["mon"; 8]})), "/assign/0/weekdays"),
        ("a unit that is none", assign(&json!({"to": "a", "units": ["a#b"]})), "/assign/0/units/0"),
        ("too many units", assign(&json!({"to": "a", "units": vec!["u"; 501]})), "/assign/0/units"),
        ("no capacity", assign(&json!({"to": "a", "capacity": 0})), "/assign/0/capacity"),
        ("a capacity below none", assign(&json!({"to": "a", "capacity": -1})), "/assign/0/capacity"),
        // No condition.
        ("an empty condition", when(""), condition),
        ("a cut condition", when("booking.nights >"), condition),
        ("two conditions", when("true true"), condition),
        ("a condition that is long", when(&format!("'{}' == ''", "a".repeat(1000))), condition),
        ("a NUL in a condition", when("booking.id == 'a\0'"), condition),
        ("letters beyond ASCII as names", when("bücking.id == ''"), condition),
        ("a string that does not end", when("booking.id == 'a"), condition),
        ("500 brackets", when(&"(".repeat(500)), condition),
        ("21 levels of brackets", when(&format!("{}true{}", "(".repeat(21), ")".repeat(21))), condition),
        ("21 levels of lists", when(&format!("{}{} == []", "[".repeat(21), "]".repeat(21))), condition),
        ("900 times not", when(&format!("{}true", "!".repeat(900))), condition),
        ("400 signs apart", when(&format!("{}1 == 1", "- ".repeat(400))), condition),
        ("brackets and signs in turn", when(&format!("{}1{} == 1", "-(".repeat(150), ")".repeat(150))), condition),
        ("200 ternaries", when(&format!("{}true", "true?true:".repeat(95))), condition),
        ("ternaries within", when(&format!("{}true{}", "true?".repeat(90), ":true".repeat(90))), condition),
        ("brackets behind comments", when(&"(//)\n".repeat(60)), condition),
        ("brackets closed in strings", when(&"(')'+".repeat(60)), condition),
        ("a chain of 300 additions", when(&format!("{}1 == 1", "1+".repeat(300))), condition),
        ("a chain of 90 subtractions", when(&format!("1 == {}1", "1-".repeat(90))), condition),
        ("a chain of 200 indices", when(&format!("[1]{} == 1", "[0]".repeat(200))), condition),
        ("a chain of 100 fields", when(&format!("{{'a':1}}{} == 1", ".a".repeat(100))), condition),
        ("a list of 101", when(&format!("booking.id in [{}]", many(101))), condition),
        ("a loop in a loop", when("[1].all(a, [2].all(b, a < b))"), condition),
        ("a loop upon a loop", when("[1].map(a, a).exists(b, b == 1)"), condition),
        ("text doubled again and again", when("['a'].map(a, a+a).map(a, a+a).map(a, a+a).map(a, a+a).size() == 1"), condition),
        ("a loop over a loop's part", when("[[1].map(a, [a,a])][0].all(b, b == [1,1])"), condition),
        ("text grown by additions", when(&format!("({}'') == ''", "booking.reference+".repeat(17))), condition),
        ("a regular expression", when("booking.id.matches('(a+)+$')"), condition),
        ("an unknown function", when("now() > 1"), condition),
        ("an unknown method", when("booking.id.reverse() == 'a'"), condition),
        ("a conversion that is not offered", when("bytes(booking.id) == b''"), condition),
        ("the type of a value", when("type(booking.id) == string"), condition),
        ("an optional", when("optional.of(1).hasValue()"), condition),
        ("optional syntax", when("booking.?id == ''"), condition),
        ("a message type", when("google.protobuf.Duration{} == null"), condition),
        ("an unknown variable", when("guest.name == 'a'"), condition),
        ("an unknown variable behind or", when("true || secret"), condition),
        ("a variable from the root", when(".booking.id == ''"), condition),
        ("a variable of the macros", when("@result"), condition),
        ("an unknown field", when("booking.guest == 'a'"), condition),
        ("an unknown field in has", when("has(booking.guest)"), condition),
        ("a field of text", when("booking.id.length > 1"), condition),
        ("a fact as a whole", when("booking == task"), condition),
        ("a fact by index", when("booking['id'] == ''"), condition),
        ("a loop variable with the name of a fact", when("[1].exists(booking, booking > 0)"), condition),
        ("a loop variable used behind its loop", when("[1].exists(a, a > 0) && a > 0"), condition),
        ("a number as answer", when("booking.nights"), condition),
        ("a text as answer", when("'true'"), condition),
        ("a list as answer", when("[1].map(a, a)"), condition),
        ("a number against text", when("booking.nights == '2'"), condition),
        ("text among numbers", when("booking.arrival_weekday in [6, 7]"), condition),
        ("a number and text", when("booking.nights + 'a' == 'a'"), condition),
        ("a number as truth", when("booking.nights && true"), condition),
        ("a number that is none", when("booking.total > 99999999999999999999"), condition),
        ("a loop over text", when("booking.id.all(c, c == 'a')"), condition),
        ("too few values", when("size() == 1"), condition),
        ("too many values", when("booking.id.contains('a', 'b')"), condition),
    ]
}

#[test]
fn is_refused_with_its_place() {
    let table = refused();
    assert!(table.len() >= 30);
    for (what, text, pointer) in table {
        match Rulebook::parse(&text) {
            Ok(_) => panic!("{what}: taken"),
            Err(fault) => {
                assert_eq!((fault.reason, fault.pointer.as_str()), (Reason::InvalidRule, pointer), "{what}: {fault}");
                assert!(!fault.expected.is_empty() && fault.to_string().len() < 2000, "{what}: {fault}");
            }
        }
    }
}

/// The facts of a booking with extreme values.
fn extreme() -> Facts {
    let booking = BookingFacts { total: i64::MAX, lead_days: i64::MIN, id: "b".to_owned(), ..BookingFacts::default() };
    Facts { booking, ..Facts::default() }
}

#[test]
fn fails_in_bounds_where_only_the_facts_tell() {
    for condition in [
        "booking.total + 1 > 0",
        "booking.total * 2 > 0",
        "booking.lead_days - 1 < 0",
        "-booking.lead_days > 0",
        "booking.lead_days / -1 > 0",
        "booking.lead_days % -1 == 0",
        "100 / booking.nights > 1",
        "100 % booking.nights > 1",
        "int(booking.id) > 0",
        "double(booking.id) > 0.0",
        "int(1e300) > 0",
        "int(-1e300) > 0",
        "int(0.0 / 0.0) > 0",
        "[1, 2][booking.nights + 2] == 1",
        "[1, 2][booking.lead_days] == 1",
        "[1, 2][0.5] == 1",
        "{'a': 1}[booking.id] == 1",
        "{'a': 1}.b == 1",
        "{booking.id: 1, 'b': 2}.b == 1",
        "{[1]: 2} == {}",
        "[1, 'a'][1] < 2",
        "[1, 'a'].all(a, a > 0)",
        "[1, 2].map(a, a > 1)[0] > 3",
        "booking.placed ? true : [1][0]",
        "[true, 1][1]",
        "null < 1",
        "18446744073709551615u + 1u > 0u",
        "1u - 2u > 0u",
        "b'a' < 1",
        "size([1][0]) > 0",
    ] {
        let book = Rulebook::parse(&when(condition)).unwrap_or_else(|fault| panic!("{condition}: {fault}"));
        let fault = book.rules[0].holds(&extreme()).expect_err(condition);
        assert_eq!(fault.reason, Reason::RuleFailed, "{condition}");
        assert!(fault.expected.ends_with("from the rule r") && fault.to_string().len() < 2000, "{fault}");
    }
}

/// The most that the limits allow is still little.
#[test]
fn the_largest_that_is_taken_is_judged() {
    let numbers = (0..100).map(|n| (n % 10).to_string()).collect::<Vec<_>>().join(",");
    let grown = "a+a+a+a+a+a+a+a+a+a+a+a+a+a+a";
    let text = "x".repeat(200);
    for condition in [
        format!("[{numbers}].all(a, a < 10 && a * a >= 0 && (a > 5 ? a % 2 < 2 : true))"),
        format!("['{text}','{text}','{text}'].map(a, {grown}).size() == 3"),
        format!("{}true", "booking.placed || ".repeat(48)),
        format!("{}true{}", "(".repeat(20), ")".repeat(20)),
        format!("{}true", "!".repeat(20)),
    ] {
        let book = Rulebook::parse(&when(&condition)).unwrap_or_else(|fault| panic!("{condition}: {fault}"));
        assert_eq!(book.rules[0].holds(&extreme()), Ok(true), "{condition}");
    }
}

/// What people read when they save a rule that is wrong.
#[test]
fn errors_tell_what_to_do() {
    let texts: BTreeMap<_, _> = [
        ("an unknown event", rule(&json!({"on": "pms.rates.updated.v1"}))),
        ("an unknown variable", when("guest.name == 'a'")),
        ("an unknown field", when("booking.gest == 'a'")),
        ("an unknown function", when("booking.id.matches('a*')")),
        ("a number against text", when("booking.nights == '2'")),
        ("a syntax error", when("booking.nights >= ")),
        ("a number as answer", when("booking.nights + 1")),
        ("too deep", when(&"(".repeat(500))),
        ("a loop in a loop", when("[1].all(a, [2].all(b, a < b))")),
        ("a circle", ring(&[("a", "rule.a", "rule.b"), ("b", "rule.b", "rule.a")])),
        ("a wait in days", rule(&json!({"after": "P3D"}))),
        ("an unknown word in a rule", rule(&json!({"unless": "true"}))),
        ("a weekday that is none", assign(&json!({"to": "a", "weekdays": ["monday"]}))),
    ]
    .into_iter()
    .map(|(what, text)| (what, refusal(&text).to_string()))
    .collect();
    insta::assert_json_snapshot!(texts);
}
