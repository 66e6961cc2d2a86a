//! The model: what may happen next, and what comes of it.

use crate::broken::Broken;
use crate::state::{
    Aim, Budget, Choice, Event, Item, MOST, Message, PLACES, Person, Phase, Queued, State, Worker, Wrongs,
};
use crate::{people, properties};

/// Something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The queue accepts the next event of the subject.
    Accept,
    /// The queue accepts the next event of the other subject.
    AcceptOther,
    /// The producer posts an event again.
    Repost(Event),
    /// A worker receives the head of the queue.
    Receive(usize),
    /// A worker takes a step.
    Step(usize),
    /// The handler fails on a good event.
    Fluke(usize),
    /// A worker's process dies.
    Crash(usize),
    /// A worker's messages show again, and it goes on.
    Expire(usize),
    /// A person looks at the head of the line, and chooses.
    Choose(usize, Choice),
    /// A person's verdict is written, or its wake-up sent.
    Decide(usize),
    /// A person's process dies between verdict and wake-up.
    LoseWake(usize),
    /// The sweeper sends a wake-up.
    Sweep,
}

/// Bounds, and what is broken.
#[derive(Debug, Clone, Copy)]
pub struct Model {
    /// How many events the subject has.
    pub events: u8,
    /// How many the other has.
    pub others: u8,
    /// Which sets of events cannot be done as they were sent: one initial state each.
    pub bad: &'static [u8],
    /// Events of a line for one wake-up.
    pub release_steps: u8,
    /// Messages in a batch: 1 or 2.
    pub batch: u8,
    /// What may go wrong.
    pub budget: Budget,
    /// Whether somebody sends wake-ups that are missing.
    pub sweeper: bool,
    /// What is broken.
    pub broken: Option<Broken>,
}

impl Model {
    pub(crate) fn is(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    /// The beginning, once for each set of bad events.
    #[must_use]
    pub fn beginnings(&self) -> Vec<State> {
        let state = |bad: &u8| State {
            bad: *bad,
            accepted: 0,
            others: 0,
            others_done: 0,
            queue: Vec::new(),
            item: Item::default(),
            places: [None; PLACES],
            told: 0,
            log: Vec::new(),
            workers: [Worker::IDLE; 2],
            people: [Person::Away; 2],
            left: self.budget,
            wrongs: Wrongs::default(),
        };
        self.bad.iter().map(state).collect()
    }

    /// All that may happen next.
    pub fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        if state.accepted < self.events {
            actions.push(Action::Accept);
        }
        if state.others < self.others {
            actions.push(Action::AcceptOther);
        }
        if state.left.reposts > 0 {
            actions.extend((0..state.accepted).map(Action::Repost));
        }
        processes(state, actions);
        people::persons(state, actions);
        if self.may_sweep(state) {
            actions.push(Action::Sweep);
        }
    }

    /// A wake-up of this generation is missing: nobody is on the way who would send it.
    fn may_sweep(&self, state: &State) -> bool {
        let Some(hold) = state.item.hold.filter(|hold| hold.verdict.is_some()) else { return false };
        let on_the_way = state.holds_message(Message::Wake(hold.generation))
            || state.workers.iter().any(Worker::is_busy)
            || state.people.iter().any(|person| matches!(person, Person::Wakes(_)));
        (self.sweeper && !on_the_way) || state.left.sweeps > 0
    }

    /// What comes of an action.
    #[must_use]
    pub fn after(&self, before: &State, action: Action) -> State {
        let mut state = before.clone();
        match action {
            Action::Accept => {
                state.send(Message::Event(state.accepted));
                state.accepted += 1;
            }
            Action::AcceptOther => {
                state.send(Message::Other(state.others));
                state.others += 1;
            }
            Action::Repost(event) => {
                state.left.reposts -= 1;
                state.send(Message::Event(event));
            }
            Action::Receive(number) => self.receive(&mut state, number),
            Action::Step(number) => self.step(&mut state, number, false),
            Action::Fluke(number) => {
                state.left.flukes -= 1;
                self.step(&mut state, number, true);
            }
            Action::Crash(number) => {
                state.left.crashes -= 1;
                state.workers[number] = Worker::IDLE;
            }
            Action::Expire(number) => {
                state.left.expiries -= 1;
                state.workers[number].stale = true;
            }
            Action::Choose(number, choice) => people::choose(&mut state, number, choice),
            Action::Decide(number) => self.resolve(&mut state, number),
            Action::LoseWake(number) => {
                state.left.lost_wakes -= 1;
                state.people[number] = Person::Away;
            }
            Action::Sweep => {
                if let Some(hold) = state.item.hold {
                    state.left.sweeps = state.left.sweeps.saturating_sub(1);
                    state.send(Message::Wake(hold.generation));
                }
            }
        }
        state
    }

    fn receive(&self, state: &mut State, number: usize) {
        let mut worker = Worker { phase: Phase::Begin, ..Worker::IDLE };
        for (slot, queued) in worker.batch.iter_mut().zip(&mut state.queue).take(usize::from(self.batch)) {
            *slot = Some(*queued);
            queued.again = true;
        }
        if self.is(Broken::DeleteComesFirst) {
            for Queued { message, .. } in worker.batch.into_iter().flatten() {
                crate::worker::delete(state, message);
            }
        }
        state.workers[number] = worker;
    }
}

fn processes(state: &State, actions: &mut Vec<Action>) {
    // A message in flight blocks its group, until it shows again.
    let blocked = state.workers.iter().any(|worker| worker.is_busy() && !worker.stale);
    let free = state.workers.iter().position(|worker| !worker.is_busy());
    if let Some(free) = free.filter(|_| !blocked && !state.queue.is_empty()) {
        actions.push(Action::Receive(free));
    }
    for (number, worker) in state.workers.iter().enumerate().filter(|(_, worker)| worker.is_busy()) {
        actions.push(Action::Step(number));
        if let Phase::Decide(task, _) = worker.phase
            && state.left.flukes > 0
            && task.aim == Aim::Effect
            && state.is_good(task.event, task.body)
        {
            actions.push(Action::Fluke(number));
        }
        if state.left.crashes > 0 {
            actions.push(Action::Crash(number));
        }
        if state.left.expiries > 0 && !worker.stale {
            actions.push(Action::Expire(number));
        }
    }
}

impl stateright::Model for Model {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        debug_assert!(usize::from(self.events) <= MOST, "more events than the state has room for");
        self.beginnings()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.after(state, action))
    }

    fn properties(&self) -> Vec<stateright::Property<Self>> {
        properties::all()
    }
}
