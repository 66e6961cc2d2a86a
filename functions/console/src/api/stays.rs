//! One property: months, cleanings, channels.

use bellhop_store::channel::CONSUMER as CHANNELS;
use bellhop_views::board::Board;
use bellhop_views::calendar::{Ledger, Month};
use bellhop_views::channels::{Row, channels as registered, rows};
use bellhop_views::place;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::{Answer, Call};
use crate::input::{Nothing, parsed};
use crate::refusal::Refusal;

/// So many days of cleanings at most.
const MOST_DAYS: i32 = 31;

/// Which month.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MonthQuery {
    /// `YYYY-MM`; without it, the current one.
    month: Option<String>,
}

/// Which days.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DaysQuery {
    /// The first; without it, today.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    from: Option<Date>,
    /// How many, 1 to 31; without it, 7.
    #[serde(default, deserialize_with = "parsed")]
    days: Option<i32>,
}

/// What a property has sold in a month.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CalendarMonth {
    #[serde(flatten)]
    month: Month,
    /// Today at the property.
    #[schemars(with = "String", extend("format" = "date"))]
    today: Date,
}

/// Cleanings of some days, and open tasks.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BoardDays {
    #[serde(flatten)]
    board: Board,
    /// Today at the property.
    #[schemars(with = "String", extend("format" = "date"))]
    today: Date,
}

/// Channels of a property.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Channels {
    /// By id.
    channels: Vec<Row>,
}

/// The first day of a month written `YYYY-MM`.
fn month(text: &str) -> Result<Date, Refusal> {
    let date = (text.len() == 7 && !text.starts_with('-')).then(|| format!("{text}-01").parse().ok()).flatten();
    date.ok_or_else(|| Refusal::invalid("/query/month", "a month such as 2026-07", text))
}

pub(crate) async fn calendar(call: &Call<'_>, query: MonthQuery, _: Nothing) -> Result<Answer<CalendarMonth>, Refusal> {
    let asked = query.month.as_deref().map(month).transpose()?;
    let (store, scope) = (&call.parts.store, call.scope("calendar")?);
    let property = place::property(store, &scope).await?;
    let today = property.time_zone.rules().to_datetime(call.now).date();
    let first = asked.unwrap_or(today).first_of_month();
    let month = Ledger::load_month(store, &scope, first).await?.month(store, &scope, first).await?;
    Ok(Answer::Version(CalendarMonth { month, today }))
}

pub(crate) async fn board(call: &Call<'_>, query: DaysQuery, _: Nothing) -> Result<Answer<BoardDays>, Refusal> {
    let days = query.days.unwrap_or(7);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Refusal::invalid("/query/days", format!("1 to {MOST_DAYS}"), days));
    }
    let scope = Board::scope(call.tenant()?.id(), call.property()?);
    let property = place::property(&call.parts.store, &scope).await?;
    let today = property.time_zone.rules().to_datetime(call.now).date();
    let first = |today| query.from.unwrap_or(today);
    let board = Board::load(&call.parts.store, &scope, days, call.now, first).await?;
    Ok(Answer::Now(BoardDays { board, today }))
}

pub(crate) async fn channels(call: &Call<'_>, _: Nothing, _: Nothing) -> Result<Answer<Channels>, Refusal> {
    let (store, scope) = (&call.parts.store, call.scope(CHANNELS)?);
    place::property(store, &scope).await?;
    let known = registered(store, &scope).await?;
    Ok(Answer::Now(Channels { channels: rows(store, &scope, &known, call.now).await? }))
}
