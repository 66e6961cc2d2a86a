//! Sending what follows: in batches across the Lambda batch, never two messages of one subject in one
//! `SendMessageBatch` (its first entry may fail while the second is accepted).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use bellhop_events::{Envelope, MessageGroup, Queue, QueueName, TenantId};
use bellhop_store::{Registration, Store};
use futures_util::future::join_all;

use crate::homes::Homes;

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// To which queue.
    pub queue: Queue,
    /// In which message group.
    pub group: String,
    /// The subject whose order counts.
    pub subject: String,
    /// SQS drops a second one within five minutes; its consumer drops any later one.
    pub deduplication_id: String,
    /// The body.
    pub body: String,
    /// The attribute `bellhop`, on the fallback queue.
    pub note: Option<String>,
}

impl Outgoing {
    /// An event: its id is its deduplication id, not its content, which says when it was said but not by whom.
    #[must_use]
    pub fn event(queue: Queue, group: &MessageGroup, event: &Envelope) -> Self {
        Self {
            queue,
            group: group.to_string(),
            subject: event.subject.to_string(),
            deduplication_id: event.id.to_string(),
            body: event.to_body(),
            note: None,
        }
    }

    fn size(&self) -> usize {
        self.body.len() + self.note.as_ref().map_or(0, String::len)
    }

    /// Whose silo it may have to go to; none: to a shared queue in any case.
    fn tenant(&self) -> Option<TenantId> {
        self.queue.is_in_silos().then(|| self.group.split('#').next()?.parse().ok()).flatten()
    }
}

/// The queues that a function may send to, and which of them are a tenant's own.
#[derive(Clone)]
pub struct Queues {
    client: aws_sdk_sqs::Client,
    urls: BTreeMap<Queue, String>,
    homes: Homes,
}

/// A queue, and whose silo it is in.
type Place = (Queue, Option<TenantId>);

/// SQS takes ten entries in a batch (Amazon SQS API Reference, `SendMessageBatch`).
const MOST_ENTRIES: usize = 10;
/// A batch stays below the limit of every emulator; one message may be larger and then goes alone.
const MOST_BYTES: usize = 240 * 1024;
/// Entries that SQS refuses for the moment are sent again at once, so often.
const ROUNDS: usize = 3;

impl Queues {
    /// Queues by the URLs of those that tenants share. Those of silos are beside them; the registry of the store says which tenants
    /// have one.
    #[must_use]
    pub fn new(client: aws_sdk_sqs::Client, urls: BTreeMap<Queue, String>, store: Store) -> Self {
        Self { client, urls, homes: Homes::new(store) }
    }

    /// What a read of a tenant's registration has shown: its messages cost no read of their own then.
    pub(crate) fn learn(&self, tenant: &TenantId, registration: Option<&Registration>) {
        self.homes.learn(tenant, registration);
    }

    /// Sends all; returns the positions of those that were not accepted, and of those behind them of the same subject.
    pub async fn send(&self, messages: &[Outgoing]) -> BTreeSet<usize> {
        let tenants: Vec<_> = messages.iter().map(Outgoing::tenant).collect();
        let silos = match self.homes.with_silo(tenants.iter().flatten()).await {
            Ok(silos) => silos,
            Err(error) => {
                tracing::warn!(%error, "registry-unread: nothing is sent as long as it is not known where to");
                return (0..messages.len()).collect();
            }
        };
        let mut by_place: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
        for (position, (message, tenant)) in messages.iter().zip(tenants).enumerate() {
            let place = (message.queue, tenant.filter(|tenant| silos.contains(tenant)));
            by_place.entry(place).or_default().push(position);
        }
        let sends = by_place.into_iter().map(|(place, positions)| self.send_to(place, positions, messages));
        Box::pin(join_all(sends)).await.into_iter().flatten().collect()
    }

    /// The address of a queue.
    fn url(&self, (queue, silo): &Place) -> Option<String> {
        let shared = self.urls.get(queue)?;
        match silo {
            None => Some(shared.clone()),
            Some(tenant) => {
                let own = QueueName::new(&QueueName::of_address(shared)?.prefix, *queue, Some(tenant));
                Some(own.beside(shared))
            }
        }
    }

    async fn send_to(&self, place: Place, positions: Vec<usize>, messages: &[Outgoing]) -> BTreeSet<usize> {
        let (queue, url) = (place.0, self.url(&place));
        let mut failed: BTreeSet<usize> = BTreeSet::new();
        for wave in waves(&positions, messages) {
            let subject = |position: usize| (&messages[position].group, &messages[position].subject);
            let broken: BTreeSet<_> = failed.iter().map(|position| subject(*position)).collect();
            let (skipped, sent): (Vec<_>, Vec<_>) = wave.into_iter().partition(|p| broken.contains(&subject(*p)));
            let batches = chunks(&sent, messages)
                .into_iter()
                .map(|chunk| self.send_batch(queue, url.as_deref(), chunk, messages));
            let refused = Box::pin(join_all(batches)).await;
            failed.extend(skipped);
            failed.extend(refused.into_iter().flatten());
        }
        failed
    }

    async fn send_batch(
        &self,
        queue: Queue,
        url: Option<&str>,
        mut positions: Vec<usize>,
        messages: &[Outgoing],
    ) -> Vec<usize> {
        let Some(url) = url else {
            tracing::error!(
                queue = queue.name(),
                "queue-unknown: the function has no URL of this queue; add it in the template"
            );
            return positions;
        };
        for _ in 0..ROUNDS {
            let trace = sampled(std::env::var("_X_AMZN_TRACE_ID").ok());
            let entry = |position: &usize| entry(*position, &messages[*position], trace.as_deref());
            let entries: Result<Vec<_>, _> = positions.iter().map(entry).collect();
            let Ok(entries) = entries else { return positions };
            match self.client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await {
                Ok(answer) => {
                    let refused =
                        answer.failed().iter().filter_map(|entry| entry.id().parse().ok()).collect::<Vec<usize>>();
                    if let Some(first) = answer.failed().first() {
                        tracing::warn!(
                            queue = queue.name(),
                            refused = refused.len(),
                            code = first.code(),
                            "send-refused"
                        );
                    }
                    positions = refused;
                }
                Err(error) => {
                    let code = aws_sdk_sqs::error::ProvideErrorMetadata::code(&error).unwrap_or("no answer");
                    tracing::warn!(queue = queue.name(), code, "send-failed");
                    return positions;
                }
            }
            if positions.is_empty() {
                break;
            }
        }
        positions
    }

    /// Makes messages visible again after their delays. What fails stays invisible until its time-out: later, not lost.
    pub(crate) async fn delay(&self, queue: Queue, silo: Option<&TenantId>, receipts: &[(String, u64)]) {
        let Some(url) = self.url(&(queue, silo.cloned())) else { return };
        for chunk in receipts.chunks(MOST_ENTRIES) {
            let entries: Result<Vec<_>, _> = chunk
                .iter()
                .enumerate()
                .map(|(n, (receipt, seconds))| {
                    ChangeMessageVisibilityBatchRequestEntry::builder()
                        .id(n.to_string())
                        .receipt_handle(receipt)
                        .visibility_timeout(i32::try_from(*seconds).unwrap_or(43_200))
                        .build()
                })
                .collect();
            let Ok(entries) = entries else { continue };
            let call = self.client.change_message_visibility_batch().queue_url(&url).set_entries(Some(entries));
            if let Err(error) = call.send().await {
                let code = aws_sdk_sqs::error::ProvideErrorMetadata::code(&error).unwrap_or("no answer");
                tracing::warn!(queue = queue.name(), code, "delay-failed");
            }
        }
    }
}

/// The invocation's place in X-Ray, if it is traced: what its messages cause belongs to the same trace. The runtime puts it into the
/// environment (AWS Lambda Developer Guide, "Defined runtime environment variables").
fn sampled(header: Option<String>) -> Option<String> {
    header.filter(|header| header.split(';').any(|field| field == "Sampled=1"))
}

fn entry(
    position: usize,
    message: &Outgoing,
    trace: Option<&str>,
) -> Result<SendMessageBatchRequestEntry, aws_sdk_sqs::error::BuildError> {
    let entry = SendMessageBatchRequestEntry::builder()
        .id(position.to_string())
        .message_group_id(&message.group)
        .message_deduplication_id(&message.deduplication_id)
        .message_body(acceptable(&message.body));
    let entry = match &message.note {
        Some(note) => {
            let note = MessageAttributeValue::builder().data_type("String").string_value(acceptable(note)).build()?;
            entry.message_attributes("bellhop", note)
        }
        None => entry,
    };
    // Counts neither as an attribute nor in size (Amazon SQS Developer Guide, "Message system attributes").
    let entry = match trace {
        Some(trace) => {
            let trace = MessageSystemAttributeValue::builder().data_type("String").string_value(trace).build()?;
            entry.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, trace)
        }
        None => entry,
    };
    entry.build()
}

/// SQS refuses U+FFFE and U+FFFF (Amazon SQS API Reference, `SendMessage`); JSON may say them by an escape. They reach
/// us as escapes too: an original body cannot hold them.
fn acceptable(json: &str) -> Cow<'_, str> {
    if json.contains(['\u{FFFE}', '\u{FFFF}']) {
        Cow::Owned(json.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff"))
    } else {
        Cow::Borrowed(json)
    }
}

/// Splits positions so that each wave has a subject at most once, in order.
fn waves(positions: &[usize], messages: &[Outgoing]) -> Vec<Vec<usize>> {
    let mut waves: Vec<Vec<usize>> = Vec::new();
    let mut sent: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for &position in positions {
        let message = &messages[position];
        let wave = sent.entry((&message.group, &message.subject)).and_modify(|wave| *wave += 1).or_insert(0);
        if waves.len() <= *wave {
            waves.push(Vec::new());
        }
        waves[*wave].push(position);
    }
    waves
}

fn chunks(positions: &[usize], messages: &[Outgoing]) -> Vec<Vec<usize>> {
    let mut chunks: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for &position in positions {
        let size = messages[position].size();
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < MOST_ENTRIES && bytes + size <= MOST_BYTES => {
                chunk.push(position);
                bytes += size;
            }
            _ => {
                chunks.push(vec![position]);
                bytes = size;
            }
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(subject: u8, size: usize) -> Outgoing {
        Outgoing {
            queue: Queue::Automation,
            group: "a#b".into(),
            subject: subject.to_string(),
            deduplication_id: String::new(),
            body: "x".repeat(size),
            note: None,
        }
    }

    #[test]
    fn what_a_traced_invocation_sends_is_of_its_trace() {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let trace = sampled(Some(header.to_owned()));
        let entry = entry(0, &message(1, 10), trace.as_deref()).expect("an entry");
        let sent = entry.message_system_attributes().and_then(|all| all.values().next()?.string_value());
        assert_eq!(sent, Some(header));
        assert_eq!(sampled(Some(header.replace("Sampled=1", "Sampled=0"))), None);
        assert_eq!(sampled(None), None);
    }

    #[test]
    fn what_sqs_refuses_is_escaped_and_means_the_same() {
        let json = serde_json::to_string("a\u{FFFF}b\u{FFFE}ä").expect("json");
        assert!(acceptable(&json).is_ascii() || !acceptable(&json).contains(['\u{FFFE}', '\u{FFFF}']));
        assert_eq!(serde_json::from_str::<String>(&acceptable(&json)).expect("json"), "a\u{FFFF}b\u{FFFE}ä");
    }

    proptest! {
        #[test]
        fn a_batch_never_holds_a_subject_twice_and_keeps_its_order(subjects in prop::collection::vec(0..6u8, 0..60)) {
            let messages: Vec<_> = subjects.iter().map(|s| message(*s, 10)).collect();
            let positions: Vec<_> = (0..messages.len()).collect();
            let mut order: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            let mut count = 0;
            for wave in waves(&positions, &messages) {
                for chunk in chunks(&wave, &messages) {
                    let distinct: BTreeSet<_> = chunk.iter().map(|p| &messages[*p].subject).collect();
                    prop_assert_eq!(distinct.len(), chunk.len());
                    prop_assert!(chunk.len() <= MOST_ENTRIES);
                    count += chunk.len();
                    for p in chunk { order.entry(&messages[p].subject).or_default().push(p); }
                }
            }
            prop_assert_eq!(count, messages.len());
            prop_assert!(order.values().all(|positions| positions.is_sorted()));
        }

        #[test]
        fn a_batch_is_bounded_in_bytes(sizes in prop::collection::vec(1..300_000usize, 0..20)) {
            let messages: Vec<_> = sizes.iter().enumerate().map(|(n, size)| message(u8::try_from(n).unwrap_or(0), *size)).collect();
            let positions: Vec<_> = (0..messages.len()).collect();
            for chunk in chunks(&positions, &messages) {
                let bytes: usize = chunk.iter().map(|p| messages[*p].size()).sum();
                prop_assert!(bytes <= MOST_BYTES || chunk.len() == 1);
            }
        }
    }
}
