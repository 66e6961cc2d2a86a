//! Sending what the plan allows: several batches at a time, throttles waited out, nothing overtaken.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchError, SendMessageBatchOutput};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use indicatif::ProgressBar;

use super::plan::{Batch, Place, next_batch, sorted};
use super::valve::Valve;
use crate::check::Outgoing;
use crate::cloud::{Cloud, Side};
use crate::error::CliError;
use crate::lanes::{LaneId, Lanes, is_refused, permanent};
use crate::{output, status};

/// Batches on their way at a time.
const MOST_FLIGHTS: usize = 8;
/// Sends of one event before giving up; with the waits below about a minute.
const MOST_TRIES: u32 = 9;

/// What became of it all.
#[derive(Debug, Default)]
pub struct Summary {
    /// Message groups in the input.
    pub groups: usize,
    /// Accepted by SQS.
    pub accepted: usize,
    /// Accepted, but identical to a message of the last five minutes and therefore dropped by SQS.
    pub deduplicated: usize,
    /// Sent more than once, after a throttle or a fault of SQS.
    pub resent: usize,
    /// Not sent, because an event of the same group before them could not be.
    pub unsent: usize,
    /// From the first send to the last answer.
    pub seconds: f64,
}

type Answer = Result<SendMessageBatchOutput, SdkError<SendMessageBatchError>>;

enum Step {
    Answered(Batch, Box<Answer>),
    Waited(LaneId),
    /// The valve may let more out.
    Tick,
    /// So much waits in the fullest of the queues.
    Looked(u64),
}

struct Sender<'a> {
    cloud: &'a Cloud,
    urls: HashMap<Place, String>,
    lanes: Lanes<Outgoing>,
    tries: HashMap<LaneId, u32>,
    message_ids: HashSet<String>,
    summary: Summary,
    valve: Valve,
    /// A tick, or a look, is under way.
    is_held: bool,
    is_looking: bool,
    bar: ProgressBar,
}

/// The number of message groups.
pub fn groups(events: &[Outgoing]) -> usize {
    events.iter().map(|event| &event.group).collect::<HashSet<_>>().len()
}

/// Sends all events. Errors only when SQS cannot be reached; single refusals are counted.
pub async fn send(cloud: &Cloud, events: Vec<Outgoing>, valve: Valve) -> Result<Summary, CliError> {
    let mut urls = HashMap::new();
    for place in events.iter().map(Outgoing::place).collect::<HashSet<_>>() {
        let url = cloud.queue_url_in(place.1.as_ref(), place.0, Side::Main).await?;
        urls.insert(place, url);
    }
    let bar = output::progress(events.len(), "posting");
    let lanes = sorted(events);
    let summary = Summary { groups: lanes.len(), ..Summary::default() };
    let (tries, message_ids) = (HashMap::new(), HashSet::new());
    let sender =
        Sender { cloud, urls, lanes, tries, message_ids, summary, valve, is_held: false, is_looking: false, bar };
    sender.run().await
}

impl Sender<'_> {
    async fn run(mut self) -> Result<Summary, CliError> {
        let started = Instant::now();
        let mut flights: FuturesUnordered<BoxFuture<'_, Step>> = FuturesUnordered::new();
        loop {
            while flights.len() < MOST_FLIGHTS {
                if let Some(wait) = self.valve.wait(Instant::now()) {
                    if !self.is_held {
                        self.is_held = true;
                        flights.push(tokio::time::sleep(wait).map(|()| Step::Tick).boxed());
                    }
                    break;
                }
                let Some(batch) = next_batch(&mut self.lanes) else { break };
                self.valve.took(batch.lanes.len());
                flights.push(self.flight(batch));
            }
            if self.valve.looks() && !self.is_looking && self.lanes.left() > 0 {
                self.is_looking = true;
                flights.push(self.look());
            }
            let Some(step) = flights.next().await else { break };
            match step {
                Step::Waited(lane) => self.lanes.again(lane),
                Step::Tick => {
                    self.is_held = false;
                    self.valve.waited();
                }
                Step::Looked(waiting) => {
                    self.is_looking = false;
                    let is_full = self.valve.saw(waiting);
                    self.bar.set_message(if is_full { "waiting: the queue is long" } else { "posting" });
                }
                Step::Answered(batch, answer) => {
                    for (lane, wait) in self.settle(batch, *answer)? {
                        flights.push(
                            async move { tokio::time::sleep(wait).await }.map(move |()| Step::Waited(lane)).boxed(),
                        );
                    }
                }
            }
        }
        self.bar.finish_and_clear();
        self.summary.seconds = started.elapsed().as_secs_f64();
        Ok(self.summary)
    }

    /// How much waits in the fullest of the queues.
    fn look(&self) -> BoxFuture<'static, Step> {
        let (sqs, urls) = (self.cloud.sqs.clone(), self.urls.values().cloned().collect::<Vec<_>>());
        let look = async move {
            let mut most = 0;
            for url in urls {
                // Whoever may post need not be allowed to look.
                most = most.max(status::depth(&sqs, &url).await.map_or(0, |depth| depth.visible));
            }
            most
        };
        look.map(Step::Looked).boxed()
    }

    fn flight(&self, batch: Batch) -> BoxFuture<'static, Step> {
        let entries = batch.lanes.iter().enumerate().filter_map(|(index, lane)| {
            let event = self.lanes.head(*lane)?;
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string());
            // No deduplication id: content-based deduplication makes a resend after a lost answer harmless.
            entry.message_body(&event.body).message_group_id(&event.group).build().ok()
        });
        let request = self.cloud.sqs.send_message_batch().set_entries(Some(entries.collect()));
        let request = request.set_queue_url(self.urls.get(&batch.place).cloned());
        request.send().map(|answer| Step::Answered(batch, Box::new(answer))).boxed()
    }

    /// Books what was accepted; returns the lanes whose head goes again, and after how long.
    fn settle(&mut self, batch: Batch, answer: Answer) -> Result<Vec<(LaneId, Duration)>, CliError> {
        let mut again = Vec::new();
        match answer {
            Ok(answer) => {
                let lane = |id: &str| id.parse().ok().and_then(|index: usize| batch.lanes.get(index).copied());
                for entry in &answer.successful {
                    self.accept(lane(&entry.id), &entry.message_id);
                }
                for entry in &answer.failed {
                    let Some(lane) = lane(&entry.id) else { continue };
                    let text = entry.message().unwrap_or_default();
                    if is_refused(entry) {
                        self.refuse(lane, &format!("{}: {text}", entry.code));
                    } else {
                        again.push(lane);
                    }
                }
            }
            Err(error) => match permanent(&error) {
                Some(code) if batch.lanes.len() == 1 => self.refuse(batch.lanes[0], &code),
                Some(code) => return Err(CliError::sdk(&code, error)),
                None => {
                    let worn_out =
                        batch.lanes.iter().any(|lane| self.tries.get(lane).is_some_and(|n| *n + 1 >= MOST_TRIES));
                    if worn_out {
                        return Err(CliError::sdk("SendMessageBatch", error));
                    }
                    again.extend(batch.lanes);
                }
            },
        }
        Ok(again.into_iter().filter_map(|lane| Some((lane, self.wait(lane)?))).collect())
    }

    fn accept(&mut self, lane: Option<LaneId>, message_id: &str) {
        let Some(lane) = lane else { return };
        self.summary.accepted += 1;
        // SQS answers a duplicate with the id of the message that it has.
        if !self.message_ids.insert(message_id.to_owned()) {
            self.summary.deduplicated += 1;
        }
        self.tries.remove(&lane);
        self.lanes.accepted(lane);
        self.bar.inc(1);
    }

    fn refuse(&mut self, lane: LaneId, why: &str) {
        let number = self.lanes.head(lane).map_or(0, |event| event.line);
        let unsent = self.lanes.give_up(lane);
        self.summary.unsent += unsent;
        self.bar.suspend(|| {
            output::note(format_args!(
                "line {number}: refused-by-sqs: {why}\n  Correct it and post again: it and {} later events of its group were not sent.",
                unsent - 1
            ));
        });
    }

    /// Full jitter; none when the budget of tries is spent.
    fn wait(&mut self, lane: LaneId) -> Option<Duration> {
        let tries = self.tries.entry(lane).or_default();
        *tries += 1;
        let tries = *tries;
        self.summary.resent += 1;
        if tries >= MOST_TRIES {
            self.refuse(lane, "SQS did not accept it after all tries");
            return None;
        }
        Some(Duration::from_millis(fastrand::u64(0..=(100 << tries).min(20_000))))
    }
}
