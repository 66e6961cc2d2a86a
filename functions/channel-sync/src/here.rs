//! One channel of a property, as an event of its own message group finds it.

use std::time::Duration;

use bellhop_events::catalogue::{CHANNEL_SYNC_REQUESTED, Channel, ChannelSyncRequested, Pace, SyncAction};
use bellhop_events::{ChannelId, Envelope, EventId, Fault, Queue, Reason, Subject};
use bellhop_store::channel::{CONSUMER, Circuit, Claim, Disabled, Passage, Progress, SyncState};
use bellhop_store::{Due, Key, Scope, StoreError, Write};
use bellhop_worker::{Decision, Effect, Refusal, Then};
use jiff::Timestamp;

use crate::adapter::{Adapter, Batch, Place, Stamp, adapter_of};
use crate::outbox::Outbox;
use crate::{Errand, Looked, Purpose, Rules};

/// A pause up to this long is spent in the queue, a longer one outside of it.
const LONGEST_WAIT: i64 = 60_000;

/// What is known of the channel. Times are epoch milliseconds.
pub struct Here<'v, 'a> {
    pub view: &'v Looked<'a>,
    pub channel: ChannelId,
    pub config: Channel,
    pub adapter: Box<dyn Adapter>,
    /// As it was read, and as it will be written.
    pub progress: Progress,
    before: Option<Progress>,
    pub circuit: Circuit,
    pub now: i64,
    writes: Vec<Write>,
}

/// The keys of registration, circuit and property.
pub fn reads(scope: &Scope, channel: &ChannelId) -> Vec<Key> {
    vec![config_key(scope, channel), Circuit::key(scope, channel), scope.property()]
}

fn config_key(scope: &Scope, channel: &ChannelId) -> Key {
    scope.of_property().subject(&Subject::Channel(channel.clone()))
}

impl<'v, 'a> Here<'v, 'a> {
    /// `progress` is what is stored of it; what belongs to another registration is forgotten.
    pub fn new<P: Rules>(
        rules: &P,
        event: &Envelope,
        channel: &ChannelId,
        view: &'v Looked<'a>,
        before: Option<Progress>,
    ) -> Result<Self, Refusal> {
        let Some(SyncState::Channel(config)) = view.state_of(&config_key(view.scope, channel))? else {
            let fault = Fault::new(Reason::UnknownChannel, "/subject").found(channel);
            return Err(fault.expected("a channel registered by pms.channel.upserted.v1").into());
        };
        let place = Place { tenant: event.tenant.clone(), property: event.property.clone(), channel: channel.clone() };
        let adapter = adapter_of(&config, &place, rules.policy())?;
        let mut progress = before.clone().unwrap_or_default();
        if progress.config != config.version {
            progress = Progress {
                config: config.version,
                told: progress.told,
                feeds: progress.feeds,
                claim: progress.claim,
                nights_calls: progress.nights_calls,
                rates_calls: progress.rates_calls,
                ..Progress::default()
            };
        }
        let circuit = Circuit::decode(view.item(&Circuit::key(view.scope, channel)))?;
        let now = view.now.as_millisecond();
        Ok(Self { view, channel: channel.clone(), config, adapter, progress, before, circuit, now, writes: Vec::new() })
    }

    /// Whether the channel is to be told anything.
    pub fn is_on(&self) -> bool {
        self.config.enabled && self.progress.disabled.is_none()
    }

    /// Everything is news again.
    pub fn forget_cursors(&mut self) {
        self.progress.units.clear();
        self.progress.rates.clear();
        self.progress.through = None;
    }

    /// Nothing more is told until a person, or a new registration, says so.
    pub fn disable(&mut self, reason: Reason) {
        self.progress.disabled = Some(Disabled { reason: reason.code().to_owned(), at: self.now, untold: None });
    }

    /// The pace that counts: the channel's own, else its adapter's.
    pub fn pace(&self) -> Option<Pace> {
        self.config.pace.or_else(|| self.adapter.pace())
    }

    /// The circuit after a call that failed.
    pub fn note_failure<P: Rules>(&mut self, rules: &P, why: &str) -> Result<(), StoreError> {
        let settings = rules.settings();
        let probes = self.circuit.probe.as_ref().map(|probe| &probe.owner);
        let is_probe = probes.is_some() && probes == self.view.answer.map(|answer| &answer.owner);
        if matches!(self.circuit.passage(self.now), Passage::Shut(_)) && !is_probe {
            // It is open already: many calls of before fail now, and need not queue up to say so.
            return Ok(());
        }
        self.circuit = self.circuit.failed(self.now, settings.threshold, settings.cooldown, why);
        self.write_circuit()
    }

    /// The circuit after a call that was answered.
    pub fn note_answer(&mut self) -> Result<(), StoreError> {
        let Some(well) = self.circuit.answered() else { return Ok(()) };
        self.circuit = well;
        self.write_circuit()
    }

    fn write_circuit(&mut self) -> Result<(), StoreError> {
        self.writes.push(self.circuit.put(self.view.scope, &self.channel)?);
        Ok(())
    }

    /// The timer is to bring the channel back then.
    pub fn come_back(&mut self, at: i64, asked: &ChannelSyncRequested) -> Result<(), StoreError> {
        // Whole seconds, and never too early.
        let second = at.div_euclid(1000) + i64::from(at.rem_euclid(1000) > 0);
        self.writes.push(due(self.view.scope, &self.channel, second, asked)?);
        Ok(())
    }

    /// The timer is to bring the channel back, unless it is going to already.
    pub fn come_back_once(&mut self, at: i64) -> Result<(), StoreError> {
        if self.progress.due <= self.now || at + 1000 < self.progress.due {
            self.progress.due = at;
            self.come_back(at, &ChannelSyncRequested { version: 0, action: SyncAction::Changes })?;
        }
        Ok(())
    }

    /// The event is done.
    pub fn done<P: Rules>(self, note: &'static str, outbox: Outbox) -> Decision<P> {
        let flows = self.is_on() && !matches!(self.circuit.passage(self.now), Passage::Shut(_));
        let registers = self.view.waited_for && flows;
        // Asked again, a channel that has heard everything hears nothing; but what follows must not be lost.
        let then = if registers || !outbox.is_empty() { Then::Done } else { Then::Unrecorded };
        Decision {
            effect: Effect::Applied,
            note: Some(note),
            registers,
            state: Some(SyncState::Sync(Box::new(self.progress))),
            writes: self.writes,
            outbox: (!outbox.is_empty()).then_some(outbox),
            then,
        }
    }

    /// The same, and the event is remembered: somebody waits to see that it is done.
    pub fn done_and_seen<P: Rules>(self, note: &'static str, outbox: Outbox) -> Decision<P> {
        Decision { then: Then::Done, ..self.done(note, outbox) }
    }

    /// Nothing happened: no trace, unless something changed or others wait for this channel to be well.
    pub fn nothing<P: Rules>(self, note: &'static str) -> Decision<P> {
        let same = self.before.as_ref() == Some(&self.progress) && self.writes.is_empty();
        if same && !self.view.waited_for { crate::forget(note) } else { self.done(note, Outbox::default()) }
    }

    /// Not now: a short pause in the queue, a long one outside of it.
    pub fn later<P: Rules>(mut self, note: &'static str, at: i64) -> Result<Decision<P>, Refusal> {
        if at - self.now > LONGEST_WAIT {
            self.come_back_once(at)?;
            return Ok(self.nothing(note));
        }
        let wait = u64::try_from(at - self.now).unwrap_or_default().div_ceil(1000).max(1);
        let changed = self.before.as_ref() != Some(&self.progress);
        Ok(Decision {
            effect: Effect::Applied,
            note: Some(note),
            state: changed.then(|| SyncState::Sync(Box::new(self.progress))),
            writes: self.writes,
            outbox: None,
            registers: false,
            then: Then::Later(Duration::from_secs(wait)),
        })
    }

    /// Claims the channel, and the probe if it takes one, and asks for the call.
    pub fn ask<P: Rules>(
        mut self,
        rules: &P,
        event: &Envelope,
        batch: &Batch,
        purpose: Purpose,
    ) -> Result<Decision<P>, Refusal> {
        let claim = claim(rules, event, self.now);
        let stamp = Stamp { id: EventId::hashed('k', &[&claim.owner]), at: self.view.now };
        let Some(mut call) = self.adapter.call(batch, &stamp) else {
            return Ok(self.nothing("nothing-to-tell"));
        };
        call.limits.timeout = rules.call_timeout();
        if self.circuit.passage(self.now) == Passage::Probe {
            self.circuit = self.circuit.probed_by(&rules.probe(&claim, self.now));
            self.write_circuit()?;
        }
        let errand = Errand { call, owner: claim.owner.clone(), purpose };
        Ok(self.claimed(claim, errand))
    }

    /// Claims the channel for an errand.
    pub fn claimed<P: Rules>(mut self, claim: Claim, errand: Errand) -> Decision<P> {
        self.progress.claim = Some(claim);
        Decision {
            effect: Effect::Applied,
            note: None,
            state: Some(SyncState::Sync(Box::new(self.progress))),
            writes: self.writes,
            outbox: None,
            registers: false,
            then: Then::Ask(errand),
        }
    }

    /// Writes so far, for a decision that is made by hand.
    pub fn take_writes(&mut self) -> Vec<Write> {
        std::mem::take(&mut self.writes)
    }
}

/// A claim that nobody else can show.
pub fn claim<P: Rules>(rules: &P, event: &Envelope, now: i64) -> Claim {
    let settings = rules.settings();
    let parts = [settings.environment.as_str(), event.id.as_str(), &now.to_string()];
    Claim { owner: EventId::hashed('o', &parts).to_string(), until: now + settings.lease }
}

/// A request of the channel at a later second.
pub fn due(scope: &Scope, channel: &ChannelId, second: i64, asked: &ChannelSyncRequested) -> Result<Write, StoreError> {
    let group = scope.group();
    let action = serde_json::to_string(&asked.action).unwrap_or_default();
    let text = [group.to_string(), second.to_string(), asked.version.to_string()];
    let id = EventId::hashed('d', &[CONSUMER, &text[0], &text[1], &text[2], &action]);
    let at = Timestamp::from_second(second).map_err(|error| StoreError::Defect(error.to_string()))?;
    let (source, subject) = (format!("/bellhop/{CONSUMER}"), Subject::Channel(channel.clone()));
    let event = Envelope::own(source, group, id, CHANNEL_SYNC_REQUESTED.name, subject, at, Envelope::data_of(asked));
    Due::event(Queue::Synchronization, scope, &event).put(scope, at)
}
