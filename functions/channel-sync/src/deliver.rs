//! A follow-up goes to a webhook. In order for each subject; while the webhook does not answer, it waits in the channel's
//! line, outside of the queue.

use std::time::Duration;

use bellhop_events::catalogue::{ChannelSyncRequested, Connection, SyncAction, WebhookRequested};
use bellhop_events::{ChannelId, Digest, Envelope, EventId, Fault, Reason, Subject};
use bellhop_store::channel::{CONSUMER, Disabled, EventCalls, Heard, HeardEvent, Passage, SyncState};
use bellhop_store::{SubjectItem, Write};
use bellhop_worker::{Decision, Effect, Refusal, Then};
use serde_json::json;

use crate::adapter::{Batch, CallAnswer, Verdict};
use crate::here::{Here, claim, due};
use crate::pace::{place, room_at};
use crate::{Errand, Finished, Looked, Purpose, Rules, applied, forget};

/// So many types of event are kept of a subject, for a replay.
const MOST_TYPES: usize = 20;

pub fn decide<P: Rules>(
    rules: &P,
    event: &Envelope,
    channel: &ChannelId,
    view: &Looked<'_>,
) -> Result<Decision<P>, Refusal> {
    let told: WebhookRequested = event.payload()?;
    if event.channel() == Some(channel) {
        // Of itself it hears nothing, and its item keeps how far it was told.
        return Ok(forget("no-listener"));
    }
    let holder = view.scope.subject(&Subject::Channel(channel.clone()));
    let progress = match view.state_of(&holder)? {
        Some(SyncState::Sync(progress)) => Some(*progress),
        _ => None,
    };
    let mut here = Here::new(rules, event, channel, view, progress)?;
    if !matches!(here.config.connection, Connection::Webhook(_)) || !here.config.enabled {
        return Ok(forget("no-listener"));
    }
    if let Some(Finished { answer, .. }) = view.answer {
        return answered(rules, event, here, &told, answer);
    }
    if here.progress.disabled.is_some() {
        return Err(Refusal::Wait(unavailable("a channel that is disabled"), Vec::new()));
    }
    let claim = claim(rules, event, here.now);
    match here.circuit.passage(here.now) {
        Passage::Shut(until) => return shut(&mut here, until),
        Passage::Probe => here.circuit = here.circuit.probed_by(&rules.probe(&claim, here.now)),
        Passage::Free => {}
    }
    let mut calls = EventCalls::decode(view.item(&EventCalls::key(view.scope)))?;
    let pace = here.config.pace;
    let ready = pace.map_or(0, |pace| room_at(&calls.calls, i64::from(pace.calls), i64::from(pace.seconds) * 1000));
    let ready = ready.max(here.progress.not_before);
    if here.now < ready {
        let wait = u64::try_from(ready - here.now).unwrap_or_default();
        return Ok(pause("paced", Duration::from_millis(wait), Vec::new()));
    }
    let probes = here.circuit.probe.as_ref().is_some_and(|probe| probe.owner == claim.owner);
    let mut writes = if probes { vec![here.circuit.put(view.scope, channel)?] } else { Vec::new() };
    if let Some(pace) = here.config.pace {
        place(&mut calls.calls, usize::from(pace.calls).max(1), here.now + rules.settings().call_timeout);
        writes.push(calls.put(view.scope)?);
    }
    let batch = Batch::Event { id: delivery_id(event), envelope: envelope(event, &told) };
    let stamp = crate::adapter::Stamp { id: event.id.clone(), at: view.now };
    let Some(mut call) = here.adapter.call(&batch, &stamp) else { return Ok(forget("no-listener")) };
    call.limits.timeout = rules.call_timeout();
    let errand = Errand { call, owner: claim.owner, purpose: Purpose::Event };
    Ok(Decision { then: Then::Ask(errand), ..step(None, writes) })
}

fn answered<P: Rules>(
    rules: &P,
    event: &Envelope,
    mut here: Here<'_, '_>,
    told: &WebhookRequested,
    answer: &CallAnswer,
) -> Result<Decision<P>, Refusal> {
    match here.adapter.read(answer) {
        Verdict::Done { .. } => {
            here.note_answer()?;
            let mut writes = here.take_writes();
            if here.config.pace.is_some() {
                // It has arrived by now.
                let mut calls = EventCalls::decode(here.view.item(&EventCalls::key(here.view.scope)))?;
                calls.calls.last_mut().into_iter().for_each(|last| *last = here.now.min(*last));
                writes.push(calls.put(here.view.scope)?);
            }
            let heard = heard(here.view.state.as_ref(), event, told, here.now);
            Ok(applied(Some("told"), SyncState::Heard(heard), writes, crate::Outbox::default()))
        }
        Verdict::Throttled { retry_after } => {
            Ok(pause("throttled", retry_after.unwrap_or(Duration::from_secs(10)), vec![]))
        }
        Verdict::Failed { what, retry_after } => {
            here.note_failure(rules, &what)?;
            if let Passage::Shut(until) = here.circuit.passage(here.now) {
                return shut(&mut here, until);
            }
            let usual = Duration::from_secs(1 << here.circuit.failures.saturating_sub(1).min(4));
            let writes = here.take_writes();
            Ok(pause("failed", retry_after.unwrap_or_default().max(usual), writes))
        }
        Verdict::Refused { reason, found } => {
            Err(Fault::new(reason, "").found(found).expected("a webhook that takes it").into())
        }
        Verdict::Unauthorized { reason, found } => disable(here, reason, &found),
        Verdict::Gone => disable(here, Reason::ChannelGone, "status 410"),
    }
}

/// The channel is told nothing more: noted in its own item; once read again, the event finds that and waits. Somebody hears
/// of it by the request that the timer brings at once.
fn disable<P: Rules>(mut here: Here<'_, '_>, reason: Reason, found: &str) -> Result<Decision<P>, Refusal> {
    let code = reason.code().to_owned();
    here.progress.disabled = Some(Disabled { reason: code, at: here.now, untold: Some(found.to_owned()) });
    here.come_back(here.now, &ChannelSyncRequested { version: here.now.unsigned_abs(), action: SyncAction::Changes })?;
    let mut writes = here.take_writes();
    writes.push(progress_put(&here)?);
    Ok(pause("disabled", Duration::from_secs(1), writes))
}

/// The write of the channel's own item, which is another than the event's.
fn progress_put(here: &Here<'_, '_>) -> Result<Write, Refusal> {
    let holder = Subject::Channel(here.channel.clone());
    let key = here.view.scope.subject(&holder);
    let item = match here.view.item(&key) {
        Some(item) => SubjectItem::decode(key, item.clone())?,
        None => here.view.scope.new_subject(&holder),
    };
    Ok(item.with_state(&SyncState::Sync(Box::new(here.progress.clone())))?.put()?)
}

/// The event waits in the channel's line; the timer brings the channel back when its circuit may close.
fn shut<P: Rules>(here: &mut Here<'_, '_>, until: i64) -> Result<Decision<P>, Refusal> {
    let mut writes: Vec<Write> = here.take_writes();
    // The same for all events that find it shut until then: one entry.
    let second = until.div_euclid(1000) + 1;
    let asked = ChannelSyncRequested { version: 1, action: SyncAction::Changes };
    writes.push(due(here.view.scope, &here.channel, second, &asked)?);
    Err(Refusal::Wait(unavailable("a channel whose circuit is open"), writes))
}

fn unavailable(found: &str) -> Fault {
    Fault::new(Reason::ChannelUnavailable, "").found(found).expected("a channel that answers")
}

fn step<P: Rules>(note: Option<&'static str>, writes: Vec<Write>) -> Decision<P> {
    Decision { effect: Effect::Applied, note, state: None, writes, outbox: None, registers: false, then: Then::Done }
}

fn pause<P: Rules>(note: &'static str, pause: Duration, writes: Vec<Write>) -> Decision<P> {
    let pause = pause.clamp(Duration::from_secs(1), Duration::from_mins(15));
    Decision { then: Then::Later(pause), ..step(Some(note), writes) }
}

/// What the receiver knows repetitions by: the follow-up's own id, the same through retries and replays.
fn delivery_id(event: &Envelope) -> EventId {
    EventId::hashed('n', &[CONSUMER, &event.group().to_string(), &event.subject.to_string(), &content(event)])
}

fn content(event: &Envelope) -> String {
    // Without the wrapper's id: a replay has another.
    Digest::of_payload(&event.event_type, &event.subject, &event.data).to_string()
}

/// The CloudEvent that the receiver gets.
fn envelope(event: &Envelope, told: &WebhookRequested) -> serde_json::Value {
    let mut envelope = json!({
        "specversion": "1.0",
        "id": delivery_id(event),
        "source": format!("/bellhop/{CONSUMER}"),
        "type": told.event_type,
        "subject": event.subject,
        "time": event.time,
        "datacontenttype": "application/json",
        "tenant": event.tenant,
        "property": event.property,
        "sequence": Envelope::sequence(told.version),
        "data": told.data,
    });
    if let Some(cause) = &event.causationid {
        envelope["causationid"] = json!(cause);
    }
    envelope
}

fn heard(state: Option<&SyncState>, event: &Envelope, told: &WebhookRequested, now: i64) -> Heard {
    let mut heard = match state {
        Some(SyncState::Heard(heard)) => heard.clone(),
        _ => Heard::default(),
    };
    let data = serde_json::to_string(&event.data).unwrap_or_default();
    let newer = heard.last.get(&told.event_type).is_none_or(|old| old.version <= told.version);
    if newer {
        heard.last.insert(told.event_type.clone(), HeardEvent { version: told.version, at: now, data });
    }
    while heard.last.len() > MOST_TYPES {
        let oldest = heard.last.iter().min_by_key(|(_, event)| event.at).map(|(name, _)| name.clone());
        oldest.map(|name| heard.last.remove(&name));
    }
    heard
}
