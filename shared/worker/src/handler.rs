//! What a function is: decisions without I/O.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use bellhop_events::{ChannelId, Digest, Envelope, Fault, Queue, Subject};
use bellhop_store::{Filter, Item, Key, Scope, StoreError, SubjectItem, Write};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A function's rules.
pub trait Handler: Send + Sync + 'static {
    /// The consumer's name: part of keys, records and follow-up ids, never changed.
    const CONSUMER: &'static str;
    /// The queue that it consumes.
    const QUEUE: Queue;
    /// The queues that it sends to, beside its own and the fallback queue.
    const SENDS_TO: &'static [Queue];
    /// What it keeps of a subject.
    type State: Serialize + DeserializeOwned + Send;
    /// What follow-ups are rebuilt from, with the state: kept in the item, so small.
    type Outbox: Serialize + DeserializeOwned + Send;
    /// A call to the outside world that a decision may ask for; `Infallible` where there is none.
    type Call: Send + Sync;
    /// What became of such a call.
    type Answer: Send + Sync;

    /// What to read beside the subject's own item.
    fn reads(&self, event: &Envelope, scope: &Scope) -> Result<Vec<Key>, Fault>;

    /// The subject in whose line this event may have to wait: until it is registered if it [`must_exist`](Self::must_exist),
    /// and while decisions answer [`Refusal::Wait`]. A decision that `registers` it lets them flow.
    fn waits_for(&self, _event: &Envelope, _scope: &Scope) -> Option<Subject> {
        None
    }

    /// Whether that subject must have a state before the event can be done. While it has none, a person hears of it once.
    fn must_exist(&self) -> bool {
        true
    }

    /// What to do.
    fn decide(&self, event: &Envelope, view: &View<'_, Self::State, Self::Answer>) -> Result<Decision<Self>, Refusal>;

    /// Makes a call that a decision asked for: the one place with I/O. Bounded in time, well inside of the function's.
    fn perform(&self, call: Self::Call) -> impl Future<Output = Self::Answer> + Send;

    /// Who is to hear of it. Called again with what was stored when a dispatch must be repeated: the same answer each time.
    fn follow_ups(&self, event: &Envelope, state: &Self::State, outbox: &Self::Outbox) -> Vec<FollowUp>;
}

/// What was loaded.
pub struct View<'a, S, A = Infallible> {
    /// What is kept of the subject; none: nothing is known of it.
    pub state: Option<S>,
    /// The scope of the event, for keys.
    pub scope: &'a Scope,
    /// Now.
    pub now: Timestamp,
    /// What became of the call that an earlier decision on this event asked for.
    pub answer: Option<&'a A>,
    /// Events wait in line for this subject.
    pub waited_for: bool,
    items: &'a HashMap<Key, Item>,
    asked: &'a [Key],
    lists: &'a HashMap<Key, Vec<(Key, Item)>>,
}

impl<'a, S, A> View<'a, S, A> {
    /// What a worker loads, or a test makes up. `asked` are the keys that were read, `items` what was found.
    #[must_use]
    pub fn new(
        scope: &'a Scope,
        now: Timestamp,
        state: Option<S>,
        asked: &'a [Key],
        items: &'a HashMap<Key, Item>,
        lists: &'a HashMap<Key, Vec<(Key, Item)>>,
    ) -> Self {
        Self { state, scope, now, answer: None, waited_for: false, items, asked, lists }
    }

    /// An item that was asked for, if there is one.
    #[must_use]
    pub fn item(&self, key: &Key) -> Option<&Item> {
        self.items.get(key)
    }

    /// Whether a key was asked for: an item that was not may exist all the same.
    #[must_use]
    pub fn has_read(&self, key: &Key) -> bool {
        self.asked.contains(key)
    }

    /// The state in the item of another subject.
    pub fn state_of<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        let Some(item) = self.items.get(key) else { return Ok(None) };
        decode_state(&SubjectItem::decode(key.clone(), item.clone())?)
    }

    /// The items below a prefix that was asked for with [`Needs::lists`] or [`Needs::finds`].
    #[must_use]
    pub fn list(&self, prefix: &Key) -> Option<&[(Key, Item)]> {
        self.lists.get(prefix).map(Vec::as_slice)
    }
}

/// The handler's state in the item of a subject that a list brought.
pub fn state_in<T: DeserializeOwned>(key: &Key, item: &Item) -> Result<Option<T>, StoreError> {
    decode_state(&SubjectItem::decode(key.clone(), item.clone())?)
}

/// Reads the handler's state from a subject's item.
pub(crate) fn decode_state<T: DeserializeOwned>(item: &SubjectItem) -> Result<Option<T>, StoreError> {
    let state = item.state.clone().map(serde_dynamo::from_attribute_value).transpose();
    state.map_err(|error| StoreError::Defect(format!("state of {}: {error}", item.key().sort_key())))
}

/// Whether a decision changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It does.
    Applied,
    /// The event is older than what is known: remembered, without effect.
    Stale,
}

/// What is to be done, all in one write.
pub struct Decision<H: Handler + ?Sized> {
    /// For logs and counts.
    pub effect: Effect,
    /// What is special about it, such as `unplaced`.
    pub note: Option<&'static str>,
    /// The new state of the subject; none: as it was.
    pub state: Option<H::State>,
    /// Writes of other items.
    pub writes: Vec<Write>,
    /// What follow-ups are rebuilt from; none: no follow-ups.
    pub outbox: Option<H::Outbox>,
    /// The subject exists now, or is well again: events that waited for it may flow.
    pub registers: bool,
    /// What happens once that is written.
    pub then: Then<H::Call>,
}

/// What happens after a decision is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Then<C> {
    /// The event is done: the record is part of the write.
    Done,
    /// The event is done, and the write keeps no record of it: whoever repeats it does no harm. Records are kept beside the
    /// state, and paid for with each write.
    Unrecorded,
    /// The event is done and leaves no trace: it may come again, for it changes nothing. Nothing is written.
    Forget,
    /// The write is a claim: the call is made, and the decision is asked for again, with the answer.
    Ask(C),
    /// Not now. No attempt is spent.
    Later(Duration),
}

impl<H: Handler + ?Sized> Decision<H> {
    /// Older than what is known.
    #[must_use]
    pub fn stale() -> Self {
        Self {
            effect: Effect::Stale,
            note: None,
            state: None,
            writes: Vec::new(),
            outbox: None,
            registers: false,
            then: Then::Done,
        }
    }
}

/// Why an event is not done now.
#[derive(Debug)]
pub enum Refusal {
    /// It never will be as it is: review at once.
    Permanent(Fault),
    /// Something that comes by another queue is not there yet: an attempt is spent, and a person is asked when none is left.
    NotYet(Fault),
    /// The same version with other content.
    Conflict {
        /// The content that is known.
        known: Digest,
        /// The content of this event.
        found: Digest,
    },
    /// More must be read first.
    Needs(Needs),
    /// What [`Handler::waits_for`] names is not registered, as another consumer's items say: it waits in that line, and a
    /// person hears of the first that does.
    Unregistered(Fault),
    /// It waits in the line of [`Handler::waits_for`], with this reason, until a decision `registers` that subject.
    Wait(Fault, Vec<Write>),
    /// What was read cannot be understood.
    Unreadable(StoreError),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Permanent(fault)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Unreadable(error)
    }
}

/// What must be read before a decision.
#[derive(Debug, Default, PartialEq)]
pub struct Needs {
    /// Items.
    pub keys: Vec<Key>,
    /// All items below these prefixes.
    pub lists: Vec<Key>,
    /// Those below these prefixes that a filter wants.
    pub finds: Vec<(Key, Filter)>,
}

/// An event that follows from another.
#[derive(Debug, Clone, PartialEq)]
pub enum FollowUp {
    /// To the queue of its type, in the group of its cause.
    Event {
        /// A type of the catalogue.
        event_type: &'static str,
        /// What it is about.
        subject: Subject,
        /// Its payload.
        data: Map<String, Value>,
    },
    /// To the queue of its type, in the group of one channel of the property.
    ToChannel {
        /// Which channel.
        channel: ChannelId,
        /// A type of the catalogue.
        event_type: &'static str,
        /// What it is about.
        subject: Subject,
        /// Its payload.
        data: Map<String, Value>,
        /// It says nothing but "look": one of several at about the same time is enough, for the queue delays it until all
        /// of them are written.
        gathers: bool,
    },
    /// To a person: the event is done, but somebody must look.
    Review(Fault),
}
