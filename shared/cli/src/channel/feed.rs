//! `bellhop channel feed`: the addresses at which platforms fetch our calendar.

use bellhop_events::UnitId;
use bellhop_store::FeedListing;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::{Place, known};
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::{output, place};

/// What `bellhop channel feed` is told.
#[derive(Debug, Subcommand)]
pub enum Feed {
    /// Make the address of a unit's feed and print it, once; an older one stops working
    #[command(after_help = CREATE_HELP)]
    Create(Create),
    /// List which units have an address, and since when; the addresses themselves are not kept
    List(List),
    /// Make the address of a unit's feed work no longer
    Revoke(Revoke),
}

const CREATE_HELP: &str = "\
The base is the output FeedsUrl of the stack:
  aws cloudformation describe-stacks --stack-name bellhop --output text \\
    --query \"Stacks[0].Outputs[?OutputKey=='FeedsUrl'].OutputValue\"

Whoever has the address can read the unit's nights: treat it as a password.";

/// Of which unit, and where the feeds are.
#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    place: Place,
    /// Which unit
    unit: UnitId,
    /// Where the stack serves feeds: its output FeedsUrl
    #[arg(long, env = "BELLHOP_FEEDS_URL", value_name = "URL", value_parser = base)]
    base_url: String,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Which channel's.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    place: Place,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Which unit's.
#[derive(Debug, Args)]
pub struct Revoke {
    #[command(flatten)]
    place: Place,
    /// Which unit
    unit: UnitId,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Runs a command of `bellhop channel feed`.
pub async fn feed(cloud: &Cloud, command: &Feed) -> Result<Exit, CliError> {
    match command {
        Feed::Create(args) => create(cloud, args).await,
        Feed::List(args) => list(cloud, args).await,
        Feed::Revoke(args) => revoke(cloud, args).await,
    }
}

async fn create(cloud: &Cloud, args: &Create) -> Result<Exit, CliError> {
    let Create { place, unit, .. } = args;
    let channel = known::channel(cloud, place).await?;
    known::must_be(place, &channel, &["calendar"])?;
    must_have(&units(cloud, place).await?, unit)?;
    let scope = place.of_channel();
    // Asked before, only to say it: the store replaces an older one in any case.
    let older = of_unit(&cloud.store.list_feed_addresses(&scope).await?, unit);
    let token = cloud.store.create_feed_address(&scope, unit, Timestamp::now()).await?;
    let address = address(&args.base_url, token.as_str());
    if args.json {
        output::json(&json!({ "channel": place.channel, "unit": unit, "address": address, "replaces": older }));
        return Ok(Exit::Ok);
    }
    output::line(&address);
    if let Some(since) = older {
        output::note(format_args!(
            "It replaces the address of {since}, which works no longer: give {} this one.",
            place.channel
        ));
    }
    output::note("It is shown this once: whoever has it can read the unit's nights.");
    Ok(Exit::Ok)
}

async fn list(cloud: &Cloud, args: &List) -> Result<Exit, CliError> {
    known::channel(cloud, &args.place).await?;
    let found = cloud.store.list_feed_addresses(&args.place.of_channel()).await?;
    if args.json {
        let rows = found.iter().map(|FeedListing { unit, created }| json!({ "unit": unit, "since": created }));
        output::json(&rows.collect::<Vec<_>>());
        return Ok(Exit::Ok);
    }
    if found.is_empty() {
        output::line("no unit has an address for this channel");
        return Ok(Exit::Ok);
    }
    let mut table = output::table(&["unit", "address since"]);
    for FeedListing { unit, created } in &found {
        table.add_row([unit.to_string(), created.to_string()]);
    }
    output::line(table.trim_fmt());
    Ok(Exit::Ok)
}

async fn revoke(cloud: &Cloud, args: &Revoke) -> Result<Exit, CliError> {
    let Revoke { place, unit, .. } = args;
    known::channel(cloud, place).await?;
    if !cloud.store.revoke_feed_address(&place.of_channel(), unit).await? {
        return Err(CliError::refused(
            "no-address",
            format_args!("unit {unit} has no address for channel {}", place.channel),
            "See which have one with: bellhop channel feed list TENANT PROPERTY CHANNEL.",
        ));
    }
    if args.json {
        output::json(&json!({ "channel": place.channel, "unit": unit, "revoked": true }));
    } else {
        output::line(format_args!("revoked: the address of {unit} for {} works no longer", place.channel));
    }
    Ok(Exit::Ok)
}

/// The units that the calendar knows.
async fn units(cloud: &Cloud, place: &Place) -> Result<Vec<UnitId>, CliError> {
    let property = place::property(&cloud.store, &place.of_property()).await?;
    Ok(property.units.into_iter().map(|unit| unit.id).collect())
}

fn must_have(units: &[UnitId], unit: &UnitId) -> Result<(), CliError> {
    if units.contains(unit) {
        return Ok(());
    }
    let known: Vec<_> = units.iter().map(UnitId::as_str).collect();
    Err(CliError::refused(
        "unit-unknown",
        format_args!("the property has no unit {unit}; it has {}", known.join(", ")),
        "Name one of these.",
    ))
}

fn of_unit(listed: &[FeedListing], unit: &UnitId) -> Option<Timestamp> {
    listed.iter().find(|listing| listing.unit == *unit).map(|listing| listing.created)
}

fn base(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.trim_matches('/').is_empty() => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("expected the URL of the stack's output FeedsUrl".to_owned()),
    }
}

fn address(base: &str, token: &str) -> String {
    format!("{base}/feeds/{token}.ics")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_below_the_base() {
        for good in ["https://x.lambda-url.eu-west-1.on.aws/", "https://x.lambda-url.eu-west-1.on.aws"] {
            let base = base(good).expect("a base");
            assert_eq!(address(&base, "abc"), "https://x.lambda-url.eu-west-1.on.aws/feeds/abc.ics");
        }
        for bad in ["", "x.on.aws", "https://", "https:///", "ftp://x"] {
            assert!(base(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_unit_that_is_not_there_is_refused_with_those_that_are() {
        let units = ["suite", "loft"].map(|unit| unit.parse().expect("an id"));
        assert!(must_have(&units, &units[1]).is_ok());
        let error = must_have(&units, &"Suite".parse().expect("an id")).expect_err("refused");
        assert_eq!((error.code, error.exit), ("unit-unknown", Exit::Refused));
        assert!(error.message.ends_with("no unit Suite; it has suite, loft"), "{}", error.message);
    }

    #[test]
    fn an_older_address_is_found_by_its_unit() {
        let listed = [FeedListing { unit: "suite".parse().expect("an id"), created: Timestamp::UNIX_EPOCH }];
        assert_eq!(of_unit(&listed, &listed[0].unit), Some(Timestamp::UNIX_EPOCH));
        assert_eq!(of_unit(&listed, &"loft".parse().expect("an id")), None);
    }
}
