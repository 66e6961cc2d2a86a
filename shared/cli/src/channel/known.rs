//! Which channels a property has.

use std::collections::BTreeMap;

use bellhop_events::ChannelId;
use bellhop_events::catalogue::Channel;
use bellhop_views::channels::{Row, channels, kind};

use super::Place;
use crate::cloud::Cloud;
use crate::error::CliError;

/// The channel of a place, or an error that names those that there are.
pub async fn channel(cloud: &Cloud, place: &Place) -> Result<Channel, CliError> {
    find(place, channels(&cloud.store, &place.of_property()).await?)
}

fn find(place: &Place, mut channels: BTreeMap<ChannelId, Channel>) -> Result<Channel, CliError> {
    channels.remove(&place.channel).ok_or_else(|| {
        let group = place.of_property();
        let group = group.group();
        let known: Vec<_> = channels.keys().map(ChannelId::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        CliError::refused(
            "channel-unknown",
            format_args!("{group} has no channel {}; it has {known}", place.channel),
            "Name one of these, or register it by posting pms.channel.upserted.v1.",
        )
    })
}

/// Refuses a command that is only for channels of other kinds.
pub fn must_be(place: &Place, channel: &Channel, wanted: &[&str]) -> Result<(), CliError> {
    if wanted.contains(&kind(channel)) {
        return Ok(());
    }
    let wanted = wanted.join(" or ");
    Err(CliError::refused(
        "channel-kind",
        format_args!("channel {} is of the kind {}, and this is for the kind {wanted}", place.channel, kind(channel)),
        "See the kinds with: bellhop channel list TENANT PROPERTY.",
    ))
}

/// Refuses a command that would come to nothing.
pub fn must_be_on(row: &Row) -> Result<(), CliError> {
    if row.is_on() {
        return Ok(());
    }
    Err(CliError::refused(
        "channel-off",
        format_args!("channel {} is {}: it is told nothing", row.channel, row.state()),
        "Switch it on in the PMS, or: bellhop channel enable TENANT PROPERTY CHANNEL.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;

    fn place(channel: &str) -> Place {
        let [tenant, property] = ["sea", "villa"];
        Place {
            tenant: tenant.parse().expect("an id"),
            property: property.parse().expect("an id"),
            channel: channel.parse().expect("an id"),
        }
    }

    #[test]
    fn an_unknown_channel_is_refused_with_those_that_there_are() {
        let channel: Channel = serde_json::from_str(r#"{"version":1,"kind":"calendar"}"#).expect("a channel");
        let channels: BTreeMap<ChannelId, _> =
            ["airbnb", "vrbo"].map(|id| (id.parse().expect("an id"), channel.clone())).into();
        assert_eq!(find(&place("vrbo"), channels.clone()).ok(), Some(channel.clone()));
        let error = find(&place("airbmb"), channels).expect_err("refused");
        assert_eq!((error.code, error.exit), ("channel-unknown", Exit::Refused));
        assert_eq!(error.message, "sea#villa has no channel airbmb; it has airbnb, vrbo");
        let error = find(&place("airbnb"), BTreeMap::new()).expect_err("refused");
        assert_eq!(error.message, "sea#villa has no channel airbnb; it has none");
        assert!(must_be(&place("vrbo"), &channel, &["calendar"]).is_ok());
        assert_eq!(must_be(&place("vrbo"), &channel, &["ari", "webhook"]).map_err(|e| e.code), Err("channel-kind"));
    }
}
