//! Stores what was given up. A message leaves its queue when its item is durable, or when its event turns out to be in good
//! hands: done, or in a line.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use bellhop_events::{Fault, MessageGroup, Reason};
use bellhop_store::review::{Desk, ReviewItem, Told};
use bellhop_store::{Mode, Record, RecordState, Store, StoreError};
use bellhop_worker::{Numbers, not_by_these_queues};
use jiff::Timestamp;

use crate::understand::{Incoming, Origin, Understood, understand};

/// The review function.
#[derive(Clone)]
pub struct Intake {
    store: Store,
}

/// A batch that was taken.
#[derive(Debug, Default)]
pub struct Taken {
    /// The messages that must come again.
    pub response: SqsBatchResponse,
    /// New items that are critical.
    pub critical: Vec<(Desk, ReviewItem)>,
    /// The batch, counted.
    pub numbers: Numbers,
}

/// What became of a message.
enum Fate {
    /// Told a person.
    Item(Told, Desk, Box<ReviewItem>),
    /// The event is done, or somebody decided that it is not to be.
    Settled,
    /// The event waits in a line, and is worked in its turn.
    Parked,
}

impl Fate {
    fn word(&self) -> &'static str {
        match self {
            Self::Item(Told::New, ..) => "item",
            Self::Item(Told::Again, ..) => "duplicate",
            Self::Settled => "settled",
            Self::Parked => "parked",
        }
    }

    fn item(&self) -> Option<&ReviewItem> {
        match self {
            Self::Item(_, _, item) => Some(item),
            Self::Settled | Self::Parked => None,
        }
    }
}

impl Intake {
    /// An intake into these tables.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Takes a batch; names the messages that must come again. Order does not matter here, but SQS blocks the group of a
    /// message that comes again, so its followers come again as well.
    pub async fn run(&self, event: SqsEvent) -> Taken {
        let mut taken = Taken::default();
        let mut blocked: Vec<String> = Vec::new();
        for message in event.records {
            let id = message.message_id.clone().unwrap_or_default();
            let group = message.attributes.get("MessageGroupId").cloned().unwrap_or_default();
            let sent_ms = message.attributes.get("SentTimestamp").and_then(|ms| ms.parse().ok()).unwrap_or(0);
            let fate = if blocked.contains(&group) { None } else { self.take(message, &id).await };
            let Some(fate) = fate else {
                taken.numbers.retried += u32::from(!blocked.contains(&group));
                blocked.push(group);
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = id;
                taken.response.batch_item_failures.push(failure);
                continue;
            };
            taken.numbers.done(sent_ms, Timestamp::now().as_millisecond());
            match fate {
                Fate::Item(Told::Again, ..) => taken.numbers.duplicate += 1,
                // Not `review`, nor `parked`: the function that gave the message up, or put its event into a line, has counted it.
                Fate::Item(Told::New, ..) | Fate::Settled | Fate::Parked => taken.numbers.processed += 1,
            }
            if let Fate::Item(Told::New, desk, item) = fate
                && item.note.critical
            {
                taken.numbers.critical += 1;
                taken.critical.push((desk, *item));
            }
        }
        taken
    }

    /// None: it must come again.
    async fn take(&self, message: SqsMessage, id: &str) -> Option<Fate> {
        let Some(message) = Incoming::read(message) else {
            tracing::error!(message_id = id, "queue-unknown: the message stays; give the function its own queues only");
            return None;
        };
        let understood = understand(&message);
        let (desk, reason) = (understood.desk.to_string(), understood.item.note.reason.clone());
        match self.store_it(&message, understood).await {
            Ok(fate) => {
                let item = fate.item().map(|item| item.id.to_string());
                tracing::info!(outcome = fate.word(), tenant = desk, reason, item, message_id = id, "message");
                Some(fate)
            }
            Err(error) => {
                tracing::warn!(outcome = "delayed", tenant = desk, reason, %error, message_id = id, "message");
                None
            }
        }
    }

    async fn store_it(&self, message: &Incoming, told: Understood) -> Result<Fate, StoreError> {
        let told = match (message.origin, &told.event) {
            (Origin::DeadLetter(_), Some((scope, _))) => match self.registered(scope.group(), message).await? {
                Some(fault) => told.as_nobodys(&fault),
                None => told,
            },
            _ => told,
        };
        let told = match (message.origin, &told.event) {
            (Origin::DeadLetter(_), Some(_)) => match self.judge(told).await? {
                Judged::Settled => return Ok(Fate::Settled),
                Judged::Parked => return Ok(Fate::Parked),
                Judged::Open(told) => *told,
            },
            _ => told,
        };
        let Understood { desk, item, .. } = told;
        let told = self.store.tell_review(&desk, &item, &message.body).await?;
        Ok(Fate::Item(told, desk, Box::new(item)))
    }

    /// Why a message that its function did not work is not of the tenant that it names.
    async fn registered(&self, group: &MessageGroup, message: &Incoming) -> Result<Option<Fault>, StoreError> {
        let registration = self.store.registration(&group.tenant).await?;
        let mode = registration.map(|one| one.mode).unwrap_or_default();
        let is_right = message.silo.is_some() == (mode == Mode::Silo);
        Ok((!is_right).then(|| not_by_these_queues(&group.tenant, mode)))
    }

    /// SQS gave a message up; its function may have done its event all the same, or told a person of it.
    async fn judge(&self, told: Understood) -> Result<Judged, StoreError> {
        let Some((scope, event)) = &told.event else { return Ok(Judged::Open(Box::new(told))) };
        let digest = event.digest();
        let subject = self.store.subject(scope, &event.subject).await?;
        let record = self.store.record(scope, &event.id).await?.filter(|record| record.accepts(&digest));
        let (seen, outbox) = subject.map(|item| (item.seen, item.outbox)).unwrap_or_default();
        let is_done = seen.get(event.id.as_str()).is_some_and(|seen| seen.digest == digest)
            || record.as_ref().is_some_and(|record| record.state == RecordState::Done);
        if is_done {
            // While its outbox is there, what follows from it may be owed, and this message is what would have asked for it.
            let owes = outbox.is_some_and(|(by, _)| by == event.id.as_str());
            return Ok(if owes { Judged::Open(Box::new(told)) } else { Judged::Settled });
        }
        Ok(match record {
            Some(Record { state: RecordState::Done | RecordState::Discarded, .. }) => Judged::Settled,
            // Retried with a place in a line: it is worked from there.
            Some(
                Record { state: RecordState::Parked, .. } | Record { state: RecordState::Retrying, place: Some(_), .. },
            ) => Judged::Parked,
            Some(Record { state: RecordState::Failed, failures, reasons, .. }) => {
                Judged::Open(Box::new(told.as_failure(failures, reasons.last().and_then(|code| Reason::of_code(code)))))
            }
            Some(Record { state: RecordState::Retrying, .. }) | None => Judged::Open(Box::new(told)),
        })
    }
}

enum Judged {
    Settled,
    Parked,
    Open(Box<Understood>),
}
