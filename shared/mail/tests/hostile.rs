//! Hostile templates and values: each is refused with a code and a pointer, or bounded in time and size.

#![expect(clippy::expect_used, reason = "tests")]

use bellhop_events::Reason;
use bellhop_mail::{Facts, MAX_PART_BYTES, Template, builtin, render};
use proptest::prelude::*;

/// Two megabytes of stack, as threads have them; the functions have eight.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).expect("a thread").join().expect("no panic");
}

fn with_html(html: &str) -> Template {
    Template { subject: "Hello".to_owned(), html: html.to_owned(), text: "Hello".to_owned() }
}

fn with_text(text: &str) -> Template {
    Template { subject: "Hello".to_owned(), html: "<p>Hello</p>".to_owned(), text: text.to_owned() }
}

fn with_subject(subject: &str) -> Template {
    Template { subject: subject.to_owned(), html: "<p>Hello</p>".to_owned(), text: "Hello".to_owned() }
}

/// Templates that may not be saved, in whichever part they stand.
fn templates() -> Vec<(&'static str, String)> {
    let deep = |open: &str, inner: &str, close: &str, levels: usize| {
        format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
    };
    let fill = "x".repeat(500);
    vec![
        ("an endless loop", "{% for i in range(10**9) %}{{ i }}{% endfor %}".to_owned()),
        ("a loop of loops", {
            let list = "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]";
            deep(&format!("{{% for i in {list} %}}"), "x", "{% endfor %}", 12)
        }),
        (
            "much from little",
            format!(
                "{}{}{}",
                "{% for i in 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'|join(',') %}".repeat(3),
                fill,
                "{% endfor %}".repeat(3)
            ),
        ),
        ("a long text times itself", "{{ 'aaaaaaaaaa' * 1000000000 }}".to_owned()),
        ("a text that doubles", format!("{{% set a = 'aaaaaaaaaa' %}}{}{{{{ a }}}}", "{% set a = a ~ a %}".repeat(60))),
        ("a list that doubles", format!("{{% set a = [1] %}}{}{{{{ a }}}}", "{% set a = a + a %}".repeat(60))),
        (
            "a text that is replaced by itself",
            format!("{{% set a = 'aaaaaaaaaa' %}}{}{{{{ a }}}}", "{% set a = a|replace('a', a) %}".repeat(12)),
        ),
        ("a huge power", "{{ (10**9)**(10**9)**9 }}".to_owned()),
        ("nested conditions", deep("{% if true %}", "x", "{% endif %}", 4_000)),
        ("nested loops", deep("{% for i in [1] %}", "x", "{% endfor %}", 2_500)),
        ("round brackets", format!("{{{{ {}1{} }}}}", "(".repeat(10_000), ")".repeat(10_000))),
        ("square brackets", format!("{{{{ {}1{} }}}}", "[".repeat(10_000), "]".repeat(10_000))),
        ("brackets of maps", format!("{{{{ {}1{} }}}}", "{'a':".repeat(10_000), "}".repeat(10_000))),
        ("brackets that are not closed", format!("{{{{ {}", "(".repeat(60_000))),
        ("not not not", format!("{{{{ {}1 }}}}", "not ".repeat(15_000))),
        ("minus minus minus", format!("{{{{ {}1 }}}}", "- ".repeat(30_000))),
        ("a sum of ten thousand terms", format!("{{{{ 1{} }}}}", "+1".repeat(10_000))),
        ("attributes of attributes", format!("{{{{ guest{} }}}}", ".a".repeat(10_000))),
        ("filters of filters", format!("{{{{ guest.name{} }}}}", "|trim".repeat(10_000))),
        ("a chain of elif", format!("{{% if false %}}{}{{% endif %}}", "{% elif false %}".repeat(3_000))),
        ("conditions inside of one", format!("{{{{ {}1 }}}}", "1 if false else ".repeat(4_000))),
        ("an end hidden in text", format!("{{{{ '}}}}' ~ 1{} }}}}", "+1".repeat(10_000))),
        (
            "an end hidden in a raw block",
            format!("{{% raw %}}{{{{ '{{% endraw %}}{{{{ '}}}}' ~ 1{} }}}}", "+1".repeat(10_000)),
        ),
        ("an end hidden in a map", format!("{{{{ {{'a': {{}}}} ~ 1{} }}}}", "+1".repeat(10_000))),
        ("an end hidden in a comment", format!("{{# {{{{ #}}{{{{ 1{} }}}}", "+1".repeat(10_000))),
        ("include", "{% include '/etc/passwd' %}".to_owned()),
        ("include by name of a fact", "{% include guest.name %}".to_owned()),
        ("import", "{% import 'a' as b %}{{ b }}".to_owned()),
        ("from import", "{%- from 'a' import b %}{{ b }}".to_owned()),
        ("extends", "{%+ extends 'part' %}".to_owned()),
        ("a block", "{% block a %}{{ self.a() }}{% endblock %}".to_owned()),
        ("a macro that calls itself", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".to_owned()),
        ("a call block", "{% call guest.name() %}x{% endcall %}".to_owned()),
        ("a loop that calls itself", "{% for i in [[1]] recursive %}{{ loop(i) }}{% endfor %}".to_owned()),
        ("escaping turned off", "{% autoescape false %}{{ guest.name }}{% endautoescape %}".to_owned()),
        ("captured output", "{% set x %}{{ guest.name }}{% endset %}{{ x|replace('&lt;', '<') }}".to_owned()),
        ("a filter over output", "{% filter upper %}{{ guest.name }}{% endfilter %}".to_owned()),
        ("declared safe", "{{ guest.name|safe }}".to_owned()),
        ("an unknown filter", "{{ guest.name|shout }}".to_owned()),
        ("an unknown test", "{{ guest.name is loud }}".to_owned()),
        ("an unknown fact", "{{ guest.telephone }}".to_owned()),
        ("an unknown fact behind a condition", "{% if guest.name == 'nobody' %}{{ guest.card }}{% endif %}".to_owned()),
        ("a method of text", "{{ guest.name.upper() }}".to_owned()),
        ("classes of Python", "{{ ''.__class__.__mro__[1].__subclasses__() }}".to_owned()),
        ("globals of Jinja", "{{ namespace(x=1) }}{{ dict(a=1) }}{{ cycler }}".to_owned()),
        ("the engine's state", "{{ debug() }}".to_owned()),
        ("the format of a date", "{{ booking.arrival|date('%999999999d') }}".to_owned()),
        ("a date that is none", "{{ guest.name|default('x', true)|date('%d') }}".to_owned()),
        ("a tag without an end", "Hello {{ guest.name".to_owned()),
        ("a comment without an end", "Hello {# guest".to_owned()),
        ("an end without a beginning", "Hello {% endif %}".to_owned()),
        ("a text without an end", "{{ 'aaaa }}".to_owned()),
        ("a backslash at the end", "{{ 'aaaa\\".to_owned()),
        ("nothing at all", " \n ".to_owned()),
        ("nothing where nothing is known", "{{ guest.name }}".to_owned()),
        ("ten megabytes", "a".repeat(10 << 20)),
        ("ten megabytes of tags", "{{".repeat(5 << 20)),
    ]
}

#[test]
fn hostile_templates_are_refused_with_code_pointer_and_line() {
    on_a_small_stack(|| {
        for (name, source) in templates() {
            for (part, pointer) in [(with_html(&source), "/html"), (with_text(&source), "/text")] {
                let fault = part.check().expect_err(name);
                assert_eq!((fault.reason, fault.pointer.as_str()), (Reason::InvalidTemplate, pointer), "{name}");
                assert!(fault.found.starts_with("line ") || fault.found == "nothing", "{name}: {fault}");
                assert!(fault.to_string().len() < 2_000, "{name}");
                // Had it been stored all the same, it would be as harmless.
                if let Err(fault) = render(&part, &Facts::sample()) {
                    assert_eq!(fault.reason, Reason::TemplateFailed, "{name}");
                }
            }
            let fault = with_subject(&source).check().expect_err(name);
            assert_eq!((fault.reason, fault.pointer.as_str()), (Reason::InvalidTemplate, "/subject"), "{name}");
        }
    });
}

#[test]
fn a_line_is_named() {
    let fault = with_html("<p>\n{{ guest.name }}\n{{ guest.phone }}").check().expect_err("unknown");
    assert!(fault.found.starts_with("line 3: \"guest.phone\""), "{fault}");
    let fault = with_text("a\n\nb {{ 1 / 0 }}").check().expect_err("no number");
    assert!(fault.found.starts_with("line 3: "), "{fault}");
    let fault = with_text("a\n{# x #}\n{% raw %}").check().expect_err("no statement");
    assert!(fault.found.starts_with("line 3: "), "{fault}");
}

#[test]
fn subjects_are_one_line() {
    for bad in [
        "a\r\nBcc: eve@example.com",
        "a\nb",
        "a\u{0}b",
        "{{ 'a\\r\\nb' }}",
        "{{ 'a\\nb' }}",
        "a\u{85}b",
        "a\tb",
        &"a".repeat(501),
    ] {
        let checked = with_subject(bad).check();
        match checked {
            Err(fault) => {
                assert_eq!((fault.reason, fault.pointer.as_str()), (Reason::InvalidTemplate, "/subject"), "{bad:?}");
            }
            // The engine writes no control characters of values.
            Ok(()) => assert!(bad.contains("\\r"), "{bad:?}"),
        }
        if let Ok(rendered) = render(&with_subject(bad), &Facts::sample()) {
            assert!(!rendered.subject.chars().any(char::is_control), "{bad:?} {:?}", rendered.subject);
        }
    }
}

const SAYS_ALL: &str = "<p title=\"{{ guest.name }}\">{{ guest.name }} {{ message.text }} {{ guest.name|upper|e }} \
    {{ guest.name ~ property.name }} {{ guest.name|replace('&lt;', '<') }} {{ (unit.name) }}</p>";

#[test]
fn hostile_values_are_text_and_nothing_else() {
    let template = Template {
        subject: "For {{ guest.name }} {{ message.subject }}".to_owned(),
        html: SAYS_ALL.to_owned(),
        text: "{{ guest.name }} {{ message.text }}".to_owned(),
    };
    template.check().expect("a template");
    for name in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "Ana\r\nBcc: eve@example.com\r\n\r\n<p>",
        "Ana\u{0}\u{7}\u{1b}[31m",
        "\u{202e}moc.elpmaxe\u{2066}",
        "{{ guest.name }}{% for i in range(10**9) %}",
        "{#",
        "&lt;script&gt;",
        "=?utf-8?q?=0d=0aBcc:_eve@example.com?=",
    ] {
        let rendered = render(&template, &Facts::saying(name)).expect("rendered");
        assert!(!rendered.subject.chars().any(char::is_control), "{name:?}");
        assert!(
            !rendered.html.replace("<p title=\"", "").replace("</p>", "").contains('<'),
            "{name:?} {}",
            rendered.html
        );
        assert!(!rendered.html.contains("onmouseover='"), "{name:?} {}", rendered.html);
        for part in [&rendered.html, &rendered.text, &rendered.subject] {
            assert!(!part.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{name:?}");
            assert!(!part.contains(['\u{202e}', '\u{2066}']), "{name:?}");
        }
    }
}

#[test]
fn a_huge_value_is_bounded() {
    let message = builtin("message", "en").expect("a template");
    let fault = render(&message, &Facts::saying(&"<".repeat(10 << 20))).expect_err("too large");
    assert_eq!(fault.reason, Reason::TemplateFailed);
    let rendered = render(&message, &Facts::saying(&"é".repeat(20_000))).expect("rendered");
    assert_eq!(rendered.subject.chars().count(), 200);
}

#[test]
fn a_fault_of_rendering_shows_no_fact() {
    let template = with_text(
        "{% if guest.name == 'Ana Sample' %}x{% else %}{{ guest.name|date('%d') }}{{ guest.name|int }}{% endif %}x",
    );
    let fault = render(&template, &Facts::saying("Secret Person")).expect_err("no date");
    assert_eq!((fault.reason, fault.pointer.as_str()), (Reason::TemplateFailed, "/text"));
    assert!(!fault.to_string().contains("Secret") && !format!("{fault:?}").contains("Secret"), "{fault}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever stands in the parts: refused or rendered, never a panic, never a second line in a subject.
    #[test]
    fn any_template_is_refused_or_rendered(
        pieces in prop::collection::vec(prop_oneof![
            prop::sample::select(vec![
                "{{", "}}", "{%", "%}", "{#", "#}", "if ", "else", "endif", "for x in ", "endfor", "set x = ", "guest.name", "booking",
                "loop.index", "'", "\"", "\\", "(", ")", "[", "]", "{", "}", "|", "~", "*", "**", "-", "+", " ", "\r\n", "99999999999",
                "range(9)", "raw", "endraw", "include", "|replace('', 'x')", "|date('%Y')", "<", "\u{0}", "is ", "in ", "not ", ".", ",",
                "{{ guest.name }}", "{% if guest.name %}", "{% endif %}", "{% for x in [1, 2] %}", "{% endfor %}", "{{ x }}", "{%- else -%}",
            ]).prop_map(str::to_owned),
            "\\PC{0,6}",
        ], 0..40),
        name in "\\PC{0,20}",
    ) {
        let source = pieces.concat();
        let template = Template { subject: source.clone(), html: source.clone(), text: source };
        let checked = template.check();
        if let Ok(rendered) = render(&template, &Facts::saying(&name)) {
            prop_assert!(!rendered.subject.chars().any(char::is_control));
            prop_assert!(rendered.html.len() <= 256 * 1024);
        } else if checked.is_ok() {
            // Only a value can be at fault.
            prop_assert!(render(&template, &Facts::sample()).is_ok());
        }
    }

    /// Whatever the values are: HTML holds them escaped, and nothing beside them.
    #[test]
    fn values_are_escaped_in_html(name in "[<>\"'&/a-z\\r\\n\\x00\u{202e}{}%#]{0,30}") {
        let rendered = render(&with_html(SAYS_ALL), &Facts::saying(&name)).expect("rendered");
        let inner = rendered.html.strip_prefix("<p title=\"").and_then(|rest| rest.strip_suffix("</p>")).expect("the frame");
        prop_assert_eq!(inner.matches(['<', '"', '\'']).count(), 1, "{}", rendered.html);
        prop_assert_eq!(inner.matches('>').count(), 1);
    }

    /// The built-in templates hold whatever a guest is called.
    #[test]
    fn built_in_templates_render_any_value(name in "\\PC{0,200}|[<>&\"'\\r\\n]{0,50}", kind in prop::sample::select(bellhop_mail::KINDS.to_vec()), german in any::<bool>()) {
        let template = builtin(kind, if german { "de" } else { "en" }).expect("a template");
        match render(&template, &Facts::saying(&name)) {
            Ok(rendered) => prop_assert!(!rendered.subject.chars().any(char::is_control)),
            Err(fault) => prop_assert!(kind == "message" && fault.pointer == "/subject", "{}", fault),
        }
    }
}

#[test]
fn the_largest_template_is_checked() {
    let paragraph = "<p>{{ guest.name }} {% if booking.total %}{{ booking.total }}{% endif %}</p>\n";
    let html = paragraph.repeat(MAX_PART_BYTES / 2 / paragraph.len());
    with_html(&html).check().expect("a template");
}
