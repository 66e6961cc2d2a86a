//! Mail templates and the values that guests bring: refused or rendered, in bounds, and a value is never more than text.

use bellhop_events::Reason;
use bellhop_mail::{Facts, MAX_PART_BYTES, Rendered, Template, render};

use super::envelope::explains;
use crate::{Target, parts};

pub(super) const TARGET: Target = Target {
    name: "templates",
    check,
    seeds: "tests/fuzz/seeds/templates",
    words: &[
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{{ guest.name }}",
        "{% if guest.name %}",
        "{% endif %}",
        "{% else %}",
        "{% elif ",
        "{% set a = guest.name %}",
        "{{ a }}",
        "{% raw %}",
        "{% endraw %}",
        "{% for i in [1] %}",
        "{% include 'x' %}",
        "guest.name",
        "message.text",
        "booking.nights",
        "unit.name",
        "|date('%A')",
        "|date('%1000000d')",
        "|replace('&', '<')",
        "|first",
        "|last",
        "|title",
        "|upper",
        "|lower",
        "|length",
        "|int",
        "|abs",
        "|default('<')",
        "|e",
        "|trim",
        "is startingwith 'a'",
        "is odd",
        "'",
        "\"",
        "\\",
        "\\u003c",
        "(",
        ")",
        "[",
        "]",
        "[0:2]",
        "{",
        "}",
        "~",
        "*",
        "**",
        "//",
        "%",
        "-",
        "+",
        "==",
        "in",
        "not",
        "and",
        "or",
        "9223372036854775807",
        "-9223372036854775808",
        "1e308",
        "0.0",
        "\r\n",
        "\n",
        "\0",
        "\u{202e}",
        "\u{85}",
        "<",
        ">",
        "</p>",
        "<script>",
        "<a href=\"",
        "<!--",
        "-->",
        "<p title=",
        "<style>",
        "&lt;",
        "%%",
    ],
};

/// Of each part, as `shared/mail/src/engine.rs` bounds it.
const MOST_OUTPUT: usize = 256 * 1024;
const MOST_SUBJECT: usize = 200;

/// A word that stands in every value and in no seed.
const MARK: &str = "Zq7";

/// Subject, HTML, text, and what a guest is called; a template of one part has it thrice.
fn check(input: &[u8]) {
    let parts = parts(input);
    let part = |at: usize| parts.get(at).or(parts.first()).cloned().unwrap_or_default();
    let template = Template { subject: part(0), html: part(1), text: part(2) };
    let called = parts.get(3).map_or("", String::as_str);

    let checked = template.check();
    if let Err(fault) = &checked {
        assert_eq!(fault.reason, Reason::InvalidTemplate, "{fault}");
        explains(fault);
    }
    let sample = render(&template, &Facts::sample());
    assert!(checked.is_err() || sample.is_ok(), "was checked, cannot be rendered: {sample:?}");
    let hostile = format!("{MARK}<b x=\"{MARK}\" y='{MARK}'>&{MARK}\r\nBcc: {MARK}\u{202e}{called}");
    for rendered in [sample, render(&template, &Facts::saying(&hostile))] {
        match rendered {
            Ok(rendered) => bounded(&template, &rendered),
            Err(fault) => {
                assert_eq!(fault.reason, Reason::TemplateFailed, "{fault}");
                explains(&fault);
                let is_own = [&template.subject, &template.html, &template.text].iter().any(|own| own.contains(MARK));
                assert!(is_own || !format!("{fault:?}").contains(MARK), "shows a guest's data: {fault}");
            }
        }
    }
}

fn bounded(template: &Template, rendered: &Rendered) {
    let Rendered { subject, html, text } = rendered;
    assert!(template.html.len() <= MAX_PART_BYTES && template.text.len() <= MAX_PART_BYTES);
    assert!(html.len() <= MOST_OUTPUT && text.len() <= MOST_OUTPUT);
    assert!(!subject.is_empty() && subject.chars().count() <= MOST_SUBJECT);
    assert!(!subject.chars().any(|c| c.is_control() || c == '\u{202e}'), "{subject:?}");
    // There are no loops: what the template says is said at most once, and values add nothing but text.
    for mark in ['<', '>', '"', '\''] {
        assert!(html.matches(mark).count() <= template.html.matches(mark).count(), "{mark:?} in a value: {html:?}");
    }
    for (part, own) in [(html, &template.html), (text, &template.text)] {
        let odd =
            |text: &str| text.chars().filter(|&c| c == '\u{202e}' || (c.is_control() && !"\n\t".contains(c))).count();
        assert!(odd(part) <= odd(own), "what is no text: {part:?}");
    }
}
