//! One step of a worker: `shared/worker/src/{batch,process,judge,apply,give_up,release}.rs`, a read or a write at a time.

use crate::broken::Broken;
use crate::model::Model;
use crate::state::{Aim, Body, Event, Hold, Item, Message, Parked, Phase, Place, Record, State, Task, Verdict, Worker};

/// What a worker makes of a task and what it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judged {
    /// Known: nothing is written, something may be owed.
    Known { told: Option<Event>, wake: Option<u8> },
    /// Done before: the line goes on.
    StepOver,
    /// Behind another.
    Park,
    /// It is worked.
    Work,
}

impl Model {
    /// A worker takes the next step. `fluke`: the handler fails on a good event.
    pub(crate) fn step(&self, state: &mut State, number: usize, fluke: bool) {
        let mut worker = state.workers[number];
        match worker.phase {
            Phase::Idle => {}
            Phase::Begin => self.begin(state, &mut worker),
            Phase::Load(task) => worker.phase = Phase::Decide(task, state.item),
            Phase::Decide(task, read) => self.decide(state, &mut worker, task, &read, fluke),
            Phase::HoldLater(task) => {
                open(state, state.item, task, self.first_generation(state.item.rev));
                self.finish(state, &mut worker);
            }
            Phase::End(read) => self.end(state, &mut worker, &read),
            Phase::Send { told: Some(event), wake, goes_on } => {
                if self.is(Broken::SendsAtTheEnd) {
                    worker.kept_back |= 1 << event;
                } else {
                    state.told |= 1 << event;
                }
                worker.phase = Phase::Send { told: None, wake, goes_on };
                if wake.is_none() {
                    self.sent(state, &mut worker, goes_on);
                }
            }
            Phase::Send { told: None, wake, goes_on } => {
                if let Some(generation) = wake {
                    state.send(Message::Wake(generation));
                }
                self.sent(state, &mut worker, goes_on);
            }
            Phase::Answer => {
                // A FIFO queue refuses the receipt handle of a receive whose visibility time-out is over.
                for queued in worker.batch.into_iter().flatten().filter(|_| !worker.stale) {
                    delete(state, queued.message);
                }
                worker = Worker::IDLE;
            }
        }
        state.workers[number] = worker;
    }

    /// Takes a message up, or goes on with the line that it wakes.
    fn begin(&self, state: &mut State, worker: &mut Worker) {
        let Some(queued) = worker.batch[usize::from(worker.at)] else { return self.finish(state, worker) };
        match queued.message {
            Message::Event(event) => {
                let task = Task { event, body: Body::Sent, place: None, again: queued.again, aim: Aim::Effect };
                worker.phase = Phase::Decide(task, state.item);
            }
            // Its item is another: what happens to it in one step is its read, its write and its dispatch.
            Message::Other(event) => {
                if self.is(Broken::HoldsTheGroup) && state.item.hold.is_some() {
                    state.wrongs.other_parked = true;
                } else {
                    state.others_done |= 1 << event;
                }
                self.finish(state, worker);
            }
            Message::Wake(generation) => self.release(state, worker, generation, queued.again),
        }
    }

    /// `release.rs`, `try_release`: one look at the line.
    fn release(&self, state: &mut State, worker: &mut Worker, generation: u8, again: bool) {
        let read = state.item;
        let Some(hold) = read.hold else { return self.finish(state, worker) };
        if hold.generation != generation || hold.verdict.is_none() {
            worker.ignored = true;
            let owes = worker.steps == 0 && again && hold.verdict.is_some();
            let wake = owes.then_some(hold.generation);
            return self.send_or_go(state, worker, None, wake, false);
        }
        // What another left behind may be owed: that of a dead process, or, if this one outlived its visibility time-out, of
        // the one that took over and died.
        let others = if self.is(Broken::LooksBackOnce) { worker.steps == 0 } else { worker.own != Some(hold.head) };
        if others && !self.is(Broken::ForgetsDispatchBefore) {
            let before = hold.head.checked_sub(1).and_then(|index| state.parked(index));
            if let Some(Parked { event, .. }) = before.filter(|before| read.outbox == Some(before.event)) {
                state.told |= 1 << event;
            }
        }
        if hold.is_empty() {
            worker.phase = Phase::End(read);
        } else if worker.steps >= self.release_steps {
            let next = (!self.is(Broken::ForgetsNextWake)).then_some(generation);
            self.send_or_go(state, worker, None, next, false);
        } else if let Some(Parked { event, body }) = state.parked(hold.head) {
            let aim = if hold.verdict == Some(Verdict::Discard) { Aim::Discard } else { Aim::Effect };
            let place = Some(Place { index: hold.head, generation: hold.generation });
            worker.phase = Phase::Load(Task { event, body, place, again: true, aim });
        } else {
            // No event at the head: a property says that this is never reached.
            self.finish(state, worker);
        }
    }

    fn overtaken(&self, task: Task, read: &Item) -> bool {
        let (by_head, by_generation) = (!self.is(Broken::StepIgnoresHead), !self.is(Broken::StepIgnoresGeneration));
        task.place.is_some_and(|place| !read.hold.is_some_and(|hold| hold.asks_for(place, by_head, by_generation)))
    }

    /// `judge.rs`, then the lines.
    fn judge(&self, task: Task, read: &Item) -> Judged {
        let known = read.records[usize::from(task.event)];
        let parks = task.place.is_none() && read.hold.is_some() && !self.is(Broken::NobodyParks);
        if parks && self.is(Broken::HoldBeforeRecord) {
            return Judged::Park;
        }
        let overtaken = self.overtaken(task, read);
        let nothing = Judged::Known { told: None, wake: None };
        match known {
            Record::Done | Record::Discarded if task.place.is_some() && !overtaken => Judged::StepOver,
            // At the first delivery, too: another process may have begun the second one, worked the event, and died.
            Record::Done | Record::Discarded if task.again || !self.is(Broken::TrustsFirstDelivery) => Judged::Known {
                told: read.outbox.filter(|event| *event == task.event && !self.is(Broken::ForgetsDispatchAgain)),
                wake: read.hold.filter(|hold| hold.verdict.is_some()).map(|hold| hold.generation),
            },
            Record::Done | Record::Discarded => nothing,
            _ if overtaken => nothing,
            Record::Failed | Record::Parked | Record::Retrying if task.place.is_none() => nothing,
            _ if parks => Judged::Park,
            _ => Judged::Work,
        }
    }

    /// Decides on what was read, and writes on condition that it still stands; else reads again.
    fn decide(&self, state: &mut State, worker: &mut Worker, task: Task, read: &Item, fluke: bool) {
        let judged = match task.aim {
            // A discard is no work: it asks for its place alone.
            Aim::Discard if self.overtaken(task, read) => return go_on(worker),
            Aim::Discard => Judged::Work,
            Aim::Effect | Aim::GiveUp => self.judge(task, read),
        };
        if let Judged::Known { told, wake } = judged {
            return self.send_or_go(state, worker, told, wake, task.place.is_some());
        }
        let fails = task.aim == Aim::Effect && (fluke || !state.is_good(task.event, task.body));
        if judged == Judged::Work && fails {
            worker.phase = Phase::Load(Task { aim: Aim::GiveUp, ..task });
            return;
        }
        if state.item.rev != read.rev && !self.is(Broken::WriteIsUnconditional) {
            // Lost. A discard looks at the line again, all else at what it needs.
            worker.phase = match task.aim {
                Aim::Discard => return go_on(worker),
                Aim::Effect | Aim::GiveUp => Phase::Load(Task { again: true, ..task }),
            };
            return;
        }
        let item = Item { rev: state.item.rev + 1, ..*read };
        let at = usize::from(task.event);
        match (judged, task.aim) {
            (Judged::StepOver, _) => {
                state.item = item;
                advance(state, task);
                go_on(worker);
            }
            (Judged::Park, _) => {
                join(state, item, task);
                self.finish(state, worker);
            }
            (_, Aim::Effect) => {
                apply(state, item, task);
                worker.own = task.place.map(|place| place.index + 1);
                self.send_or_go(state, worker, Some(task.event), None, task.place.is_some());
            }
            (_, Aim::Discard) => {
                state.item = item;
                state.item.records[at] = Record::Discarded;
                advance(state, task);
                worker.own = task.place.map(|place| place.index + 1);
                go_on(worker);
            }
            (_, Aim::GiveUp) => match item.hold {
                Some(hold) if task.place.is_some() => {
                    let generation = hold.generation + u8::from(!self.is(Broken::GenerationNeverRises));
                    state.item = Item { hold: Some(Hold { generation, verdict: None, ..hold }), ..item };
                    state.item.records[at] = Record::Failed;
                    go_on(worker);
                }
                _ if self.is(Broken::GiveUpIsTwoWrites) => {
                    state.item = item;
                    state.item.records[at] = Record::Failed;
                    worker.phase = Phase::HoldLater(task);
                }
                _ => {
                    open(state, item, task, self.first_generation(read.rev));
                    self.finish(state, worker);
                }
            },
        }
    }

    fn end(&self, state: &mut State, worker: &mut Worker, read: &Item) {
        if state.item.rev != read.rev && !self.is(Broken::EndIsUnconditional) {
            worker.phase = Phase::Begin;
            return;
        }
        let now = state.item;
        state.wrongs.deleted_full |= now.hold.is_some_and(|hold| !hold.is_empty());
        state.item = Item { rev: now.rev + 1, hold: None, ..now };
        if let Some(last) = read.hold.and_then(|hold| hold.head.checked_sub(1))
            && let Some(place) = state.place_mut(last)
        {
            *place = None;
        }
        self.finish(state, worker);
    }

    /// The generation of a new hold: higher than that of every former one.
    fn first_generation(&self, rev: u8) -> u8 {
        if self.is(Broken::GenerationRestarts) { 1 } else { rev + 1 }
    }

    fn send_or_go(&self, state: &mut State, worker: &mut Worker, told: Option<Event>, wake: Option<u8>, goes_on: bool) {
        if told.is_none() && wake.is_none() {
            self.sent(state, worker, goes_on);
        } else {
            worker.phase = Phase::Send { told, wake, goes_on };
        }
    }

    fn sent(&self, state: &mut State, worker: &mut Worker, goes_on: bool) {
        if goes_on { go_on(worker) } else { self.finish(state, worker) }
    }

    /// One message is behind the worker.
    fn finish(&self, state: &mut State, worker: &mut Worker) {
        worker.at += 1;
        (worker.steps, worker.own) = (0, None);
        let is_last = worker.batch.get(usize::from(worker.at)).copied().flatten().is_none();
        worker.phase = if is_last { Phase::Answer } else { Phase::Begin };
        if is_last && self.is(Broken::SendsAtTheEnd) && worker.kept_back != 0 {
            state.told |= worker.kept_back;
        }
    }
}

/// One event of the line is behind the worker.
fn go_on(worker: &mut Worker) {
    worker.steps += 1;
    worker.phase = Phase::Begin;
}

/// The effect, and the advance of the line.
fn apply(state: &mut State, item: Item, task: Task) {
    if let Some(place) = task.place {
        let stands = state.parked(place.index) == Some(Parked { event: task.event, body: task.body });
        let discards = state.item.hold.is_some_and(|hold| hold.verdict == Some(Verdict::Discard));
        state.wrongs.against_verdict |= !stands || discards;
    }
    state.item = Item { outbox: Some(task.event), ..item };
    state.item.records[usize::from(task.event)] = Record::Done;
    state.log.push(task.event);
    if task.place.is_some() {
        advance(state, task);
    }
}

/// Takes the next place of the line.
fn join(state: &mut State, item: Item, task: Task) {
    state.item = item;
    state.item.records[usize::from(task.event)] = Record::Parked;
    let Some(hold) = state.item.hold.as_mut() else { return };
    let index = hold.next;
    hold.next += 1;
    if let Some(place) = state.place_mut(index) {
        *place = Some(Parked { event: task.event, body: task.body });
    }
}

/// Record and hold of an event that failed.
fn open(state: &mut State, item: Item, task: Task, generation: u8) {
    state.item = Item { hold: Some(Hold { generation, head: 0, next: 1, verdict: None }), ..item };
    state.item.records[usize::from(task.event)] = Record::Failed;
    state.places[0] = Some(Parked { event: task.event, body: task.body });
}

/// Moves the head past the task; the event just worked stays readable, the one before it goes.
fn advance(state: &mut State, task: Task) {
    let (Some(hold), Some(place)) = (state.item.hold.as_mut(), task.place) else { return };
    hold.head += 1;
    hold.verdict = Some(Verdict::Retry);
    if let Some(before) = place.index.checked_sub(1)
        && let Some(place) = state.place_mut(before)
    {
        *place = None;
    }
}

/// Deletes a message, wherever it stands; of two that say the same, one.
pub(crate) fn delete(state: &mut State, message: Message) {
    if let Some(position) = state.queue.iter().position(|queued| queued.message == message) {
        state.queue.remove(position);
    }
}
