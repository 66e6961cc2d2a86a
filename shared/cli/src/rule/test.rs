//! `bellhop rule test`

use bellhop_events::BookingId;
use bellhop_rules::{EVENTS, Rulebook};
use clap::{ArgGroup, Args};
use serde_json::json;

use super::case::Happening;
use super::judge::{Case, Row};
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::place::Place;
use crate::{input, output};

/// Which rules, and on what.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("rules").required(true).args(["file", "saved"])), group(ArgGroup::new("what").required(true).args(["booking", "event"])))]
pub struct Test {
    /// File with the rules; `-` reads standard input
    file: Option<String>,
    /// The rules that the tenant has saved
    #[arg(long)]
    saved: bool,
    #[command(flatten)]
    place: Place,
    /// A booking that the calendar knows, as if it had come just now
    #[arg(long, value_name = "ID")]
    booking: Option<BookingId>,
    /// With --booking: as if this type of event had come; without it, that it was created, or cancelled if it is
    #[arg(long = "type", value_name = "TYPE", requires = "booking", value_parser = event_type)]
    event_type: Option<String>,
    /// File with one event, such as one of the past: judged at its time, on what is known of its subject now
    #[arg(long, value_name = "FILE")]
    event: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

fn event_type(name: &str) -> Result<String, String> {
    let known = EVENTS.contains(&name) || name.starts_with("rule.");
    if known { Ok(name.to_owned()) } else { Err(format!("expected rule.NAME or one of {}", EVENTS.join(", "))) }
}

/// Says what rules would do.
pub async fn test(cloud: &Cloud, args: &Test) -> Result<Exit, CliError> {
    let book = match &args.file {
        Some(file) => super::parse(file, input::read(file)?.trim_start_matches('\u{feff}'))?,
        None => super::parse("the saved rules", &super::known(&cloud.store, &args.place.tenant).await?.text)?,
    };
    let happening = match (&args.booking, &args.event) {
        (Some(id), _) => Happening::of_booking(id, args.event_type.as_deref()),
        (None, Some(file)) => Happening::in_file(file, &args.place)?,
        (None, None) => return Err(CliError::usage("expected --booking ID or --event FILE")),
    };
    let (property, known) = happening.known(&cloud.store, &args.place).await?;
    let (case, remarks) = happening.case(&args.place.calendar(), &property, known)?;
    let rows = case.judge(&book);
    let cleans = cleans(&case, &book);
    if args.json {
        output::json(
            &json!({ "event": case.event, "at": case.at, "rules": rows, "cleans": cleans, "remarks": remarks }),
        );
    } else {
        output::line(picture(&rows));
        if let Some((_, day)) = &case.cleaning {
            output::line(format_args!("cleaning on {day}: {}", in_turn(&cleans)));
        }
        for remark in &remarks {
            output::note(format_args!("({remark})"));
        }
        output::note("(nothing was written or sent)");
    }
    let failed = rows.iter().any(|row| row.fault.is_some());
    Ok(if failed { Exit::Refused } else { Exit::Ok })
}

/// Who would clean behind the stay, in order of preference.
fn cleans(case: &Case, book: &Rulebook) -> Vec<String> {
    let of = |(unit, day)| book.assignments(unit, day).map(|assignment| assignment.to.clone()).collect();
    case.cleaning.as_ref().map(|(unit, day)| of((unit, *day))).unwrap_or_default()
}

fn in_turn(cleans: &[String]) -> String {
    if cleans.is_empty() { "nobody is assigned".to_owned() } else { cleans.join(", or if there is no room ") }
}

fn picture(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "there are no rules".to_owned();
    }
    let mut table = output::table(&["rule", "set off by", "holds", "runs", "at the property", "does"]);
    for row in rows {
        let holds = match (row.holds, &row.fault) {
            (Some(true), _) => "yes",
            (Some(false), _) => "no",
            (None, Some(_)) => "fails",
            (None, None) => "-",
        };
        let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let cells = [
            row.rule.clone(),
            row.set_off_by.clone().unwrap_or_else(|| "-".to_owned()),
            holds.to_owned(),
            dash(row.at.map(crate::when::second)),
            dash(row.local.clone()),
            row.does.clone(),
        ];
        table.add_row(cells);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::super::judge::tests::{book, case};
    use super::*;
    use clap::Parser;

    #[derive(Parser, Debug)]
    struct Command {
        #[command(flatten)]
        test: Test,
    }

    #[test]
    fn rules_and_case_must_be_named_and_only_once() {
        let parse = |more: &[&str]| {
            Command::try_parse_from([&["test", "--tenant", "sea", "--property", "villa"], more].concat()).is_ok()
        };
        assert!(parse(&["rules.json", "--booking", "1", "--type", "pms.booking.modified.v1"]));
        assert!(parse(&["--saved", "--event", "e.json"]));
        for wrong in [
            &["--booking", "1"][..],
            &["rules.json"],
            &["rules.json", "--saved", "--booking", "1"],
            &["--saved", "--booking", "1", "--event", "e.json"],
            &["--saved", "--booking", "1", "--type", "pms.rates.updated.v1"],
        ] {
            assert!(!parse(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn what_rules_would_do_is_a_table() {
        let case = case("2026-07-01T09:00:00Z");
        insta::assert_snapshot!(picture(&case.judge(&book())));
        assert_eq!(in_turn(&cleans(&case, &book())), "team-a, or if there is no room team-b");
    }
}
