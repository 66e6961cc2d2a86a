//! `bellhop board`: a week of cleanings, and the tasks that are open.

mod picture;

use bellhop_store::automation::CONSUMER;
use bellhop_views::board as views;
use clap::Args;
use jiff::civil::Date;
use jiff::{Span, Timestamp};

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;
use crate::place::Place;

const AFTER_HELP: &str = "\
Examples:
  bellhop board --tenant seaside --property villa                     this week
  bellhop board --tenant seaside --property villa --week 2026-07-15   the week that this day is in, from Monday on
  bellhop board --tenant seaside --property villa --from 2026-07-01 --days 14

Times are those of the property: from check-out until the next check-in, if one is known.";

/// What `bellhop board` is told.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Board {
    #[command(flatten)]
    place: Place,
    /// The week, from Monday to Sunday, that this day is in; without it, the current one
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with_all = ["from", "days"])]
    week: Option<Date>,
    /// From this day on
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<Date>,
    /// So many days
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(i32).range(1..=62))]
    days: i32,
    /// Columns of the picture
    #[arg(long, env = "COLUMNS", default_value_t = 110)]
    width: usize,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Board {
    /// The first day, if today is this.
    fn first(&self, today: Date) -> Date {
        self.from.unwrap_or_else(|| monday(self.week.unwrap_or(today)))
    }
}

fn monday(day: Date) -> Date {
    day.saturating_sub(Span::new().days(day.weekday().to_monday_zero_offset()))
}

/// Prints the board.
pub async fn board(args: &Board, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    let board = views::Board::load(&cloud.store, &args.place.scope(CONSUMER), args.days, Timestamp::now(), |today| {
        args.first(today)
    })
    .await?;
    if args.json {
        output::json(&board);
    } else {
        output::line(picture::draw(&board, args.width).trim_end());
    }
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use jiff::civil::date;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        board: Board,
    }

    #[test]
    fn a_week_begins_on_monday_and_a_span_where_it_is_told() {
        let parse = |more: &[&str]| {
            Command::try_parse_from([&["board", "--tenant", "sea", "--property", "villa"], more].concat())
        };
        let first =
            |more: &[&str]| parse(more).map(|command| command.board.first(date(2026, 7, 1))).expect("arguments");
        assert_eq!(first(&[]), date(2026, 6, 29));
        assert_eq!(first(&["--week", "2026-07-05"]), date(2026, 6, 29));
        assert_eq!(first(&["--week", "2026-07-06"]), date(2026, 7, 6));
        assert_eq!(first(&["--from", "2026-07-05", "--days", "3"]), date(2026, 7, 5));
        assert!(parse(&["--week", "2026-07-05", "--days", "3"]).is_err());
        assert!(parse(&["--days", "0"]).is_err());
    }
}
