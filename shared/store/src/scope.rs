//! A scope is the only way to a tenant's items.

use bellhop_events::{ChannelId, Envelope, EventId, Fault, MessageGroup, PropertyId, Reason, Subject, TenantId};

use crate::keys::{Key, sort};
use crate::{Line, SubjectItem};

/// The items of one consumer in one message group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    consumer: &'static str,
    group: MessageGroup,
}

/// The consumer that registers properties; its property items are read by all.
const REGISTRAR: &str = "calendar";

impl Scope {
    /// The scope of an event, if its envelope and the message group that carried it agree. The envelope names no channel: the
    /// group may.
    pub fn verified(consumer: &'static str, envelope: &Envelope, carried_by: &str) -> Result<Self, Fault> {
        let own = envelope.group();
        match carried_by.parse::<MessageGroup>() {
            Ok(group) if (&group.tenant, &group.property) == (&own.tenant, &own.property) => {
                Ok(Self { consumer, group })
            }
            _ => Err(Fault::new(Reason::GroupMismatch, "/tenant")
                .found(format!("message group {carried_by:?}"))
                .expected(format!("message group {own}"))),
        }
    }

    /// The scope of a property for an operator's tool, which has been told whose items to look at.
    #[must_use]
    pub fn for_operator(consumer: &'static str, tenant: TenantId, property: PropertyId) -> Self {
        Self { consumer, group: MessageGroup::new(tenant, property) }
    }

    /// The scope of a message group, in the same way.
    #[must_use]
    pub fn in_group(consumer: &'static str, group: MessageGroup) -> Self {
        Self { consumer, group }
    }

    /// The scope of one channel of the property, for an operator's tool.
    #[must_use]
    pub fn of_channel(&self, channel: &ChannelId) -> Self {
        let group = MessageGroup { channel: Some(channel.clone()), ..self.group.clone() };
        Self { consumer: self.consumer, group }
    }

    /// The scope of the whole property, in channel work too.
    #[must_use]
    pub fn of_property(&self) -> Self {
        Self { consumer: self.consumer, group: MessageGroup { channel: None, ..self.group.clone() } }
    }

    /// What the calendar keeps of the property: to be read, never written, by others.
    #[must_use]
    pub fn of_calendar(&self) -> Self {
        self.of_consumer(REGISTRAR)
    }

    /// What another consumer keeps of the property: to be read, never written.
    #[must_use]
    pub fn of_consumer(&self, consumer: &'static str) -> Self {
        Self { consumer, ..self.of_property() }
    }

    /// The message group.
    #[must_use]
    pub fn group(&self) -> &MessageGroup {
        &self.group
    }

    /// The consumer's name.
    #[must_use]
    pub fn consumer(&self) -> &'static str {
        self.consumer
    }

    /// The channel, in channel work.
    #[must_use]
    pub fn channel(&self) -> Option<&ChannelId> {
        self.group.channel.as_ref()
    }

    /// An item of the consumer's own, below one of the prefixes in [`sort`].
    #[must_use]
    pub fn own(&self, prefix: &str, rest: &str) -> Key {
        Key { pk: self.group.to_string(), sk: format!("{}#{prefix}{rest}", self.consumer) }
    }

    /// An item of the consumer's own that all properties of the tenant share.
    #[must_use]
    pub fn of_tenant(&self, prefix: &str, rest: &str) -> Key {
        Key { pk: self.group.tenant.to_string(), sk: format!("{}#{prefix}{rest}", self.consumer) }
    }

    /// The same, for an operator's tool, which has been told whose item to look at.
    #[must_use]
    pub fn tenant_item(consumer: &str, tenant: &TenantId, prefix: &str, rest: &str) -> Key {
        Key { pk: tenant.to_string(), sk: format!("{consumer}#{prefix}{rest}") }
    }

    /// The item of a subject.
    #[must_use]
    pub fn subject(&self, subject: &Subject) -> Key {
        self.own("", &subject.to_string())
    }

    /// The property's item, written by the calendar and read by all.
    #[must_use]
    pub fn property(&self) -> Key {
        let MessageGroup { tenant, property, .. } = &self.group;
        Key { pk: format!("{tenant}#{property}"), sk: format!("{REGISTRAR}#property/{property}") }
    }

    /// The sad-path record of an event.
    #[must_use]
    pub fn record(&self, event: &EventId) -> Key {
        self.own(sort::RECORD, event.as_str())
    }

    /// The place of an event in the line behind a subject.
    #[must_use]
    pub fn parked(&self, line: Line, subject: &Subject, index: u64) -> Key {
        let prefix = match line {
            Line::Hold => sort::PARKED,
            Line::Wait => sort::WAITING,
        };
        self.own(prefix, &format!("{subject}#{index:010}"))
    }

    /// An empty item of a subject.
    #[must_use]
    pub fn new_subject(&self, subject: &Subject) -> SubjectItem {
        SubjectItem::new(self.subject(subject))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_may_name_a_channel_and_must_name_tenant_and_property() {
        let body = r#"{"specversion":"1.0","id":"e1","source":"/pms","type":"t","subject":"unit/u1",
            "time":"2026-07-01T10:00:00Z","tenant":"sea","property":"villa","data":{}}"#;
        let envelope = Envelope::decode(body).expect("an envelope");
        let key = |group| Scope::verified("sync", &envelope, group).map(|scope| scope.record(&envelope.id).pk).ok();
        for group in ["sea#villa", "sea#villa#airbnb"] {
            assert_eq!(key(group).as_deref(), Some(group));
        }
        for group in ["", "sea", "sea#other", "other#villa", "other#villa#airbnb", "sea#villa#a#b", "SEA#villa"] {
            assert_eq!(key(group), None, "{group}");
        }
    }
}
