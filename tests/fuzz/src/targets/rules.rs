//! Rulebooks and conditions: refused with a place, or judged the same each time, in bounds.

use bellhop_events::Reason;
use bellhop_rules::{
    BookingFacts, Condition, Facts, MAX_CONDITION_BYTES, MAX_RULEBOOK_BYTES, RuleId, Rulebook, TaskFacts,
};

use super::envelope::explains;
use crate::Target;

pub(super) const TARGET: Target = Target {
    name: "rules",
    check,
    seeds: "tests/fuzz/seeds/rules",
    words: &[
        "booking.nights",
        "booking.total",
        "booking.lead_days",
        "booking.id",
        "booking.placed",
        "task.title",
        "report.status",
        "event.type",
        "has(booking.id)",
        ".all(a, a > 0)",
        ".exists(a, a == 'x')",
        ".map(a, a + a)",
        ".filter(a, true)",
        "[1, 2]",
        "{'a': 1}",
        "size(",
        "int(",
        "double(",
        "string(",
        "'x'",
        "b'x'",
        "r'\\'",
        "'''",
        "\\u0000",
        "\\x80",
        "1u",
        "0x",
        "1e400",
        "1e308",
        "0.0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615u",
        "true",
        "false",
        "null",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        "?",
        ":",
        "&&",
        "||",
        "==",
        "!=",
        "<",
        ">=",
        "in",
        "//",
        "\n",
        ".",
        ",",
        "`",
        "@",
        ".startsWith('a')",
        ".contains('')",
        "\"when\":\"",
        "\"on\":\"pms.task.reported.v1\"",
        "\"after\":\"PT2160H\"",
        "\"at\":{\"anchor\":\"arrival\",\"offset\":\"-PT0M\"}",
        "\"then\":{\"event\":{\"type\":\"rule.x\",\"data\":{\"a\":0.1}}}",
        "rule.x",
        "4.35e-7",
        "\"days\":365",
        "24:00",
        "\"capacity\":0",
        "\u{202e}",
        "\u{feff}",
        "\0",
    ],
};

fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match Rulebook::parse(&text) {
        Ok(book) => {
            assert!(text.len() <= MAX_RULEBOOK_BYTES);
            let written = book.to_json();
            if written.len() <= MAX_RULEBOOK_BYTES {
                assert_eq!(Rulebook::parse(&written).as_ref(), Ok(&book), "another book when it is read again");
            }
            for rule in &book.rules {
                assert_eq!(book.rule(&rule.id).map(|rule| &rule.id), Some(&rule.id));
                assert!(rule.id.as_str().parse::<RuleId>().is_ok());
                rule.when.iter().for_each(judge);
            }
        }
        Err(fault) => {
            assert_eq!(fault.reason, Reason::InvalidRule, "{fault}");
            explains(&fault);
        }
    }
    // Each line by itself, for more of them get through.
    for line in text.lines().take(20) {
        match Condition::parse(line) {
            Ok(condition) => {
                assert!(line.len() <= MAX_CONDITION_BYTES && condition.source() == line);
                judge(&condition);
            }
            Err(fault) => {
                assert_eq!((fault.reason, fault.pointer.as_str()), (Reason::InvalidRule, ""), "{fault}");
                explains(&fault);
            }
        }
    }
}

/// The least, the most and something between.
fn facts() -> [Facts; 3] {
    let text = "x".repeat(200);
    let extreme = BookingFacts {
        total: i64::MAX,
        lead_days: i64::MIN,
        id: text.clone(),
        reference: text,
        ..BookingFacts::default()
    };
    let usual = BookingFacts {
        id: "b1".to_owned(),
        nights: 3,
        arrival: "2026-07-03".to_owned(),
        placed: true,
        ..BookingFacts::default()
    };
    let task = TaskFacts { title: "Clean".to_owned(), ..TaskFacts::default() };
    [
        Facts::default(),
        Facts { booking: extreme, ..Facts::default() },
        Facts { booking: usual, task, ..Facts::default() },
    ]
}

fn judge(condition: &Condition) {
    for facts in facts() {
        let answer = condition.holds(&facts);
        assert_eq!(condition.holds(&facts), answer, "{}", condition.source());
        if let Err(fault) = answer {
            assert_eq!((fault.reason, fault.pointer.as_str()), (Reason::RuleFailed, ""), "{fault}");
            explains(&fault);
        }
    }
}
