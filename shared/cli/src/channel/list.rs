//! `bellhop channel list`: how the channels of a property fare.

use bellhop_events::{PropertyId, TenantId};
use bellhop_store::Scope;
use bellhop_store::channel::CONSUMER;
use bellhop_views::channels::{self, Row};
use clap::Args;
use jiff::Timestamp;

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
    let channels = channels::channels(&cloud.store, &scope).await?;
    let rows = channels::rows(&cloud.store, &scope, &channels, Timestamp::now()).await?;
    if args.json {
        output::json(&rows);
    } else {
        print(&scope, &rows);
    }
    Ok(Exit::Ok)
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
    use super::*;
    use bellhop_store::channel::{Circuit, Progress, Tested, Told};
    use bellhop_views::samples::{ari, disabled, now};

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
