//! In which languages a guest may be written to: candidates, best first.

/// So many candidates are looked up.
pub const MOST_LOCALES: usize = 8;

/// The language that all built-in templates have.
const LAST_RESORT: &str = "en";

/// Candidates in order: the guest's language and what it falls back to (`de-at`, `de`), the property's the same way, then
/// English. Lower-cased BCP 47 tags, each once, at most [`MOST_LOCALES`]; `[a-z0-9-]{1,35}`, so safe as part of a key. What
/// is no tag is left out.
#[must_use]
pub fn locales(guest_language: Option<&str>, property_languages: &[String]) -> Vec<String> {
    let wishes = guest_language.into_iter().chain(property_languages.iter().map(String::as_str));
    let mut found: Vec<String> = Vec::new();
    for tag in wishes.filter_map(tag).flat_map(|tag| fallbacks(&tag)) {
        if !found.contains(&tag) {
            found.push(tag);
        }
    }
    if !found.iter().take(MOST_LOCALES).any(|tag| tag == LAST_RESORT) {
        found.truncate(MOST_LOCALES - 1);
        found.push(LAST_RESORT.to_owned());
    }
    found.truncate(MOST_LOCALES);
    found
}

/// A tag in the form of keys, if it has the form of a tag: subtags of 1 to 8 letters or digits, the first of letters.
fn tag(text: &str) -> Option<String> {
    let text = text.trim().replace('_', "-").to_ascii_lowercase();
    let is_subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let starts = text.split('-').next().is_some_and(|first| first.bytes().all(|b| b.is_ascii_alphabetic()));
    (starts && text.len() <= 35 && text.split('-').all(is_subtag)).then_some(text)
}

/// RFC 4647, 3.4: subtags are taken from the end, and a single letter or digit with what followed it.
fn fallbacks(tag: &str) -> Vec<String> {
    let mut found = vec![tag.to_owned()];
    let mut rest = tag;
    while let Some((shorter, _)) = rest.rsplit_once('-') {
        rest = shorter;
        if rest.rsplit('-').next().is_some_and(|last| last.len() > 1) {
            found.push(rest.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(guest: Option<&str>, property: &[&str]) -> Vec<String> {
        locales(guest, &property.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_guest_comes_first_then_the_house_then_english() {
        assert_eq!(of(Some("de-AT"), &["pt-PT", "de"]), ["de-at", "de", "pt-pt", "pt", "en"]);
        assert_eq!(of(None, &[]), ["en"]);
        assert_eq!(of(Some("en_GB"), &["fr"]), ["en-gb", "en", "fr"]);
        assert_eq!(of(Some("zh-Hant-TW"), &[]), ["zh-hant-tw", "zh-hant", "zh", "en"]);
        assert_eq!(of(Some("de-x-private"), &[]), ["de-x-private", "de", "en"]);
    }

    #[test]
    fn what_is_no_tag_is_left_out() {
        let long = "a".repeat(36);
        for bad in ["", "-", "de-", "../en", "de/at", "d e", "#", "日本語", "de\r\n", "1", "abcdefghi", &long] {
            let found = of(Some(bad), &[]);
            assert!(found == ["en"] || found == ["de", "en"], "{bad:?} {found:?}");
        }
    }

    proptest! {
        #[test]
        fn candidates_are_few_and_safe_in_keys(guest in "\\PC{0,40}", house in prop::collection::vec("[a-zA-Z0-9_-]{0,20}", 0..20)) {
            let found = locales(Some(&guest), &house);
            prop_assert!((1..=MOST_LOCALES).contains(&found.len()) && found.contains(&"en".to_owned()));
            for tag in &found {
                prop_assert!((1..=35).contains(&tag.len()));
                prop_assert!(tag.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            }
        }
    }
}
