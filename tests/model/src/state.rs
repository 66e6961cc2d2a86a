//! What the model knows of the world in one moment: queue, table, workers, people, and what may still go wrong.

/// An event of the subject, or of the other subject: its place in the order in which the queue accepted them.
pub type Event = u8;

/// At most so many events of the subject.
pub const MOST: usize = 4;

/// Places of a line. A broken variant may park an event twice.
pub const PLACES: usize = 8;

/// A message in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Message {
    /// An event of the subject.
    Event(Event),
    /// An event of the other subject.
    Other(Event),
    /// A wake-up: it names a generation, nothing more.
    Wake(u8),
}

/// A message, and whether it was received before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Queued {
    /// What.
    pub message: Message,
    /// Received before.
    pub again: bool,
}

/// What an event says: as it was sent, or as a person made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Body {
    /// As the producer sent it; whether it can be done, [`State::bad`] says.
    Sent,
    /// A person's edit that is as wrong.
    Wrong,
    /// A person's edit that can be done.
    Mended,
}

/// An event in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parked {
    /// Which.
    pub event: Event,
    /// What it says now.
    pub body: Body,
}

/// A person's word on the head of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Work it, as it stands in the line.
    Retry,
    /// Leave it out.
    Discard,
}

/// `shared/store/src/hold.rs`, without what is for people's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hold {
    /// Raised by each verdict and each new failure.
    pub generation: u8,
    /// The place to be worked next.
    pub head: u8,
    /// The place that the next event takes.
    pub next: u8,
    /// None: a person is asked.
    pub verdict: Option<Verdict>,
}

impl Hold {
    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.head >= self.next
    }

    /// Whether the line still asks for what stood at this place when it was taken.
    #[must_use]
    pub fn asks_for(self, place: Place, by_head: bool, by_generation: bool) -> bool {
        (!by_head || self.head == place.index)
            && (!by_generation || self.generation == place.generation)
            && self.verdict.is_some()
    }
}

/// How an event fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Record {
    /// Nothing is known.
    #[default]
    None,
    /// A person is asked.
    Failed,
    /// It waits behind another.
    Parked,
    /// A person decided that it is to be worked again.
    Retrying,
    /// Its effect stands.
    Done,
    /// A person left it out.
    Discarded,
}

/// The item of the subject and the records of its events: they are written in one transaction, under one revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Item {
    /// Writes so far.
    pub rev: u8,
    /// The line.
    pub hold: Option<Hold>,
    /// Whose follow-ups the outbox holds.
    pub outbox: Option<Event>,
    /// By event.
    pub records: [Record; MOST],
}

/// A place in the line as a worker took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Where.
    pub index: u8,
    /// The generation then.
    pub generation: u8,
}

/// An event being worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Task {
    /// Which.
    pub event: Event,
    /// What it says.
    pub body: Body,
    /// Its place, if it comes from the line.
    pub place: Option<Place>,
    /// A dispatch may be owed.
    pub again: bool,
    /// What is to become of it.
    pub aim: Aim,
}

/// What is to become of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aim {
    /// Its effect.
    Effect,
    /// It failed: a person is to be asked.
    GiveUp,
    /// A person left it out.
    Discard,
}

/// What a worker does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing.
    Idle,
    /// Begins its message, or looks at the line again.
    Begin,
    /// Reads what a task needs.
    Load(Task),
    /// Decides on what it read, and writes on condition that it still stands.
    Decide(Task, Item),
    /// Writes the second half of a give-up: only in a broken variant.
    HoldLater(Task),
    /// Takes away the empty line that it read.
    End(Item),
    /// Sends what follows: an event's follow-ups, then a wake-up.
    Send {
        /// Whose follow-ups.
        told: Option<Event>,
        /// Of which generation.
        wake: Option<u8>,
        /// Whether the line goes on behind it.
        goes_on: bool,
    },
    /// Answers: its messages are deleted.
    Answer,
}

/// A process that works a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Worker {
    /// What it does next.
    pub phase: Phase,
    /// Its messages.
    pub batch: [Option<Queued>; 2],
    /// Which of them it works.
    pub at: u8,
    /// Events of the line that it worked for this wake-up.
    pub steps: u8,
    /// Where its own last step left the head: what is before that is dispatched.
    pub own: Option<u8>,
    /// Its messages show again: another may work them, and it does not know.
    pub stale: bool,
    /// A wake-up of another generation was met and ignored.
    pub ignored: bool,
    /// Follow-ups that are kept back to the end of the batch: only in a broken variant.
    pub kept_back: u8,
}

impl Worker {
    /// One that has nothing to do.
    pub const IDLE: Self = Self {
        phase: Phase::Idle,
        batch: [None; 2],
        at: 0,
        steps: 0,
        own: None,
        stale: false,
        ignored: false,
        kept_back: 0,
    };

    /// Whether it does something.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.phase != Phase::Idle
    }
}

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Work it again as it is.
    Retry,
    /// Work this instead.
    Edit(Body),
    /// Leave it out.
    Discard,
}

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Person {
    /// Nothing.
    Away,
    /// Saw this event at the head, at this revision, and has chosen.
    Chose {
        /// At which revision.
        rev: u8,
        /// The line then.
        hold: Hold,
        /// Which event.
        event: Event,
        /// What.
        choice: Choice,
    },
    /// The verdict is written; its wake-up is to be sent.
    Wakes(u8),
    /// Was told that somebody was first.
    Refused,
}

/// What may still go wrong, and how often people may still decide in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Deaths of a process between any two steps.
    pub crashes: u8,
    /// Visibility time-outs that a worker outlives.
    pub expiries: u8,
    /// Events that the producer posts twice.
    pub reposts: u8,
    /// Good events that fail all the same.
    pub flukes: u8,
    /// Wake-ups that are lost with the person's process.
    pub lost_wakes: u8,
    /// Wake-ups that the sweeper sends though nothing asks for them.
    pub sweeps: u8,
    /// Verdicts that do not help: a retry of a bad event, an edit that is as wrong.
    pub vain: u8,
    /// How often a second person decides beside the first.
    pub rivals: u8,
}

/// What must never happen and does not show in the rest of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing of its own that went wrong")]
pub struct Wrongs {
    /// A hold with events in it was deleted.
    pub deleted_full: bool,
    /// An effect that is not what the line says, or of an event that was left out.
    pub against_verdict: bool,
    /// A verdict fell on an event that the person had not seen.
    pub misaimed: bool,
    /// A person was told that an edit is taken, and it is not.
    pub unheeded: bool,
    /// An event of the other subject was parked.
    pub other_parked: bool,
}

/// The world.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// Which events of the subject cannot be done as they were sent.
    pub bad: u8,
    /// How many events the queue accepted.
    pub accepted: u8,
    /// How many of the other subject.
    pub others: u8,
    /// Which of the other subject are done.
    pub others_done: u8,
    /// The queue: one message group.
    pub queue: Vec<Queued>,
    /// The subject.
    pub item: Item,
    /// The places of its line.
    pub places: [Option<Parked>; PLACES],
    /// Events whose follow-ups were sent.
    pub told: u8,
    /// Effects, in the order in which they were written. No part of the system: the model's memory.
    pub log: Vec<Event>,
    /// Two processes.
    pub workers: [Worker; 2],
    /// Two people.
    pub people: [Person; 2],
    /// What may still go wrong.
    pub left: Budget,
    /// What went wrong.
    pub wrongs: Wrongs,
}

impl State {
    /// Whether an event can be done as this body says.
    #[must_use]
    pub fn is_good(&self, event: Event, body: Body) -> bool {
        match body {
            Body::Sent => self.bad & (1 << event) == 0,
            Body::Wrong => false,
            Body::Mended => true,
        }
    }

    /// The place of a line; none beyond the last.
    pub fn place_mut(&mut self, index: u8) -> Option<&mut Option<Parked>> {
        self.places.get_mut(usize::from(index))
    }

    /// What stands at a place of the line.
    #[must_use]
    pub fn parked(&self, index: u8) -> Option<Parked> {
        self.places.get(usize::from(index)).copied().flatten()
    }

    /// The events whose effects stand, as the table says.
    #[must_use]
    pub fn done(&self) -> u8 {
        self.with(|record| record == Record::Done)
    }

    /// The events whose record is so.
    #[must_use]
    pub fn with(&self, is: impl Fn(Record) -> bool) -> u8 {
        (0..MOST).filter(|event| is(self.item.records[*event])).fold(0, |set, event| set | (1 << event))
    }

    /// Whether this message is in the queue, in flight or not.
    #[must_use]
    pub fn holds_message(&self, message: Message) -> bool {
        self.queue.iter().any(|queued| queued.message == message)
    }

    /// Sends a message into the group.
    pub fn send(&mut self, message: Message) {
        self.queue.push(Queued { message, again: false });
    }
}
