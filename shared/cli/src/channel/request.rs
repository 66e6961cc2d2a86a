//! The events that these commands post: pure, so that tests see them as SQS will.

use bellhop_events::catalogue::{CHANNEL_SYNC_REQUESTED, ChannelSyncRequested, SyncAction};
use bellhop_events::{EventId, Queue, Subject};
use bellhop_store::Scope;
use bellhop_worker::{Outgoing, Queues};
use jiff::Timestamp;

use crate::cloud::Cloud;
use crate::emit;
use crate::error::CliError;

/// A request to the channel of a scope, and its id. The version is epoch milliseconds; of a poll, feeds that were read
/// before it are read. `salt` keeps two requests of one millisecond apart.
pub fn sync(scope: &Scope, subject: &Subject, action: SyncAction, version: u64, salt: u64) -> (EventId, Outgoing) {
    let now = i64::try_from(version).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    let payload = ChannelSyncRequested { version, action };
    let text = [scope.group().to_string(), version.to_string(), salt.to_string()];
    let id = EventId::hashed('o', &[word(action), &text[0], &text[1], &text[2]]);
    (
        id.clone(),
        emit::event(Queue::Synchronization, scope, &CHANNEL_SYNC_REQUESTED, id, subject.clone(), &payload, now),
    )
}

/// The action as the command line calls it.
pub fn word(action: SyncAction) -> &'static str {
    match action {
        SyncAction::Changes => "sync",
        SyncAction::Everything => "sync --everything",
        SyncAction::Poll => "poll",
        SyncAction::Test => "test",
        SyncAction::Disable => "disable",
        SyncAction::Enable => "enable",
        // Only the timer asks so.
        SyncAction::Due => "due",
    }
}

/// Access to the queue that all of them go to.
pub async fn queue(cloud: &Cloud) -> Result<Queues, CliError> {
    emit::queue(cloud, Queue::Synchronization).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_events::Envelope;

    #[test]
    fn a_request_goes_into_the_group_of_its_channel_under_an_id_of_its_own() {
        let parse = "airbnb".parse().expect("an id");
        let scope = Scope::for_operator("channel-sync", "sea".parse().expect("an id"), "villa".parse().expect("an id"))
            .of_channel(&parse);
        let subject = "channel/airbnb".parse().expect("a subject");
        let now = 1_782_900_000_123;
        let (id, message) = sync(&scope, &subject, SyncAction::Everything, now, 7);
        let (other, _) = sync(&scope, &subject, SyncAction::Everything, now, 8);
        assert_ne!(id, other);
        assert_eq!(message.deduplication_id, id.as_str());
        insta::assert_snapshot!(format!("{} {} {}\n{}", message.queue.name(), message.group, message.subject, message.body), @r#"
        synchronization sea#villa#airbnb channel/airbnb
        {"specversion":"1.0","id":"odvcfdyjb6luep7cf6vnqbanlq7","source":"/bellhop/cli","type":"bellhop.channel.sync.requested.v1","subject":"channel/airbnb","time":"2026-07-01T10:00:00.123Z","tenant":"sea","property":"villa","data":{"action":"everything","version":1782900000123}}
        "#);
        let envelope = Envelope::decode(&message.body).expect("an envelope");
        bellhop_events::catalogue::route(&envelope, Queue::Synchronization).expect("a route");
        assert!(Scope::verified("channel-sync", &envelope, &message.group).is_ok());
    }
}
