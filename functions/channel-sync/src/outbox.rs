//! Who hears of what was decided. Rebuilt from the stored state and this small outbox.

use bellhop_events::catalogue::{
    Block, CHANNEL_STATUS, CHANNEL_SYNC_REQUESTED, ChannelStatus, ChannelSyncRequested, Connection, DASHBOARD_LOOK,
    DashboardLook, Payload, SyncAction, UNIT_BLOCKED, UNIT_UNBLOCKED, WEBHOOK_REQUESTED, WebhookRequested,
};
use bellhop_events::{ChannelId, Envelope, Fault, Reason, Subject, UnitId};
use bellhop_store::channel::SyncState;
use bellhop_worker::FollowUp;
use serde::{Deserialize, Serialize};

/// What follow-ups cannot take from event and state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    /// Channels that are to look, or to be told.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelId>,
    /// This channel is to look again: action and version.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub again: Option<ChannelSyncRequested>,
    /// A person is told: reason and what was found.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub review: Option<(Reason, String)>,
    /// Subscribers are told how the channel fares.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ChannelStatus>,
    /// Blocks that a feed makes and lifts.
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<FeedBlock>,
}

/// A change of a feed's block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeedBlock {
    /// Whose nights.
    #[serde(rename = "u")]
    pub unit: UnitId,
    /// It is lifted.
    #[serde(rename = "l", default)]
    pub lifted: bool,
    /// The block.
    #[serde(rename = "b")]
    pub block: Block,
}

impl Outbox {
    /// Nobody hears.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// All follow-ups of an event; `channel` is the one whose group it came in.
pub fn rebuild(event: &Envelope, state: &SyncState, outbox: &Outbox) -> Vec<FollowUp> {
    let mut follow_ups: Vec<_> = outbox.channels.iter().map(|channel| to_channel(event, state, channel)).collect();
    if let (Some(again), Some(channel)) = (&outbox.again, event.channel()) {
        follow_ups.push(request(channel, again, false));
    }
    if let Some((reason, found)) = &outbox.review {
        follow_ups.push(FollowUp::Review(Fault::new(*reason, "").found(found).expected("a channel that takes it")));
    }
    if let Some(status) = &outbox.status {
        follow_ups.push(FollowUp::Event {
            event_type: WEBHOOK_REQUESTED.name,
            subject: event.subject.clone(),
            data: Envelope::data_of(&WebhookRequested::of(CHANNEL_STATUS.name, status)),
        });
    }
    let looks = outbox.status.as_ref().map(|status| FollowUp::Event {
        event_type: DASHBOARD_LOOK.name,
        subject: event.subject.clone(),
        data: Envelope::data_of(&DashboardLook::at(status.version)),
    });
    follow_ups.extend(outbox.blocks.iter().map(|FeedBlock { unit, lifted, block }| FollowUp::Event {
        event_type: if *lifted { UNIT_UNBLOCKED.name } else { UNIT_BLOCKED.name },
        subject: Subject::Unit(unit.clone()),
        data: Envelope::data_of(block),
    }));
    follow_ups.extend(looks);
    follow_ups
}

fn to_channel(event: &Envelope, state: &SyncState, channel: &ChannelId) -> FollowUp {
    if event.event_type == WEBHOOK_REQUESTED.name {
        return FollowUp::ToChannel {
            channel: channel.clone(),
            event_type: WEBHOOK_REQUESTED.name,
            subject: event.subject.clone(),
            data: event.data.clone(),
            gathers: false,
        };
    }
    match state {
        SyncState::Channel(config) => {
            let action = match config.connection {
                Connection::Calendar(_) => SyncAction::Poll,
                Connection::Ari(_) | Connection::Webhook(_) => SyncAction::Changes,
            };
            let version = match action {
                // Feeds that were fetched before this moment are fetched.
                SyncAction::Poll => u64::try_from(event.time.as_millisecond()).unwrap_or_default(),
                _ => config.version(),
            };
            request(channel, &ChannelSyncRequested { version, action }, false)
        }
        _ => request(channel, &ChannelSyncRequested { version: 0, action: SyncAction::Changes }, true),
    }
}

fn request(channel: &ChannelId, asked: &ChannelSyncRequested, gathers: bool) -> FollowUp {
    FollowUp::ToChannel {
        channel: channel.clone(),
        event_type: CHANNEL_SYNC_REQUESTED.name,
        subject: Subject::Channel(channel.clone()),
        data: Envelope::data_of(asked),
        gathers,
    }
}
