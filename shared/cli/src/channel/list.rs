//! `bellhop channel list`: how the channels of a property fare.

use std::collections::BTreeMap;

use bellhop_events::catalogue::Channel;
use bellhop_events::{ChannelId, PropertyId, Subject, TenantId};
use bellhop_store::calendar::CalendarState;
use bellhop_store::channel::{CONSUMER, Circuit, Progress, SyncState};
use bellhop_store::{Item, Key, Scope, SubjectItem};
use bellhop_worker::state_in;
use clap::Args;
use futures_util::future::try_join3;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::known;
use super::outstanding::Changes;
use super::row::Row;
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

/// Whose channels.
#[derive(Debug, Args)]
pub struct List {
    /// Whose property
    tenant: TenantId,
    /// Which property
    property: PropertyId,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the channels.
pub async fn list(cloud: &Cloud, args: &List) -> Result<Exit, CliError> {
    let scope = Scope::for_operator(CONSUMER, args.tenant.clone(), args.property.clone());
    let channels = known::channels(cloud, &scope).await?;
    let rows = rows(cloud, &scope, &channels).await?;
    if args.json {
        output::json(&rows);
    } else {
        print(&scope, &rows);
    }
    Ok(Exit::Ok)
}

/// How these channels of a property fare.
pub async fn rows(cloud: &Cloud, scope: &Scope, channels: &BTreeMap<ChannelId, Channel>) -> Result<Vec<Row>, CliError> {
    let place = |id: &ChannelId| {
        let progress = scope.of_channel(id).subject(&Subject::Channel(id.clone()));
        (progress, Circuit::key(scope, id))
    };
    let mut keys = vec![scope.property()];
    keys.extend(channels.keys().map(place).flat_map(|(progress, circuit)| [progress, circuit]));
    let (units, rates) = (scope.own("", "unit/"), scope.own("", "rate/"));
    let (items, units, rates) =
        try_join3(cloud.store.get(&keys), cloud.store.list(&units), cloud.store.list(&rates)).await?;
    let now = Timestamp::now();
    let changes = changes(items.get(&keys[0]).map(|item| (&keys[0], item)), &units, &rates, now)?;
    let row = |(id, channel): (&ChannelId, &Channel)| {
        let (key, circuit) = place(id);
        let state = items.get(&key).map(|item| state_in(&key, item)).transpose()?.flatten();
        let progress = match state {
            Some(SyncState::Sync(progress)) => *progress,
            _ => Progress::default(),
        };
        let item = items.get(&key).map(|item| SubjectItem::decode(key.clone(), item.clone())).transpose()?;
        let waiting = item.and_then(|item| item.wait).map_or(0, |line| line.len());
        let circuit = Circuit::decode(items.get(&circuit))?;
        Ok(Row { waiting, ..Row::new(id, channel, &progress, &circuit, &changes, now) })
    };
    channels.iter().map(row).collect()
}

fn changes(
    property: Option<(&Key, &Item)>,
    units: &[(Key, Item)],
    rates: &[(Key, Item)],
    now: Timestamp,
) -> Result<Changes, CliError> {
    let today = TimeZone::UTC.to_datetime(now).date();
    let mut changes = Changes { today, known_units: Vec::new(), units: BTreeMap::new(), rates: BTreeMap::new() };
    if let Some((key, item)) = property
        && let Some(CalendarState::Property(property)) = state_in(key, item)?
    {
        let zone = TimeZone::get(&String::from(property.time_zone)).unwrap_or(TimeZone::UTC);
        changes.today = zone.to_datetime(now).date();
        changes.known_units = property.units.into_iter().map(|unit| unit.id).collect();
    }
    for (key, item) in units {
        if let (Some(unit), Some(SyncState::Unit(stamps))) = (known::id(key), state_in(key, item)?) {
            changes.units.insert(unit, stamps);
        }
    }
    for (key, item) in rates {
        if let (Some(rate), Some(SyncState::Rate(units))) = (known::id(key), state_in(key, item)?) {
            changes.rates.insert(rate, units);
        }
    }
    Ok(changes)
}

fn print(scope: &Scope, rows: &[Row]) {
    if rows.is_empty() {
        return output::line(format_args!(
            "{} has no channels: register one by posting pms.channel.upserted.v1",
            scope.group()
        ));
    }
    let heads = ["channel", "kind", "version", "state", "last told", "calls", "outstanding", "circuit"];
    let mut table = output::table(&heads);
    for row in rows {
        table.add_row(cells(row));
    }
    output::numbers(&mut table, 2..3);
    output::numbers(&mut table, 5..7);
    output::line(table.trim_fmt());
    rows.iter().flat_map(remarks).for_each(output::line);
}

fn cells(row: &Row) -> [String; 8] {
    let told = row.told.at.map_or_else(|| "never".to_owned(), second);
    [
        row.channel.to_string(),
        row.kind.to_owned(),
        row.version.to_string(),
        row.state(),
        told,
        row.told.calls.to_string(),
        row.outstanding.count().to_string(),
        row.circuit.state.to_owned(),
    ]
}

/// What does not fit into the table: a line each.
pub fn remarks(row: &Row) -> Vec<String> {
    let at = |time: Option<Timestamp>| time.map_or_else(|| "an unknown time".to_owned(), second);
    let mut remarks = Vec::new();
    if let Some(host) = &row.host {
        let name = row.name.as_ref().map(|name| format!("{name}, ")).unwrap_or_default();
        remarks.push(format!("{name}at {host}"));
    }
    if !row.events.is_empty() {
        remarks.push(format!("hears {}", row.events.join(", ")));
    }
    if let Some(disabled) = &row.disabled {
        let remedy = "bellhop channel enable tells it again";
        remarks.push(format!("disabled since {}: {}; {remedy}", at(disabled.at), disabled.reason));
    }
    match row.circuit.until {
        Some(until) => remarks.push(format!(
            "does not answer: circuit open until {} after {} failures in a row",
            second(until),
            row.circuit.failures
        )),
        None if row.circuit.state == "half-open" => remarks.push("did not answer: the next call is a probe".to_owned()),
        None => {}
    }
    if row.failures > 0 || row.not_before.is_some() {
        let next = row.not_before.map(|time| format!("; next call not before {}", second(time))).unwrap_or_default();
        remarks.push(format!("{} failed calls in a row{next}", row.failures));
    }
    if row.told.failed + row.told.throttled > 0 {
        remarks.push(format!(
            "of all calls {} failed and {} were refused for their number",
            row.told.failed, row.told.throttled
        ));
    }
    let all = row.outstanding.units.iter().map(ToString::to_string).chain(row.outstanding.rates.iter().cloned());
    let (shown, rest) = (all.take(8).collect::<Vec<_>>(), row.outstanding.count().saturating_sub(8));
    if !shown.is_empty() {
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        remarks.push(format!("outstanding: {}{rest}", shown.join(", ")));
    }
    if row.waiting > 0 {
        remarks.push(format!("{} follow-ups wait until it answers", row.waiting));
    }
    if let Some(tested) = &row.tested {
        let word = if tested.ok { "well" } else { "not well" };
        remarks.push(format!("test of {}: {word}: {}", at(tested.at), tested.found));
    }
    for feed in &row.feeds {
        let host = feed.host.as_ref().map(|host| format!(" from {host}")).unwrap_or_default();
        let read = feed.at.map_or_else(|| "never read".to_owned(), |at| format!("read {}", second(at)));
        let fault = feed.fault.as_ref().map(|fault| format!(", fault {fault}: its blocks stay")).unwrap_or_default();
        remarks.push(format!("feed of {}{host}: {read}, {} blocks{fault}", feed.unit, feed.blocks));
    }
    remarks.into_iter().map(|remark| format!("{}: {remark}", row.channel)).collect()
}

/// A time to the second.
fn second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::{ari, disabled, now};
    use super::*;
    use bellhop_store::channel::{Tested, Told};

    #[test]
    fn what_is_wrong_is_said_beside_the_table() {
        let at = now().as_millisecond();
        let progress = Progress {
            config: 3,
            failures: 2,
            not_before: at + 60_000,
            disabled: Some(disabled("gone")),
            tested: Some(Tested { at, ok: true, found: "200".into() }),
            told: Told { calls: 7, values: 90, failed: 2, throttled: 1, at },
            ..Progress::default()
        };
        let circuit = Circuit { failures: 5, open_until: at + 30_000, ..Circuit::default() };
        let row = ari(&progress, &circuit);
        let text = [vec![cells(&row).join(" | ")], remarks(&row)].concat().join("\n");
        insta::assert_snapshot!(text, @r#"
        booking-com | ari | 3 | disabled: gone | 2026-07-01T10:00:00Z | 7 | 4 | open
        booking-com: Booking.com, at api.example
        booking-com: disabled since 2026-07-01T10:00:00Z: gone; bellhop channel enable tells it again
        booking-com: does not answer: circuit open until 2026-07-01T10:00:30Z after 5 failures in a row
        booking-com: 2 failed calls in a row; next call not before 2026-07-01T10:01:00Z
        booking-com: of all calls 2 failed and 1 were refused for their number
        booking-com: outstanding: suite, loft, attic, bar/suite
        booking-com: test of 2026-07-01T10:00:00Z: well: 200
        "#);
    }

    #[test]
    fn a_channel_that_was_never_told_needs_few_words() {
        let row = ari(&Progress::default(), &Circuit::default());
        let text = [vec![cells(&row).join(" | ")], remarks(&row)].concat().join("\n");
        insta::assert_snapshot!(text, @r#"
        booking-com | ari | 3 | on | never | 0 | 4 | closed
        booking-com: Booking.com, at api.example
        booking-com: outstanding: suite, loft, attic, bar/suite
        "#);
    }
}
