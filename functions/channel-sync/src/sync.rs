//! A channel is asked to hear what it has not heard.
//!
//! One call for each request, at most: what is left is for a request of its own, so that each run is short and paced. A
//! channel that does not answer keeps nothing in the queue: its circuit opens, the request is done, and the timer brings the
//! channel back, to hear the whole of what changed meanwhile.

use bellhop_events::catalogue::{ChannelStatus, ChannelSyncRequested, Connection, Property, SyncAction};
use bellhop_events::{ChannelId, Envelope, Reason};
use bellhop_store::calendar::CalendarState;
use bellhop_store::channel::{Disabled, Passage, SyncState, Tested};
use bellhop_worker::{Decision, Refusal};

use crate::adapter::{Batch, CallAnswer, Verdict};
use crate::here::Here;
use crate::news::{self, Kind, Work, find, horizon, today};
use crate::outbox::Outbox;
use crate::pace::{place, ready_at};
use crate::{Finished, Looked, Purpose, Rules, forget, poll};

/// The whole state is told anew after so many days: what a channel has got wrong on its side mends itself, and the days
/// that came into view are told.
const REFRESH_DAYS: i32 = 30;

pub fn decide<P: Rules>(
    rules: &P,
    event: &Envelope,
    channel: &ChannelId,
    view: &Looked<'_>,
) -> Result<Decision<P>, Refusal> {
    let asked: ChannelSyncRequested = event.payload()?;
    let before = match &view.state {
        Some(SyncState::Sync(progress)) => Some(progress.as_ref().clone()),
        _ => None,
    };
    let mut here = match Here::new(rules, event, channel, view, before) {
        // A request carries nothing: once the channel is registered, it hears everything. A hold would keep it from that.
        Err(Refusal::Permanent(fault)) if fault.reason == Reason::UnknownChannel => {
            return Ok(forget("channel-unknown"));
        }
        here => here?,
    };
    if let Some(Finished { owner, purpose, answer }) = view.answer {
        if here.progress.claim.as_ref().is_none_or(|claim| claim.owner != *owner) {
            // Somebody took over, for the call took longer than the claim holds.
            let until = here.progress.claim.as_ref().map_or(here.now, |claim| claim.until);
            return here.later("overtaken", until);
        }
        here.progress.claim = None;
        return match purpose {
            Purpose::Tell(work) => told(rules, here, work, answer),
            Purpose::Test => Ok(tested(here, answer)),
            Purpose::Poll { unit, feed } => poll::polled(rules, here, &asked, unit, feed, answer),
            Purpose::Event => Ok(here.nothing("overtaken")),
        };
    }
    match asked.action {
        SyncAction::Disable => {
            here.progress.disabled = Some(Disabled { reason: "disabled".to_owned(), at: here.now, untold: None });
            Ok(here.done_and_seen("disabled", Outbox::default()))
        }
        SyncAction::Enable => {
            here.progress.disabled = None;
            (here.progress.failures, here.progress.not_before) = (0, 0);
            here.forget_cursors();
            let (version, action) = match here.config.connection {
                Connection::Calendar(_) => (here.now.unsigned_abs(), SyncAction::Poll),
                Connection::Ari(_) | Connection::Webhook(_) => (asked.version, SyncAction::Changes),
            };
            let again = Some(ChannelSyncRequested { version, action });
            let status = Some(status(here.now, None));
            Ok(here.done("enabled", Outbox { again, status, ..Outbox::default() }))
        }
        SyncAction::Everything => {
            here.forget_cursors();
            let again = Some(ChannelSyncRequested { version: asked.version, action: SyncAction::Changes });
            Ok(here.done("forgotten", Outbox { again, ..Outbox::default() }))
        }
        SyncAction::Test => test(rules, event, here),
        SyncAction::Poll | SyncAction::Due => poll::decide(rules, event, here, &asked),
        SyncAction::Changes => changes(rules, event, here),
    }
}

fn changes<P: Rules>(rules: &P, event: &Envelope, mut here: Here<'_, '_>) -> Result<Decision<P>, Refusal> {
    if let Some((reason, found)) = untold(&mut here) {
        return Ok(disable(here, reason, found));
    }
    if !here.is_on() {
        return Ok(here.nothing("disabled"));
    }
    if let Passage::Shut(until) = here.circuit.passage(here.now)
        && (here.progress.due > here.now || here.view.waited_for)
    {
        // Whatever is news, and whatever waits in line, the timer brings the channel back for it.
        here.come_back_once(until)?;
        return Ok(here.nothing("circuit-open"));
    }
    let Some(property) = property(here.view)? else {
        // Its registration will bring news of all units.
        return Ok(here.nothing("property-unknown"));
    };
    if news::is_told(&here.config) {
        let end = horizon(today(&property, here.view));
        let fresh = end.saturating_sub(jiff::Span::new().days(REFRESH_DAYS));
        if here.progress.through.is_none_or(|through| through < fresh) {
            here.forget_cursors();
            here.progress.through = Some(end);
            let month = i64::from(REFRESH_DAYS + 1) * 86_400_000;
            here.come_back(here.now + month, &ChannelSyncRequested { version: 0, action: SyncAction::Changes })?;
        }
    }
    let most = here.adapter.most_values();
    // The kind whose turn comes first, so that neither starves behind the other.
    let first = if ready(&here, Kind::Rates) < ready(&here, Kind::Nights) { Kind::Rates } else { Kind::Nights };
    let Some((batch, work)) = find(&here.config, &property, &here.progress, most, first, here.view)? else {
        return Ok(here.nothing("nothing-new"));
    };
    let kind = if matches!(batch, Batch::Rates(_)) { Kind::Rates } else { Kind::Nights };
    if let Some(wait) = wait(&here, kind) {
        return match wait {
            Wait::Shut(until) => {
                here.come_back_once(until)?;
                Ok(here.nothing("circuit-open"))
            }
            Wait::Until(note, at) => here.later(note, at),
        };
    }
    if work.values == 0 {
        // Nothing that the channel could be told, such as nights without a price.
        remember(&mut here, &work);
        let again = work.more.then_some(ChannelSyncRequested { version: 0, action: SyncAction::Changes });
        return Ok(here.done("nothing-to-tell", Outbox { again, ..Outbox::default() }));
    }
    // Its time is not known before it is over: the latest at which it may arrive.
    let latest = here.now + rules.settings().call_timeout;
    take_place(&mut here, kind, latest);
    here.ask(rules, event, &batch, Purpose::Tell(work))
}

enum Wait {
    /// The circuit is open until then.
    Shut(i64),
    /// Something else, until then.
    Until(&'static str, i64),
}

/// Why no call may go out now.
fn wait(here: &Here<'_, '_>, kind: Kind) -> Option<Wait> {
    let now = here.now;
    if let Passage::Shut(until) = here.circuit.passage(now) {
        return Some(Wait::Shut(until));
    }
    if let Some(claim) = here.progress.claim.as_ref().filter(|claim| now < claim.until) {
        return Some(Wait::Until("claimed", claim.until));
    }
    if now < here.progress.not_before {
        return Some(Wait::Until("asked-to-wait", here.progress.not_before));
    }
    let ready = ready(here, kind);
    (now < ready).then_some(Wait::Until("paced", ready))
}

/// When the pace admits a call of this kind.
fn ready(here: &Here<'_, '_>, kind: Kind) -> i64 {
    let calls = match kind {
        Kind::Nights => &here.progress.nights_calls,
        Kind::Rates => &here.progress.rates_calls,
    };
    here.pace().map_or(0, |pace| ready_at(calls, i64::from(pace.calls), i64::from(pace.seconds) * 1000))
}

/// Takes a place in the window of a kind of call.
fn take_place(here: &mut Here<'_, '_>, kind: Kind, latest: i64) {
    let most = here.pace().map_or(1, |pace| usize::from(pace.calls)).max(1);
    let calls = match kind {
        Kind::Nights => &mut here.progress.nights_calls,
        Kind::Rates => &mut here.progress.rates_calls,
    };
    place(calls, most, latest);
}

fn remember(here: &mut Here<'_, '_>, work: &Work) {
    // What was told belongs to a former registration: the new one begins anew.
    if work.config == here.progress.config {
        here.progress.units.extend(work.units.clone());
        here.progress.rates.extend(work.rates.clone());
    }
}

/// The call is over.
fn told<P: Rules>(rules: &P, mut here: Here<'_, '_>, work: &Work, answer: &CallAnswer) -> Result<Decision<P>, Refusal> {
    let calls = if work.units.is_empty() { &mut here.progress.rates_calls } else { &mut here.progress.nights_calls };
    // It has arrived by now.
    if let Some(last) = calls.last_mut() {
        *last = (*last).min(here.now);
    }
    let again =
        work.more.then(|| ChannelSyncRequested { version: here.now.unsigned_abs(), action: SyncAction::Changes });
    match here.adapter.read(answer) {
        Verdict::Done { warnings } => {
            here.note_answer()?;
            remember(&mut here, work);
            (here.progress.failures, here.progress.not_before) = (0, 0);
            let told = &mut here.progress.told;
            told.calls += 1;
            told.values += work.values;
            told.at = here.now;
            let review = (!warnings.is_empty()).then(|| (Reason::ChannelRefused, warnings.join("; ")));
            Ok(here.done("told", Outbox { again, review, ..Outbox::default() }))
        }
        Verdict::Throttled { retry_after } => {
            here.progress.told.throttled += 1;
            let pause = retry_after.map_or(10_000, |pause| i64::try_from(pause.as_millis()).unwrap_or(10_000));
            here.progress.not_before = here.now + pause.max(1000);
            let at = here.progress.not_before;
            here.later("throttled", at)
        }
        Verdict::Failed { what, retry_after } => {
            here.progress.told.failed += 1;
            here.progress.failures += 1;
            here.note_failure(rules, &what)?;
            if let Passage::Shut(until) = here.circuit.passage(here.now) {
                here.come_back_once(until)?;
                return Ok(here.done("circuit-open", Outbox::default()));
            }
            let pause = retry_after.map_or(0, |pause| i64::try_from(pause.as_millis()).unwrap_or_default());
            let at = here.now + pause.max(1000 << here.progress.failures.saturating_sub(1).min(4));
            here.progress.not_before = at;
            here.later("failed", at)
        }
        Verdict::Refused { reason, found } => {
            here.note_answer()?;
            // It will not take these; what changes later is told all the same.
            remember(&mut here, work);
            here.progress.failures = 0;
            Ok(here.done("refused", Outbox { again, review: Some((reason, found)), ..Outbox::default() }))
        }
        Verdict::Unauthorized { reason, found } => Ok(disable(here, reason, found)),
        Verdict::Gone => Ok(disable(here, Reason::ChannelGone, "status 410".to_owned())),
    }
}

/// Why the channel was disabled, if nobody has been told.
fn untold(here: &mut Here<'_, '_>) -> Option<(Reason, String)> {
    let disabled = here.progress.disabled.as_mut()?;
    let found = disabled.untold.take()?;
    let reason = Reason::of_code(&disabled.reason);
    Some((reason.unwrap_or(Reason::ChannelRefused), found))
}

/// The channel is told nothing any more, and somebody hears of that.
pub fn disable<P: Rules>(mut here: Here<'_, '_>, reason: Reason, found: String) -> Decision<P> {
    here.disable(reason);
    let status = Some(status(here.now, Some(reason)));
    here.done("disabled", Outbox { review: Some((reason, found)), status, ..Outbox::default() })
}

fn status(now: i64, reason: Option<Reason>) -> ChannelStatus {
    let reason_code = reason.map(|reason| reason.code().to_owned());
    ChannelStatus { version: now.unsigned_abs(), working: reason.is_none(), reason: reason_code }
}

fn test<P: Rules>(rules: &P, event: &Envelope, here: Here<'_, '_>) -> Result<Decision<P>, Refusal> {
    if let Some(claim) = here.progress.claim.clone().filter(|claim| here.now < claim.until) {
        return here.later("claimed", claim.until);
    }
    here.ask(rules, event, &Batch::Test, Purpose::Test)
}

fn tested<P: Rules>(mut here: Here<'_, '_>, answer: &CallAnswer) -> Decision<P> {
    let (ok, found) = match here.adapter.read(answer) {
        Verdict::Done { warnings } if warnings.is_empty() => (true, "taken".to_owned()),
        Verdict::Done { warnings } => (true, warnings.join("; ")),
        Verdict::Throttled { .. } => (true, "too many calls just now".to_owned()),
        Verdict::Failed { what, .. } => (false, what),
        Verdict::Refused { reason, found } | Verdict::Unauthorized { reason, found } => {
            (false, format!("{}: {found}", reason.code()))
        }
        Verdict::Gone => (false, "gone for good (410)".to_owned()),
    };
    here.progress.tested = Some(Tested { at: here.now, ok, found });
    here.done_and_seen("tested", Outbox::default())
}

/// The property as the calendar knows it.
pub fn property(view: &Looked<'_>) -> Result<Option<Property>, Refusal> {
    match view.state_of(&view.scope.property())? {
        Some(CalendarState::Property(property)) => Ok(Some(property)),
        _ => Ok(None),
    }
}
