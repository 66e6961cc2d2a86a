//! The live dashboard's numbers: arrivals, departures, occupancy, revenue, cleanings and mails by day of each property.
//!
//! Arrives: `bellhop.dashboard.look.v1` of all other functions on `operational-dashboard.fifo`, in groups `tenant#property`.
//! Leaves: nothing.
//! Fails for a person: what cannot be read.
//!
//! An event only says "look": what a booking adds is made anew from what the others keep of it, and the difference to what it
//! added before is added, all in one transaction. So the numbers are right whatever comes twice, late or in another order.

mod share;

use std::convert::Infallible;

use bellhop_events::catalogue::{DashboardLook, Rebuild};
use bellhop_events::{Envelope, Fault, Queue, Subject};
use bellhop_store::automation::{self, AutomationState};
use bellhop_store::calendar::CalendarState;
use bellhop_store::dashboard::{CONSUMER, DashboardState, Editions, Numbers, Share, count_news, register};
use bellhop_store::mails::{self, MailState};
use bellhop_store::{Key, Scope};
use bellhop_worker::{Decision, Effect, FollowUp, Handler, Refusal, Then, View};

pub use share::{Known, share};

/// The rules of the dashboard.
pub struct Dashboard;

type Looked<'a> = View<'a, DashboardState>;

impl Handler for Dashboard {
    const CONSUMER: &'static str = CONSUMER;
    const QUEUE: Queue = Queue::OperationalDashboard;
    const SENDS_TO: &'static [Queue] = &[];
    type State = DashboardState;
    type Outbox = ();
    type Call = Infallible;
    type Answer = Infallible;

    fn reads(&self, event: &Envelope, scope: &Scope) -> Result<Vec<Key>, Fault> {
        let of_property = [editions_key(event, scope), scope.property()];
        let of_booking = Places::of(event, scope).map(|places| [places.booking, places.work, places.mails]);
        Ok(of_property.into_iter().chain(of_booking.into_iter().flatten()).collect())
    }

    fn decide(&self, event: &Envelope, view: &Looked<'_>) -> Result<Decision<Self>, Refusal> {
        let look: DashboardLook = event.payload()?;
        let (state, mut writes) = match &event.subject {
            Subject::Property(_) => property(&look, view)?,
            Subject::Booking(_) => booking(event, view)?,
            Subject::Unit(_) | Subject::Task(_) | Subject::Channel(_) | Subject::Rate(_) => {
                (DashboardState::Other, Vec::new())
            }
        };
        writes.push(count_news(view.scope, view.now));
        Ok(Decision {
            effect: Effect::Applied,
            note: look.rebuild.map(|_| "rebuild"),
            state: Some(state),
            writes,
            outbox: None,
            registers: false,
            then: Then::Done,
        })
    }

    async fn perform(&self, call: Infallible) -> Infallible {
        call
    }

    fn follow_ups(&self, _: &Envelope, _: &DashboardState, (): &()) -> Vec<FollowUp> {
        Vec::new()
    }
}

fn editions_key(event: &Envelope, scope: &Scope) -> Key {
    scope.subject(&Subject::Property(event.property.clone()))
}

/// Where the others keep what they know of a booking.
struct Places {
    booking: Key,
    work: Key,
    mails: Key,
}

impl Places {
    fn of(event: &Envelope, scope: &Scope) -> Option<Self> {
        let of = |consumer| scope.of_consumer(consumer).subject(&event.subject);
        matches!(event.subject, Subject::Booking(_)).then(|| Self {
            booking: scope.of_calendar().subject(&event.subject),
            work: of(automation::CONSUMER),
            mails: of(mails::CONSUMER),
        })
    }
}

type Counted = (DashboardState, Vec<bellhop_store::Write>);

/// A property is listed; or its numbers are counted anew.
fn property(look: &DashboardLook, view: &Looked<'_>) -> Result<Counted, Refusal> {
    let known = match &view.state {
        Some(DashboardState::Property(editions)) => *editions,
        _ => Editions::default(),
    };
    let editions = match look.rebuild {
        None => known,
        Some(Rebuild::Begin) => known.begin(look.version),
        Some(Rebuild::End) => known.end(look.version),
    };
    let writes = match view.state_of(&view.scope.property())? {
        Some(CalendarState::Property(_)) => register(view.scope).into(),
        _ => Vec::new(),
    };
    Ok((DashboardState::Property(editions), writes))
}

/// What a booking adds now, and the difference to what it added before.
fn booking(event: &Envelope, view: &Looked<'_>) -> Result<Counted, Refusal> {
    let editions = match view.state_of(&editions_key(event, view.scope))? {
        Some(DashboardState::Property(editions)) => editions,
        _ => Editions::default(),
    };
    let numbers = match (known(event, view)?, view.state_of(&view.scope.property())?) {
        (Some(known), Some(CalendarState::Property(property))) => share(&known, &property),
        _ => Numbers::default(),
    };
    let former = match &view.state {
        Some(DashboardState::Share(share)) => Some(share),
        _ => None,
    };
    let (share, writes) = Share::change(former, numbers, editions, view.scope);
    Ok((DashboardState::Share(share), writes))
}

fn known(event: &Envelope, view: &Looked<'_>) -> Result<Option<Known>, Refusal> {
    let Some(places) = Places::of(event, view.scope) else { return Ok(None) };
    let Some(CalendarState::Booking(booking)) = view.state_of(&places.booking)? else { return Ok(None) };
    let work = match view.state_of(&places.work)? {
        Some(AutomationState::Booking(work)) => Some(*work),
        _ => None,
    };
    let mails: Option<MailState> = view.state_of(&places.mails)?;
    Ok(Some(Known { booking, work, mails: mails.unwrap_or_default() }))
}
