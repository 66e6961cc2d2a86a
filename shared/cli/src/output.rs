//! What goes to the terminal: answers to standard output, everything else to standard error.

use std::fmt::Display;
use std::io::Write as _;
use std::time::Duration;

use anstyle::Style;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::{Date, Weekday};
use serde::Serialize;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Writes a line of the answer. A reader that went away (`| head`) is no error.
pub fn line(text: impl Display) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Writes a line beside the answer.
pub fn note(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Writes the answer as JSON.
pub fn json(value: &impl Serialize) {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Text in a style; the stream takes the style out where colour is not wanted (no terminal, or NO_COLOR).
pub fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// An empty table with these heads.
pub fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(heads);
    table
}

/// Aligns columns of numbers.
pub fn numbers(table: &mut Table, columns: std::ops::Range<usize>) {
    for column in table.column_iter_mut().skip(columns.start).take(columns.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// A progress bar on standard error; nothing where that is no terminal.
pub fn progress(length: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(length as u64);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {per_sec} {eta}") {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A line with a moving sign on standard error; nothing where that is no terminal.
pub fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Two letters of a day of the week.
pub fn weekday(day: Date) -> &'static str {
    match day.weekday() {
        Weekday::Monday => "Mo",
        Weekday::Tuesday => "Tu",
        Weekday::Wednesday => "We",
        Weekday::Thursday => "Th",
        Weekday::Friday => "Fr",
        Weekday::Saturday => "Sa",
        Weekday::Sunday => "Su",
    }
}

/// Text in exactly so many columns; control characters are left out.
pub fn fit(text: &str, columns: usize) -> String {
    let text: String = text.chars().filter(|character| !character.is_control()).collect();
    let mut shown = String::new();
    let mut used = 0;
    let too_wide = text.width() > columns;
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if used + wide > columns - usize::from(too_wide) {
            break;
        }
        shown.push(character);
        used += wide;
    }
    if too_wide {
        shown.push('…');
        used += 1;
    }
    shown.push_str(&" ".repeat(columns.saturating_sub(used)));
    shown
}

/// So many a second, rounded.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub fn rate(count: usize, seconds: f64) -> String {
    if seconds > 0.0 { format!("{:.0}", count as f64 / seconds) } else { "-".to_owned() }
}
