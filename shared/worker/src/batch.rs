//! One batch: groups side by side, each in sequence; the first failure ends its group for this batch.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

use bellhop_events::{Envelope, FallbackNote, Fault, Reason, catalogue};
use bellhop_store::{Mark, Scope};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use crate::Worker;
use crate::config::DeadLetters;
use crate::dispatch::Outgoing;
use crate::drain::is_wake_up;
use crate::gate::{self, Gate};
use crate::handler::Handler;
use crate::message::Message;
use crate::metrics::Numbers;
use crate::outcome::{Outcome, Worked};
use crate::process::Task;

/// A message of the batch on its way.
struct Item {
    message: Message,
    mark: Mark,
    event: Option<Envelope>,
    worked: Option<Worked>,
}

/// What there is to say of a batch.
pub(crate) struct Answer {
    /// Ids of the messages that must come again.
    pub again: Vec<String>,
    pub numbers: Numbers,
}

/// How far the time of a batch reaches.
#[derive(Clone, Copy)]
struct Time {
    /// No message is begun from then on.
    stop: Instant,
    /// What still runs is cut off, as a crash would: AWS hangs, and the rest of the time is for the answer.
    cut: Instant,
}

/// Messages of one group, in order.
struct Group {
    items: Vec<Item>,
    /// Where this run of the group ended, if before its end.
    stopped: bool,
}

impl Group {
    /// Follow-ups that are not sent yet, with the item that each belongs to.
    fn unsent(&mut self) -> Vec<(usize, Outgoing)> {
        let sends =
            self.items.iter_mut().enumerate().filter_map(|(n, item)| Some((n, &mut item.worked.as_mut()?.sends)));
        sends.flat_map(|(n, sends)| sends.drain(..).map(move |send| (n, send))).collect()
    }

    /// An item whose follow-ups were not accepted comes again, and all behind it.
    fn not_sent(&mut self, index: usize, delayed: Worked) {
        self.stopped = true;
        if let Some(item) = self.items.get_mut(index) {
            item.worked = Some(delayed);
        }
    }
}

impl<H: Handler> Worker<H> {
    /// Works a batch; names the messages that must come again. Never panics; a message that still runs when the
    /// time is nearly up is cut off. Marks, sends and delays have the SDK's own limit of 5 s: should the function be killed in
    /// one of these, no message is charged for it.
    pub(crate) async fn run_batch(&self, messages: Vec<Message>, deadline: Instant) -> Answer {
        let total = deadline.saturating_duration_since(Instant::now());
        let reserve = (total / 5).max(Duration::from_millis(500)).min(total / 2);
        let time = Time { stop: deadline - reserve, cut: deadline - reserve / 2 };
        let mut groups = self.groups(messages).await;
        // A message that may have killed the process runs alone, after all others.
        join_all(groups.iter_mut().map(|group| self.run_group(group, time, false))).await;
        self.flush(&mut groups).await;
        for index in 0..groups.len() {
            self.run_group(&mut groups[index], time, true).await;
            self.flush(&mut groups[index..=index]).await;
        }
        self.answer(groups).await
    }

    async fn groups(&self, messages: Vec<Message>) -> Vec<Group> {
        let marks = join_all(messages.iter().map(|message| async move {
            // The first delivery is the happy path: it has no mark, and costs none.
            if message.receive_count < 2 {
                Ok(Mark::default())
            } else {
                self.store.mark(H::CONSUMER, &message.id).await
            }
        }));
        let mut groups: Vec<Group> = Vec::new();
        for (message, mark) in messages.iter().zip(marks.await) {
            let (mark, worked) = match mark {
                Ok(mark) => (mark, None),
                Err(error) => (Mark::default(), Some(self.unavailable(message.receive_count, &error))),
            };
            let item = Item { message: message.clone(), mark, event: None, worked };
            match groups.iter_mut().find(|group| group.items[0].message.group == message.group) {
                Some(group) => group.items.push(item),
                None => groups.push(Group { items: vec![item], stopped: false }),
            }
        }
        groups
    }

    /// Runs a group up to the first message that must run alone; or, alone, from there on.
    async fn run_group(&self, group: &mut Group, time: Time, alone: bool) {
        let mut unsent_subjects: BTreeSet<String> = BTreeSet::new();
        for index in 0..group.items.len() {
            let item = &mut group.items[index];
            if group.stopped {
                return;
            }
            if let Some(worked) = &item.worked {
                group.stopped = !worked.outcome.is_final() && !matches!(worked.outcome, Outcome::Redrive(_));
                continue;
            }
            if Instant::now() >= time.stop || (item.mark.open && !alone) {
                group.stopped = group.stopped || !item.mark.open || alone;
                return;
            }
            item.event = Envelope::decode(&item.message.body).ok();
            let subject = item.event.as_ref().map(|event| event.subject.to_string());
            let wakes = item.event.as_ref().is_some_and(is_wake_up);
            // The outbox of a subject holds its last event only: what is owed goes out before the next is done.
            if wakes || subject.as_ref().is_some_and(|subject| unsent_subjects.contains(subject)) {
                self.flush(std::slice::from_mut(group)).await;
                unsent_subjects.clear();
                if group.stopped {
                    return;
                }
            }
            unsent_subjects.extend(subject);
            let item = &mut group.items[index];
            let worked = self.run_marked(&item.message, &item.mark, alone, time.cut).await;
            let goes_on = worked.outcome.is_final() || matches!(worked.outcome, Outcome::Redrive(_));
            item.worked = Some(worked);
            group.stopped = !goes_on;
        }
    }

    /// From the second receive on, a start mark stands before the body is looked at.
    async fn run_marked(&self, message: &Message, mark: &Mark, alone: bool, cut: Instant) -> Worked {
        let cut_off = |_| self.unavailable(message.receive_count, &"the function's time is up");
        if message.receive_count < 2 {
            return timeout_at(cut, self.run(message)).await.unwrap_or_else(cut_off);
        }
        let deaths = mark.deaths + u32::from(mark.open && mark.alone);
        let ttl = (self.clock)().as_second() + bellhop_store::KEEP_DAYS * 86_400;
        let begun = Mark { open: true, alone: alone && mark.open, deaths, ttl };
        if let Err(error) = self.store.put_mark(H::CONSUMER, &message.id, &begun).await {
            return self.unavailable(message.receive_count, &error);
        }
        let worked = match deaths.checked_sub(self.policy.most_deaths()) {
            None => timeout_at(cut, self.run(message)).await,
            Some(beyond) => timeout_at(cut, self.killed(message, deaths, beyond)).await,
        };
        let worked = worked.unwrap_or_else(cut_off);
        let ended = Mark { open: false, alone: false, ..begun };
        if self.store.put_mark(H::CONSUMER, &message.id, &ended).await.is_err() {
            tracing::warn!(message_id = message.id, "mark-not-closed: should the message come again, it runs alone");
        }
        worked
    }

    /// The message took the process down, alone, as often as it may be attempted, and `beyond`.
    async fn killed(&self, message: &Message, deaths: u32, beyond: u32) -> Worked {
        let fault = Fault::new(Reason::KilledTheFunction, "")
            .found(format!("{deaths} runs that ended with the process"))
            .expected("a run that ends");
        let worked = match Self::task(message).map(|task| Task { deaths, ..task }) {
            // Where even the giving up is deadly, it is done without a look at anything: no hold, but an end.
            Ok(task) if beyond < 2 && task.envelope.event_type == catalogue::HOLD_RELEASED.name => {
                // The wake-up itself is well: nothing for SQS to take out.
                let worked = match self.fail_head(&task, &fault).await {
                    Ok(worked) => worked,
                    Err(error) => self.unreleased(&task, message.receive_count, error).await,
                };
                return Worked { attempt: deaths, ..worked };
            }
            Ok(task) if beyond < 2 && task.envelope.event_type == catalogue::TENANT_RESUMED.name => {
                let worked = match self.fail_entry(&task, &fault).await {
                    Ok(worked) => worked,
                    Err(error) => self.unrecorded(&task, message.receive_count, error),
                };
                return Worked { attempt: deaths, ..worked };
            }
            Ok(task) if beyond < 2 => {
                let worked = match self.gate(&task).await {
                    Ok(Gate::Shut(fault)) => Ok(Self::for_nobody(&task, &fault)),
                    Ok(_) => self.give_up(&task, &fault).await,
                    Err(error) => Err(error),
                };
                worked.unwrap_or_else(|error| self.unrecorded(&task, message.receive_count, error))
            }
            _ => Self::unreadable(message, &fault, deaths),
        };
        self.by_policy(Worked { attempt: deaths, ..worked })
    }

    /// Runs one message; whatever happens, the others do not suffer.
    async fn run(&self, message: &Message) -> Worked {
        // Boxed: the future of the whole pipeline is large, and ten of them live side by side.
        let run: Pin<Box<dyn Future<Output = Worked> + Send + '_>> = Box::pin(self.run_unguarded(message));
        let run = std::panic::AssertUnwindSafe(run).catch_unwind();
        self.by_policy(run.await.unwrap_or_else(|_| self.panicked(message)))
    }

    /// A panic outside of the handler's decision: not even an attempt can be counted.
    fn panicked(&self, message: &Message) -> Worked {
        let fault = Fault::new(Reason::HandlerPanicked, "").found("a panic").expected("a run that ends");
        match Self::task(message) {
            Ok(task) => self.bounded_by_sqs(&task, message.receive_count, &fault),
            Err(fault) => Self::unreadable(message, &fault, 0),
        }
    }

    async fn run_unguarded(&self, message: &Message) -> Worked {
        let task = match Self::task(message) {
            Ok(task) => task,
            Err(fault) => return Self::unreadable(message, &fault, 0),
        };
        if is_wake_up(&task.envelope) { self.woken(&task, message).await } else { self.run_task(task, message).await }
    }

    /// Works a line or a journal. Those of a suspended tenant are woken when it is resumed.
    async fn woken(&self, wake: &Task, message: &Message) -> Worked {
        let gate = match self.gate(wake).await {
            Ok(gate) => gate,
            Err(error) => return self.unrecorded(wake, message.receive_count, error),
        };
        match gate {
            Gate::Shut(fault) => Self::for_nobody(wake, &fault),
            Gate::Suspended(_) => Worked::of(Outcome::Released(0)),
            Gate::Open | Gate::Resuming if wake.envelope.event_type == catalogue::TENANT_RESUMED.name => {
                self.drain(wake, message.receive_count).await
            }
            Gate::Open | Gate::Resuming => self.release(wake, message.receive_count).await,
        }
    }

    /// Runs an event of the queue, or of a journal.
    pub(crate) async fn run_task(&self, mut task: Task, message: &Message) -> Worked {
        let age = (self.clock)().as_millisecond() - message.sent_ms;
        let checked = catalogue::route(&task.envelope, H::QUEUE).and_then(|entry| (entry.check)(&task.envelope));
        task.fault = match checked {
            Err(fault) if fault.reason == Reason::WrongQueue => {
                return match self.gate(&task).await {
                    Ok(Gate::Shut(fault)) => Self::for_nobody(&task, &fault),
                    Ok(_) => Self::misplaced(&task, &fault),
                    Err(error) => self.unrecorded(&task, message.receive_count, error),
                };
            }
            Err(fault) => Some(fault),
            Ok(()) if message.sent_ms > 0 && age > self.policy.max_age_seconds * 1000 => {
                let fault = Fault::new(Reason::TooOld, "").found(format!("{} days in SQS", age / 86_400_000));
                Some(fault.expected(format!("at most {} days", self.policy.max_age_seconds / 86_400)))
            }
            Ok(()) => None,
        };
        let worked = self.process(&task).await;
        match worked {
            Ok(worked) => worked,
            Err(error) => self.settle(&task, message.receive_count, error).await,
        }
    }

    /// The task of a message, if its envelope can be read and fits the group that carried it.
    pub(crate) fn task(message: &Message) -> Result<Task, Fault> {
        let envelope = Envelope::decode(&message.body)?;
        let scope = Scope::verified(H::CONSUMER, &envelope, &message.group)?;
        // Elsewhere a third part would split a property in two, each with nights of its own.
        if scope.channel().is_some() && !H::QUEUE.takes_channels() {
            return Err(Fault::new(Reason::GroupMismatch, "/tenant")
                .found(format!("message group {:?}", message.group))
                .expected(format!("message group {}", envelope.group())));
        }
        if let Some(owner) = message.silo.as_ref().filter(|owner| **owner != envelope.tenant) {
            return Err(gate::not_of_this_silo(&envelope.tenant, owner));
        }
        Ok(Task {
            digest: envelope.digest(),
            silo: message.silo.clone(),
            critical: catalogue::find(&envelope.event_type).is_ok_and(|entry| entry.critical),
            body: message.body.clone(),
            message_id: message.id.clone(),
            again: message.receive_count > 1,
            place: None,
            from_journal: false,
            fault: None,
            deaths: 0,
            scope,
            envelope,
        })
    }

    /// Not to be trusted as any tenant's: nothing but a message to operators.
    pub(crate) fn unreadable(message: &Message, fault: &Fault, attempts: u32) -> Worked {
        let note = FallbackNote::of(fault, H::CONSUMER, H::QUEUE, &message.group, &message.id);
        let note = Outgoing::fallback(&FallbackNote { attempts, ..note }, &message.body, &message.id, "1");
        Worked::sending(Outcome::Review(fault.reason), vec![note])
    }

    /// Another consumer's event, or no event at all: no hold here, for its order is none of ours.
    pub(crate) fn misplaced(task: &Task, fault: &Fault) -> Worked {
        let note = Self::fallback(task, fault, 0, "wrong-queue");
        Worked::sending(Outcome::Review(fault.reason), vec![note])
    }

    /// Under `DeadLetters=redrive`, SQS takes out what is given up; its record and hold stand all the same.
    fn by_policy(&self, worked: Worked) -> Worked {
        match (self.policy.dead_letters, &worked.outcome) {
            (DeadLetters::Redrive, Outcome::Review(reason)) => {
                Worked { outcome: Outcome::Redrive(*reason), sends: Vec::new(), ..worked }
            }
            _ => worked,
        }
    }

    /// Sends what the groups owe, together.
    async fn flush(&self, groups: &mut [Group]) {
        let mut owners = Vec::new();
        let mut sends = Vec::new();
        for (number, group) in groups.iter_mut().enumerate() {
            for (index, send) in group.unsent() {
                owners.push((number, index));
                sends.push(send);
            }
        }
        if sends.is_empty() {
            return;
        }
        // The earliest unsent item of a group stands for all behind it.
        for position in self.queues.send(&sends).await.into_iter().rev() {
            let (number, index) = owners[position];
            let receive_count = groups[number].items[index].message.receive_count;
            let delayed = self.unavailable(receive_count, &"follow-ups were not accepted");
            groups[number].not_sent(index, delayed);
        }
    }

    /// Logs and counts each message, delays what must come again, and names it.
    async fn answer(&self, groups: Vec<Group>) -> Answer {
        let now = (self.clock)().as_millisecond();
        let mut answer = Answer { again: Vec::new(), numbers: Numbers::default() };
        let mut delays = Vec::new();
        // A batch comes from one queue.
        let silo = groups.first().and_then(|group| group.items.first()).and_then(|item| item.message.silo.clone());
        for group in groups {
            let mut behind: Option<Duration> = None;
            for item in group.items {
                let worked = item.worked.unwrap_or_else(|| Worked::of(Outcome::Untouched));
                crate::log::message(H::CONSUMER, &item.message, item.event.as_ref(), &worked, now);
                answer.numbers.count(&worked.outcome);
                if worked.outcome.is_final() {
                    answer.numbers.done(item.message.sent_ms, now);
                }
                let delay = match (behind, &worked.outcome) {
                    // The same delay for the failed message and its followers: nothing promises that a shorter one
                    // cannot overtake.
                    (Some(delay), _) => delay,
                    (None, outcome) if outcome.is_final() => continue,
                    // Given up, its followers were worked: it alone stays for SQS to move.
                    (None, Outcome::Redrive(_)) => self.policy.backoff.delay(1, 1.0),
                    (None, outcome) => *behind.insert(outcome.delay()),
                };
                delays.push((item.message.receipt, delay.as_secs()));
                answer.again.push(item.message.id);
            }
        }
        if !delays.is_empty() {
            self.queues.delay(H::QUEUE, silo.as_ref(), &delays).await;
        }
        answer
    }
}
