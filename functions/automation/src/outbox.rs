//! What follows from a decision, as it is kept until it is sent.

use bellhop_events::catalogue::{self, Payload, Property, WEBHOOK_REQUESTED, WebhookRequested};
use bellhop_events::{Envelope, Fault, Reason, Subject};
use bellhop_worker::FollowUp;
use serde::{Deserialize, Serialize};

/// Follow-ups in their order: their ids count on it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox(Vec<Out>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Out {
    #[serde(rename = "e")]
    Event {
        #[serde(rename = "t")]
        event_type: String,
        #[serde(rename = "s")]
        subject: Subject,
        /// JSON text: a number must come back as it was, and a DynamoDB number is none of JSON's.
        #[serde(rename = "d")]
        data: String,
    },
    #[serde(rename = "r")]
    Review {
        #[serde(rename = "c")]
        reason: Reason,
        #[serde(rename = "p")]
        pointer: String,
        #[serde(rename = "e")]
        expected: String,
        #[serde(rename = "f")]
        found: String,
    },
}

impl Outbox {
    /// Nothing follows.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An event to the queue of its type.
    pub(crate) fn event<T: Payload>(&mut self, event_type: &str, subject: &Subject, payload: &T) {
        let data = serde_json::Value::Object(Envelope::data_of(payload)).to_string();
        self.0.push(Out::Event { event_type: event_type.to_owned(), subject: subject.clone(), data });
    }

    /// The same for whoever listens at the property for this type.
    pub(crate) fn tell<T: Payload>(&mut self, property: &Property, event_type: &str, subject: &Subject, payload: &T) {
        if property.notify.iter().any(|name| name == event_type || name == "*") {
            self.event(WEBHOOK_REQUESTED.name, subject, &WebhookRequested::of(event_type, payload));
        }
    }

    /// A question to a person; the event is done all the same.
    pub(crate) fn review(&mut self, fault: Fault) {
        let Fault { reason, pointer, expected, found } = fault;
        self.0.push(Out::Review { reason, pointer, expected, found });
    }

    /// The follow-ups, the same each time.
    pub(crate) fn rebuild(&self) -> Vec<FollowUp> {
        self.0.iter().filter_map(Out::rebuild).collect()
    }
}

impl Out {
    fn rebuild(&self) -> Option<FollowUp> {
        match self {
            Self::Event { event_type, subject, data } => Some(FollowUp::Event {
                // The catalogue keeps its types; one that is gone is nobody's any more.
                event_type: catalogue::find(event_type).ok()?.name,
                subject: subject.clone(),
                data: serde_json::from_str(data).ok()?,
            }),
            Self::Review { reason, pointer, expected, found } => {
                Some(FollowUp::Review(Fault::new(*reason, pointer.as_str()).expected(expected).found(found)))
            }
        }
    }
}
