//! Events that the command line posts itself: pure, so that tests see them as SQS will.

use bellhop_events::catalogue::{Entry, Payload};
use bellhop_events::{Envelope, EventId, Queue, SpecVersion, Subject};
use bellhop_store::Scope;
use bellhop_worker::{Outgoing, Queues};
use jiff::Timestamp;

use crate::cloud::{Cloud, Side};
use crate::error::CliError;

/// Who posts, as the envelope says it.
const SOURCE: &str = "/bellhop/cli";

/// An event in the message group of a scope.
pub fn event<T: Payload>(
    queue: Queue,
    scope: &Scope,
    entry: &Entry,
    id: EventId,
    subject: Subject,
    payload: &T,
    now: Timestamp,
) -> Outgoing {
    let group = scope.group();
    let envelope = Envelope {
        specversion: SpecVersion::V1,
        id,
        source: SOURCE.to_owned(),
        event_type: entry.name.to_owned(),
        subject,
        time: now,
        datacontenttype: None,
        dataschema: None,
        tenant: group.tenant.clone(),
        property: group.property.clone(),
        traceparent: None,
        causationid: None,
        sequence: None,
        data: Envelope::data_of(payload),
    };
    Outgoing {
        queue,
        group: group.to_string(),
        subject: envelope.subject.to_string(),
        // Not left to the content: that says when it was asked, but not by whom.
        deduplication_id: envelope.id.to_string(),
        body: envelope.to_body(),
        note: None,
    }
}

/// Access to a queue.
pub async fn queue(cloud: &Cloud, queue: Queue) -> Result<Queues, CliError> {
    let url = cloud.queue_url(queue, Side::Main).await?;
    Ok(Queues::new(cloud.sqs.clone(), [(queue, url)].into()))
}
