//! Events that the command line posts itself: pure, so that tests see them as SQS will.

use bellhop_events::catalogue::{Entry, Payload};
use bellhop_events::{Envelope, EventId, Queue, Subject};
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
    let data = Envelope::data_of(payload);
    Outgoing::event(queue, group, &Envelope::own(SOURCE.to_owned(), group, id, entry.name, subject, now, data))
}

/// Access to a queue.
pub async fn queue(cloud: &Cloud, queue: Queue) -> Result<Queues, CliError> {
    let url = cloud.queue_url(queue, Side::Main).await?;
    Ok(Queues::new(cloud.sqs.clone(), [(queue, url)].into(), cloud.store.clone()))
}
