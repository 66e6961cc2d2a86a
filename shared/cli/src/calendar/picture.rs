//! The picture of a month: units by days, stays as bars, room types as counts.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use bellhop_store::Line;
use bellhop_views::calendar::{Month, Stay, Unit, is_booking};
use jiff::civil::Date;
use unicode_width::UnicodeWidthStr as _;

use crate::output::{fit, styled, weekday};

const LABEL: usize = 16;
const FAINT: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const STAY: Style = AnsiColor::Cyan.on_default();
const HELD: Style = AnsiColor::Yellow.on_default();
const FULL: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default();

/// Draws a month within `width` columns, at least 78. Styles are in it: the terminal's stream takes them out where
/// colour is not wanted.
pub fn draw(month: &Month, width: usize) -> String {
    let days = month.first.days_in_month();
    let cell = if width >= LABEL + 1 + 3 * 31 { 3 } else { 2 };
    let mut out = String::new();
    let _ = writeln!(out, "{}", styled(BOLD, title(month)));
    let row = |text: &dyn Fn(i8) -> String| {
        (1..=days).fold(String::new(), |mut row, day| {
            let _ = write!(row, "{:>cell$}", text(day));
            row
        })
    };
    let head = |text: String| format!("{:LABEL$} {text}\n", "");
    out.push_str(&head(styled(FAINT, row(&|day| weekday(on(month.first, day)).to_owned()))));
    out.push_str(&head(styled(FAINT, row(&|day| day.to_string()))));
    for unit in &month.units {
        let label = if unit.capacity == 1 { unit.id.clone() } else { format!("{} ×{}", unit.id, unit.capacity) };
        let cells = if unit.capacity == 1 { bars(month, unit, cell) } else { counts(month, unit, cell) };
        let _ = writeln!(out, "{} {cells}", fit(&label, LABEL));
        if !unit.blocks.is_empty() {
            let blocked =
                |day| unit.blocks.iter().any(|b| b.from <= on(month.first, day) && on(month.first, day) < b.until);
            let cells: String = (1..=days).map(|day| if blocked(day) { "▒" } else { " " }.repeat(cell)).collect();
            let _ = writeln!(out, "{} {}", styled(FAINT, fit("  blocked", LABEL)), styled(FAINT, cells.trim_end()));
        }
    }
    notes(&mut out, month);
    out
}

fn title(month: &Month) -> String {
    let nights = u32::from(month.first.days_in_month().unsigned_abs());
    let (mut sold, mut all) = (0, 0);
    for unit in &month.units {
        sold += unit.nights.values().map(|sold| u32::from(*sold)).sum::<u32>();
        all += u32::from(unit.capacity) * nights;
    }
    let name = month.name.as_deref().unwrap_or_default();
    let month_name = month.first.strftime("%B %Y");
    let share = (sold * 100).checked_div(all).unwrap_or_default();
    format!("{name}  {}  {month_name}  {}  {sold} of {all} nights sold ({share} %)", month.group, month.time_zone)
}

fn on(month: Date, day: i8) -> Date {
    Date::new(month.year(), month.month(), day).unwrap_or(month)
}

/// Stays of a single unit: `[` on the day of arrival, `]` at the end of the last night.
fn bars(month: &Month, unit: &Unit, cell: usize) -> String {
    let (first, last) = (month.first, month.first.last_of_month());
    let column = |day: i8| usize::from(day.unsigned_abs() - 1) * cell;
    let (mut out, mut at) = (String::new(), 0);
    for stay in &unit.stays {
        let last_night = stay.departure.yesterday().unwrap_or(stay.departure);
        let from = column(stay.arrival.max(first).day());
        let until = column(last_night.min(last).day()) + cell;
        if from < at {
            continue;
        }
        while at < from {
            out.push_str(&styled(FAINT, if at.is_multiple_of(cell) { "·" } else { " " }));
            at += 1;
        }
        let held = month.held.iter().any(|held| is_booking(&held.subject, &stay.booking));
        let style = if held { HELD } else { STAY };
        let _ =
            write!(out, "{}", styled(style, bar(stay, held, until - from, stay.arrival >= first, last_night <= last)));
        at = until;
    }
    let end = column(last.day()) + cell;
    while at < end {
        out.push_str(&styled(FAINT, if at.is_multiple_of(cell) { "·" } else { " " }));
        at += 1;
    }
    out
}

fn bar(stay: &Stay, held: bool, columns: usize, begins: bool, ends: bool) -> String {
    let label = format!("{}{}", stay.booking, if held { "!" } else { "" });
    let inside = columns - 2;
    let label = if label.width() <= inside { label } else { String::new() };
    let left = (inside - label.width()) / 2;
    let right = inside - label.width() - left;
    let (open, close) = (if begins { "[" } else { "─" }, if ends { "]" } else { "─" });
    format!("{open}{}{label}{}{close}", "─".repeat(left), "─".repeat(right))
}

/// Bookings of each night of a room type.
fn counts(month: &Month, unit: &Unit, cell: usize) -> String {
    let days = 1..=month.first.days_in_month();
    days.map(|day| match unit.nights.get(&on(month.first, day)).copied().unwrap_or_default() {
        0 => styled(FAINT, format_args!("{:>cell$}", "·")),
        sold if sold > unit.capacity => styled(BAD, format_args!("{sold:>cell$}")),
        sold if sold == unit.capacity => styled(FULL, format_args!("{:>cell$}", full(sold, cell))),
        sold => format!("{sold:>cell$}"),
    })
    .collect()
}

/// A full night stands between marks where there is room for them.
fn full(sold: u16, cell: usize) -> String {
    let text = sold.to_string();
    if text.len() < cell { format!("={text}") } else { text }
}

fn notes(out: &mut String, month: &Month) {
    let name = |stay: &Stay| format!("{} {} {}", stay.booking, stay.unit, dates(stay));
    for stay in &month.unplaced {
        let by = if stay.taken_by.is_empty() {
            "all are sold".to_owned()
        } else {
            format!("taken by {}", stay.taken_by.join(", "))
        };
        let _ = writeln!(out, "{}", styled(BAD, format_args!("  unplaced: {} ({by})", name(stay))));
    }
    if !month.day_use.is_empty() {
        let list: Vec<_> =
            month.day_use.iter().map(|s| format!("{} {} {}", s.booking, s.unit, short(s.arrival))).collect();
        let _ = writeln!(out, "  day use: {}", list.join(", "));
    }
    for held in &month.held {
        let (what, after) = match (held.line, held.released) {
            (_, true) => ("being worked", "after a verdict"),
            (Line::Hold, false) => ("held", "until a person decides"),
            (Line::Wait, false) => ("waiting", "for its registration"),
        };
        let text = format!("  {what}: {} ({}): {} events {after}", held.subject, held.reason, held.events);
        let _ = writeln!(out, "{}", styled(HELD, text));
    }
}

fn dates(stay: &Stay) -> String {
    format!("{} to {}", short(stay.arrival), short(stay.departure))
}

fn short(day: Date) -> String {
    day.strftime("%-d %b").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_views::calendar::{Block, Held};
    use jiff::civil::date;

    fn stay(booking: &str, unit: &str, arrival: Date, departure: Date) -> Stay {
        Stay { booking: booking.into(), unit: unit.into(), arrival, departure, taken_by: Vec::new() }
    }

    fn month() -> Month {
        let day = |day| date(2026, 7, day);
        let stays = vec![
            stay("B001", "villa", date(2026, 6, 28), day(3)),
            stay("B002", "villa", day(3), day(4)),
            stay("B003", "villa", day(4), day(9)),
            stay("B004", "villa", day(28), date(2026, 8, 2)),
        ];
        let villa = Unit {
            id: "villa".into(),
            capacity: 1,
            nights: (1..=8).chain(28..=31).map(|n| (day(n), 1)).collect(),
            stays,
            blocks: vec![Block { id: "b".into(), from: day(12), until: day(15) }],
        };
        let doubles = Unit {
            id: "双人房-very-long-name".into(),
            capacity: 12,
            nights: [(day(1), 3), (day(2), 12), (day(3), 13)].into(),
            stays: Vec::new(),
            blocks: Vec::new(),
        };
        Month {
            group: "sea#villa".into(),
            name: Some("Vila Açor".into()),
            time_zone: "Europe/Lisbon".into(),
            first: day(1),
            units: vec![villa, doubles],
            unplaced: vec![Stay { taken_by: vec!["B003".into()], ..stay("B009", "villa", day(5), day(7)) }],
            day_use: vec![stay("B010", "villa", day(20), day(20))],
            held: vec![Held {
                subject: "booking/B003".into(),
                line: Line::Hold,
                reason: "unknown-unit".into(),
                events: 2,
                released: false,
            }],
        }
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_month_is_drawn_with_bars_and_counts() {
        insta::assert_snapshot!(plain(&draw(&month(), 110)));
    }

    #[test]
    fn a_narrow_month_fits_80_columns() {
        let text = plain(&draw(&month(), 80));
        insta::assert_snapshot!(text);
        let rows = text.lines().skip(1).take(5);
        assert!(rows.map(str::width).all(|width| width <= 80));
    }
}
