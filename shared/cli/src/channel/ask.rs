//! `bellhop channel sync`, `test`, `disable`, `enable`, `poll`: one request each, and what came of it.

use bellhop_events::catalogue::{Channel, SyncAction};
use bellhop_views::channels::{Feed, Row, rows};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::wait::Wait;
use super::{Place, known, list, request};
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

/// Which channel.
#[derive(Debug, Args)]
pub struct Plain {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    wait: Wait,
    /// Print the channel as JSON, as list does
    #[arg(long)]
    json: bool,
}

/// Which channel, and how much it is told.
#[derive(Debug, Args)]
pub struct Sync {
    /// Tell it everything, though it has heard it
    #[arg(long)]
    everything: bool,
    #[command(flatten)]
    plain: Plain,
}

/// Tells a channel what it has not heard.
pub async fn sync(cloud: &Cloud, args: &Sync) -> Result<Exit, CliError> {
    let action = if args.everything { SyncAction::Everything } else { SyncAction::Changes };
    ask(cloud, &args.plain, action).await
}

/// Posts a request, waits, and prints what came of it.
pub async fn ask(cloud: &Cloud, args: &Plain, action: SyncAction) -> Result<Exit, CliError> {
    let place = &args.place;
    let channel = known::channel(cloud, place).await?;
    let before = look(cloud, place, &channel).await?;
    may_ask(action, place, &channel, &before)?;
    // Feeds that were read before the request are read, whatever this machine's clock says.
    let now = Timestamp::now().as_millisecond().max(last_read(&before.feeds) + 1).unsigned_abs();
    let (id, message) = request::sync(&place.of_channel(), &place.subject(), action, now, fastrand::u64(..));
    if !request::queue(cloud).await?.send(&[message]).await.is_empty() {
        return Err(CliError::unreachable("the request was not accepted", "run the same command again"));
    }
    if args.wait.is_not_wanted() {
        if args.json {
            output::json(&json!({ "request": id, "done": false }));
        } else {
            output::line(format_args!("posted request {id}; see what came of it with: bellhop channel list"));
        }
        return Ok(Exit::Ok);
    }
    let look = async || look(cloud, place, &channel).await;
    let row = args.wait.until(cloud, place, &id, look, |worked, row| missing(action, worked, &before, row)).await?;
    let (well, text) = verdict(action, &row);
    if args.json {
        output::json(&json!({ "request": id, "done": true, "well": well, "channel": row }));
    } else {
        output::line(text);
        list::remarks(&row).into_iter().for_each(output::note);
    }
    Ok(if well { Exit::Ok } else { Exit::Refused })
}

async fn look(cloud: &Cloud, place: &Place, channel: &Channel) -> Result<Row, CliError> {
    let channels = [(place.channel.clone(), channel.clone())].into();
    let mut found = rows(&cloud.store, &place.of_property(), &channels, Timestamp::now()).await?;
    found.pop().ok_or_else(|| CliError::refused("channel-unknown", &place.channel, "See: bellhop channel list."))
}

/// Refuses what would come to nothing: the function leaves no trace of such a request to wait for.
fn may_ask(action: SyncAction, place: &Place, channel: &Channel, row: &Row) -> Result<(), CliError> {
    match action {
        SyncAction::Disable | SyncAction::Enable => Ok(()),
        SyncAction::Test => known::must_be(place, channel, &["ari", "webhook"]),
        SyncAction::Changes | SyncAction::Everything => {
            known::must_be(place, channel, &["ari", "webhook"])?;
            known::must_be_on(row)
        }
        SyncAction::Poll | SyncAction::Due => {
            known::must_be(place, channel, &["calendar"])?;
            known::must_be_on(row)?;
            if row.feeds.is_empty() {
                let found = format!("channel {} has no feeds to fetch", row.channel);
                return Err(CliError::refused("no-feeds", found, "Register it with imports: pms.channel.upserted.v1."));
            }
            Ok(())
        }
    }
}

/// What is still missing; none: it is over, well or not. `worked`: the request is known to be done, before the row was read.
fn missing(action: SyncAction, worked: bool, before: &Row, row: &Row) -> Option<&'static str> {
    const QUEUED: Option<&str> = Some("the request is in its queue");
    let is_stuck = !row.is_on() || row.circuit.state == "open";
    match action {
        SyncAction::Test | SyncAction::Disable => QUEUED.filter(|_| !worked),
        SyncAction::Everything | SyncAction::Enable if !worked => QUEUED,
        // That there is nothing to tell leaves no trace: what counts is what is outstanding.
        SyncAction::Everything | SyncAction::Enable | SyncAction::Changes => {
            (row.outstanding.count() > 0 && !is_stuck).then_some("it is being told")
        }
        SyncAction::Poll | SyncAction::Due => {
            let all = row.feeds.iter().all(|feed| millisecond(feed) > last_read(&before.feeds));
            (!all && row.is_on()).then_some("its feeds are being fetched")
        }
    }
}

fn last_read(feeds: &[Feed]) -> i64 {
    feeds.iter().map(millisecond).max().unwrap_or_default()
}

fn millisecond(feed: &Feed) -> i64 {
    feed.at.map_or(0, Timestamp::as_millisecond)
}

/// What came of it: whether it is what was asked for, and in a line.
fn verdict(action: SyncAction, row: &Row) -> (bool, String) {
    let id = &row.channel;
    match action {
        SyncAction::Disable if row.disabled.is_some() => {
            (true, format!("disabled: {id} is told nothing until it is enabled"))
        }
        SyncAction::Disable => (false, format!("{id} is not disabled: another request came in between")),
        SyncAction::Test => match &row.tested {
            Some(tested) if tested.ok => (true, format!("{id} answers: {}", tested.found)),
            Some(tested) => (false, format!("{id} does not answer as it should: {}", tested.found)),
            None => (false, format!("{id} was not called")),
        },
        _ if !row.is_on() => (false, format!("{id} is told nothing: it is {}", row.state())),
        SyncAction::Poll | SyncAction::Due => {
            let faults = row.feeds.iter().filter(|feed| feed.fault.is_some()).count();
            (faults == 0, format!("{id}: {} feeds were fetched, {faults} of them with a fault", row.feeds.len()))
        }
        SyncAction::Changes | SyncAction::Everything | SyncAction::Enable => match row.outstanding.count() {
            0 => (true, format!("{id} has been told everything: {} calls in all", row.told.calls)),
            left => (
                false,
                format!("{id} does not answer: {left} units and rates are told when it does, without a request"),
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SyncAction::{Changes, Disable, Enable, Poll, Test};
    use bellhop_store::channel::{Circuit, Progress, Tested};
    use bellhop_views::samples::{ari, disabled, now};

    fn told() -> Progress {
        let units = [("suite", 2), ("loft", 1), ("attic", 0)].map(|(id, seen)| (id.parse().expect("an id"), seen));
        let rates = [("bar/suite".to_owned(), 1)].into();
        Progress { config: 3, units: units.into(), rates, ..Progress::default() }
    }

    #[test]
    fn the_verdict_says_whether_it_is_what_was_asked_for() {
        let at = now().as_millisecond();
        let fresh = Progress::default();
        let off = Progress { disabled: Some(disabled("disabled")), ..Progress::default() };
        let tested = |ok| Progress { tested: Some(Tested { at, ok, found: "401".into() }), ..Progress::default() };
        let told = told();
        let table = [
            (Changes, &told),
            (Changes, &fresh),
            (Changes, &off),
            (Enable, &told),
            (Enable, &off),
            (Disable, &off),
            (Disable, &fresh),
            (Test, &tested(true)),
            (Test, &tested(false)),
            (Test, &fresh),
            (Poll, &told),
        ];
        let said = table.map(|(action, progress)| {
            let (well, text) = verdict(action, &ari(progress, &Circuit::default()));
            format!("{} {well}: {text}", request::word(action))
        });
        insta::assert_debug_snapshot!(said, @r#"
        [
            "sync true: booking-com has been told everything: 0 calls in all",
            "sync false: booking-com does not answer: 4 units and rates are told when it does, without a request",
            "sync false: booking-com is told nothing: it is disabled",
            "enable true: booking-com has been told everything: 0 calls in all",
            "enable false: booking-com is told nothing: it is disabled",
            "disable true: disabled: booking-com is told nothing until it is enabled",
            "disable false: booking-com is not disabled: another request came in between",
            "test true: booking-com answers: 401",
            "test false: booking-com does not answer as it should: 401",
            "test false: booking-com was not called",
            "poll true: booking-com: 0 feeds were fetched, 0 of them with a fault",
        ]
        "#);
    }

    #[test]
    fn it_is_over_when_the_state_says_so_even_if_the_request_left_no_trace() {
        let closed = Circuit::default();
        let open = Circuit { failures: 5, open_until: now().as_millisecond() + 1, ..Circuit::default() };
        let (fresh, told) = (ari(&Progress::default(), &closed), ari(&told(), &closed));
        let shut = ari(&Progress::default(), &open);
        let is_over = |action, worked, row| missing(action, worked, &fresh, row).is_none();
        assert!(is_over(Changes, false, &told) && !is_over(Changes, true, &fresh));
        assert!(is_over(Changes, false, &shut), "the timer brings it back");
        assert!(!is_over(Enable, false, &told) && is_over(Enable, true, &told));
        assert!(!is_over(Test, false, &told) && is_over(Test, true, &fresh));
    }

    #[test]
    fn a_poll_is_over_when_each_feed_was_read_since() {
        let feeds = |read: [i64; 2]| {
            let feed = |ms: i64| Feed {
                unit: "suite".to_owned(),
                host: None,
                at: (ms > 0).then(|| Timestamp::from_millisecond(ms).expect("a time")),
                blocks: 0,
                fault: None,
            };
            Row { feeds: read.map(feed).into(), ..ari(&Progress::default(), &Circuit::default()) }
        };
        let is_over = |row: &Row| missing(Poll, true, &feeds([0, 5]), row).is_none();
        assert!(!is_over(&feeds([0, 5])) && !is_over(&feeds([5, 9])) && !is_over(&feeds([9, 0])));
        assert!(is_over(&feeds([6, 9])));
    }
}
