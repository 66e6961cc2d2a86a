//! `bellhop tail`: what the functions do, as they do it.

pub mod follow;
mod line;

use std::time::Duration;

use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsError;
use bellhop_events::{PropertyId, TenantId};
use clap::Args;
use futures_util::future::try_join_all;
use jiff::Timestamp;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::status::CONSUMERS;
use crate::{output, when};
use follow::{Event, Follow};
use line::{Line, Wanted};

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(2);
/// Events that one answer holds at most (Amazon CloudWatch Logs API Reference, `FilterLogEvents`: 10,000).
const PAGE: i32 = 1_000;
/// So many events of a function are taken in one look; the next look goes on behind them.
const MOST_A_LOOK: usize = 10_000;

const AFTER_HELP: &str = "\
Examples:
  bellhop tail --tenant seaside                what is done for one tenant, as it is done
  bellhop tail --outcome review --since 1h     what was given up, from an hour ago on
  bellhop tail --json | jq -c 'select(.lag_ms > 5000)'

One line for each event: time, function, outcome and why, attempt, lag, whose, what about. It reads the functions' log groups every
two seconds; CloudWatch Logs shows a line a few seconds after it was written. --json prints one JSON object a line. Ctrl-C ends it.";

/// What `bellhop tail` is told.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Tail {
    /// Only this tenant's
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Only of this property
    #[arg(long)]
    property: Option<PropertyId>,
    /// Only with this outcome, such as applied, parked or review
    #[arg(long, value_parser = word)]
    outcome: Option<String>,
    /// Only by this function, such as calendar or review
    #[arg(long, value_parser = function)]
    function: Option<String>,
    /// Only about this subject, as booking/ID
    #[arg(long)]
    subject: Option<String>,
    /// From when on, as 10m or 36h ago, or a time
    #[arg(long, default_value = "10s", value_parser = when::since)]
    since: Timestamp,
    /// Print what is there, and end
    #[arg(long)]
    once: bool,
    /// Print as JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// Functions that say what became of an event.
fn functions() -> impl Iterator<Item = &'static str> {
    CONSUMERS.into_iter().chain([bellhop_store::review::CONSUMER])
}

fn function(name: &str) -> Result<String, String> {
    let known = functions().any(|function| function == name);
    if known {
        Ok(name.to_owned())
    } else {
        Err(format!("expected one of {}", functions().collect::<Vec<_>>().join(", ")))
    }
}

/// It stands in a filter pattern.
fn word(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if fits { Ok(text.to_owned()) } else { Err("expected a word such as applied or review".to_owned()) }
}

/// Prints lines as they come, until Ctrl-C.
pub async fn tail(args: &Tail, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    let wanted = Wanted {
        tenant: args.tenant.as_ref().map(TenantId::as_str),
        property: args.property.as_ref().map(PropertyId::as_str),
        outcome: args.outcome.as_deref(),
        subject: args.subject.as_deref(),
    };
    let chosen = functions().filter(|name| args.function.as_ref().is_none_or(|function| function == name));
    let mut follows: Vec<_> = chosen.map(|name| (name, Follow::new(args.since.as_millisecond()))).collect();
    let pattern = wanted.pattern();
    let looks = async {
        loop {
            let fresh = try_join_all(follows.iter_mut().map(|(name, follow)| look(&cloud, name, &pattern, follow)));
            let mut lines: Vec<_> = fresh.await?.into_iter().flatten().filter(|line| wanted.fits(line)).collect();
            lines.sort_by(|one, other| (one.at, &one.function).cmp(&(other.at, &other.function)));
            for line in lines {
                if args.json { output::line(line.json()) } else { output::line(line.text()) }
            }
            if args.once {
                return Ok(Exit::Ok);
            }
            tokio::time::sleep(INTERVAL).await;
        }
    };
    tokio::select! {
        ended = looks => ended,
        // Without a handler for it the process would end in the middle of a line.
        _ = tokio::signal::ctrl_c() => Ok(Exit::Ok),
    }
}

/// The lines of a function that were not there before.
async fn look(cloud: &Cloud, function: &str, pattern: &str, follow: &mut Follow) -> Result<Vec<Line>, CliError> {
    let events = read(cloud, function, pattern, follow.from(), MOST_A_LOOK).await?;
    Ok(follow.take(events).iter().filter_map(|event| Line::parse(function, &event.text)).collect())
}

/// What a function has written from a time on, epoch milliseconds: so many events at least, if there are more.
pub async fn read(
    cloud: &Cloud,
    function: &str,
    pattern: &str,
    from: i64,
    most: usize,
) -> Result<Vec<Event>, CliError> {
    let group = cloud.log_group(function);
    let (mut events, mut next) = (Vec::new(), None);
    loop {
        let request = cloud.logs.filter_log_events().log_group_name(&group).filter_pattern(pattern);
        let request = request.start_time(from).limit(PAGE).set_next_token(next);
        let answer = match request.send().await {
            Ok(answer) => answer,
            // A function that was never called, or is not deployed.
            Err(error)
                if matches!(error.as_service_error(), Some(FilterLogEventsError::ResourceNotFoundException(_))) =>
            {
                return Ok(Vec::new());
            }
            Err(error) => return Err(CliError::sdk(&group, error)),
        };
        events.extend(
            answer
                .events
                .unwrap_or_default()
                .into_iter()
                .filter_map(|event| Some(Event { id: event.event_id?, at: event.timestamp?, text: event.message? })),
        );
        // A page may be empty and yet not the last.
        match answer.next_token {
            Some(token) if events.len() < most => next = Some(token),
            _ => return Ok(events),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_pattern_is_a_word_and_a_function_is_one_of_ours() {
        for bad in ["", "a\"b", "A", "a b", "a$"] {
            assert!(word(bad).is_err(), "{bad}");
        }
        assert_eq!(word("review"), Ok("review".to_owned()));
        assert_eq!(function("review"), Ok("review".to_owned()));
        assert!(function("gardener").expect_err("refused").contains("calendar, "));
    }
}
