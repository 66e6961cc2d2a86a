//! Waiting until a request is worked.

use std::time::{Duration, Instant};

use bellhop_events::EventId;
use bellhop_store::{Record, RecordState, SubjectItem};
use bellhop_views::channels::Row;
use clap::Args;
use futures_util::future::try_join;

use super::Place;
use crate::cloud::Cloud;
use crate::error::CliError;
use crate::output;

/// Between two looks: each reads a few items of the channel and its property.
const PAUSE: Duration = Duration::from_secs(1);

/// How long to wait, and for whom to print.
#[derive(Debug, Args)]
pub struct Wait {
    /// Post the request and do not wait for it
    #[arg(long)]
    no_wait: bool,
    /// Seconds to wait at most; exit code 1 when the time is up before
    #[arg(long, default_value_t = 30, conflicts_with = "no_wait", value_parser = clap::value_parser!(u64).range(1..=900))]
    timeout: u64,
}

/// How a request fares.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// The channel's item knows it, or its record says so.
    Done,
    /// Not yet, and why if that is known.
    Waits(String),
    /// It will not be worked without a person.
    Held(String),
}

/// Judges by the item of the channel, which remembers its last events, and the record that an event gets if it was not done
/// at once.
fn judge(id: &EventId, item: Option<&SubjectItem>, record: Option<&Record>) -> Step {
    if item.is_some_and(|item| item.seen(id).is_some()) {
        return Step::Done;
    }
    let Some(record) = record else { return Step::Waits(String::new()) };
    let reasons = if record.reasons.is_empty() { "no reason".to_owned() } else { record.reasons.join(", ") };
    match record.state {
        RecordState::Done => Step::Done,
        RecordState::Retrying => Step::Waits(format!("attempt {} failed ({reasons})", record.attempts)),
        RecordState::Failed => Step::Held(format!("it failed ({reasons}) and waits for a person")),
        RecordState::Parked => Step::Held("it waits behind a failed event of the channel".to_owned()),
        RecordState::Discarded => Step::Held("a person discarded it".to_owned()),
    }
}

impl Wait {
    /// Whether nobody wants to wait.
    pub fn is_not_wanted(&self) -> bool {
        self.no_wait
    }

    /// Waits until nothing is `missing`. What is looked at is read after the request is known to be worked, so that it says
    /// what came of it.
    pub async fn until(
        &self,
        cloud: &Cloud,
        place: &Place,
        id: &EventId,
        look: impl AsyncFn() -> Result<Row, CliError>,
        missing: impl Fn(bool, &Row) -> Option<&'static str>,
    ) -> Result<Row, CliError> {
        let (scope, subject) = (place.of_channel(), place.subject());
        let (started, spinner) = (Instant::now(), output::spinner());
        let result = loop {
            let records = try_join(cloud.store.subject(&scope, &subject), cloud.store.record(&scope, id)).await;
            let (worked, why) = match records.map(|(item, record)| judge(id, item.as_ref(), record.as_ref())) {
                Err(error) => break Err(error.into()),
                Ok(Step::Held(why)) => break Err(held(id, &why)),
                Ok(Step::Done) => (true, String::new()),
                Ok(Step::Waits(why)) => (false, why),
            };
            let row = match look().await {
                Ok(row) => row,
                Err(error) => break Err(error),
            };
            let Some(what) = missing(worked, &row) else { break Ok(row) };
            let waited = started.elapsed().as_secs();
            let why = [what, &why].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
            let left = row.outstanding.count();
            spinner.set_message(format!("{waited} of {} s: {why}; {left} units and rates outstanding", self.timeout));
            if waited >= self.timeout {
                break Err(CliError::refused(
                    "not-done-yet",
                    format_args!("request {id}, after {waited} s: {why}; {left} units and rates outstanding"),
                    "It goes on without this command: see bellhop channel list, bellhop status; or wait longer with --timeout.",
                ));
            }
            tokio::time::sleep(PAUSE).await;
        };
        spinner.finish_and_clear();
        result
    }
}

fn held(id: &EventId, why: &str) -> CliError {
    CliError::refused(
        "request-held",
        format_args!("request {id}: {why}"),
        "See why with: bellhop channel list; what waits for a person is on the fallback queue with its reason.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_events::Digest;
    use bellhop_store::Scope;

    #[test]
    fn a_request_is_done_when_the_item_or_the_record_says_so() {
        let id: EventId = "o1".parse().expect("an id");
        let digest = Digest::of_bytes(b"");
        let scope = Scope::for_operator("channel-sync", "sea".parse().expect("an id"), "villa".parse().expect("an id"));
        let mut item = scope.new_subject(&"channel/c".parse().expect("a subject"));
        let record = |state| Record::new(&id, &"channel/c", digest, state);
        assert_eq!(judge(&id, Some(&item), None), Step::Waits(String::new()));
        let retrying = Record { attempts: 2, reasons: vec!["panic".to_owned()], ..record(RecordState::Retrying) };
        assert_eq!(judge(&id, None, Some(&retrying)), Step::Waits("attempt 2 failed (panic)".to_owned()));
        for state in [RecordState::Failed, RecordState::Parked, RecordState::Discarded] {
            assert!(matches!(judge(&id, Some(&item), Some(&record(state))), Step::Held(_)));
        }
        assert_eq!(judge(&id, Some(&item), Some(&record(RecordState::Done))), Step::Done);
        item.remember(&id, digest, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(judge(&id, Some(&item), None), Step::Done);
    }
}
