//! The picture of a board: units by days, in each cell who cleans when.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use bellhop_events::catalogue::{TaskState, WorkStatus};
use bellhop_views::board::{Board, Cleaning, OpenTask};
use jiff::civil::Date;

use crate::output::{self, fit, styled};

const LABEL: usize = 11;
/// A cell with the space behind it: `11:00-Th15:00` in 13 columns, so that a week fits 110.
const CELL: usize = 14;
/// More cleanings of a unit on one day are counted, not listed.
const MOST_LISTED: usize = 2;
const FAINT: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const URGENT: Style = AnsiColor::Yellow.on_default().bold();
const NOBODY: Style = AnsiColor::Yellow.on_default();
const STARTED: Style = AnsiColor::Cyan.on_default();
const DONE: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Draws a board within `width` columns, but at least one day beside the units; more days stand below each other.
pub fn draw(board: &Board, width: usize) -> String {
    let mut out = format!("{}\n", styled(BOLD, title(board)));
    let columns = (width.saturating_sub(LABEL + 1) / CELL).max(1);
    let days = std::iter::successors(Some(board.from), |day| day.tomorrow().ok()).take_while(|day| *day < board.until);
    for days in days.collect::<Vec<_>>().chunks(columns) {
        grid(&mut out, board, days);
    }
    tasks(&mut out, &board.tasks);
    out
}

fn title(board: &Board) -> String {
    let name = board.name.as_deref().unwrap_or_default();
    let last = board.until.yesterday().unwrap_or(board.until);
    let count = |wanted: fn(&Cleaning) -> bool| board.cleanings.iter().filter(|cleaning| wanted(cleaning)).count();
    let (urgent, done) = (count(|c| c.urgent), count(|c| c.status == WorkStatus::Done));
    let nobodys = count(|c| c.assignee.is_none() && c.status != WorkStatus::Done);
    format!(
        "{name}  {}  {} to {}  {}  {} cleanings, {urgent} urgent, {done} done, {nobodys} for nobody yet",
        board.group,
        board.from.strftime("%-d %b"),
        last.strftime("%-d %b %Y"),
        board.time_zone,
        board.cleanings.len(),
    )
}

type Cell = (String, Style);

fn grid(out: &mut String, board: &Board, days: &[Date]) {
    let heads = days.iter().map(|day| fit(&day.strftime("%a %-d %b").to_string(), CELL)).collect::<String>();
    let _ = writeln!(out, "{:LABEL$} {}", "", styled(FAINT, heads.trim_end()));
    let gone = board.cleanings.iter().map(|cleaning| &cleaning.unit).filter(|unit| !board.units.contains(unit));
    let gone: std::collections::BTreeSet<_> = gone.collect();
    for unit in board.units.iter().chain(gone) {
        let of = |day: &Date| board.cleanings.iter().filter(|c| c.unit == *unit && c.day == *day).collect::<Vec<_>>();
        let cells: Vec<_> = days.iter().map(|day| cell(&of(day))).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or_default().max(1);
        for row in 0..height {
            let label = if row == 0 { unit.as_str() } else { "" };
            let texts = cells.iter().map(|cell| match cell.get(row) {
                Some((text, style)) => padded(*style, text),
                None if row == 0 => padded(FAINT, "·"),
                None => " ".repeat(CELL),
            });
            let _ = writeln!(out, "{} {}", fit(label, LABEL), texts.collect::<String>().trim_end());
        }
    }
}

/// A styled text and, unstyled, the room behind it.
fn padded(style: Style, text: &str) -> String {
    let text = fit(text, CELL - 1);
    let shown = text.trim_end();
    format!("{}{} ", styled(style, shown), " ".repeat(text.len() - shown.len()))
}

fn cell(cleanings: &[&Cleaning]) -> Vec<Cell> {
    if cleanings.len() <= MOST_LISTED {
        return cleanings.iter().flat_map(|cleaning| lines(cleaning)).collect();
    }
    let count = |wanted: fn(&Cleaning) -> bool| cleanings.iter().filter(|cleaning| wanted(cleaning)).count();
    let counts = [
        (count(|c| c.urgent), "urgent", URGENT),
        (count(|c| c.assignee.is_none() && c.status != WorkStatus::Done), "for nobody", NOBODY),
        (count(|c| c.status == WorkStatus::Started), "started", STARTED),
        (count(|c| c.status == WorkStatus::Problem), "problem", BAD),
        (count(|c| c.status == WorkStatus::Done), "done", DONE),
    ];
    let all = (format!("{} cleanings", cleanings.len()), Style::new());
    let some = counts.into_iter().filter(|(count, ..)| *count > 0);
    std::iter::once(all).chain(some.map(|(count, what, style)| (format!(" {count} {what}"), style))).collect()
}

/// When, who, and how it is if that is not "open".
fn lines(cleaning: &Cleaning) -> Vec<Cell> {
    let is_done = cleaning.status == WorkStatus::Done;
    let style = match cleaning.status {
        WorkStatus::Done => DONE,
        _ if cleaning.urgent => URGENT,
        _ => Style::new(),
    };
    let mut lines = vec![(window(cleaning), style)];
    match &cleaning.assignee {
        Some(who) => lines.push((format!(" {who}"), if is_done { DONE } else { Style::new() })),
        None if !is_done => lines.push((" nobody yet".to_owned(), NOBODY)),
        None => {}
    }
    if cleaning.status != WorkStatus::Open {
        lines.push((format!(" {}", cleaning.status.as_str()), status_style(cleaning.status)));
    }
    lines
}

fn status_style(status: WorkStatus) -> Style {
    match status {
        WorkStatus::Open => Style::new(),
        WorkStatus::Started => STARTED,
        WorkStatus::Done => DONE,
        WorkStatus::Problem => BAD,
        WorkStatus::Gone => FAINT,
    }
}

/// `11:00-15:00!`, with the day where that is another; without an end if none is known.
fn window(cleaning: &Cleaning) -> String {
    let Some(from) = cleaning.local_from else { return "?".to_owned() };
    let until = cleaning.local_until.map_or_else(String::new, |until| {
        let days = cleaning.day.until(until.date()).map_or(0, |span| span.get_days());
        match days {
            0 => until.strftime("%H:%M").to_string(),
            1..7 => format!("{}{}", output::weekday(until.date()), until.strftime("%H:%M")),
            // A week on, the day of the week would say nothing.
            _ => until.strftime("%-d %b").to_string(),
        }
    });
    format!("{}-{until}{}", from.strftime("%H:%M"), if cleaning.urgent { "!" } else { "" })
}

fn tasks(out: &mut String, tasks: &[OpenTask]) {
    if tasks.is_empty() {
        out.push_str("no open tasks\n");
        return;
    }
    let _ = writeln!(out, "{}", styled(BOLD, "open tasks"));
    let mut table = output::table(&["day", "unit", "task", "kind", "title", "assignee", "status"]);
    for task in tasks {
        let day = match (task.from, task.until) {
            (None, _) => "no day yet".to_owned(),
            (Some(from), Some(until)) => format!("{from} to {until}"),
            (Some(from), None) => from.to_string(),
        };
        let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let asked = if task.state == TaskState::Requested { ", requested" } else { "" };
        let blocks = if task.blocks { ", unit blocked" } else { "" };
        let status = format!("{}{asked}{blocks}", task.status.as_str());
        let title = fit(&task.title, 40).trim_end().to_owned();
        table.add_row([
            day,
            dash(&task.unit),
            task.task.clone(),
            task.kind.clone(),
            title,
            dash(&task.assignee),
            status,
        ]);
    }
    let _ = writeln!(out, "{}", table.trim_fmt());
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_views::samples::board;
    use unicode_width::UnicodeWidthStr as _;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_week_is_drawn_with_windows_and_who_cleans() {
        insta::assert_snapshot!(plain(&draw(&board(), 110)));
    }

    #[test]
    fn a_narrow_board_stands_below_itself() {
        let text = plain(&draw(&board(), 80));
        insta::assert_snapshot!(text);
        let rows = text.lines().skip(1).take_while(|line| !line.starts_with("open"));
        assert!(rows.map(str::width).all(|width| width <= 80));
    }

    #[test]
    fn control_characters_of_a_title_do_not_reach_the_terminal() {
        let mut board = board();
        board.tasks[0].title = "Tap\u{1b}[2J\r\ndrips".to_owned();
        let drawn = draw(&board, 110);
        assert!(drawn.contains("Tap[2Jdrips"), "{drawn}");
    }
}
