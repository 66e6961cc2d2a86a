//! The templates that Bellhop brings along, for tenants that have none of their own.

use crate::Template;

/// The kinds of message that have a built-in template, each in English (`en`) and German (`de`).
pub const KINDS: [&str; 8] =
    ["confirmation", "change", "cancellation", "pre-arrival", "check-in", "check-out", "review-request", "message"];

macro_rules! templates {
    ($($kind:literal $locale:literal;)*) => {
        /// The built-in template of a kind in a language, if there is one.
        #[must_use]
        pub fn builtin(kind: &str, locale: &str) -> Option<Template> {
            match (kind, locale) {
                $(($kind, $locale) => Some(Template::from_files(
                    include_str!(concat!("../templates/", $kind, ".", $locale, ".subject.txt")),
                    include_str!(concat!("../templates/", $kind, ".", $locale, ".html")),
                    include_str!(concat!("../templates/", $kind, ".", $locale, ".txt")),
                )),)*
                _ => None,
            }
        }
    };
}

templates! {
    "confirmation" "en";
    "confirmation" "de";
    "change" "en";
    "change" "de";
    "cancellation" "en";
    "cancellation" "de";
    "pre-arrival" "en";
    "pre-arrival" "de";
    "check-in" "en";
    "check-in" "de";
    "check-out" "en";
    "check-out" "de";
    "review-request" "en";
    "review-request" "de";
    "message" "en";
    "message" "de";
}
