//! The SQS message group: order and parallelism are per group.

use std::fmt;
use std::str::FromStr;

use crate::{ChannelId, PropertyId, TenantId};

/// `tenant#property`, or `tenant#property#channel` for work towards one channel. At most 122 bytes, SQS allows 128
/// (Amazon SQS Developer Guide, "Amazon SQS message quotas").
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageGroup {
    /// Whose events these are.
    pub tenant: TenantId,
    /// Which property.
    pub property: PropertyId,
    /// Which channel, for channel work only.
    pub channel: Option<ChannelId>,
}

impl MessageGroup {
    /// The group of a property.
    #[must_use]
    pub fn new(tenant: TenantId, property: PropertyId) -> Self {
        Self { tenant, property, channel: None }
    }
}

impl fmt::Display for MessageGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.tenant, self.property)?;
        self.channel.iter().try_for_each(|channel| write!(f, "#{channel}"))
    }
}

impl FromStr for MessageGroup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split('#');
        let tenant = parts.next().unwrap_or_default().parse().map_err(|e| format!("tenant: {e}"))?;
        let property = parts.next().ok_or("expected tenant#property")?.parse().map_err(|e| format!("property: {e}"))?;
        let channel = parts.next().map(str::parse).transpose().map_err(|e| format!("channel: {e}"))?;
        match parts.next() {
            None => Ok(Self { tenant, property, channel }),
            Some(_) => Err("expected tenant#property or tenant#property#channel".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_reads_what_it_writes() {
        for text in ["a#b", "a#b#c", "sea-side#villa_1#booking-com"] {
            assert_eq!(text.parse::<MessageGroup>().map(|g| g.to_string()), Ok(text.to_owned()));
        }
        for bad in ["", "a", "a#", "#b", "a#b#", "a#b#c#d", "A#b", "a#b c"] {
            assert!(bad.parse::<MessageGroup>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_longest_group_fits_sqs() {
        let id = "a".repeat(40);
        let group: MessageGroup = format!("{id}#{id}#{id}").parse().expect("a valid group");
        assert!(group.to_string().len() <= 128);
    }
}
