//! The picture of a tree: a row for each step.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::tree::{Line, Node, Tree};
use crate::output::styled;
use crate::{output, when};

const GOOD: Style = AnsiColor::Green.on_default();
const WAITS: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const FAINT: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// Draws a tree; `ids`: with the id of each event.
pub fn draw(tree: &Tree, ids: bool) -> String {
    let mut rows = Vec::new();
    add(&mut rows, &tree.root, "", "");
    let heads = ["event", "subject", "function", "outcome", "attempt", "time", "lag", "id"];
    let columns = if ids { 8 } else { 7 };
    let mut out = styled(BOLD, format_args!("trace {} of {}", tree.trace, tree.group));
    if let Some(cause) = &tree.cause {
        let _ = write!(out, "\ncaused by {cause}: bellhop trace {cause} shows the whole");
    }
    let loose = rows.len();
    for node in &tree.loose {
        add(&mut rows, node, "", "");
    }
    // Laid out without styles, which would count as width, and coloured after.
    let mut table = output::table(&heads[..columns]);
    for (cells, _) in &rows {
        table.add_row(&cells[..columns]);
    }
    output::numbers(&mut table, 4..5);
    output::numbers(&mut table, 6..7);
    for (number, line) in table.trim_fmt().lines().enumerate() {
        if number == loose + 1 && !tree.loose.is_empty() {
            let _ = write!(out, "\n{}", styled(FAINT, "of the same trace, caused by what has no line:"));
        }
        let style = number.checked_sub(1).and_then(|row| rows.get(row)).map_or(FAINT, |(_, style)| *style);
        let _ = write!(out, "\n{}", styled(style, line));
    }
    out
}

type Row = ([String; 8], Style);

fn add(rows: &mut Vec<Row>, node: &Node, branch: &str, below: &str) {
    let more = if node.caused.is_empty() { " " } else { "│" };
    for (number, step) in node.steps.iter().enumerate() {
        let event = if number == 0 { format!("{branch}{}", node.kind) } else { format!("{below}{more}") };
        let (subject, id) =
            if number == 0 { (node.subject.clone(), node.event.clone()) } else { (String::new(), String::new()) };
        let last = number + 1 == node.steps.len();
        let again = if last && step.outcome != "duplicate" { again(node.duplicates) } else { String::new() };
        let outcome = format!("{}{again}", outcome(step));
        let (attempt, time) = (step.attempt.to_string(), when::millisecond(step.at));
        let cells = [event, subject, step.function.clone(), outcome, attempt, time, lag(step.lag_ms), id];
        rows.push((cells, style_of(&step.outcome)));
    }
    for (number, child) in node.caused.iter().enumerate() {
        let (fork, rail) = if number + 1 == node.caused.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        add(rows, child, &format!("{below}{fork}"), &format!("{below}{rail}"));
    }
}

fn again(duplicates: usize) -> String {
    match duplicates {
        0 => String::new(),
        1 => ", and a duplicate".to_owned(),
        more => format!(", and {more} duplicates"),
    }
}

fn outcome(step: &Line) -> String {
    let why = [&step.note, &step.reason, &step.cause].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    let delay = step.delay.map(|seconds| format!(", again in {seconds} s")).unwrap_or_default();
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    format!("{}{why}{delay}", step.outcome)
}

/// How long it took, from SQS's acceptance on.
pub fn lag(ms: Option<i64>) -> String {
    match ms {
        None => "-".to_owned(),
        Some(ms) if ms < 10_000 => format!("{ms} ms"),
        Some(ms) => format!("{} s", ms / 1000),
    }
}

/// How an outcome is shown.
pub fn style_of(outcome: &str) -> Style {
    match outcome {
        "applied" | "released" => GOOD,
        "review" | "redrive" => BAD,
        "duplicate" | "stale" => FAINT,
        _ => WAITS,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::season;
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_tree_is_drawn_with_retries_and_duplicates() {
        let tree = Tree::grow("0af7651916cd43dd8448eb211c80319c", "e1", season()).expect("a tree");
        insta::assert_snapshot!(plain(&draw(&tree, false)));
    }

    #[test]
    fn a_part_of_a_tree_names_its_cause_and_ids_are_shown_when_asked_for() {
        let tree = Tree::grow("0af7651916cd43dd8448eb211c80319c", "c1", season()).expect("a tree");
        insta::assert_snapshot!(plain(&draw(&tree, true)));
    }
}
