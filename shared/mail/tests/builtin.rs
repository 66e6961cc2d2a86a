//! The templates that Bellhop brings along.

#![expect(clippy::expect_used, reason = "tests")]

use bellhop_mail::{Facts, KINDS, Rendered, builtin, render};

fn rendered(kind: &str, locale: &str, facts: &Facts) -> Rendered {
    render(&builtin(kind, locale).expect("a template"), facts).expect("rendered")
}

#[test]
fn each_is_a_template_that_may_be_saved() {
    for kind in KINDS {
        for locale in ["en", "de"] {
            let template = builtin(kind, locale).expect("a template");
            template.check().unwrap_or_else(|fault| panic!("{kind}.{locale}: {fault}"));
            assert!(template.html.contains(&format!("<html lang=\"{locale}\">")), "{kind}.{locale}");
            assert!(!template.html.contains("http") && !template.html.contains("src="), "{kind}.{locale}");
            assert!(template.html.contains("color-scheme"), "{kind}.{locale}");
            assert!(!template.html.contains("[[") && !template.text.contains("[["), "{kind}.{locale}");
        }
    }
    assert_eq!(builtin("confirmation", "fr"), None);
    assert_eq!(builtin("welcome", "en"), None);
}

#[test]
fn what_guests_read() {
    for (locale, facts, name) in [
        ("en", Facts::sample(), "full"),
        ("de", Facts::sample(), "full"),
        ("en", Facts::bare(), "bare"),
        ("de", Facts::bare(), "bare"),
    ] {
        let all: Vec<_> = KINDS
            .iter()
            .filter(|kind| **kind != "message" || name == "full")
            .map(|kind| {
                let rendered = rendered(kind, locale, &facts);
                format!("==== {kind}\nSubject: {}\n\n{}", rendered.subject, rendered.text)
            })
            .collect();
        insta::assert_snapshot!(format!("{locale}_{name}"), all.join("\n"));
    }
}

#[test]
fn a_confirmation_in_html() {
    insta::assert_snapshot!(rendered("confirmation", "en", &Facts::sample()).html);
    insta::assert_snapshot!("message_in_html", rendered("message", "de", &Facts::sample()).html);
}
