//! `bellhop calendar`: what a property has sold, as a picture or as JSON.

mod picture;

use bellhop_events::{PropertyId, TenantId};
use bellhop_store::Scope;
use bellhop_views::calendar::Ledger;
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

/// What `bellhop calendar` is told.
#[derive(Debug, Args)]
pub struct Calendar {
    /// Whose property
    tenant: TenantId,
    /// Which property
    property: PropertyId,
    /// Which month; without it, the current one
    #[arg(long, value_name = "YYYY-MM", value_parser = month)]
    month: Option<Date>,
    /// How many months, from that one on
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=36))]
    months: i32,
    /// Columns of the picture
    #[arg(long, env = "COLUMNS", default_value_t = 110)]
    width: usize,
    /// Print as JSON: an array of months
    #[arg(long)]
    json: bool,
}

/// The first day of a month written `YYYY-MM`.
pub fn month(text: &str) -> Result<Date, String> {
    let date = (text.len() == 7).then(|| format!("{text}-01").parse().ok()).flatten();
    date.ok_or_else(|| "expected a month such as 2026-07".to_owned())
}

/// Prints the calendar.
pub async fn calendar(args: &Calendar, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    let scope = Scope::for_operator("calendar", args.tenant.clone(), args.property.clone());
    let ledger = Ledger::load(&cloud.store, &scope).await?;
    let first = args.month.unwrap_or_else(|| ledger.today(Timestamp::now())).first_of_month();
    let starts = (0..args.months).map(|n| first.saturating_add(jiff::Span::new().months(n)));
    let mut months = Vec::new();
    for start in starts {
        months.push(ledger.month(&cloud.store, &scope, start).await?);
    }
    if args.json {
        output::json(&months);
    } else {
        for month in &months {
            output::line(picture::draw(month, args.width).trim_end());
        }
    }
    Ok(Exit::Ok)
}
