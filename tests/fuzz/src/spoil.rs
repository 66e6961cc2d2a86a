//! Spoils good inputs: words are lost, doubled, changed for others; a few bytes turn.
//!
//! All the formats here are text of words and marks (JSON, iCalendar, Jinja, CEL), so most edits take a whole word: one spoilt
//! letter rarely gets past a parser.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Far above what edits make of a seed, and above every limit that the code has but the largest.
const MOST_BYTES: usize = 1 << 19;

/// One change. An index is a place: a share of what is there.
#[derive(Debug, Clone)]
enum Edit {
    /// A word is another one.
    Word(Index, Vec<u8>),
    /// A word more.
    Insert(Index, Vec<u8>),
    /// The words from here to there are gone.
    Lose(Index, Index),
    /// The words from here to there stand so often.
    Repeat(Index, Index, usize),
    /// The words from here to there, of the other seed.
    Splice(Index, Index, Index),
    /// A byte turns.
    Byte(Index, u8),
    /// It ends here.
    Cut(Index),
}

/// Spoiled seeds, and now and then bytes of any kind. Shrinks towards a whole seed.
pub fn spoiled(seeds: Vec<Vec<u8>>, words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let seed = select(seeds);
    let edited = (seed.clone(), seed, vec(edit(words), 0..8)).prop_map(|(good, other, edits)| {
        let spoil = |text, edit: &Edit| edit.spoil(text, &other);
        edits.iter().fold(good, spoil)
    });
    prop_oneof![19 => edited, 1 => vec(any::<u8>(), 0..200)]
}

fn edit(words: &'static [&'static str]) -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    let known = select(words).prop_map(|word| word.as_bytes().to_vec());
    let number = any::<i64>().prop_map(|number| number.to_string().into_bytes());
    let text = vec(any::<char>(), 1..4).prop_map(|text| text.into_iter().collect::<String>().into_bytes());
    let word = prop_oneof![6 => known, 1 => number, 1 => text].boxed();
    prop_oneof![
        6 => (at(), word.clone()).prop_map(|(at, word)| Edit::Word(at, word)),
        4 => (at(), word).prop_map(|(at, word)| Edit::Insert(at, word)),
        3 => (at(), at()).prop_map(|(from, to)| Edit::Lose(from, to)),
        2 => (at(), at(), prop_oneof![8 => 2..4_usize, 1 => 4..3_000_usize]).prop_map(|(from, to, n)| Edit::Repeat(from, to, n)),
        3 => (at(), at(), at()).prop_map(|(at, from, to)| Edit::Splice(at, from, to)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Edit::Byte(at, byte)),
        1 => at().prop_map(Edit::Cut),
    ]
}

impl Edit {
    fn spoil(&self, mut text: Vec<u8>, other: &[u8]) -> Vec<u8> {
        match self {
            Self::Word(at, word) => drop(text.splice(word_at(&text, *at), word.iter().copied())),
            Self::Insert(at, word) => drop(text.splice(empty(word_at(&text, *at)), word.iter().copied())),
            Self::Lose(from, to) => drop(text.drain(between(&text, *from, *to))),
            Self::Repeat(from, to, times) => {
                let range = between(&text, *from, *to);
                let times = (*times).min(MOST_BYTES / range.len().max(1));
                let many = text[range.clone()].repeat(times);
                text.splice(range, many);
            }
            Self::Splice(at, from, to) => {
                let news = other[between(other, *from, *to)].to_vec();
                text.splice(word_at(&text, *at), news);
            }
            Self::Byte(at, byte) if !text.is_empty() => {
                let at = at.index(text.len());
                text[at] ^= byte;
            }
            Self::Byte(..) => {}
            Self::Cut(at) => text.truncate(at.index(text.len() + 1)),
        }
        text.truncate(MOST_BYTES);
        text
    }
}

fn empty(range: Range<usize>) -> Range<usize> {
    range.start..range.start
}

/// The word around a place: letters and digits, or one mark.
fn word_at(text: &[u8], at: Index) -> Range<usize> {
    let at = at.index(text.len() + 1);
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte > 127;
    let Some(byte) = text.get(at) else { return at..at };
    if !is_letter(byte) {
        return at..at + 1;
    }
    let before = text[..at].iter().rev().take_while(|byte| is_letter(byte)).count();
    let behind = text[at..].iter().take_while(|byte| is_letter(byte)).count();
    at - before..at + behind
}

/// From one word to another: near ones mostly, so that most of a text stays.
fn between(text: &[u8], from: Index, to: Index) -> Range<usize> {
    let start = word_at(text, from).start;
    let reach = to.index(10_000);
    let length = if reach < 9_000 { reach / 150 } else { text.len() };
    start..start.saturating_add(length).min(text.len())
}
