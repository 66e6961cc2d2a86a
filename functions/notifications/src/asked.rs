//! What an event asks for.

use bellhop_events::catalogue::{
    FREE_MESSAGE, FreeMessage, GUEST_MESSAGE, GUEST_MESSAGE_REQUESTED, GuestMessage, GuestMessageRequested, MessageKind,
};
use bellhop_events::{Envelope, Fault, Reason};
use jiff::civil::Date;

fn invalid(pointer: &str) -> Fault {
    Fault::new(Reason::InvalidData, pointer)
}

/// A message that somebody asked for.
pub struct Asked {
    /// Which.
    pub kind: MessageKind,
    /// The booking's version, in a request of ours; in a message of the PMS, that message's own.
    pub version: u64,
    /// The stay that a request of ours is about.
    pub stay: Option<(Date, Date)>,
    /// The PMS's own words.
    pub message: Option<FreeMessage>,
}

impl Asked {
    /// Reads an event.
    pub fn of(event: &Envelope) -> Result<Self, Fault> {
        if event.event_type == GUEST_MESSAGE_REQUESTED.name {
            let GuestMessageRequested { version, message, arrival, departure, .. } = event.payload()?;
            return Ok(Self { kind: message, version, stay: Some((arrival, departure)), message: None });
        }
        if event.event_type == GUEST_MESSAGE.name {
            let message: FreeMessage = event.payload()?;
            let kind = match &message.message {
                Some(kind) => kind.clone(),
                None => FREE_MESSAGE.parse().map_err(|why: String| invalid("/data/message").found(why))?,
            };
            return Ok(Self { kind, version: message.version, stay: None, message: Some(message) });
        }
        Err(Fault::new(Reason::UnknownType, "/type").found(&event.event_type).expected("a message to a guest"))
    }

    /// Whether it is this message of the calendar's.
    pub fn is(&self, message: GuestMessage) -> bool {
        self.kind.as_str() == message.as_str()
    }

    /// Whether it is about these dates alone: then it is not said of others.
    pub fn is_about_dates(&self) -> bool {
        let of_booking = [GuestMessage::Confirmation, GuestMessage::Change, GuestMessage::Cancellation];
        !of_booking.into_iter().any(|message| self.is(message)) && self.kind.as_str() != FREE_MESSAGE
    }
}
