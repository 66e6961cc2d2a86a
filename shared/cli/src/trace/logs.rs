//! Log lines of the functions, from CloudWatch Logs or what stands in for it.

use std::cell::Cell;

use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsError;
use futures_util::future::try_join_all;
use jiff::Timestamp;

use super::tree::Line;
use crate::cloud::Cloud;
use crate::error::CliError;
use crate::status::CONSUMERS;

/// So many lines of one function are kept.
pub const MOST_LINES: usize = 5_000;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Of all functions, in no order.
    pub lines: Vec<Line>,
    /// There are more.
    pub cut: bool,
}

/// The lines of all functions in which a field has a value. `looked_at` hears how many lines came.
pub async fn read(
    cloud: &Cloud,
    field: &'static str,
    value: &str,
    since: Timestamp,
    looked_at: &impl Fn(usize),
) -> Result<Found, CliError> {
    let count = Cell::new(0);
    let tell = |more: usize| {
        count.set(count.get() + more);
        looked_at(count.get());
    };
    let functions = CONSUMERS.iter().map(|function| of_function(cloud, function, field, value, since, &tell));
    let mut all = Found::default();
    for found in try_join_all(functions).await? {
        all.lines.extend(found.lines);
        all.cut |= found.cut;
    }
    Ok(all)
}

async fn of_function(
    cloud: &Cloud,
    function: &str,
    field: &'static str,
    value: &str,
    since: Timestamp,
    tell: &impl Fn(usize),
) -> Result<Found, CliError> {
    let group = cloud.log_group(function);
    // The value is an id or a trace: neither holds a quotation mark (Amazon CloudWatch Logs User Guide, "Filter pattern syntax").
    let pattern = format!("{{ $.{field} = \"{value}\" }}");
    let mut found = Found::default();
    let mut next = None;
    loop {
        let request = cloud.logs.filter_log_events().log_group_name(&group).filter_pattern(&pattern);
        let request = request.start_time(since.as_millisecond()).set_next_token(next);
        let answer = match request.send().await {
            Ok(answer) => answer,
            // A function that was never called, or is not deployed.
            Err(error)
                if matches!(error.as_service_error(), Some(FilterLogEventsError::ResourceNotFoundException(_))) =>
            {
                return Ok(found);
            }
            Err(error) => return Err(CliError::sdk(&group, error)),
        };
        let events = answer.events.unwrap_or_default();
        tell(events.len());
        // An emulator may send all lines: what is wanted is chosen here in any case.
        let lines = events.iter().filter_map(|event| Line::parse(event.message()?));
        found.lines.extend(lines.filter(|line| line.has(field, value)));
        found.cut = found.lines.len() > MOST_LINES;
        found.lines.truncate(MOST_LINES);
        // A page may be empty and yet not the last.
        match answer.next_token {
            Some(token) if !found.cut => next = Some(token),
            _ => return Ok(found),
        }
    }
}
