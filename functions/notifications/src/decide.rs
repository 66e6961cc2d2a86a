//! Whether a message is sent, now, and what it says. The order of the questions is part of the answer: what is out of date is
//! nobody's fault, and what cannot be sent needs no template.

use std::time::Duration;

use bellhop_events::catalogue::{Guest, GuestMessage, Property};
use bellhop_events::{BookingId, Envelope, EventId, Fault, Queue, Reason, Subject};
use bellhop_mail::{Address, Facts, Template, builtin, locales, quiet_until, render};
use bellhop_store::calendar::{BookingState, CalendarState};
use bellhop_store::mails::{CONSUMER, Mail, MailOutcome, MailState, SavedTemplate, Suppressed};
use bellhop_store::{Due, Record, decode_item};
use bellhop_worker::{Decision, Effect, Handler, Needs, Refusal, Then, View};
use jiff::Timestamp;

use crate::asked::Asked;
use crate::port::Answered;
use crate::{Finished, Letter, Outbox, Settings, owner};

/// The handler as its parts see it.
pub trait Rules: Handler<State = MailState, Outbox = Outbox, Call = Letter, Answer = Finished> {}
impl<H: Handler<State = MailState, Outbox = Outbox, Call = Letter, Answer = Finished>> Rules for H {}

type Looked<'a> = View<'a, MailState, Finished>;

/// A claim of somebody else is looked at again after at most this.
const LONGEST_WAIT: i64 = 60;

pub fn decide<H: Rules>(settings: &Settings, event: &Envelope, view: &Looked<'_>) -> Result<Decision<H>, Refusal> {
    let Subject::Booking(id) = &event.subject else {
        return Err(Fault::new(Reason::SubjectMismatch, "/subject")
            .found(&event.subject)
            .expected("booking/ID")
            .into());
    };
    let asked = Asked::of(event)?;
    let step = Step { event, asked, state: view.state.clone().unwrap_or_default(), now: view.now };
    if let Some(finished) = view.answer {
        return step.finish(view, finished);
    }
    match step.state.mails.get(&event.id).map(|mail| mail.outcome.clone()) {
        Some(MailOutcome::Sending { until, .. }) => return Ok(step.claimed(until)),
        Some(MailOutcome::Sent(_) | MailOutcome::Unknown) => return Ok(done(Some("known"))),
        Some(MailOutcome::Refused { failures, why }) if failures == failures_of(event, view)? => {
            // Nobody has retried it.
            return Err(Fault::new(Reason::MailRefused, "").found(why).expected("a mail service that takes it").into());
        }
        _ => {}
    }
    if settings.is_off() {
        return Ok(Decision { then: Then::Forget, ..done(Some("mail-off")) });
    }
    let booking = match view.state_of(&view.scope.of_calendar().subject(&event.subject))? {
        Some(CalendarState::Booking(booking)) => booking,
        // The calendar writes a booking before it asks for a mail: it is gone.
        _ if step.asked.stay.is_some() => return Ok(step.stale("unknown-booking")),
        _ => {
            let fault = Fault::new(Reason::UnknownTask, "/subject").found(&event.subject);
            // Posted together, a message may overtake its booking: they go by different queues.
            return Err(Refusal::NotYet(fault.expected("a booking that the calendar knows")));
        }
    };
    if let Some(why) = step.out_of_date(&booking) {
        return Ok(step.stale(why));
    }
    let property = match view.state_of(&view.scope.property())? {
        Some(CalendarState::Property(property)) => Some(property),
        _ => None,
    };
    step.send(settings, view, id, &booking, property.as_ref())
}

/// How often the event was given up.
fn failures_of(event: &Envelope, view: &Looked<'_>) -> Result<u32, Refusal> {
    let key = view.scope.record(&event.id);
    // Asked for as a list: the item of that name is the worker's own.
    let Some(found) = view.list(&key) else {
        return Err(Refusal::Needs(Needs { lists: vec![key], ..Needs::default() }));
    };
    let Some((_, item)) = found.iter().find(|(found, _)| *found == key) else { return Ok(0) };
    Ok(decode_item::<Record>(item.clone())?.failures)
}

/// One message on its way.
struct Step<'a> {
    event: &'a Envelope,
    asked: Asked,
    state: MailState,
    now: Timestamp,
}

impl Step<'_> {
    fn out_of_date(&self, booking: &BookingState) -> Option<&'static str> {
        let (asked, now) = (&self.asked, &booking.booking);
        // A rule may ask for a message because of the cancellation: it knows of it.
        let knows = asked.stay.is_some() && asked.version >= now.version;
        if booking.cancelled && !asked.is(GuestMessage::Cancellation) && !knows {
            return Some("cancelled");
        }
        if asked.is(GuestMessage::Cancellation) && !booking.cancelled {
            return Some("not-cancelled");
        }
        if asked.is_about_dates() && asked.stay.is_some_and(|stay| stay != (now.arrival, now.departure)) {
            return Some("other-dates");
        }
        let told = |mail: &Mail| {
            let shows_dates = ["confirmation", "change"].contains(&mail.kind.as_str());
            shows_dates && matches!(mail.outcome, MailOutcome::Sent(_)) && mail.version >= asked.version
        };
        let is_change = asked.is(GuestMessage::Change) && asked.stay.is_some();
        (is_change && self.state.mails.values().any(told)).then_some("told-already")
    }

    fn send<H: Rules>(
        mut self,
        settings: &Settings,
        view: &Looked<'_>,
        id: &BookingId,
        booking: &BookingState,
        property: Option<&Property>,
    ) -> Result<Decision<H>, Refusal> {
        let (event, booking) = (self.event, &booking.booking);
        let guest: Option<&Guest> = booking.guest.as_ref();
        let address = guest.and_then(|guest| guest.email.as_deref()).map(str::trim).filter(|text| !text.is_empty());
        let Some(address) = address else { return Ok(self.dropped("no-address")) };
        let Ok(to) = Address::parse(address) else {
            let found = format!("the guest's address in version {} of the booking", booking.version);
            let outbox = Outbox { ask: Some((Reason::InvalidAddress, found)), counts: false };
            return Ok(Decision { outbox: Some(outbox), ..self.dropped("invalid-address") });
        };
        let hash = to.hash(&event.tenant);
        let languages = property.map(|property| property.languages.as_slice()).unwrap_or_default();
        let locales = locales(guest.and_then(|guest| guest.language.as_deref()), languages);
        let suppressed = Suppressed::key(view.scope, &hash);
        let keys = locales.iter().map(|locale| SavedTemplate::key(view.scope, &self.asked.kind, locale));
        let keys: Vec<_> = keys.chain([suppressed.clone()]).filter(|key| !view.has_read(key)).collect();
        if !keys.is_empty() {
            return Err(Refusal::Needs(Needs { keys, ..Needs::default() }));
        }
        if Suppressed::decode(view.item(&suppressed))?.is_some() {
            return Ok(self.dropped("suppressed"));
        }
        let quiet = property.and_then(|property| quiet_until(property.quiet_hours?, &property.time_zone, self.now));
        if let Some(end) = quiet {
            return self.quiet(view, end);
        }
        let (locale, template) = self.template(view, &locales)?;
        let facts = Facts::of(id, booking, &event.property, property, self.asked.message.as_ref());
        let rendered = render(&template, &facts)
            .map_err(|fault| Fault { found: format!("{} in {locale}, {}", self.asked.kind, fault.found), ..fault })?;
        let now = self.now.as_second();
        let owner = owner(settings, event, now);
        let mut mail = self.mail(MailOutcome::Sending { owner: owner.clone(), until: now + settings.lease });
        (mail.version, mail.locale, mail.to) = (booking.version, Some(locale), Some(hash));
        self.state.keep(event.id.clone(), mail);
        let letter = Letter { owner, to, rendered, tags: tags(event, &self.asked) };
        Ok(Decision { then: Then::Ask(letter), ..self.written(None) })
    }

    /// The tenant's own words in whichever language come before ours in the best.
    fn template(&self, view: &Looked<'_>, locales: &[String]) -> Result<(String, Template), Refusal> {
        let kind = &self.asked.kind;
        for locale in locales {
            let saved = SavedTemplate::decode(view.item(&SavedTemplate::key(view.scope, kind, locale)))?;
            if let Some(SavedTemplate { subject, html, text, .. }) = saved {
                return Ok((locale.clone(), Template { subject, html, text }));
            }
        }
        let ours = locales.iter().find_map(|locale| Some((locale.clone(), builtin(kind.as_str(), locale)?)));
        ours.ok_or_else(|| {
            let fault = Fault::new(Reason::TemplateFailed, "").found(format!("no template {kind}"));
            fault.expected(format!("a template of this kind in one of {}", locales.join(", "))).into()
        })
    }

    /// Asked for again when the quiet hours are over.
    fn quiet<H: Rules>(mut self, view: &Looked<'_>, end: Timestamp) -> Result<Decision<H>, Refusal> {
        let (event, second) = (self.event, end.as_second());
        let group = view.scope.group().to_string();
        // The timer sends what is due at one second in the order of ids: that in which it was asked for.
        let hashed = EventId::hashed('q', &[&group, event.id.as_str(), &second.to_string()]);
        let ordered = format!("q{:017}-{}", self.now.as_microsecond(), &hashed.as_str()[1..]);
        let id: EventId = ordered.parse().unwrap_or(hashed);
        let again = Envelope {
            id,
            source: format!("/bellhop/{CONSUMER}"),
            traceparent: Some(event.traceparent_below()),
            causationid: Some(event.id.clone()),
            ..event.clone()
        };
        let write = Due::event(Queue::OperationalGuests, view.scope, &again).put(view.scope, end)?;
        let mail = self.mail(MailOutcome::Quiet(second));
        self.state.keep(event.id.clone(), mail);
        Ok(Decision { writes: vec![write], ..self.written(Some("quiet")) })
    }

    /// The call is over.
    fn finish<H: Rules>(mut self, view: &Looked<'_>, finished: &Finished) -> Result<Decision<H>, Refusal> {
        let claim = self.state.mails.get(&self.event.id).cloned();
        let own = |mail: &Mail| matches!(&mail.outcome, MailOutcome::Sending { owner, .. } if *owner == finished.owner);
        let Some(mail) = claim.filter(own) else {
            // The claim is another's: what that one finds counts.
            return Ok(Decision { then: Then::Later(Duration::from_secs(1)), ..done(Some("overtaken")) });
        };
        let mail = |outcome| Mail { at: self.now.as_second(), outcome, ..mail };
        let id = self.event.id.clone();
        match &finished.answered {
            Answered::Sent(message) => {
                let mail = mail(MailOutcome::Sent(message.clone()));
                self.state.keep(id, mail);
                Ok(Decision { outbox: Some(Outbox { ask: None, counts: true }), ..self.written(Some("sent")) })
            }
            Answered::Unknown(why) => {
                let mail = mail(MailOutcome::Unknown);
                self.state.keep(id, mail);
                Ok(self.unknown(why))
            }
            Answered::Refused(why) => {
                // Given up in the next run: then the claim is gone, and a person's retry sends it.
                let why = why.clone();
                let mail = mail(MailOutcome::Refused { failures: failures_of(self.event, view)?, why });
                self.state.keep(id, mail);
                Ok(Decision { then: Then::Later(Duration::from_secs(1)), ..self.written(Some("refused")) })
            }
            Answered::NotSent { pause, .. } => {
                self.state.mails.remove(&id);
                Ok(Decision { then: Then::Later(*pause), ..self.written(Some("not-sent")) })
            }
        }
    }

    /// Somebody has claimed it: who else meets it waits until the lease is over, for then its owner is dead.
    fn claimed<H: Rules>(mut self, until: i64) -> Decision<H> {
        let left = until - self.now.as_second();
        if left > 0 {
            let pause = Duration::from_secs(left.min(LONGEST_WAIT).unsigned_abs());
            return Decision { then: Then::Later(pause), ..done(Some("claimed")) };
        }
        if let Some(mail) = self.state.mails.get_mut(&self.event.id) {
            (mail.at, mail.outcome) = (self.now.as_second(), MailOutcome::Unknown);
        }
        self.unknown("a function that ended while it sent")
    }

    fn unknown<H: Rules>(self, why: &str) -> Decision<H> {
        let found = format!("{}: {why}", self.asked.kind);
        let outbox = Outbox { ask: Some((Reason::DeliveryUnknown, found)), counts: true };
        Decision { outbox: Some(outbox), ..self.written(Some("unknown")) }
    }

    fn dropped<H: Rules>(mut self, why: &'static str) -> Decision<H> {
        let mail = self.mail(MailOutcome::Dropped(why.to_owned()));
        self.state.keep(self.event.id.clone(), mail);
        self.written(Some(why))
    }

    fn stale<H: Rules>(self, why: &'static str) -> Decision<H> {
        Decision { effect: Effect::Stale, ..self.dropped(why) }
    }

    fn mail(&self, outcome: MailOutcome) -> Mail {
        let (kind, version) = (self.asked.kind.clone(), self.asked.version);
        Mail { kind, version, at: self.now.as_second(), locale: None, to: None, outcome }
    }

    fn written<H: Rules>(self, note: Option<&'static str>) -> Decision<H> {
        Decision { state: Some(self.state), ..done(note) }
    }
}

/// Done, and nothing is kept of it but that.
fn done<H: Rules>(note: Option<&'static str>) -> Decision<H> {
    Decision {
        effect: Effect::Applied,
        note,
        state: None,
        writes: Vec::new(),
        outbox: None,
        registers: false,
        then: Then::Done,
    }
}

/// What the mail service repeats in its feedback. Its tags are of `[A-Za-z0-9_-]{1,256}`: an id of other characters is left out.
fn tags(event: &Envelope, asked: &Asked) -> Vec<(&'static str, String)> {
    let tags = [
        ("tenant", event.tenant.to_string()),
        ("property", event.property.to_string()),
        ("booking", event.subject.id().to_owned()),
        ("event", event.id.to_string()),
        ("kind", asked.kind.to_string()),
    ];
    let fits = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    tags.into_iter().filter(|(_, value)| fits(value)).collect()
}
