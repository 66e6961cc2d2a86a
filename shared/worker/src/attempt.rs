//! Attempts: counted by us on the sad path, never by SQS's receive count, so that no message pays for its neighbours.

use bellhop_events::{Fault, Reason};
use bellhop_store::{RecordState, StoreError};

use crate::Worker;
use crate::handler::Handler;
use crate::judge::{Known, judge};
use crate::outcome::{Outcome, Worked};
use crate::process::{MOST_RACES, Task, is_overtaken, lost_too_often};

impl<H: Handler> Worker<H> {
    /// A fault that belongs to this message cost it an attempt. The budget spent, a person is asked.
    pub(crate) async fn spend_attempt(&self, task: &Task, fault: &Fault) -> Result<Worked, StoreError> {
        for _ in 0..MOST_RACES {
            let loaded = self.load(task, Vec::new()).await?;
            match judge(&task.envelope.id, &task.digest, &loaded.item, loaded.record.as_ref()) {
                // Its effect stands: what cannot be made is its follow-ups.
                Known::Done => return Err(StoreError::Defect(fault.found.clone())),
                // A faster process has given it up or parked it.
                Known::Waiting(state) if task.place.is_none() => {
                    return Ok(self.still_waiting(task, state, &loaded, true));
                }
                Known::Conflict(known) => return self.conflict(task, loaded, &known, &task.digest).await,
                _ if is_overtaken(task, &loaded) => return Ok(Self::overtaken(task, &loaded)),
                _ => {}
            }
            let state = RecordState::Retrying;
            let mut record = task.record_or_new(&loaded, state);
            record.attempts += 1;
            record.note(fault.reason.code());
            let attempt = record.attempts;
            if task.place.is_none() {
                record.forget_after((self.clock)().as_second());
            }
            match self.store.commit(vec![record.put(task.scope.record(&task.envelope.id))?]).await {
                Ok(()) if attempt >= self.policy.attempt_budget => {
                    let worked = self.give_up(task, fault).await?;
                    return Ok(Worked { attempt, ..worked });
                }
                Ok(()) => {
                    let delay = self.policy.backoff.delay(attempt, fastrand::f64());
                    return Ok(Worked { attempt, ..Worked::of(Outcome::Retry(fault.reason, delay)) });
                }
                Err(StoreError::Lost) => {}
                Err(error) => return Err(error),
            }
        }
        Err(lost_too_often())
    }

    /// What a failed read or write means for its message.
    pub(crate) async fn settle(&self, task: &Task, receive_count: u32, error: StoreError) -> Worked {
        let worked = match &error {
            StoreError::TooLarge(what) => {
                let fault = Fault::new(Reason::ItemTooLarge, "")
                    .found(what)
                    .expected("at most 400 KB a subject, 100 items a write");
                self.give_up(task, &fault).await
            }
            StoreError::Defect(what) => {
                let fault = Fault::new(Reason::AttemptsExhausted, "").found(what).expected("a state that can be read");
                self.spend_attempt(task, &fault).await
            }
            StoreError::Unavailable(_) | StoreError::Lost | StoreError::Busy => Err(error),
        };
        match worked {
            Ok(worked) => worked,
            Err(error) => self.unrecorded(task, receive_count, error),
        }
    }

    /// Not even the record can be kept: what SQS counts bounds it, and a person sees it, without a hold.
    pub(crate) fn unrecorded(&self, task: &Task, receive_count: u32, error: StoreError) -> Worked {
        let fault = match error {
            StoreError::Defect(what) => {
                Fault::new(Reason::AttemptsExhausted, "").found(what).expected("an item that can be read")
            }
            StoreError::TooLarge(what) => {
                Fault::new(Reason::ItemTooLarge, "").found(what).expected("an item with room for a hold")
            }
            error => return self.unavailable(receive_count, &error),
        };
        self.bounded_by_sqs(task, receive_count, &fault)
    }

    pub(crate) fn bounded_by_sqs(&self, task: &Task, receive_count: u32, fault: &Fault) -> Worked {
        if receive_count < self.policy.attempt_budget {
            let delay = self.policy.backoff.delay(receive_count, fastrand::f64());
            return Worked::of(Outcome::Retry(fault.reason, delay));
        }
        let note = Self::fallback(task, fault, receive_count, "unreadable");
        Worked::sending(Outcome::Review(fault.reason), vec![note])
    }

    /// AWS is not there: no attempt is spent, the whole group waits.
    pub(crate) fn unavailable(&self, receive_count: u32, error: &impl ToString) -> Worked {
        let delay = self.policy.backoff.delay(receive_count, fastrand::f64());
        Worked::of(Outcome::Delayed(error.to_string(), delay.min(std::time::Duration::from_mins(15))))
    }
}
