//! What a property sells, told to its channels: availability, rates and follow-ups; and what their feeds say.
//!
//! Arrives on `synchronization.fifo`. In the group `tenant#property`: changes of the calendar, `pms.rates.*`,
//! `pms.channel.*`, follow-ups for subscribers. In the group `tenant#property#channel`: requests to tell one channel.
//! Leaves: calls to the channels; requests for channels; blocks for the calendar.
//! Fails for a person: registrations that cannot work, channels that refuse, credentials that are not accepted, broken
//! feeds. A channel that does not answer is no failure: it is told when it does.

pub mod adapter;
mod deliver;
mod feed;
mod here;
mod news;
mod outbox;
mod pace;
mod poll;
pub mod port;
mod property;
mod settings;
mod sync;

use std::time::Duration;

use bellhop_events::catalogue::{
    AVAILABILITY_CHANGED, CHANNEL_SYNC_REQUESTED, CHANNEL_UPSERTED, RATES_UPDATED, Rates, WEBHOOK_REQUESTED,
};
use bellhop_events::{Envelope, Fault, Queue, Reason, Subject, UnitId};
use bellhop_outbound::Policy;
use bellhop_outbound::secrets::SecretSource;
use bellhop_store::channel::{CONSUMER, Channels, Claim, EventCalls, SyncState};
use bellhop_store::{Key, Scope, Write};
use bellhop_worker::{Decision, Effect, FollowUp, Handler, Refusal, Then, View};

use crate::adapter::{Call, CallAnswer};
pub use crate::news::Work;
pub use crate::outbox::Outbox;
use crate::port::Port;
pub use crate::settings::Settings;

/// Who makes the calls: the network, or a test.
pub trait Outside: Send + Sync + 'static {
    /// Makes one call, within its limits.
    fn call(&self, call: Call) -> impl Future<Output = CallAnswer> + Send;
}

impl<S: SecretSource + 'static> Outside for Port<S> {
    async fn call(&self, call: Call) -> CallAnswer {
        self.perform(&call, jiff::Timestamp::now().as_second()).await
    }
}

/// The rules of channel synchronization.
pub struct ChannelSync<O> {
    /// Pace, patience and names.
    pub settings: Settings,
    /// Whom tenants may have called.
    pub policy: Policy,
    /// Who makes the calls.
    pub outside: O,
}

/// A call to be made, and what for.
#[derive(Debug, Clone, PartialEq)]
pub struct Errand {
    /// The call.
    pub call: Call,
    /// The claim under which it is made.
    pub owner: String,
    /// What for.
    pub purpose: Purpose,
}

/// What a call is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// To tell what the calendar says.
    Tell(Work),
    /// To tell a follow-up.
    Event,
    /// To see whether it would work.
    Test,
    /// To fetch a feed of a unit.
    Poll {
        /// The unit.
        unit: UnitId,
        /// The feed.
        feed: String,
    },
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// Under which claim.
    pub owner: String,
    /// What for.
    pub purpose: Purpose,
    /// What came of it.
    pub answer: CallAnswer,
}

pub(crate) type Looked<'a> = View<'a, SyncState, Finished>;

/// The handler as its parts see it.
pub(crate) trait Rules: Handler<State = SyncState, Outbox = Outbox, Call = Errand, Answer = Finished> {
    fn settings(&self) -> &Settings;
    fn policy(&self) -> Policy;

    /// The probe of a claim: others need not wait for longer than its call takes.
    fn probe(&self, claim: &Claim, now: i64) -> Claim {
        Claim { until: now + self.settings().call_timeout + 2_000, ..claim.clone() }
    }

    fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.settings().call_timeout.unsigned_abs())
    }
}

impl<O: Outside> Rules for ChannelSync<O> {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn policy(&self) -> Policy {
        self.policy
    }
}

pub(crate) fn applied<P: Rules>(
    note: Option<&'static str>,
    state: SyncState,
    writes: Vec<Write>,
    outbox: Outbox,
) -> Decision<P> {
    Decision {
        effect: Effect::Applied,
        note,
        state: Some(state),
        writes,
        outbox: (!outbox.is_empty()).then_some(outbox),
        registers: false,
        then: Then::Done,
    }
}

/// Nothing to do, and nothing to remember.
pub(crate) fn forget<P: Rules>(note: &'static str) -> Decision<P> {
    Decision {
        effect: Effect::Applied,
        note: Some(note),
        state: None,
        writes: Vec::new(),
        outbox: None,
        registers: false,
        then: Then::Forget,
    }
}

impl<O: Outside> Handler for ChannelSync<O> {
    const CONSUMER: &'static str = CONSUMER;
    const QUEUE: Queue = Queue::Synchronization;
    const SENDS_TO: &'static [Queue] = &[Queue::OperationalCalendar, Queue::OperationalDashboard];
    type State = SyncState;
    type Outbox = Outbox;
    type Call = Errand;
    type Answer = Finished;

    fn reads(&self, event: &Envelope, scope: &Scope) -> Result<Vec<Key>, Fault> {
        let Some(channel) = scope.channel() else {
            let mut keys = vec![Channels::key(scope)];
            if let (Subject::Rate(rate), true) = (&event.subject, event.event_type == RATES_UPDATED.name) {
                keys.extend(property::rate_months(rate, &event.payload::<Rates>()?, scope));
            }
            return Ok(keys);
        };
        let mut keys = here::reads(scope, channel);
        keys.extend((event.event_type == WEBHOOK_REQUESTED.name).then(|| EventCalls::key(scope)));
        Ok(keys)
    }

    fn waits_for(&self, event: &Envelope, scope: &Scope) -> Option<Subject> {
        let channel = scope.channel().filter(|_| event.event_type == WEBHOOK_REQUESTED.name)?;
        Some(Subject::Channel(channel.clone()))
    }

    fn must_exist(&self) -> bool {
        false
    }

    fn decide(&self, event: &Envelope, view: &Looked<'_>) -> Result<Decision<Self>, Refusal> {
        let kind = event.event_type.as_str();
        match (view.scope.channel(), &event.subject) {
            (None, Subject::Unit(_)) if kind == AVAILABILITY_CHANGED.name => property::availability(event, view),
            (None, Subject::Rate(rate)) if kind == RATES_UPDATED.name => property::rates(event, rate, view),
            (None, Subject::Channel(channel)) if kind == CHANNEL_UPSERTED.name => {
                property::register(event, channel, self.policy, view)
            }
            (None, _) if kind == WEBHOOK_REQUESTED.name => property::fan_out(event, view),
            (Some(channel), Subject::Channel(subject)) if kind == CHANNEL_SYNC_REQUESTED.name && channel == subject => {
                sync::decide(self, event, channel, view)
            }
            (Some(channel), _) if kind == WEBHOOK_REQUESTED.name => deliver::decide(self, event, channel, view),
            (channel, _) => Err(misgrouped(event, channel.is_some(), view.scope).into()),
        }
    }

    async fn perform(&self, Errand { call, owner, purpose }: Errand) -> Finished {
        Finished { owner, purpose, answer: self.outside.call(call).await }
    }

    fn follow_ups(&self, event: &Envelope, state: &SyncState, outbox: &Outbox) -> Vec<FollowUp> {
        outbox::rebuild(event, state, outbox)
    }
}

/// Requests belong to a channel's group, changes to a property's.
fn misgrouped(event: &Envelope, of_channel: bool, scope: &Scope) -> Fault {
    let expected = match (event.event_type == CHANNEL_SYNC_REQUESTED.name, of_channel) {
        (true, _) => "the message group tenant#property#channel of its subject",
        (false, _) => "the message group tenant#property, and the subject that its type asks for",
    };
    Fault::new(Reason::GroupMismatch, "/subject")
        .found(format!("{} in {}", event.subject, scope.group()))
        .expected(expected)
}
