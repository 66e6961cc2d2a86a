//! `bellhop due list`: what the timer sends next.

use std::collections::BTreeMap;

use bellhop_events::{MessageGroup, PropertyId, TenantId};
use bellhop_store::{DUE_SHARDS, DueEntry, Scope};
use clap::{Args, Subcommand};
use futures_util::future::try_join_all;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::{output, place, when};

/// Entries that are read at a time in a shard.
const PAGE: i32 = 200;
/// No more of a shard are looked at: whose property is asked for may be few among many.
const MOST_READ: usize = 20_000;

/// What `bellhop due` is told.
#[derive(Debug, Subcommand)]
pub enum Due {
    /// List what is due next: looks at cleanings and rules, mails after quiet hours, calls of channels
    List(List),
}

/// Which entries.
#[derive(Debug, Args)]
pub struct List {
    /// Only this tenant's
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Only this property's
    #[arg(long, requires = "tenant")]
    property: Option<PropertyId>,
    /// How far ahead, as 7d or 36h
    #[arg(long, default_value = "7d", value_parser = when::span)]
    within: SignedDuration,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    most: u16,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// An entry as it is shown. What is in its event is not: it may speak of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Row {
    at: Timestamp,
    /// The same in the property's time zone, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<String>,
    overdue: bool,
    queue: &'static str,
    group: String,
    subject: String,
    #[serde(rename = "type")]
    kind: String,
    event: String,
}

/// What was read of the shards.
#[derive(Debug, Default)]
struct Found {
    rows: Vec<Row>,
    /// Entries that are not understood.
    unreadable: usize,
    /// A shard has more than are looked at.
    cut: bool,
}

/// Runs a command of `bellhop due`.
pub async fn due(command: &Due, prefix: &str) -> Result<Exit, CliError> {
    let Due::List(args) = command;
    let cloud = Cloud::connect(prefix).await;
    let now = Timestamp::now();
    let until = now.checked_add(args.within).unwrap_or(Timestamp::MAX);
    let spinner = output::spinner();
    let shards = try_join_all((0..DUE_SHARDS).map(|shard| of_shard(&cloud, args, shard, now, until))).await;
    spinner.finish_and_clear();
    let mut found = first(shards?, usize::from(args.most));
    let zones = zones(&cloud, &found.rows).await?;
    for row in &mut found.rows {
        row.local = zones.get(&row.group).map(|zone| local(zone, row.at));
    }
    if args.json {
        output::json(&json!({ "until": until, "due": found.rows, "unreadable": found.unreadable, "cut": found.cut }));
    } else {
        print(args, &found);
    }
    Ok(Exit::Ok)
}

async fn of_shard(cloud: &Cloud, args: &List, shard: u8, now: Timestamp, until: Timestamp) -> Result<Found, CliError> {
    let (mut found, mut after, mut read) = (Found::default(), None, 0);
    loop {
        let page = cloud.store.due(shard, until, after.as_ref(), PAGE).await?;
        read += page.entries.len() + page.unreadable.len();
        found.unreadable += page.unreadable.len();
        found.rows.extend(page.entries.iter().filter(|entry| wanted(args, &entry.due.group)).map(|e| row(e, now)));
        // Oldest first: this shard has as many as are shown of all of them.
        let enough = found.rows.len() >= usize::from(args.most);
        found.cut = page.next.is_some() && !enough && read >= MOST_READ;
        match page.next {
            Some(next) if !enough && !found.cut => after = Some(next),
            _ => return Ok(found),
        }
    }
}

fn wanted(args: &List, group: &str) -> bool {
    let mut parts = group.split('#');
    let mut fits = |wanted: Option<&str>| {
        let found = parts.next();
        wanted.is_none_or(|wanted| Some(wanted) == found)
    };
    fits(args.tenant.as_ref().map(TenantId::as_str)) && fits(args.property.as_ref().map(PropertyId::as_str))
}

fn row(entry: &DueEntry, now: Timestamp) -> Row {
    #[derive(Deserialize)]
    struct Event {
        #[serde(rename = "type")]
        kind: String,
    }
    let event = serde_json::from_str::<Event>(&entry.due.body);
    Row {
        at: entry.at,
        local: None,
        overdue: entry.at <= now,
        queue: entry.due.queue.name(),
        group: entry.due.group.clone(),
        subject: entry.due.subject.clone(),
        kind: event.map_or_else(|_| "unreadable".to_owned(), |event| event.kind),
        event: entry.due.id.to_string(),
    }
}

/// The first of all shards.
fn first(shards: Vec<Found>, most: usize) -> Found {
    let mut all = Found::default();
    for found in shards {
        all.rows.extend(found.rows);
        all.unreadable += found.unreadable;
        all.cut |= found.cut;
    }
    all.rows.sort_by(|a, b| (a.at, &a.group, &a.subject, &a.event).cmp(&(b.at, &b.group, &b.subject, &b.event)));
    all.rows.truncate(most);
    all
}

/// The time zones of the properties that are registered.
async fn zones(cloud: &Cloud, rows: &[Row]) -> Result<BTreeMap<String, TimeZone>, CliError> {
    let mut zones = BTreeMap::new();
    for row in rows {
        if zones.contains_key(&row.group) {
            continue;
        }
        let Ok(MessageGroup { tenant, property, .. }) = row.group.parse() else { continue };
        let scope = Scope::for_operator("calendar", tenant, property);
        let zone = place::registered(&cloud.store, &scope).await?.map(|property| property.time_zone.rules());
        zones.insert(row.group.clone(), zone);
    }
    Ok(zones.into_iter().filter_map(|(group, zone)| Some((group, zone?))).collect())
}

fn local(zone: &TimeZone, at: Timestamp) -> String {
    zone.to_datetime(at).strftime("%a %d %b %H:%M").to_string()
}

fn print(args: &List, found: &Found) {
    if found.rows.is_empty() {
        output::line("nothing is due in this time (--within)");
    } else {
        output::line(picture(&found.rows));
    }
    if found.rows.len() == usize::from(args.most) {
        output::note(format_args!("(the first {}: more with --most)", args.most));
    }
    if found.cut {
        output::note(format_args!("(a shard has more than {MOST_READ} entries in this time: name a shorter one)"));
    }
    if found.unreadable > 0 {
        output::note(format_args!(
            "due-unreadable: {} entries are of another version; the timer leaves them",
            found.unreadable
        ));
    }
}

fn picture(rows: &[Row]) -> String {
    let mut table = output::table(&["due", "at the property", "queue", "property", "subject", "type"]);
    for row in rows {
        let at = format!("{}{}", when::second(row.at), if row.overdue { " overdue" } else { "" });
        let local = row.local.clone().unwrap_or_else(|| "-".to_owned());
        table.add_row([at, local, row.queue.to_owned(), row.group.clone(), row.subject.clone(), row.kind.clone()]);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_events::Queue;
    use bellhop_store::Due as Stored;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        list: List,
    }

    fn args(more: &[&str]) -> List {
        Command::parse_from([&["list"], more].concat()).list
    }

    fn entry(group: &str, subject: &str, queue: Queue, kind: &str, at: &str) -> DueEntry {
        let due = Stored {
            queue,
            group: group.to_owned(),
            subject: subject.to_owned(),
            id: "d1".parse().expect("an id"),
            body: format!(r#"{{"type":"{kind}","data":{{"text":"for Ada"}}}}"#),
        };
        let scope = Scope::for_operator("automation", "sea".parse().expect("an id"), "villa".parse().expect("an id"));
        let at = at.parse().expect("a time");
        DueEntry { key: due.key(&scope, at), at, due }
    }

    fn rows() -> Vec<Row> {
        let now = "2026-07-01T10:00:00Z".parse().expect("a time");
        let look = "bellhop.automation.look.v1";
        let entries = [
            entry("sea#villa", "booking/2", Queue::Automation, look, "2026-07-02T07:00:00Z"),
            entry("sea#villa", "booking/1", Queue::OperationalGuests, "pms.guest.message.v1", "2026-07-02T06:00:00Z"),
            entry("hill#inn#airbnb", "channel/airbnb", Queue::Synchronization, look, "2026-07-01T09:59:00Z"),
        ];
        entries.iter().map(|entry| row(entry, now)).collect()
    }

    #[test]
    fn the_first_of_all_shards_are_shown_without_what_they_say() {
        let shard = |rows: &[Row]| Found { rows: rows.to_vec(), ..Found::default() };
        let rows = rows();
        let mut found = first(vec![shard(&rows[..1]), shard(&rows[1..])], 3);
        let zone = TimeZone::get("Europe/Lisbon").expect("a zone");
        found.rows.iter_mut().skip(1).for_each(|row| row.local = Some(local(&zone, row.at)));
        insta::assert_snapshot!(picture(&found.rows));
        assert!(!serde_json::to_string(&found.rows).expect("JSON").contains("Ada"));
        assert_eq!(first(vec![shard(&rows)], 2).rows.len(), 2);
    }

    #[test]
    fn a_property_is_told_from_one_whose_name_begins_alike() {
        let args = args(&["--tenant", "sea", "--property", "villa"]);
        let groups = ["sea#villa", "sea#villa#airbnb", "sea#villa2", "sea2#villa", "sea"];
        assert_eq!(groups.map(|group| wanted(&args, group)), [true, true, false, false, false]);
    }
}
