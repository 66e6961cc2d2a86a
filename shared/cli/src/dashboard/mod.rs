//! `bellhop dashboard`: a tenant's properties today.

mod rebuild;

use bellhop_events::{PropertyId, TenantId};
use bellhop_views::dashboard::{Dashboard as Shown, Tile, pulse};
use clap::Args;
use jiff::Timestamp;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

pub use rebuild::{Rebuild, rebuild};

const AFTER_HELP: &str = "\
Examples:
  bellhop dashboard --tenant seaside                     all properties: today, and the nights of four weeks
  bellhop dashboard --tenant seaside --property villa    one, with the nights of ninety days
  bellhop rebuild dashboard --tenant seaside             count its numbers anew

Open and late cleanings are those of today and the seven days before. Revenue is of stays that begin this month.";

/// What `bellhop dashboard` is told.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Dashboard {
    /// Whose properties
    #[arg(long)]
    tenant: TenantId,
    /// Only this one
    #[arg(long)]
    property: Option<PropertyId>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the dashboard.
pub async fn dashboard(args: &Dashboard, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    let mut after: Option<String> = None;
    let mut all: Option<Shown> = None;
    loop {
        let only = args.property.as_ref();
        let pulse = pulse(&cloud.store, &args.tenant, only, after.as_deref(), Timestamp::now()).await?;
        let page = pulse.read(&cloud.store).await?;
        after.clone_from(&page.next);
        match &mut all {
            None => all = Some(page),
            Some(all) => all.properties.extend(page.properties),
        }
        if after.is_none() {
            break;
        }
    }
    let Some(all) = all.map(|all| Shown { next: None, ..all }).filter(|all| !all.properties.is_empty()) else {
        return Err(nothing(&args.tenant));
    };
    if args.json {
        output::json(&all);
    } else {
        output::line(picture(&all.properties));
    }
    Ok(Exit::Ok)
}

fn nothing(tenant: &TenantId) -> CliError {
    CliError::refused(
        "property-unknown",
        format_args!("no such property of {tenant} is known to the dashboard"),
        "Check tenant and property (and --prefix). Properties that are older than the dashboard come with: bellhop rebuild dashboard --tenant T --property P",
    )
}

fn picture(tiles: &[Tile]) -> String {
    let heads = [
        "property",
        "today",
        "arrivals",
        "departures",
        "in house",
        "unplaced",
        "cleanings",
        "mails",
        "revenue (minor units)",
        "nights",
    ];
    let mut table = output::table(&heads);
    for tile in tiles {
        table.add_row(cells(tile));
    }
    output::numbers(&mut table, 2..6);
    table.trim_fmt()
}

fn cells(tile: &Tile) -> [String; 10] {
    let late = if tile.cleanings.late > 0 { format!(", {} late", tile.cleanings.late) } else { String::new() };
    let failed = if tile.mails.failed > 0 { format!(", {} failed", tile.mails.failed) } else { String::new() };
    let revenue = tile.revenue.iter().map(|revenue| format!("{} {}", revenue.minor, revenue.currency));
    [
        tile.property.to_string(),
        tile.today.to_string(),
        tile.arrivals.to_string(),
        tile.departures.to_string(),
        format!("{}/{}", tile.in_house, tile.capacity),
        tile.unplaced.to_string(),
        format!("{} open{late}", tile.cleanings.open),
        format!("{} sent{failed}", tile.mails.sent),
        revenue.collect::<Vec<_>>().join(", "),
        nights(tile),
    ]
}

/// A character a night: how full it is.
fn nights(tile: &Tile) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let level = |sold: i64, capacity: u32| {
        let eighths = sold.clamp(0, capacity.into()) * 7 / i64::from(capacity.max(1));
        if sold <= 0 { '·' } else { LEVELS[usize::try_from(eighths).unwrap_or(0)] }
    };
    tile.occupancy.iter().map(|night| level(night.sold, night.capacity)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_views::dashboard::{Cleanings, Mails, Night, Revenue};
    use jiff::civil::date;

    #[test]
    fn a_property_is_a_line_and_a_night_a_character() {
        let day = date(2026, 7, 1);
        let night = |sold| Night { day, sold, capacity: 4 };
        let tile = Tile {
            property: "villa".parse().expect("an id"),
            name: None,
            time_zone: "Europe/Lisbon".to_owned(),
            today: day,
            units: 2,
            capacity: 4,
            arrivals: 1,
            departures: 2,
            in_house: 3,
            occupancy: [0, 1, 2, 3, 4, 5].map(night).into(),
            unplaced: 1,
            cleanings: Cleanings { open: 3, late: 1, done: 2 },
            revenue: vec![Revenue { currency: "EUR".to_owned(), minor: 123_450 }],
            mails: Mails { sent: 2, failed: 0 },
            minutes: Vec::new(),
            last_event: None,
        };
        let text = picture(&[tile]);
        insta::assert_snapshot!(text.lines().last().unwrap_or_default(), @" villa     2026-07-01         1           2       3/4         1  3 open, 1 late  2 sent  123450 EUR             ·▂▄▆██");
    }
}
