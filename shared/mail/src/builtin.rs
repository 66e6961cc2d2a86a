//! The templates that Bellhop brings along, for tenants that have none of their own.
//!
//! All share one page around the words (`layout.html`), and those that show the stay one table of it in each language
//! (`stay.LOCALE.*`): `[[NAME]]` stands where a piece goes. Put together, each is a template as tenants write them.

use crate::Template;

/// The kinds of message that have a built-in template, each in English (`en`) and German (`de`).
pub const KINDS: [&str; 8] =
    ["confirmation", "change", "cancellation", "pre-arrival", "check-in", "check-out", "review-request", "message"];

const LAYOUT: &str = include_str!("../templates/layout.html");

/// The words of one message, and how its language shows a stay.
struct Words {
    subject: &'static str,
    html: &'static str,
    text: &'static str,
    stay: (&'static str, &'static str),
}

macro_rules! words {
    ($($kind:literal)*) => {
        fn words(kind: &str, locale: &str) -> Option<Words> {
            match (kind, locale) {
                $(
                    ($kind, "en") => Some(words!(@ $kind, "en")),
                    ($kind, "de") => Some(words!(@ $kind, "de")),
                )*
                _ => None,
            }
        }
    };
    (@ $kind:literal, $locale:literal) => {
        Words {
            subject: include_str!(concat!("../templates/", $kind, ".", $locale, ".subject.txt")),
            html: include_str!(concat!("../templates/", $kind, ".", $locale, ".html")),
            text: include_str!(concat!("../templates/", $kind, ".", $locale, ".txt")),
            stay: (
                include_str!(concat!("../templates/stay.", $locale, ".html")),
                include_str!(concat!("../templates/stay.", $locale, ".txt")),
            ),
        }
    };
}

words! { "confirmation" "change" "cancellation" "pre-arrival" "check-in" "check-out" "review-request" "message" }

/// The built-in template of a kind in a language, if there is one.
#[must_use]
pub fn builtin(kind: &str, locale: &str) -> Option<Template> {
    let Words { subject, html, text, stay } = words(kind, locale)?;
    let page = LAYOUT.replace("[[LANG]]", locale).replace("[[TITLE]]", subject.trim_end()).replace("[[BODY]]", html);
    Some(Template::from_files(subject, &page.replace("[[STAY]]", stay.0), &text.replace("[[STAY]]", stay.1)))
}
