//! Each reason code has its page in `docs/errors`, each page its code, and the index a row for each.
#![expect(clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use bellhop_events::Reason;
use serde_json::Value;

const INDEX: &str = "README";
const HEADINGS: [&str; 4] = ["## Who acts", "## Safe to retry?", "## What to do", "## Example"];
/// What stands where somebody meant to write more.
const UNFINISHED: [&str; 7] = ["todo", "tbd", "fixme", "xxx", "???", "lorem ipsum", "fill in"];

/// The texts of the folder by name, without `.md`.
fn pages() -> BTreeMap<String, String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
    let entries = fs::read_dir(folder).expect("the folder docs/errors");
    entries
        .map(|entry| {
            let path = entry.expect("a folder entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let name = name.strip_suffix(".md").expect("nothing but pages").to_owned();
            (name, fs::read_to_string(&path).expect("a text file"))
        })
        .collect()
}

fn codes() -> BTreeSet<String> {
    Reason::ALL.iter().map(|reason| reason.code().to_owned()).collect()
}

/// What stands below each heading, in order.
fn sections(page: &str) -> Vec<(&str, String)> {
    let mut sections: Vec<(&str, String)> = Vec::new();
    for line in page.lines() {
        match sections.last_mut() {
            _ if line.starts_with('#') => sections.push((line, String::new())),
            Some((_, text)) => {
                text.push_str(line);
                text.push('\n');
            }
            None => sections.push(("", line.to_owned())),
        }
    }
    sections
}

#[test]
fn codes_and_pages_are_the_same() {
    let pages: BTreeSet<String> = pages().into_keys().filter(|name| name != INDEX).collect();
    let without: Vec<_> = codes().difference(&pages).cloned().collect();
    let left_over: Vec<_> = pages.difference(&codes()).cloned().collect();
    assert!(without.is_empty(), "write docs/errors/CODE.md for {without:?}");
    assert!(left_over.is_empty(), "no code has the pages {left_over:?}");
}

#[test]
fn pages_are_complete() {
    for (code, page) in pages().iter().filter(|(name, _)| *name != INDEX) {
        let sections = sections(page);
        let headings: Vec<_> = sections.iter().map(|(heading, _)| (*heading).to_owned()).collect();
        let wanted: Vec<_> = [format!("# `{code}`")].into_iter().chain(HEADINGS.map(str::to_owned)).collect();
        assert_eq!(headings, wanted, "the headings of {code}");
        for (heading, text) in &sections {
            assert!(text.trim().len() > 5, "nothing below {heading} of {code}");
        }
    }
}

#[test]
fn nothing_is_left_to_fill_in() {
    for (name, page) in pages() {
        let words = page.to_lowercase();
        for left in UNFINISHED {
            assert!(!words.contains(left), "{left:?} in {name}");
        }
    }
}

#[test]
fn examples_are_json_of_their_code() {
    for (code, page) in pages() {
        for text in page.split("```json").skip(1).filter_map(|rest| rest.split("```").next()) {
            let example: Value = serde_json::from_str(text).expect("an example is JSON");
            let reason = example.get("reason").and_then(Value::as_str);
            assert!(reason.is_none_or(|reason| reason == code), "the example of {code} is one of {reason:?}");
        }
    }
}

#[test]
fn the_index_has_a_row_for_each_code() {
    let pages = pages();
    let index = pages.get(INDEX).expect("docs/errors/README.md");
    let rows: Vec<_> = index.lines().filter(|line| line.starts_with("| [")).collect();
    for code in codes() {
        let begin = format!("| [`{code}`]({code}.md) |");
        let own: Vec<_> = rows.iter().filter(|row| row.starts_with(&begin)).collect();
        assert_eq!(own.len(), 1, "one row for {code} in docs/errors/README.md: {begin}");
        let cells: Vec<_> = own.iter().flat_map(|row| row.trim_matches('|').split('|')).map(str::trim).collect();
        assert!(cells.len() == 4 && cells.iter().all(|cell| !cell.is_empty()), "four full cells for {code}");
    }
    assert_eq!(rows.len(), codes().len(), "a row of the index has no code");
}
