//! A guest's strings, searched and replaced in text that people wrote.

use std::collections::BTreeSet;
use std::ops::Range;

use bellhop_events::catalogue::personal::ERASED;

/// Shorter strings stand in too many other words.
pub const LEAST_CHARACTERS: usize = 4;

/// Strings, lower-cased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(Vec<Vec<char>>);

impl Words {
    /// Those of at least [`LEAST_CHARACTERS`] characters, the longest first: `Ana Silva Costa` before `Ana Silva`.
    #[must_use]
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a String>) -> Self {
        // Letter by letter, as it is compared: a whole text's lower case depends on where a letter stands.
        let lower = |text: &String| text.trim().chars().flat_map(char::to_lowercase).collect();
        let lowered: BTreeSet<Vec<char>> = texts.into_iter().map(lower).collect();
        let mut words: Vec<_> = lowered.into_iter().filter(|word| word.len() >= LEAST_CHARACTERS).collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        Self(words)
    }

    /// Whether one of them stands in the text, whichever its case, and not as part of a longer word or address.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        self.0.iter().any(|word| find(text, word, 0).is_some())
    }

    /// The text with each of them replaced; none: there is none in it.
    #[must_use]
    pub fn replaced(&self, text: &str) -> Option<String> {
        let mut new = text.to_owned();
        for word in &self.0 {
            let mut from = 0;
            while let Some(range) = find(&new, word, from) {
                from = range.start + ERASED.len();
                new.replace_range(range, ERASED);
            }
        }
        (new != text).then_some(new)
    }
}

fn find(text: &str, word: &[char], from: usize) -> Option<Range<usize>> {
    let starts = text.get(from..)?.char_indices().map(|(index, _)| from + index);
    starts
        .filter_map(|start| Some(start..start + length(&text[start..], word)?))
        .find(|range| stands_alone(text, range, word))
}

/// How many bytes of the text's beginning are the word.
fn length(text: &str, word: &[char]) -> Option<usize> {
    let mut left = word.iter();
    for (index, character) in text.char_indices() {
        if left.as_slice().is_empty() {
            return Some(index);
        }
        if !character.to_lowercase().all(|lower| left.next() == Some(&lower)) {
            return None;
        }
    }
    left.as_slice().is_empty().then_some(text.len())
}

fn stands_alone(text: &str, range: &Range<usize>, word: &[char]) -> bool {
    let (before, mut after) = (text[..range.start].chars().next_back(), text[range.end..].chars());
    let next = after.next();
    let goes_on = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    if goes_on(before) || goes_on(next) {
        return false;
    }
    if !word.contains(&'@') {
        return true;
    }
    // `j.ana@example.com` and `ana@example.com.br` are other people's.
    let is_longer_name = before.is_some_and(|character| "._+-%'".contains(character));
    let is_longer_host = next == Some('-') || (next == Some('.') && goes_on(after.next()));
    !is_longer_name && !is_longer_host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(texts: &[&str]) -> Words {
        let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
        Words::of(&texts)
    }

    #[test]
    fn a_string_is_found_in_any_case_and_as_a_whole_only() {
        let ana = words(&["Ana Silva", "ana@example.com", "+351 912", "Ana", "Ömer İnan"]);
        for text in [
            "ana silva",
            "for ANA SILVA: a cot",
            "<Ana@Example.com>",
            "call +351 912.",
            "ömer i̇nan",
            "x ANA@example.com.",
        ] {
            assert!(ana.are_in(text), "{text}");
        }
        for text in [
            "",
            "Ana",
            "Mariana Silva",
            "Ana Silvano",
            "diana@example.com",
            "j.ana@example.com",
            "ana@example.com.br",
            "ana@example.community",
            "+351 9121",
        ] {
            assert!(!ana.are_in(text), "{text}");
            assert_eq!(ana.replaced(text), None);
        }
        assert_eq!(ana.replaced("Ana Silva, ana silva").as_deref(), Some("[erased], [erased]"));
    }

    #[test]
    fn the_longest_goes_first() {
        let both = words(&["Ana Silva", "Ana Silva Costa"]);
        assert_eq!(both.replaced("Ana Silva Costa and Ana Silva").as_deref(), Some("[erased] and [erased]"));
    }

    proptest::proptest! {
        #[test]
        fn what_was_replaced_is_not_found_again(text in "\\PC{0,40}", word in "\\PC{4,9}", at in 0_usize..40) {
            let at = text.char_indices().map(|(index, _)| index).nth(at).unwrap_or(text.len());
            let words = words(&[&word]);
            let whole = format!("{} {word} {}", &text[..at], &text[at..]);
            let new = words.replaced(&whole).unwrap_or(whole);
            proptest::prop_assert!(!words.are_in(&new) || words.are_in(ERASED), "{new:?}");
        }
    }
}
