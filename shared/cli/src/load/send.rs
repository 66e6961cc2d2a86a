//! Sends what is due when it is due, however slow answers are: an open loop. `bellhop post` keeps a pace by waiting, and so hides
//! what a stack that does not keep up does to those who post.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchError, SendMessageBatchOutput};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use bellhop_events::{PropertyId, TenantId};
use fastrand::Rng;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::civil::Date;

use super::schedule::{Phase, Schedule};
use super::tally::Tally;
use crate::error::CliError;
use crate::generate::Endless;
use crate::lanes::{LaneId, Lanes, is_refused, permanent};

/// Batches on their way at a time.
const MOST_FLIGHTS: usize = 32;
/// What is due within this goes out together, in as few batches as it fits.
const GATHER_MS: u128 = 50;
/// Between two sends of an event that SQS did not take, at most: full jitter.
const MOST_WAIT_MS: u64 = 2_000;

/// An event that is due.
struct Due {
    /// When, after the first.
    at: Duration,
    /// In which phase of the load.
    phase: Phase,
    /// `MessageGroupId`
    group: String,
    /// The message body.
    body: String,
}

/// The seasons of all properties that a load is made of.
pub struct Seasons {
    properties: Vec<Endless>,
    rng: Rng,
}

impl Seasons {
    /// Of so many properties of each tenant.
    pub fn new(tenants: &[TenantId], properties: usize, run: &str, month: Date, seed: u64) -> Result<Self, CliError> {
        let mut all = Vec::new();
        for tenant in tenants {
            for number in 1..=properties {
                let property: PropertyId = crate::generate::id(&format!("p{number:02}"))?;
                all.push(Endless::new(all.len(), tenant.clone(), property, run, month)?);
            }
        }
        Ok(Self { properties: all, rng: Rng::with_seed(seed) })
    }

    /// How many properties there are.
    pub fn properties(&self) -> usize {
        self.properties.len()
    }

    /// What happens next, at any of them.
    fn next(&mut self, at: Duration, schedule: &Schedule) -> Result<(usize, Due), CliError> {
        let lane = self.rng.usize(..self.properties.len());
        let event = self.properties[lane].next(&mut self.rng)?;
        let (phase, group) = (schedule.phase(at), event.group().to_string());
        Ok((lane, Due { at, phase, group, body: event.to_body() }))
    }
}

type Answer = Result<SendMessageBatchOutput, SdkError<SendMessageBatchError>>;

enum Step {
    Answered(Vec<LaneId>, Box<Answer>),
    Waited(LaneId),
}

/// Where to, and who is told.
pub struct Sender<'a> {
    pub sqs: &'a aws_sdk_sqs::Client,
    pub url: &'a str,
    pub schedule: &'a Schedule,
    pub tally: &'a RefCell<Tally>,
    /// Nothing more is sent.
    pub stop: &'a Cell<bool>,
    /// When the first event is due.
    pub started: Instant,
    /// How long after the last one was due sending goes on.
    pub patience: Duration,
}

/// When an event goes out that is due then.
fn gathered(due: Duration) -> Duration {
    let ms = due.as_millis().div_ceil(GATHER_MS) * GATHER_MS;
    Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX))
}

impl Sender<'_> {
    /// Sends all of the schedule, or until it is told to stop. Errors only where SQS refuses for good.
    pub async fn run(&self, mut seasons: Seasons) -> Result<(), CliError> {
        let mut lanes = Lanes::new(seasons.properties());
        let mut tries = vec![0_u32; seasons.properties()];
        let mut flights: FuturesUnordered<BoxFuture<'static, Step>> = FuturesUnordered::new();
        let mut next = 0;
        let last = self.schedule.events().checked_sub(1).and_then(|last| self.schedule.due(last)).unwrap_or_default();
        loop {
            let now = self.started.elapsed();
            let stops = self.stop.get() || now > last + self.patience;
            while let Some(due) = self.schedule.due(next).filter(|due| *due <= now && !stops) {
                let (lane, due) = seasons.next(due, self.schedule)?;
                lanes.push(LaneId(lane), due);
                next += 1;
            }
            while !stops && flights.len() < MOST_FLIGHTS {
                let Some(batch) = lanes.batch(|_| true) else { break };
                flights.push(self.flight(&lanes, &tries, batch));
            }
            let due = self.schedule.due(next).filter(|_| !stops);
            let wait = due.map(|due| tokio::time::sleep(gathered(due).saturating_sub(self.started.elapsed())));
            let step = match (flights.is_empty(), wait) {
                (true, None) => break,
                (true, Some(wait)) => {
                    wait.await;
                    continue;
                }
                (false, None) => flights.next().await,
                (false, Some(wait)) => tokio::select! { step = flights.next() => step, () = wait => continue },
            };
            match step {
                None => {}
                Some(Step::Waited(lane)) => lanes.again(lane),
                Some(Step::Answered(batch, answer)) => {
                    for lane in self.settle(&mut lanes, &mut tries, batch, *answer)? {
                        let wait =
                            Duration::from_millis(fastrand::u64(0..=(100 << tries[lane.0].min(6)).min(MOST_WAIT_MS)));
                        flights.push(tokio::time::sleep(wait).map(move |()| Step::Waited(lane)).boxed());
                    }
                }
            }
        }
        let never_due = usize::try_from(self.schedule.events() - next).unwrap_or(usize::MAX);
        self.tally.borrow_mut().unsent = lanes.left() + never_due;
        Ok(())
    }

    fn flight(&self, lanes: &Lanes<Due>, tries: &[u32], batch: Vec<LaneId>) -> BoxFuture<'static, Step> {
        let now = self.started.elapsed();
        let mut entries = Vec::new();
        for (index, lane) in batch.iter().enumerate() {
            let Some(head) = lanes.head(*lane) else { continue };
            if tries[lane.0] == 0 {
                self.tally.borrow_mut().sends(head.at, now);
            }
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string());
            entries.extend(entry.message_body(&head.body).message_group_id(&head.group).build().ok());
        }
        let request = self.sqs.send_message_batch().queue_url(self.url).set_entries(Some(entries));
        request.send().map(|answer| Step::Answered(batch, Box::new(answer))).boxed()
    }

    /// Counts what was accepted; returns the properties whose head goes again.
    fn settle(
        &self,
        lanes: &mut Lanes<Due>,
        tries: &mut [u32],
        batch: Vec<LaneId>,
        answer: Answer,
    ) -> Result<Vec<LaneId>, CliError> {
        let mut again = Vec::new();
        match answer {
            Ok(answer) => {
                let lane = |id: &str| id.parse().ok().and_then(|index: usize| batch.get(index).copied());
                for entry in &answer.successful {
                    let Some(lane) = lane(&entry.id) else { continue };
                    tries[lane.0] = 0;
                    if let Some(due) = lanes.accepted(lane) {
                        self.tally.borrow_mut().accepted(&entry.message_id, due.phase, self.started.elapsed());
                    }
                }
                for entry in &answer.failed {
                    if is_refused(entry) {
                        let why = format!("{}: {}", entry.code, entry.message().unwrap_or_default());
                        return Err(CliError::refused(
                            "refused-by-sqs",
                            why,
                            "Check the queue, and who may post to it.",
                        ));
                    }
                    again.extend(lane(&entry.id));
                }
            }
            Err(error) => {
                if let Some(code) = permanent(&error) {
                    return Err(CliError::sdk(&code, error));
                }
                again = batch;
            }
        }
        for lane in &again {
            tries[lane.0] = tries[lane.0].saturating_add(1);
        }
        Ok(again)
    }
}
