//! What notifications keeps: which mails went out for a booking, a tenant's templates, and whom no mail may go to.
//!
//! Of a guest nothing is kept here but a hash of the address: name and address stand in the calendar's booking.

use std::collections::BTreeMap;

use bellhop_events::EventId;
use bellhop_events::catalogue::MessageKind;
use serde::{Deserialize, Serialize};

use crate::item::{Item, decode_item, encode_item};
use crate::keys::{Key, sort};
use crate::{Scope, StoreError, Write};

/// The consumer's name.
pub const CONSUMER: &str = "notifications";

/// So many mails of a booking are kept, and those that are not decided yet.
pub const MOST_MAILS: usize = 50;

/// The state in the item of `booking/ID`: its mails by the event that asked for them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MailState {
    /// The newest [`MOST_MAILS`].
    #[serde(rename = "m", default)]
    pub mails: BTreeMap<EventId, Mail>,
}

/// A mail, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Which message.
    #[serde(rename = "k")]
    pub kind: MessageKind,
    /// The version of the booking that it shows; of what was not rendered, the one that asked for it.
    #[serde(rename = "v")]
    pub version: u64,
    /// Since when its outcome is this, epoch seconds.
    #[serde(rename = "a")]
    pub at: i64,
    /// The language of its template.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Whom it is for: the hash of the address and the tenant, hex.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What became of it.
    #[serde(rename = "o")]
    pub outcome: MailOutcome,
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailOutcome {
    /// Being sent. Who finds it so after `until` finds its owner dead, and nobody knows.
    #[serde(rename = "c")]
    Sending {
        /// A token that completion must show.
        #[serde(rename = "o")]
        owner: String,
        /// Epoch seconds.
        #[serde(rename = "u")]
        until: i64,
    },
    /// Taken by the mail service, which gave it this id.
    #[serde(rename = "s")]
    Sent(String),
    /// Refused by the mail service, so it was not sent: a person mends what is wrong, and retries.
    #[serde(rename = "r")]
    Refused {
        /// How often the event had been given up before.
        #[serde(rename = "f")]
        failures: u32,
        /// What the service said, without addresses.
        #[serde(rename = "w")]
        why: String,
    },
    /// Perhaps sent, perhaps not. A person was asked.
    #[serde(rename = "u")]
    Unknown,
    /// Not sent, for this reason: a code such as `suppressed`.
    #[serde(rename = "d")]
    Dropped(String),
    /// Asked for in quiet hours: asked for again at their end, epoch seconds, under another id.
    #[serde(rename = "q")]
    Quiet(i64),
}

impl MailOutcome {
    /// The word for people.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Sending { .. } => "sending",
            Self::Sent(_) => "sent",
            Self::Refused { .. } => "refused",
            Self::Unknown => "unknown",
            Self::Dropped(why) => why,
            Self::Quiet(_) => "quiet",
        }
    }

    /// Nothing more comes of it.
    fn is_final(&self) -> bool {
        !matches!(self, Self::Sending { .. } | Self::Refused { .. })
    }
}

impl MailState {
    /// Keeps a mail; the oldest goes if there are too many.
    pub fn keep(&mut self, event: EventId, mail: Mail) {
        self.mails.insert(event, mail);
        while self.mails.len() > MOST_MAILS {
            let last = self.mails.iter().filter(|(_, mail)| mail.outcome.is_final()).min_by_key(|(_, mail)| mail.at);
            let Some(oldest) = last.map(|(event, _)| event.clone()) else { return };
            self.mails.remove(&oldest);
        }
    }
}

/// A tenant's template of a kind in a language, as it was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedTemplate {
    /// Writes so far; 0: not stored yet.
    #[serde(default, skip_serializing)]
    pub rev: u64,
    /// The subject.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The plain text part.
    pub text: String,
    /// When it was saved, epoch seconds.
    pub at: i64,
}

impl SavedTemplate {
    /// Its key, in the scope of notifications. A locale is a lower-cased BCP 47 tag.
    #[must_use]
    pub fn key(scope: &Scope, kind: &MessageKind, locale: &str) -> Key {
        scope.of_tenant(sort::TEMPLATE, &format!("{kind}/{locale}"))
    }

    /// The prefix of all templates of the tenant.
    #[must_use]
    pub fn all(scope: &Scope) -> Key {
        scope.of_tenant(sort::TEMPLATE, "")
    }

    /// Kind and locale of a key.
    #[must_use]
    pub fn name_of(key: &Key) -> Option<(MessageKind, &str)> {
        let (_, name) = key.sort_key().split_once(sort::TEMPLATE)?;
        let (kind, locale) = name.split_once('/')?;
        Some((kind.parse().ok()?, locale))
    }

    /// Reads the item.
    pub fn decode(item: Option<&Item>) -> Result<Option<Self>, StoreError> {
        item.cloned().map(decode_item).transpose()
    }

    /// The write, on condition that nobody else saved it meanwhile.
    pub fn put(&self, key: Key) -> Result<Write, StoreError> {
        Ok(Write::replace(key, encode_item(self)?, self.rev))
    }
}

/// An address that gets no mail of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressed {
    /// `bounce`, `complaint`, or what a person put there.
    pub reason: String,
    /// Since when, epoch seconds.
    pub at: i64,
}

impl Suppressed {
    /// The key of an address, in the scope of notifications; `hash` as in [`Mail::to`].
    #[must_use]
    pub fn key(scope: &Scope, hash: &str) -> Key {
        scope.of_tenant(sort::SUPPRESSED, hash)
    }

    /// Reads the item.
    pub fn decode(item: Option<&Item>) -> Result<Option<Self>, StoreError> {
        item.cloned().map(decode_item).transpose()
    }

    /// The write; whoever writes last is right.
    pub fn put(&self, key: Key) -> Result<Write, StoreError> {
        Ok(Write::Put { key, item: encode_item(self)?, expect: crate::Expect::Any })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(at: i64, outcome: MailOutcome) -> Mail {
        let kind = "change".parse().expect("a kind");
        Mail { kind, version: 1, at, locale: None, to: None, outcome }
    }

    #[test]
    fn the_newest_are_kept_and_what_is_not_decided() {
        let mut state = MailState::default();
        let claim = MailOutcome::Sending { owner: "o".to_owned(), until: 9 };
        state.keep("claimed".parse().expect("an id"), mail(0, claim));
        for n in 1..100 {
            state.keep(format!("e{n}").parse().expect("an id"), mail(n, MailOutcome::Unknown));
        }
        assert_eq!(state.mails.len(), MOST_MAILS);
        let oldest = state.mails.values().map(|mail| mail.at).filter(|at| *at > 0).min();
        assert_eq!((oldest, state.mails.values().filter(|mail| mail.at == 0).count()), (Some(51), 1));
    }

    #[test]
    fn a_state_reads_what_it_writes() {
        let mut state = MailState::default();
        let outcomes = [
            MailOutcome::Sending { owner: "o".to_owned(), until: 9 },
            MailOutcome::Sent("id".to_owned()),
            MailOutcome::Refused { failures: 1, why: "no".to_owned() },
            MailOutcome::Unknown,
            MailOutcome::Dropped("suppressed".to_owned()),
            MailOutcome::Quiet(9),
        ];
        for (n, outcome) in outcomes.into_iter().enumerate() {
            let at = i64::try_from(n).expect("small");
            state.keep(format!("e{n}").parse().expect("an id"), mail(at, outcome));
        }
        let stored: aws_sdk_dynamodb::types::AttributeValue = serde_dynamo::to_attribute_value(&state).expect("stored");
        assert_eq!(serde_dynamo::from_attribute_value::<_, MailState>(stored).ok(), Some(state));
    }

    #[test]
    fn a_template_is_found_by_its_key() {
        let scope = Scope::for_operator(CONSUMER, "sea".parse().expect("a tenant"), "villa".parse().expect("an id"));
        let key = SavedTemplate::key(&scope, &"pre-arrival".parse().expect("a kind"), "pt-br");
        assert_eq!(key.sort_key(), "notifications#template/pre-arrival/pt-br");
        let named = SavedTemplate::name_of(&key).map(|(kind, locale)| (kind.to_string(), locale.to_owned()));
        assert_eq!(named, Some(("pre-arrival".to_owned(), "pt-br".to_owned())));
    }
}
