//! Messages to guests: rendered, and sent once.
//!
//! Arrives: `bellhop.guest.message.requested.v1` of calendar and automation, and `pms.guest.message.v1` of the PMS, on
//! `operational-guests.fifo`, in groups `tenant#property`; and, from SNS, what the mail service says of bounces and
//! complaints.
//! Leaves: mail, and news of reviews for whoever listens.
//! Fails for a person: templates that cannot be rendered, mail that the service refuses (both hold up later mail of the same
//! booking), addresses that are none, mail of which nobody knows whether it was sent (these hold up nothing).
//!
//! Whom a message goes to and what it says is read when it is sent: from the calendar's booking and property. The mail service
//! takes no idempotency key, so a mail is claimed, sent by one call without repetitions, and never sent again in doubt.

mod asked;
mod decide;
pub mod feedback;
pub mod port;
mod settings;

use std::fmt;

use bellhop_events::catalogue::{DASHBOARD_LOOK, DashboardLook};
use bellhop_events::{Envelope, EventId, Fault, Queue, Reason};
use bellhop_mail::{Address, Rendered};
use bellhop_store::mails::{CONSUMER, MailState};
use bellhop_store::{Key, Scope};
use bellhop_worker::{Decision, FollowUp, Handler, Refusal, View};
use serde::{Deserialize, Serialize};

pub use crate::port::Answered;
pub use crate::settings::Settings;

/// Who sends mail: the mail service, or a test.
pub trait Mailer: Send + Sync + 'static {
    /// Makes one call, without repetitions, within its time.
    fn send(&self, letter: &Letter) -> impl Future<Output = Answered> + Send;
}

/// The rules of notifications.
pub struct Notifications<M> {
    /// Sender, patience and names.
    pub settings: Settings,
    /// Who sends.
    pub mailer: M,
}

/// A mail to be sent.
pub struct Letter {
    /// The claim under which it is sent.
    pub owner: String,
    /// Whom to.
    pub to: Address,
    /// What.
    pub rendered: Rendered,
    /// What feedback of the mail service will name: tenant, property and so on.
    pub tags: Vec<(&'static str, String)>,
}

/// A mail that was handed over, or was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Under which claim.
    pub owner: String,
    /// What came of it.
    pub answered: Answered,
}

/// What follows from a mail that went out, or did not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    /// A person hears of the event: why, and what was found.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<(Reason, String)>,
    /// The dashboard counts it.
    #[serde(rename = "d", default, skip_serializing_if = "std::ops::Not::not")]
    pub counts: bool,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither address nor text.
        f.debug_struct("Letter").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl<M: Mailer> Handler for Notifications<M> {
    const CONSUMER: &'static str = CONSUMER;
    const QUEUE: Queue = Queue::OperationalGuests;
    const SENDS_TO: &'static [Queue] = &[Queue::Synchronization, Queue::OperationalDashboard];
    type State = MailState;
    type Outbox = Outbox;
    type Call = Letter;
    type Answer = Finished;

    fn reads(&self, event: &Envelope, scope: &Scope) -> Result<Vec<Key>, Fault> {
        if self.settings.is_off() {
            return Ok(Vec::new());
        }
        Ok(vec![scope.of_calendar().subject(&event.subject), scope.property()])
    }

    fn decide(&self, event: &Envelope, view: &View<'_, MailState, Finished>) -> Result<Decision<Self>, Refusal> {
        decide::decide(&self.settings, event, view)
    }

    async fn perform(&self, letter: Letter) -> Finished {
        let answered = self.mailer.send(&letter).await;
        Finished { owner: letter.owner, answered }
    }

    fn follow_ups(&self, event: &Envelope, state: &MailState, outbox: &Outbox) -> Vec<FollowUp> {
        let ask = outbox.ask.as_ref().map(|(reason, found)| {
            let expected = match reason {
                Reason::InvalidAddress => "an address that mail can be sent to",
                _ => "an answer of the mail service",
            };
            FollowUp::Review(Fault::new(*reason, "").found(found).expected(expected))
        });
        let version = state.mails.get(&event.id).map_or(0, |mail| mail.version);
        let look = outbox.counts.then(|| FollowUp::Event {
            event_type: DASHBOARD_LOOK.name,
            subject: event.subject.clone(),
            data: Envelope::data_of(&DashboardLook::at(version)),
        });
        ask.into_iter().chain(look).collect()
    }
}

/// A claim that nobody else can show.
pub(crate) fn owner(settings: &Settings, event: &Envelope, now: i64) -> String {
    EventId::hashed('o', &[&settings.environment, event.id.as_str(), &now.to_string()]).to_string()
}
