//! Once an hour: what fell between the others is picked up again. Everything here may be done twice, or while people act.
//!
//! - An event that waits for a person, and of which no item tells, gets its item.
//! - A line with a verdict is woken again: its wake-up may be lost.
//! - An item whose event is done meanwhile, by another road than an act on the item, is closed: its property was registered, a newer
//!   version of the booking found free nights, somebody decided with `bellhop hold resolve`.
//! - A tenant that is being resumed is woken again, and active once all that came for it meanwhile is worked.

use std::time::Instant;

use bellhop_events::{Envelope, EventId, FallbackNote, Fault, MessageGroup, Queue, Reason, Subject, catalogue};
use bellhop_store::calendar::CalendarState;
use bellhop_store::review::{Act, ActKind, Desk, Order, ReviewId, ReviewItem, Road, Told};
use bellhop_store::{
    Hold, Line, OpenHold, Parked, Record, RecordState, Scope, Standing, Store, StoreError, decode_item,
};
use bellhop_tenancy::{Office, Settled, TenancyError};
use bellhop_worker::{Queues, state_in, wake_up};
use jiff::Timestamp;
use serde::Serialize;

use crate::act::scope_of;
use crate::notice::Waiting;

/// Holds of one consumer that are looked at in a run.
const MOST_HOLDS: usize = 10_000;
const PAGE: u16 = 100;
/// Who closes an item, as its act says.
const SWEEPER: &str = "bellhop";

/// What a run found.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Lines that were looked at.
    pub lines: u64,
    /// Items that were made of events that waited unseen.
    pub told: u64,
    /// Lines that were woken.
    pub woken: u64,
    /// Open items that were looked at.
    pub items: u64,
    /// Items that were closed, for their event is in good hands.
    pub closed: u64,
    /// Tenants that were being resumed, and are active now.
    pub active: u64,
    /// What waits, and what of it is new.
    #[serde(skip)]
    pub waiting: Waiting,
    /// The time was up before all was looked at; the next run begins elsewhere.
    pub unfinished: bool,
}

/// Who sweeps.
pub struct Sweeper<'a> {
    /// The tables.
    pub store: &'a Store,
    /// All queues that have lines behind them.
    pub queues: &'a Queues,
    /// Now.
    pub now: Timestamp,
    /// When to stop.
    pub until: Instant,
}

impl Sweeper<'_> {
    /// Looks at all lines and at all open items, as long as there is time.
    pub async fn run(&self) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        self.tenants(&mut swept).await?;
        // What had no turn this time has the first next time.
        if self.hour().is_multiple_of(2) {
            self.lines(&mut swept).await?;
            self.items(&mut swept).await?;
        } else {
            self.items(&mut swept).await?;
            self.lines(&mut swept).await?;
        }
        Ok(swept)
    }

    fn hour(&self) -> usize {
        usize::try_from(self.now.as_second() / 3600).unwrap_or_default()
    }

    /// The same, beginning elsewhere each hour.
    fn in_turn<T>(&self, mut all: Vec<T>) -> Vec<T> {
        // By a stride, so that of many the far ones have their turn within a day or two.
        let first = (self.hour() * 997) % all.len().max(1);
        all.rotate_left(first);
        all
    }

    async fn tenants(&self, swept: &mut Swept) -> Result<(), StoreError> {
        let office = Office { store: self.store, queues: self.queues, now: self.now };
        for registration in readable(self.store.not_active().await, "tenants")?.unwrap_or_default() {
            if registration.standing != Standing::Resuming {
                continue;
            }
            let tenant = registration.tenant.clone();
            match office.settle(registration).await {
                Ok(settled) => swept.active += u64::from(settled == Settled::Active),
                // Somebody changed it this moment, or SQS is not there: next time.
                Err(TenancyError::NotWoken(_) | TenancyError::Store(StoreError::Lost)) => {}
                Err(TenancyError::Store(error)) => readable(Err(error), tenant.as_str()).map(|_: Option<()>| ())?,
                Err(error) => tracing::warn!(%error, tenant = tenant.as_str(), "resume-failed"),
            }
        }
        Ok(())
    }

    async fn lines(&self, swept: &mut Swept) -> Result<(), StoreError> {
        for queue in Queue::WORKED.iter().copied() {
            for open in self.in_turn(self.store.open_holds(queue.consumer(), MOST_HOLDS).await?) {
                if self.is_over(swept) {
                    return Ok(());
                }
                readable(self.line(queue, &open, swept).await, &open.group)?;
            }
        }
        Ok(())
    }

    async fn items(&self, swept: &mut Swept) -> Result<(), StoreError> {
        for desk in self.in_turn(self.store.desks().await?) {
            let mut from = None;
            loop {
                let page = self.store.open_reviews(&desk, Order::OldestFirst, from.as_deref(), PAGE).await?;
                for item in page.items {
                    if self.is_over(swept) {
                        return Ok(());
                    }
                    swept.items += 1;
                    if readable(self.item(&desk, item.clone()).await, &item.note.group)?.unwrap_or_default() {
                        swept.closed += 1;
                    } else {
                        swept.waiting.count(&item, self.now);
                    }
                }
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether the time is up, which the counts say as well.
    fn is_over(&self, swept: &mut Swept) -> bool {
        swept.unfinished = Instant::now() >= self.until;
        swept.unfinished
    }

    async fn line(&self, queue: Queue, open: &OpenHold, swept: &mut Swept) -> Result<(), StoreError> {
        swept.lines += 1;
        let (Ok(group), Ok(holder)) = (open.group.parse::<MessageGroup>(), open.subject.parse::<Subject>()) else {
            return Ok(());
        };
        let scope = scope_of(queue, group);
        if open.hold.verdict.is_some() {
            let sent = self.queues.send(&[wake_up(&scope, queue, &holder, open.line, &open.hold, self.now)]).await;
            swept.woken += u64::from(sent.is_empty());
            return Ok(());
        }
        if let Some(Head { parked, record }) = self.head(&scope, open, &holder).await?
            && asks_somebody(open.line, &open.hold, &record)
        {
            swept.told += u64::from(self.tell(queue, &scope, &parked, &record).await?);
        }
        Ok(())
    }

    async fn head(&self, scope: &Scope, open: &OpenHold, holder: &Subject) -> Result<Option<Head>, StoreError> {
        let key = scope.parked(open.line, holder, open.hold.head);
        let Some(item) = self.store.get(std::slice::from_ref(&key)).await?.remove(&key) else { return Ok(None) };
        let parked: Parked = decode_item(item)?;
        Ok(self.store.record(scope, &parked.id).await?.map(|record| Head { parked, record }))
    }

    /// Makes the item of an event at the head of a line, if there is none; whether it did.
    async fn tell(&self, queue: Queue, scope: &Scope, parked: &Parked, record: &Record) -> Result<bool, StoreError> {
        let desk = Desk::of(scope.group().tenant.clone());
        let news = item_of(queue, scope, parked, record, self.now);
        // It would be told again, by this message, each hour.
        if self.store.review_item(&desk, &news.id).await?.is_some() {
            return Ok(false);
        }
        // The worker's own notice may come this moment: then it is told twice, and one item.
        let told = self.store.tell_review(&desk, &news, &parked.body).await?;
        Ok(told == Told::New)
    }

    /// Closes an item whose event needs nobody any more; whether it did.
    async fn item(&self, desk: &Desk, mut item: ReviewItem) -> Result<bool, StoreError> {
        let event = item.note.event.as_ref().and_then(|event| event.parse::<EventId>().ok());
        let group = item.note.group.parse::<MessageGroup>().ok().filter(|group| desk.tenant() == Some(&group.tenant));
        let Some(((queue, group), event)) = Queue::named(&item.note.queue).zip(group).zip(event) else {
            return Ok(false);
        };
        let scope = scope_of(queue, group);
        let why = if item.note.reason == Reason::BookingUnplaced.code() {
            self.is_placed(&scope, &item).await?.then_some("the booking has its nights, or was called off")
        } else {
            self.store.record(&scope, &event).await?.and_then(|record| settled(&item, &scope, &record))
        };
        let Some(why) = why else { return Ok(false) };
        item.act =
            Some(Act { at: self.now, by: SWEEPER.to_owned(), kind: ActKind::Settled, because: Some(why.to_owned()) });
        match self.store.commit(self.store.decide(desk, &item, None).await?).await {
            Ok(()) => Ok(true),
            // Somebody decided on it this moment.
            Err(StoreError::Lost) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn is_placed(&self, scope: &Scope, item: &ReviewItem) -> Result<bool, StoreError> {
        let Some(subject) = item.note.subject.as_ref().and_then(|subject| subject.parse::<Subject>().ok()) else {
            return Ok(false);
        };
        let key = scope.subject(&subject);
        let found = self.store.get(std::slice::from_ref(&key)).await?;
        let state = found.get(&key).map(|found| state_in(&key, found)).transpose()?.flatten();
        Ok(matches!(state, Some(CalendarState::Booking(booking)) if !booking.is_unplaced()))
    }
}

/// What cannot be read keeps nobody from all else; none: it could not.
fn readable<T>(result: Result<T, StoreError>, group: &str) -> Result<Option<T>, StoreError> {
    match result {
        Err(StoreError::Defect(_)) => {
            // Its text may quote what is stored.
            tracing::error!(
                group,
                "sweep-unreadable: what is stored of a line or item cannot be read; see bellhop hold list"
            );
            Ok(None)
        }
        other => other.map(Some),
    }
}

/// An event at the head of a line.
struct Head {
    parked: Parked,
    record: Record,
}

/// Whether somebody must decide on the head: it failed, or nobody has registered its property. Other lines wait for a channel.
fn asks_somebody(line: Line, hold: &Hold, record: &Record) -> bool {
    record.state == RecordState::Failed
        || (line == Line::Wait && record.state == RecordState::Parked && hold.reason == Reason::UnknownProperty.code())
}

/// What the worker would have said of it.
fn item_of(queue: Queue, scope: &Scope, parked: &Parked, record: &Record, now: Timestamp) -> ReviewItem {
    let reason = record.reasons.last().and_then(|code| Reason::of_code(code));
    let fault = Fault::new(reason.unwrap_or(Reason::UnknownProperty), "")
        .expected("somebody to decide")
        .found(format!("an event that waits, of which nobody was told; failure {}", record.failures));
    let group = scope.group().to_string();
    let event = Envelope::decode(&parked.body).ok();
    let event_type = event.map(|event| event.event_type);
    let note = FallbackNote {
        subject: Some(record.subject.clone()),
        event: Some(parked.id.to_string()),
        attempts: record.attempts,
        critical: event_type.as_ref().is_none_or(|name| catalogue::find(name).map_or(true, |entry| entry.critical)),
        ..FallbackNote::of(&fault, scope.consumer(), queue, &group, &parked.message_id)
    };
    ReviewItem {
        rev: 0,
        id: id_of(scope, &parked.id, record.failures),
        event_type,
        note,
        receives: 0,
        road: Road::Fallback,
        messages: vec![parked.message_id.clone()],
        first_seen: Timestamp::from_second(parked.at).unwrap_or(now),
        last_seen: now,
        told: 1,
        act: None,
        owes: false,
    }
}

fn id_of(scope: &Scope, event: &EventId, failure: u32) -> ReviewId {
    ReviewId::of(&scope.group().to_string(), &format!("{}:{event}:{failure}", scope.consumer()))
}

/// Why an item needs nobody any more; none: it does, or is no item of a failure that the record counts.
fn settled(item: &ReviewItem, scope: &Scope, record: &Record) -> Option<&'static str> {
    let failure = (0..=record.failures).find(|failure| id_of(scope, &record.id, *failure) == item.id)?;
    match record.state {
        _ if failure < record.failures => Some("it failed again, which is another item"),
        RecordState::Done => Some("the event is done"),
        RecordState::Discarded => Some("the event was discarded"),
        RecordState::Retrying | RecordState::Failed | RecordState::Parked => None,
    }
}
